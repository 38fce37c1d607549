// Inspect shows what is in a keystore: JKS, JCEKS, PKCS #12, PEM, DER, JWK or
// JWK Set, plain or encrypted, told from its content.
//
//	go run ./examples/inspect [-password env:NAME | file:PATH | pass:TEXT] [-json] FILE
//
// Without a password it shows what can be read without one. For a store with
// several private keys it says which one would sign, and why.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "inspect:", oneLine(err.Error()))
		os.Exit(1)
	}
}

const usage = "usage: inspect [-password env:NAME | file:PATH | pass:TEXT] [-keypass [ALIAS=]env:NAME | ...] [-json] FILE"

func run(args []string, out io.Writer) error {
	file := keystore.File{AllowUnverified: true, KeyPasswords: map[string]keystore.Password{}}
	flags := flag.NewFlagSet("inspect", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	asJSON := flags.Bool("json", false, "")
	var sources, keySources []string // read later: package flag would print a wrong value
	flags.Func("password", "", func(source string) error { sources = append(sources, source); return nil })
	flags.Func("keypass", "", func(source string) error { keySources = append(keySources, source); return nil })
	paths, err := parse(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(out, usage)
		return nil
	case err != nil:
		return fmt.Errorf("%w; %s", err, usage)
	case len(paths) != 1:
		return errors.New(usage)
	}
	file.Path = paths[0]
	for _, source := range sources {
		if file.Password, err = password(source); err != nil {
			return fmt.Errorf("-password: %w", err)
		}
	}
	for _, source := range keySources {
		if err := keyPassword(&file, source); err != nil {
			return fmt.Errorf("-keypass: %w", err)
		}
	}
	store, err := file.Open()
	if err != nil {
		return explain(err)
	}
	if *asJSON {
		return writeJSON(out, store)
	}
	return writeText(out, file.Path, store)
}

// parse lets flags stand after the file too.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		args = flags.Args()
		if len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	return rest, nil
}

// password reads where a password comes from, as openssl writes it.
func password(source string) (keystore.Password, error) {
	kind, value, _ := strings.Cut(source, ":")
	switch kind {
	case "env":
		return keystore.EnvPassword(value), nil
	case "file":
		return keystore.FilePassword(value), nil
	case "pass":
		return keystore.StaticPassword(value), nil
	}
	return nil, errors.New("want env:NAME, file:PATH or pass:TEXT")
}

// keyPassword takes the password of one alias, or of all keys.
func keyPassword(file *keystore.File, source string) error {
	alias, rest, named := strings.Cut(source, "=")
	if p, err := password(rest); named && err == nil {
		file.KeyPasswords[alias] = p
		return nil
	}
	p, err := password(source)
	file.KeyPassword = p
	return err
}

// explain says what to do about an error.
func explain(err error) error {
	switch {
	case errors.Is(err, keystore.ErrPasswordRequired):
		return fmt.Errorf("%w; give it with -password env:NAME, file:PATH or pass:TEXT", err)
	case errors.Is(err, keystore.ErrUnknownFormat):
		return fmt.Errorf("%w; JKS, JCEKS, PKCS #12, PEM, DER, JWK and JWK Set are known", err)
	}
	return err
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
