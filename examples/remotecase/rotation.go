package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// rotationPatience is how long a new key may take until it signs. The documents
// say 3 s; a machine that is busy needs longer.
const rotationPatience = time.Minute

// A rotated tells how a rotation went.
type rotated struct {
	Before, After string // the kids
	Published     time.Duration
	Signs         time.Duration // both after the replacement
}

// rotate replaces the consumer's keystore, as an administrator does, and waits
// until the new key signs.
func (s *systems) rotate(ctx context.Context) (rotated, error) {
	ctx, cancel := context.WithTimeout(ctx, rotationPatience)
	defer cancel()
	keys := s.current().keys()
	before, err := signingKey(keys)
	if err != nil {
		return rotated{}, err
	}
	if err := s.replaceKeystore(); err != nil {
		return rotated{}, err
	}
	begin := time.Now()
	turn := rotated{Before: before.KeyID}
	for {
		now, err := signingKey(keys)
		switch {
		case err != nil:
			return rotated{}, err
		case turn.Published == 0 && len(published(keys)) > 1:
			turn.Published = time.Since(begin)
		case now.KeyID != turn.Before:
			turn.After, turn.Signs = now.KeyID, time.Since(begin)
			return turn, nil
		}
		select {
		case <-ctx.Done():
			return rotated{}, fmt.Errorf("the new key does not sign: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// replaceKeystore puts the other of the consumer's two keystores in the place
// of the one in force.
func (s *systems) replaceKeystore() error {
	path := s.path(financialOperations, "Remotecasetype_Keystore.jks")
	force, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	other, err := records.ReadFile(financialOperations + "/next/Remotecasetype_Keystore.jks")
	if err != nil {
		return err
	}
	if bytes.Equal(force, other) {
		if other, err = records.ReadFile(financialOperations + "/Remotecasetype_Keystore.jks"); err != nil {
			return err
		}
	}
	if err := os.WriteFile(path+".new", other, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// signingKey is the one that signs now.
func signingKey(keys *keystore.Store) (keystore.KeyStatus, error) {
	for _, key := range keys.Status().Keys {
		if key.State == keystore.KeySigns {
			return key, nil
		}
	}
	return keystore.KeyStatus{}, errors.New("no key signs")
}

// published are the keys at the JSON web key set URI.
func published(keys *keystore.Store) []keystore.KeyStatus {
	var kept []keystore.KeyStatus
	for _, key := range keys.Status().Keys {
		if key.State == keystore.KeySigns || key.State == keystore.KeyWaits || key.State == keystore.KeyRetires {
			kept = append(kept, key)
		}
	}
	return kept
}

// describe is a key of the set, as far as it concerns who signs.
func describe(key keystore.KeyStatus) string {
	text := fmt.Sprintf("%s, %s", key.KeyID, key.State)
	if key.State == keystore.KeyRetires {
		text += ", published until " + key.Until.UTC().Format("2006-01-02 15:04 MST")
	}
	return text
}

// arrivesSignedBy waits until the producer has admitted a token signed by the key.
func (s *systems) arrivesSignedBy(ctx context.Context, day *shift, kid string) error {
	for {
		for _, e := range s.producer.journal.seen() {
			if e.Token != nil && e.Token.KeyID == kid && e.Status == http.StatusOK {
				return nil
			}
		}
		if err := day.more(ctx, 1); err != nil {
			return err
		}
	}
}

// A shift is a day at work: users who work on cases, in every way, until it ends.
type shift struct {
	end     context.CancelFunc
	workers sync.WaitGroup
	done    atomic.Int64

	mu    sync.Mutex
	fault error // the first; guarded by mu
}

// begin begins a shift.
func (s *systems) begin(ctx context.Context) *shift {
	ctx, cancel := context.WithCancel(ctx)
	day := &shift{end: cancel}
	for _, user := range []string{"ann", "ben"} {
		for _, w := range ways {
			day.workers.Go(func() {
				for ctx.Err() == nil {
					// A case that is begun is worked on to the end, also when the shift is over.
					if _, err := s.work(context.WithoutCancel(ctx), w, user, "L-1041", "review"); err != nil {
						day.fail(fmt.Errorf("%s, by %s: %w", user, w.Title, err))
						return
					}
					day.done.Add(1)
					time.Sleep(20 * time.Millisecond)
				}
			})
		}
	}
	return day
}

func (d *shift) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault == nil {
		d.fault = err
	}
}

// more waits until so many more cases have been worked on.
func (d *shift) more(ctx context.Context, cases int64) error {
	for goal := d.done.Load() + cases; d.done.Load() < goal; {
		d.mu.Lock()
		fault := d.fault
		d.mu.Unlock()
		if err := errors.Join(fault, ctx.Err()); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// over ends the shift, and says how often cases were worked on. It is an error
// if any attempt has failed.
func (d *shift) over() (cases int64, err error) {
	d.end()
	d.workers.Wait()
	return d.done.Load(), d.fault
}
