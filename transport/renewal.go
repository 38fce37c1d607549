package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fetchTimeout = 30 * time.Second // for a fetch that several requests may wait for
	refusalPause = time.Second      // between renewals that a 401 sets off

	minPause = time.Second // between failed fetches, doubled by each
	maxPause = time.Minute

	defaultEarly = 0.15 // the share of the lifetime
	minEarly     = 10 * time.Second
	maxEarly     = 5 * time.Minute
	inFlight     = 2 * time.Second // a token is not sent if it could expire on its way

	forever = 100 * 365 * 24 * time.Hour // for a token whose source does not know its end
)

// The reasons of a [Refresh].
const (
	reasonFirst   = "first"
	reasonAhead   = "ahead"
	reasonRefused = "after 401"
)

// A renewal keeps one token fresh.
type renewal struct {
	fetch    fetch
	prefix   string
	early    float64
	reporter *reporter

	current atomic.Pointer[held] // written with mu held

	mu       sync.Mutex
	flight   *flight   // the fetch under way; guarded by mu
	err      error     // of the last fetch; guarded by mu
	failures int       // fetches failed in a row; guarded by mu
	retryAt  time.Time // no fetch before, after a failure; guarded by mu
	refusal  time.Time // when a 401 last set off a renewal; guarded by mu
}

// header returns the token to send now. It waits only if there is no token yet.
func (r *renewal) header(ctx context.Context) (string, error) {
	now := time.Now()
	if h := r.current.Load(); h.fresh(now) {
		return h.header, nil
	}
	h, f, err := r.join(now)
	switch {
	case err != nil:
		return "", err
	case f == nil:
		return h.header, nil
	}
	if ctx.Value(flightKey{}) == r {
		return "", errors.New("transport: the token is fetched with a client that waits for that very token")
	}
	return f.wait(ctx)
}

// join decides for a request that finds no fresh token: use the one there is,
// wait for the flight returned, or fail.
func (r *renewal) join(now time.Time) (*held, *flight, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.current.Load()
	switch {
	case h.fresh(now):
		return h, nil, nil
	case r.flight != nil && r.flight.replaces:
		return nil, r.flight, nil
	case r.flight == nil && now.Before(r.retryAt):
		if h.usable(now) {
			return h, nil, nil
		}
		return nil, nil, r.err
	}
	if r.flight == nil && h.usable(now) {
		r.fly(reasonAhead)
	} else if r.flight == nil {
		r.fly(reasonFirst)
	}
	if h.usable(now) {
		return h, nil, nil
	}
	return nil, r.flight, nil
}

// refused handles a 401 for the token. If it is still the current token, it is
// renewed, once for all requests with it; the old one is kept in case the
// renewal fails. A server that refuses every token causes at most one renewal a
// second.
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
		r.fly(reasonRefused)
	}
	r.refusal = now
	stale := *h
	stale.renewAt = time.Time{}
	r.current.Store(&stale)
	return true
}

// fly starts a fetch. r.mu is held.
//
// Its goroutine outlives the request that needs it, if the request is
// cancelled, because others wait for it too; it ends with the fetch.
func (r *renewal) fly(reason string) {
	f := &flight{done: make(chan struct{}), reason: reason, replaces: reason == reasonRefused, old: r.current.Load()}
	r.flight = f
	go func() {
		ctx := context.WithValue(context.Background(), flightKey{}, r)
		ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
		defer cancel()
		r.land(f, r.fetch.ask(ctx))
	}()
}

// land records the outcome of a fetch and releases those who wait for it.
func (r *renewal) land(f *flight, got outcome) {
	report := Refresh{Reason: f.reason, Duration: got.took, Expiry: got.expiry, Err: got.err}
	r.mu.Lock()
	r.flight = nil
	r.err, f.err = got.err, got.err
	news := r.failures > 0
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
	r.reporter.fetched(report, news)
}

// pause returns how long to leave the source alone after so many failures in a
// row. It is random in its upper half, so that a fleet does not come back at
// once.
func pause(failures int, err error) time.Duration {
	d := maxPause
	if failures <= 6 {
		d = minPause << (failures - 1)
	}
	d = d/2 + rand.N(d/2)
	var grant *GrantError
	if errors.As(err, &grant) {
		d = max(d, grant.RetryAfter)
	}
	return d
}

func (r *renewal) status(now time.Time) Status {
	h := r.current.Load()
	if !h.usable(now) {
		return Status{}
	}
	return Status{Available: true, Expiry: h.expiry}
}

// flightKey is the key, in the context of a fetch, of the renewal it is for.
type flightKey struct{}

// A flight is one fetch, and who waits for it.
type flight struct {
	reason   string        // of [Refresh]
	replaces bool          // the old token was refused: wait rather than use it
	old      *held         // the token there was when it began; may be nil
	done     chan struct{} // closed when the renewal knows the outcome
	token    *held         // nil if the fetch failed; set before done is closed
	err      error         // set before done is closed
}

// wait returns the new token, or if the fetch failed the old one while it may
// be used. It ends early with the context.
func (f *flight) wait(ctx context.Context) (string, error) {
	select {
	case <-f.done:
	case <-ctx.Done():
		return "", &waitError{cause: ctx.Err()}
	}
	switch {
	case f.token != nil:
		return f.token.header, nil
	case f.old.usable(time.Now()):
		return f.old.header, nil
	}
	return "", f.err
}

// A waitError says what the request was doing when its context ended. It has
// the Timeout method that [url.Error] looks for.
type waitError struct{ cause error }

func (e *waitError) Error() string { return "transport: waiting for a token: " + e.cause.Error() }
func (e *waitError) Unwrap() error { return e.cause }
func (e *waitError) Timeout() bool {
	timeout, ok := e.cause.(interface{ Timeout() bool })
	return ok && timeout.Timeout()
}

// held is a token that is kept. It never changes.
type held struct {
	header  string    // the token, with what stands before it
	renewAt time.Time // a request after it sets off a renewal
	endsAt  time.Time // no longer to be used from then on
	expiry  time.Time // zero: not known
}

func (h *held) fresh(now time.Time) bool  { return h != nil && now.Before(h.renewAt) }
func (h *held) usable(now time.Time) bool { return h != nil && now.Before(h.endsAt) }

// hold decides when the token is to be renewed and when it ends.
func hold(header string, got outcome, share float64) *held {
	if got.expiry.IsZero() {
		end := got.at.Add(forever)
		return &held{header: header, renewAt: end, endsAt: end}
	}
	// Without the monotonic reading, which stands still while a machine sleeps.
	got.expiry = got.expiry.Round(0)
	lifetime := got.expiry.Sub(got.at)
	endsAt := got.expiry.Add(-min(inFlight, lifetime/10))
	if share < 0 {
		return &held{header: header, renewAt: endsAt, endsAt: endsAt, expiry: got.expiry}
	}
	if share == 0 {
		share = defaultEarly
	}
	spread := share * (2 + 2*rand.Float64()) / 3 // a third to either side
	early := min(max(time.Duration(spread*float64(lifetime)), minEarly), maxEarly, lifetime/2)
	return &held{header: header, renewAt: got.expiry.Add(-early), endsAt: endsAt, expiry: got.expiry}
}
