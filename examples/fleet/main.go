// Command fleet runs a fleet as one finds it in a data centre, and kills its
// processes: three consumers whose tokens are good for one request, three
// producers that share a memory of them, and a cache before the key set.
//
//	go run . -seed 7 -for 60s -store redis
//
// It succeeds only if no token was admitted twice, and nothing was refused but
// with 503 while the store was down.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

// run is the fleet, or one process of it: the program starts itself again with
// a role and its settings.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 2 {
		switch args[0] {
		case "producer":
			return play(ctx, args[1], new(producer))
		case "consumer":
			return play(ctx, args[1], new(consumer))
		}
	}
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	seed := flags.Uint64("seed", rand.Uint64N(1e6), "of the random kills and deliveries")
	duration := flags.Duration("for", time.Minute, "how long the fleet is under load")
	store := flags.String("store", "redis", "where producers remember one-use tokens: redis, postgres, or memory, which forgets")
	maxAge := flags.Duration("emergency", 0, "measure instead how long a leaked key lives behind a cache, with key sets of this max-age")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *maxAge > 0 {
		return measureEmergency(ctx, *maxAge, out)
	}
	if *duration < shortest {
		return fmt.Errorf("-for is less than %v: too short for a rotation", shortest)
	}
	fmt.Fprintf(out, "seed %d, %s, %v\n", *seed, *store, *duration)
	f, err := newFleet(*store, *seed, out)
	if err != nil {
		return err
	}
	return f.run(ctx, *duration)
}

// A role is what a process of the fleet does, until it is killed. Its fields
// are its settings.
type role interface {
	play(ctx context.Context) error
}

func play(ctx context.Context, settings string, r role) error {
	if err := json.NewDecoder(strings.NewReader(settings)).Decode(r); err != nil {
		return err
	}
	return r.play(ctx)
}

// profile is what a token of the fleet says. It outlives the run, so that a
// token that comes again is refused because it was used, not because it is old.
func profile() tokenprofile.Profile {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
		Subject:   "financial-operations",
		Lifetime:  time.Hour,
		OneUse:    true,
		NewestKey: true,
	}
}
