package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// An invocation is a command with what it was given.
type invocation struct {
	flags     *flag.FlagSet
	args      []string
	in        io.Reader
	out, errs io.Writer
	json      bool
	file      keystore.File // with the passwords given
	faults    []error       // of flags; package flag would print a password that is mistyped
}

func newInvocation(c command, args []string, in io.Reader, out, errs io.Writer) *invocation {
	i := &invocation{flags: flag.NewFlagSet(c.name, flag.ContinueOnError), args: args, in: in, out: out, errs: errs}
	i.flags.SetOutput(io.Discard)
	i.flags.BoolVar(&i.json, "json", false, "")
	return i
}

// withPasswords adds the flags of a keystore's passwords.
func (i *invocation) withPasswords() {
	i.file.KeyPasswords = map[string]keystore.Password{}
	i.flags.Func("password", "", func(source string) error {
		var err error
		i.file.Password, err = i.password(source)
		i.note("-password", err)
		return nil
	})
	i.flags.Func("keypass", "", func(source string) error { i.note("-keypass", i.keyPassword(source)); return nil })
}

func (i *invocation) note(flag string, err error) {
	if err != nil {
		i.faults = append(i.faults, fmt.Errorf("%s: %w", flag, err))
	}
}

// parse reads the flags, which may stand behind the arguments too, and returns
// the arguments: as many as there are names, or more if the last ends in "...".
func (i *invocation) parse(names ...string) ([]string, error) {
	var rest []string
	for args := i.args; len(args) > 0; {
		if err := i.flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if args = i.flags.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	many := strings.HasSuffix(names[len(names)-1], "...")
	switch {
	case len(i.faults) > 0:
		return nil, fmt.Errorf("%w: %w", errUsage, errors.Join(i.faults...))
	case len(rest) < len(names):
		return nil, fmt.Errorf("%w: %s is missing", errUsage, strings.TrimSuffix(names[len(rest)], "..."))
	case len(rest) > len(names) && !many:
		return nil, fmt.Errorf("%w: one argument too many", errUsage)
	}
	return rest, nil
}

// password reads where a password comes from, as openssl writes it.
func (i *invocation) password(source string) (keystore.Password, error) {
	kind, value, _ := strings.Cut(source, ":")
	switch kind {
	case "env":
		return keystore.EnvPassword(value), nil
	case "file":
		return keystore.FilePassword(value), nil
	case "pass":
		fmt.Fprintln(i.errs, "warning: everybody on this machine can read a password among the arguments; env:NAME and file:PATH are safer")
		return keystore.StaticPassword(value), nil
	}
	return nil, errors.New("want env:NAME, file:PATH or pass:TEXT")
}

// keyPassword takes the password of one alias, or of all keys.
func (i *invocation) keyPassword(source string) error {
	alias, rest, named := strings.Cut(source, "=")
	if p, err := i.password(rest); named && err == nil {
		i.file.KeyPasswords[alias] = p
		return nil
	}
	p, err := i.password(source)
	i.file.KeyPassword = p
	return err
}

// open opens the keystore at the path.
func (i *invocation) open(path string) (*keystore.Store, error) {
	i.file.Path = path
	store, err := i.file.Open()
	if errors.Is(err, keystore.ErrPasswordRequired) {
		return nil, fmt.Errorf("%w; give it with -password env:NAME, file:PATH or pass:TEXT", err)
	}
	return store, err
}

// maxInput is how much is read from standard input, in bytes.
const maxInput = 1 << 20

// text is an argument, or standard input where it is "-".
func (i *invocation) text(argument string) (string, error) {
	if argument != "-" {
		return argument, nil
	}
	data, err := io.ReadAll(io.LimitReader(i.in, maxInput+1))
	if err == nil && len(data) > maxInput {
		err = fmt.Errorf("standard input has more than %d bytes", maxInput)
	}
	return strings.TrimSpace(string(data)), err
}

func (i *invocation) profile(path string) (tokenprofile.Profile, error) {
	if path != "-" {
		return tokenprofile.Load(path)
	}
	document, err := i.text(path)
	if err != nil {
		return tokenprofile.Profile{}, err
	}
	return tokenprofile.Parse([]byte(document))
}

// document is the content of a file, or standard input where the path is "-".
func (i *invocation) document(path string) ([]byte, error) {
	if path != "-" {
		return os.ReadFile(path)
	}
	text, err := i.text(path)
	return []byte(text), err
}

// claims reads what -claims was given: JSON, or @FILE.
func claims(argument string) (any, error) {
	if argument == "" {
		return nil, nil
	}
	data := []byte(argument)
	if path, isFile := strings.CutPrefix(argument, "@"); isFile {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var given map[string]any
	if err := d.Decode(&given); err != nil {
		return nil, fmt.Errorf("%w: -claims is not a JSON object", errUsage)
	}
	return given, nil
}

// printJSON prints for programs.
func (i *invocation) printJSON(value any) error {
	e := json.NewEncoder(i.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}
