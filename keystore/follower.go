package keystore

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	checkInterval = time.Second            // between two looks
	settleTime    = time.Second            // a file changed more recently may still be written
	maxRetryDelay = time.Minute            // between two attempts at what does not open
	maxWait       = 100 * time.Millisecond // that the caller who begins a look waits for it
)

// A follower keeps a store up to date with the place its content comes from.
// There is one look at a time, on a goroutine that ends with it. The caller
// that begins it waits a little, and nobody else waits: while a file system or
// a function hangs, everyone goes on with the last good keys.
type follower struct {
	file    File
	place   place
	current *atomic.Pointer[view] // the store's
	health  atomic.Pointer[health]

	// busy is full while somebody looks, which guards the rest.
	busy     chan struct{}
	next     time.Time // when to look again
	loaded   stamp     // of what is in force
	noticed  stamp     // of what was there at the last look
	failed   stamp     // of what did not open
	failures int       // in a row
	retry    time.Time // when to try failed again
	compared time.Time // when the content was last read
}

// health is the state of the follower at one moment. It never changes.
type health struct {
	loaded   time.Time // when the content in force was read
	err      error     // why the present content of the place is not in force, or nil
	failures int       // in a row
	retry    time.Time // when it is tried again
}

// newFollower reads the place for the first time.
func newFollower(file File) (*follower, *contents, error) {
	place, err := placeOf(file)
	if err != nil {
		return nil, nil, err
	}
	f := &follower{file: file, place: place, busy: make(chan struct{}, 1)}
	c, stamp, err := f.load(context.Background())
	if err != nil {
		return nil, nil, err
	}
	f.succeed(stamp, time.Now())
	return f, c, nil
}

// look looks for new content, unless a look is under way. It waits for the
// result as long as ctx allows, but at most maxWait.
func (f *follower) look(ctx context.Context, now time.Time) {
	select {
	case f.busy <- struct{}{}:
	default:
		return
	}
	if now.Before(f.next) {
		<-f.busy
		return
	}
	f.next = now.Add(checkInterval)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { <-f.busy }()
		f.check(context.WithoutCancel(ctx), now)
	}()
	patience := time.NewTimer(maxWait)
	defer patience.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-patience.C:
	}
}

// check reads new content, and puts it in force if it may replace the old.
func (f *follower) check(ctx context.Context, now time.Time) {
	changed, unsure := f.changed(now)
	if !changed && !unsure {
		return
	}
	data, stamp, err := f.place.read(ctx)
	defer clear(data)
	now = time.Now()
	if err == nil && !changed && stamp.sum == f.loaded.sum {
		f.compared = now
		return
	}
	if err == nil {
		err = f.take(data, stamp, now)
	}
	if err != nil {
		err = f.file.named(fmt.Errorf("the keys loaded before stay in force: %w", err))
		f.fail(err, now)
	}
	f.file.report(err)
}

// take puts the content in force, with the overlap for the keys it replaces.
func (f *follower) take(data []byte, stamp stamp, now time.Time) error {
	c, err := parse(f.file, data)
	if err != nil {
		return err
	}
	old := f.current.Load()
	if err := c.replaces(old); err != nil {
		return err
	}
	f.succeed(stamp, now)
	f.current.Store(newView(c, old.overlap, old.overlap.next(old.turns, c.private, now), now))
	return nil
}

// changed reports whether the place has other content than what is in force,
// which can be read now: it is not being written, and did not fail a moment
// ago. Content that was last read long ago counts as changed: on some file
// systems neither inodes nor times tell one file from the next, and a function
// has neither.
func (f *follower) changed(now time.Time) (changed, unsure bool) {
	seen := f.place.glance()
	settled := seen.same(f.noticed) || seen.age(now) >= settleTime
	f.noticed = seen
	switch {
	case f.failures > 0 && seen.same(f.failed):
		return !now.Before(f.retry), false
	case !seen.same(f.loaded), f.failures > 0: // or the old content is back
		return settled, false
	}
	return false, now.Sub(f.compared) >= f.file.interval()
}

func (f *follower) succeed(loaded stamp, now time.Time) {
	f.loaded, f.noticed, f.failed = loaded, loaded, stamp{}
	f.failures, f.compared = 0, now
	f.next = now.Add(checkInterval)
	f.health.Store(&health{loaded: now})
}

func (f *follower) fail(err error, now time.Time) {
	f.failed = f.noticed
	f.retry = now.Add(min(checkInterval<<min(f.failures, 10), maxRetryDelay))
	f.failures++
	f.health.Store(&health{f.health.Load().loaded, err, f.failures, f.retry})
}

func (f *follower) load(ctx context.Context) (*contents, stamp, error) {
	data, stamp, err := f.place.read(ctx)
	if err != nil {
		return nil, stamp, err
	}
	defer clear(data)
	c, err := parse(f.file, data)
	return c, stamp, err
}

// reload reads the place now, as [Store.Reload] says. Either the content takes
// effect, or the caller leaves first and nothing changes.
func (f *follower) reload(ctx context.Context) error {
	select {
	case f.busy <- struct{}{}:
	case <-ctx.Done():
		return f.file.named(ctx.Err())
	}
	var decided atomic.Bool
	done := make(chan error, 1)
	go func() {
		defer func() { <-f.busy }()
		c, stamp, err := f.load(ctx)
		if !decided.CompareAndSwap(false, true) {
			return
		}
		old := f.current.Load()
		if err == nil {
			err = c.readable(old)
		}
		if err == nil {
			now := time.Now()
			f.succeed(stamp, now)
			f.current.Store(newView(c, old.overlap, firstTurns(c.private), now))
		}
		done <- err
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		if err = ctx.Err(); !decided.CompareAndSwap(false, true) {
			err = <-done
		}
	}
	if err != nil {
		return f.file.named(err)
	}
	return nil
}
