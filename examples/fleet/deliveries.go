package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// The times of a rotation here; in life they are hours. A new key has to be
// known to everybody when its turn comes: after the slowest delivery, the look
// at the file, the cache, and the producers' own time.
const (
	lead          = 12 * time.Second // from writing the file to the changeover
	slowest       = 2 * time.Second  // delivery of the file
	publishBefore = 4 * time.Second  // what is left at the least when the slowest has it
)

// deliveries bring a keystore to machines, each in a time of its own.
type deliveries struct {
	master  string   // path of the keystore as its owner has it
	paths   []string // of the machines'
	entries []keystore.Entry
}

// first is the keystore that all machines start with.
func (d *deliveries) first() error {
	now := time.Now()
	key, err := keystore.Generate(profile().Algorithm, "CN=financial-operations", now.Add(-time.Hour), now.Add(24*time.Hour))
	if err != nil {
		return err
	}
	if err := keystore.WriteFile(d.master, password, keystore.Entry{Alias: "signing", PrivateKey: key}); err != nil {
		return err
	}
	store, err := keystore.Open(d.master, password)
	if err != nil {
		return err
	}
	d.entries = store.Entries()
	for _, path := range d.paths {
		if err := d.deliver(path); err != nil {
			return err
		}
	}
	return nil
}

// rotate puts a new key beside the one that signs, delivers the keystore, and
// returns when the new key signs.
func (d *deliveries) rotate(ctx context.Context, random *rand.Rand) error {
	next, changeover, err := keystore.Rotation{Lead: lead}.Next(d.entries, time.Now())
	if err != nil {
		return err
	}
	// The day, which the alias ends with, does not tell the keys of a minute apart.
	next[len(next)-1].Alias = "signing-" + changeover.Format("150405")
	d.entries = next
	if err := keystore.WriteFile(d.master, password, next...); err != nil {
		return err
	}
	random.Shuffle(len(d.paths), func(i, j int) { d.paths[i], d.paths[j] = d.paths[j], d.paths[i] })
	for _, path := range d.paths { // each within its share of the time
		delay := time.Duration(random.Int64N(int64(slowest) / int64(len(d.paths))))
		if err := sleep(ctx, delay); err != nil {
			return err
		}
		if err := d.deliver(path); err != nil {
			return err
		}
	}
	if left := time.Until(changeover); left < publishBefore {
		return fmt.Errorf("the machine is too slow for this: the keystore was everywhere only %v before its new key signs", left)
	}
	return sleep(ctx, time.Until(changeover))
}

// deliver copies the keystore, so that nobody sees half of it.
func (d *deliveries) deliver(path string) error {
	data, err := os.ReadFile(d.master)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
