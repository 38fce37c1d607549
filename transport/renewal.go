package transport

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fetchTimeout = 30 * time.Second // for a fetch that several requests may wait for
	refusalPause = time.Second      // between renewals that a 401 sets off
)

// A renewal keeps one token fresh.
type renewal struct {
	fetch     fetchFunc
	prefix    string
	early     float64
	onRefresh func(Refresh)

	current atomic.Pointer[held] // written with mu held

	mu       sync.Mutex
	flight   *flight   // the fetch under way; guarded by mu
	err      error     // of the last fetch; guarded by mu
	failures int       // fetches failed in a row; guarded by mu
	retryAt  time.Time // no fetch before, after a failure; guarded by mu
	refusal  time.Time // when a 401 last set off a renewal; guarded by mu
}

// flightKey is the key, in the context of a fetch, of the renewal it is for.
type flightKey struct{}

// A flight is one fetch, and who waits for it.
type flight struct {
	done     chan struct{} // closed when the renewal knows the outcome
	replaces bool          // the current token was refused: better wait than use it
	token    *held         // nil if the fetch failed; set before done is closed
	err      error         // set before done is closed
}

// header returns the token to send now, and waits for one only if there is none.
func (r *renewal) header(ctx context.Context) (string, error) {
	now := time.Now()
	if h := r.current.Load(); h.fresh(now) {
		return h.header, nil
	}
	h, f, err := r.join(now)
	if f == nil {
		return headerOf(h), err
	}
	if ctx.Value(flightKey{}) == r {
		return "", errors.New("transport: the token is fetched with a client that waits for that very token")
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return "", &waitError{cause: ctx.Err()}
	}
	if f.token == nil && h.usable(time.Now()) {
		return h.header, nil
	}
	return headerOf(f.token), f.err
}

// join decides what a request does that finds no fresh token: go on with the
// one there is, wait for the flight returned, or fail. The token returned with
// a flight is what remains if it fails.
func (r *renewal) join(now time.Time) (*held, *flight, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.current.Load()
	switch {
	case h.fresh(now):
		return h, nil, nil
	case r.flight != nil && r.flight.replaces:
		return h, r.flight, nil
	case r.flight == nil && now.Before(r.retryAt):
		if h.usable(now) {
			return h, nil, nil
		}
		return nil, nil, r.err
	}
	if r.flight == nil {
		r.takeOff(false)
	}
	if h.usable(now) {
		return h, nil, nil
	}
	return h, r.flight, nil
}

// refused is told that a server answered 401 to the token. If it is still the
// current one, it is renewed, once for all who are told the same; the old one
// stays for the case that the renewal fails. A server that refuses every token
// causes no more than one renewal a second.
func (r *renewal) refused(header string) bool {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.current.Load()
	switch {
	case h == nil || h.header != header:
		return true
	case r.flight != nil:
		r.flight.replaces = true
	case now.Before(r.retryAt) || now.Before(r.refusal.Add(refusalPause)):
		return false
	default:
		r.takeOff(true)
	}
	r.refusal = now
	stale := *h
	stale.renewAt = time.Time{}
	r.current.Store(&stale)
	return true
}

// takeOff starts a fetch. r.mu is held.
//
// Its goroutine outlives the request that needs it, if the request is
// cancelled, because others wait for it too; it ends with the fetch.
func (r *renewal) takeOff(replaces bool) {
	f := &flight{done: make(chan struct{}), replaces: replaces}
	r.flight = f
	go func() {
		ctx := context.WithValue(context.Background(), flightKey{}, r)
		ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
		defer cancel()
		r.land(f, observe(ctx, r.fetch))
	}()
}

// land records the outcome of a fetch and lets those go who wait for it.
func (r *renewal) land(f *flight, got outcome) {
	report := Refresh{Duration: got.took, Expiry: got.expiry, Err: got.err}
	r.mu.Lock()
	r.flight = nil
	r.err, f.err = got.err, got.err
	if got.err != nil {
		r.failures++
		r.retryAt = got.at.Add(pause(r.failures, got.err))
		report.NextRetry = r.retryAt
	} else {
		r.failures, r.retryAt = 0, time.Time{}
		f.token = hold(r.prefix+got.token, got, r.early)
		r.current.Store(f.token)
	}
	r.mu.Unlock()
	close(f.done)
	if r.onRefresh != nil {
		r.onRefresh(report)
	}
}

// A waitError says what the request was doing when its context ended. It
// keeps the answer to Timeout that [url.Error] asks for.
type waitError struct{ cause error }

func (e *waitError) Error() string { return "transport: waiting for a token: " + e.cause.Error() }
func (e *waitError) Unwrap() error { return e.cause }
func (e *waitError) Timeout() bool {
	timeout, ok := e.cause.(interface{ Timeout() bool })
	return ok && timeout.Timeout()
}
