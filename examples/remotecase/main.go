// Remotecase is a case of one application worked on by the people of another.
// Financial operations is the consumer: its users work on the cases of Loan
// requests, the producer. Both are HTTPS servers, with keystores that keytool
// made; what else there is to say stands in documents, and nobody has written
// code to make a JWT.
//
//	go run ./examples/remotecase          tells the story, step by step
//	go run ./examples/remotecase -serve   keeps both up, with a page to work at
//
// The story needs no network, and exits with status 0 only if all it tells has
// happened.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	serve := flag.Bool("serve", false, "keep both systems up, with a page of the consumer's")
	page := flag.String("page", "localhost:8080", "where the page is, with -serve; it has no password, so keep it on this machine")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *serve, *page); err != nil {
		fmt.Fprintln(os.Stderr, "remotecase:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, serve bool, page string) error {
	folder, err := os.MkdirTemp("", "remotecase-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	s, err := start(folder)
	if err != nil {
		return err
	}
	defer s.stop()
	if serve {
		return servePage(ctx, out, s, page)
	}
	return tell(ctx, out, s)
}
