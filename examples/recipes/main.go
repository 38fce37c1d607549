// Recipes are the token profiles of systems that you cannot change: the tokens
// they want from their callers, and the tokens they send. Each is one short
// file, made to be copied.
//
//	go run ./examples/recipes          lists them
//	go run ./examples/recipes NAME     shows what one writes, or demands
//
// The facts come from the vendors' documentation, which each recipe names
// together with what it gives up. What is given up is in [tokenprofile.Waive].
package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// The recipes that a document can say, for those who configure a service by files.
//
//go:embed profiles
var documents embed.FS

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "recipes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	switch len(args) {
	case 0:
		list(out)
		return nil
	case 1:
		return example(ctx, out, args[0])
	}
	return errors.New("usage: recipes [NAME]")
}

func list(out io.Writer) {
	for _, part := range []struct {
		heading string
		recipes []recipe
	}{
		{"Tokens that receivers prescribe", receivers},
		{"Tokens that senders send", senders},
		{"Exchanges", exchanges},
	} {
		fmt.Fprintln(out, part.heading)
		for _, r := range part.recipes {
			fmt.Fprintf(out, "  %-20s %s\n", r.name, r.line)
		}
	}
}

func example(ctx context.Context, out io.Writer, name string) error {
	all := slices.Concat(receivers, senders, exchanges)
	i := slices.IndexFunc(all, func(r recipe) bool { return r.name == name })
	if i < 0 {
		return fmt.Errorf("there is no recipe %q: without a name, all are listed", name)
	}
	k, err := throwAway(all[i].algorithm)
	if err != nil {
		return err
	}
	return show(ctx, out, all[i], k)
}

func show(ctx context.Context, out io.Writer, r recipe, k keys) error {
	fmt.Fprintf(out, "%s (%s.go)\n", r.line, r.name)
	if r.make == nil {
		return nil
	}
	end, err := r.make(k)
	if err != nil {
		return err
	}
	if signer, ok := end.(*tokenprofile.Signer); ok {
		if err := showToken(ctx, out, signer, r.claims); err != nil {
			return err
		}
	}
	return showDocument(out, r.name)
}

// showToken signs a token and shows its header and claims. The key served for
// this alone, so that the token may be seen.
func showToken(ctx context.Context, out io.Writer, signer *tokenprofile.Signer, claims any) error {
	token, err := signer.Sign(ctx, claims)
	if err != nil {
		return err
	}
	header, payload, err := tokenprofile.Peek(token)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		text json.RawMessage
	}{{"header", header}, {"claims", payload}} {
		var indented bytes.Buffer
		if err := json.Indent(&indented, part.text, "", "  "); err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s\n%s\n", part.name, &indented)
	}
	return nil
}

// showDocument shows the recipe as a profile document, if one can say it.
func showDocument(out io.Writer, name string) error {
	document, err := documents.ReadFile("profiles/" + name + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		document, err = []byte("none: what a function yields, no document can say\n"), nil
	}
	fmt.Fprintf(out, "\nprofile document\n%s", document)
	return err
}
