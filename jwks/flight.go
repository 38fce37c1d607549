package jwks

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// What a hanging issuer may cost: once it has taken this long, at most this
// many callers wait for it.
const (
	maxWaiting = 100
	patience   = 500 * time.Millisecond
)

var errCrowded = errors.New("the issuer does not answer, and enough callers wait for it")

// A cause is why a fetch begins.
type cause int

const (
	due     cause = iota // there are no keys, or they grow old
	unknown              // a look-up names a kid that is not in the set
	wished               // by [Client.Refresh]
)

// A flight is one fetch, and who waits for it.
type flight struct {
	cause   cause
	began   time.Time
	crowd   time.Time    // until then any number may wait
	waiting atomic.Int32 // callers
	done    chan struct{}
	err     error // set before done is closed
}

// newFlight returns a flight that begins now. An issuer known to fail gets no
// patience.
func newFlight(cause cause, failing bool) *flight {
	now := time.Now()
	f := &flight{cause: cause, began: now, crowd: now, done: make(chan struct{})}
	if !failing {
		f.crowd = now.Add(patience)
	}
	return f
}

// wait returns the outcome of the fetch, unless the context ends before, or
// the issuer hangs and too many wait already.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	default:
	}
	var crowded <-chan time.Time
	if f.waiting.Add(1) > maxWaiting {
		timer := time.NewTimer(time.Until(f.crowd))
		defer timer.Stop()
		crowded = timer.C
	}
	defer f.waiting.Add(-1)
	select {
	case <-f.done:
		return f.err
	case <-crowded:
		return errCrowded
	case <-ctx.Done():
		return ctx.Err()
	}
}
