package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// shortest is a run with one rotation, whose new key signs for a while.
const shortest = lead + 4*time.Second

// size is how many consumers there are, and how many producers.
const size = 3

// A fleet is all processes, and what they write.
type fleet struct {
	dir        string
	random     *rand.Rand
	out        io.Writer
	store      *process // nil: memory
	cache      *process
	consumers  []*process
	producers  []*process
	addresses  []string // of the producers
	deliveries deliveries
	rotations  int // that have come to their end
}

func newFleet(store string, seed uint64, out io.Writer) (*fleet, error) {
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		return nil, err
	}
	f := &fleet{dir: dir, random: rand.New(rand.NewPCG(seed, 0)), out: out}
	if err := f.build(store); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return f, nil
}

// build says what the processes are, and starts none.
func (f *fleet) build(store string) (err error) {
	// PostgreSQL runs as another user, who has to reach its own folder.
	if err := os.Chmod(f.dir, 0o711); err != nil {
		return err
	}
	addresses, err := freeAddresses(2*size + 1)
	if err != nil {
		return err
	}
	cache, publishers := addresses[0], addresses[1:size+1]
	f.addresses = addresses[size+1:]
	switch store {
	case "redis":
		f.store = redisServer(f.dir)
	case "postgres":
		f.store, err = postgresServer(f.dir)
	case "memory":
	default:
		err = fmt.Errorf("no store is called %q: want redis, postgres or memory", store)
	}
	if err != nil {
		return err
	}
	f.deliveries.master = filepath.Join(f.dir, "keystore.p12")
	for i := range size {
		f.producers = append(f.producers, again("producer", i+1, f.addresses[i], f.dir, producer{
			Address: f.addresses[i], KeySet: "http://" + cache + "/jwks.json", Store: store, Dir: f.dir, Ledger: f.ledger(i),
		}))
		c := consumer{
			Address: publishers[i], Keystore: f.path("consumer", i, "p12"), Producers: f.addresses,
			Tokens: f.path("consumer", i, "tokens"), Journal: f.journal(i),
		}
		f.consumers = append(f.consumers, again("consumer", i+1, publishers[i], f.dir, c))
		f.deliveries.paths = append(f.deliveries.paths, c.Keystore)
	}
	f.cache, err = nginx(f.dir, cache, publishers)
	return err
}

func (f *fleet) path(role string, i int, ending string) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s-%d.%s", role, i+1, ending))
}

func (f *fleet) ledger(i int) string  { return f.path("producer", i, "ledger") }
func (f *fleet) journal(i int) string { return f.path("consumer", i, "journal") }

// kinds are the processes, those that do the same together, in the order in
// which they start.
func (f *fleet) kinds() [][]*process {
	kinds := [][]*process{{f.cache}, f.consumers, f.producers}
	if f.store != nil {
		kinds = append([][]*process{{f.store}}, kinds...)
	}
	return kinds
}

// run puts the fleet under load, kills, and tells what came of it. The folder
// stays if something went wrong.
func (f *fleet) run(ctx context.Context, duration time.Duration) error {
	err := f.load(ctx, duration)
	// Consumers first: from then on nobody is refused anything.
	for _, p := range slices.Concat(f.consumers, f.producers, []*process{f.cache, f.store}) {
		err = errors.Join(err, p.kill())
	}
	if err == nil {
		err = f.conclude()
	}
	if err != nil {
		return fmt.Errorf("%w\nwhat the processes wrote is in %s", err, f.dir)
	}
	return os.RemoveAll(f.dir)
}

func (f *fleet) conclude() error {
	report, err := newReport(f)
	if err != nil {
		return err
	}
	report.print()
	return report.verdict()
}

// load returns when the time is over and every process that was killed is back.
func (f *fleet) load(ctx context.Context, duration time.Duration) error {
	if err := f.deliveries.first(); err != nil {
		return err
	}
	for _, kind := range f.kinds() {
		for _, p := range kind {
			if err := p.start(ctx); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	begin := time.Now()
	for _, k := range f.plan(duration) {
		group.Go(func() {
			if sleep(ctx, time.Until(begin.Add(k.at))) != nil {
				return
			}
			fmt.Fprintf(f.out, "%6.1f s  kill -9 %s\n", k.at.Seconds(), k.victim.name)
			if err := k.victim.restart(ctx, k.pause); err != nil {
				cancel(err)
			}
		})
	}
	group.Go(func() {
		for last := begin.Add(duration - lead - 2*time.Second); time.Now().Before(last); f.rotations++ {
			if err := f.deliveries.rotate(ctx, f.random); err != nil {
				cancel(err)
				return
			}
		}
	})
	sleep(ctx, time.Until(begin.Add(duration)))
	group.Wait()
	return context.Cause(ctx)
}

// A killing is when a process dies, and for how long.
type killing struct {
	victim    *process
	at, pause time.Duration
}

// plan draws the killings: of each kind one, in random order, then of each kind
// the next, until two seconds before the end.
func (f *fleet) plan(duration time.Duration) (plan []killing) {
	kinds := f.kinds()
	at := time.Second
	for {
		f.random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		for _, kind := range kinds {
			if at > duration-2*time.Second {
				return plan
			}
			plan = append(plan, killing{kind[f.random.IntN(len(kind))], at, f.between(200*time.Millisecond, time.Second)})
			at += f.between(700*time.Millisecond, 2*time.Second)
		}
	}
}

func (f *fleet) between(least, most time.Duration) time.Duration {
	return least + time.Duration(f.random.Int64N(int64(most-least)))
}
