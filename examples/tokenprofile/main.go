// Tokenprofile is what an operator has at three in the morning: it looks into
// keystores, profiles, tokens and key sets, makes keys and rotates them, and
// serves a key set.
//
//	go install github.com/tokenprofile/tokenprofile-go/examples/tokenprofile@latest
//	tokenprofile help
//
// It exits with 0 if all is well, with 1 if what it was asked to look at is not
// (a token that is refused, a profile with faults, a store that does not open),
// and with 2 if it does not understand the question.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// A command is one thing the program does.
type command struct {
	name, usage, about string
	run                func(*invocation) error
}

var commands = []command{
	{"inspect", "[-password P] [-keypass [ALIAS=]P] [-json] FILE", "what is in a keystore, and which key would sign", inspect},
	{"lint", "[-use NAME,...] [-json] PROFILE...", "every fault of a token or an authentication profile, and what it gives up; -use names a program's own kinds of use", lint},
	{"preview", "[-claims JSON] PROFILE", "the header and the claims that a profile writes", preview},
	{"sign", "-keystore FILE [-password P] [-claims JSON] PROFILE", "a token of a profile", sign},
	{"verify", "(-url URL | -keys FILE [-password P]) [-json] PROFILE TOKEN", "whether a token is right, or why not", verify},
	{"decode", "[-json] TOKEN", "what a token says; nobody verifies it", decode},
	{"jwks", "(-url URL | [-password P] FILE) [-json]", "the keys of a set or a store, and what is odd in it", keySet},
	{"generate", "[-algorithm A] [-subject DN] [-days N] -password P FILE ALIAS", "a new keystore with a new key", generate},
	{"rotate", "-password P [-before D] [-lead D] [-life D] [-keep D] [-algorithm A] [-subject DN] FILE", "a new key beside the old one, which signs later", rotate},
	{"serve", "[-address A] [-algorithm A] [-issuer URL] [-password P] FILE", "the key set, metadata and status of a keystore", serve},
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// errUsage is behind every error that makes the program exit with 2.
var errUsage = errors.New("usage")

func run(args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		help(out)
		return 0
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		i := newInvocation(c, args[1:], in, out, errs)
		err := c.run(i)
		switch {
		case err == nil:
			return 0
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprintf(out, "usage: tokenprofile %s %s\n\n%s.\n", c.name, c.usage, capital(c.about))
			return 0
		case errors.Is(err, errUsage):
			fmt.Fprintf(errs, "tokenprofile %s: %s; usage: tokenprofile %[1]s %[3]s\n", c.name, oneLine(strings.TrimPrefix(err.Error(), "usage: ")), c.usage)
			return 2
		}
		fmt.Fprintf(errs, "tokenprofile %s: %s\n", c.name, oneLine(err.Error()))
		return 1
	}
	fmt.Fprintf(errs, "tokenprofile: there is no command %q; see tokenprofile help\n", args[0])
	return 2
}

func help(out io.Writer) {
	fmt.Fprint(out, "tokenprofile looks into keystores, profiles, tokens and key sets.\n\n")
	for _, c := range commands {
		fmt.Fprintf(out, "  tokenprofile %s %s\n      %s\n", c.name, c.usage, c.about)
	}
	fmt.Fprint(out, `
A password P is env:NAME, file:PATH or pass:TEXT. A TOKEN or a PROFILE that is
"-" is read from standard input. -json prints for programs.
Exit status: 0 all is well, 1 it is not, 2 the question was not understood.
`)
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
