// Soak lets a consumer call three producers over TLS for a given time, while
// the consumer's keystore is replaced again and again and a fifth of the key
// set's answers are broken. No request may fail, memory must not grow, and
// there must be as many goroutines and open files at the end as at the
// beginning.
//
//	go run ./examples/soak -for 15m
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	length := flag.Duration("for", 15*time.Minute, "how long to go on")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *length); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// run runs it all and says what came of it.
func run(ctx context.Context, out io.Writer, length time.Duration) error {
	before := inUse()
	s, err := start()
	if err != nil {
		return err
	}
	heap := s.load(ctx, out, length)
	err = s.stop()
	after := settled(before)
	fmt.Fprintf(out, "%d requests, %d failed; %d keys signed; %d key sets asked for, %d answers broken\n",
		s.requests.Load(), s.failed.Load(), len(s.kids), s.asked.Load(), s.broken.Load())
	fmt.Fprintf(out, "heap %d KiB at the least, %d KiB in the end; before and after: %s, %s\n", heap.least>>10, heap.last>>10, before, after)
	switch {
	case err != nil:
		return err
	case s.first.Load() != nil:
		return fmt.Errorf("%d requests failed, the first fault: %w", s.failed.Load(), *s.first.Load())
	case s.requests.Load() == 0 || s.broken.Load() == 0 || len(s.kids) < 2:
		return fmt.Errorf("too short to show anything")
	case heap.grew():
		return fmt.Errorf("the heap grew from %d to %d KiB", heap.least>>10, heap.last>>10)
	case after.more(before):
		return fmt.Errorf("%s are left of %s", after, before)
	}
	return nil
}
