package transport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fetchTimeout = 30 * time.Second // for a fetch that several requests may wait for

	defaultEarly = 0.15 // the share of the lifetime
	minEarly     = 10 * time.Second
	maxEarly     = 5 * time.Minute
	inFlight     = 2 * time.Second // a token is not sent so shortly before it expires that it would expire on its way

	minPause     = time.Second // between failed fetches, doubled by each
	maxPause     = time.Minute
	refusalPause = time.Second // between renewals that a 401 sets off
)

// A renewal keeps one token fresh.
type renewal struct {
	fetch     fetchFunc
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

// held is a token that is kept. It does not change.
type held struct {
	token   string
	renewAt time.Time // a request after it sets off a renewal
	endsAt  time.Time // no longer to be used from then on
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

func (h *held) fresh(now time.Time) bool  { return h != nil && now.Before(h.renewAt) }
func (h *held) usable(now time.Time) bool { return h != nil && now.Before(h.endsAt) }

// token returns the token to send now, and waits for one only if there is none.
func (r *renewal) token(ctx context.Context) (string, error) {
	now := time.Now()
	if h := r.current.Load(); h.fresh(now) {
		return h.token, nil
	}
	h, f, err := r.join(now)
	if f == nil {
		return tokenOf(h), err
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
		return h.token, nil
	}
	return tokenOf(f.token), f.err
}

func tokenOf(h *held) string {
	if h == nil {
		return ""
	}
	return h.token
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
func (r *renewal) refused(token string) bool {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.current.Load()
	switch {
	case h == nil || h.token != token:
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
		f.token = hold(got, r.early)
		r.current.Store(f.token)
	}
	r.mu.Unlock()
	close(f.done)
	if r.onRefresh != nil {
		r.onRefresh(report)
	}
}

// An outcome is what a source answered.
type outcome struct {
	token  string
	expiry time.Time
	err    error
	at     time.Time
	took   time.Duration
}

// observe asks the source, and takes neither nothing nor an expired token for an answer.
func observe(ctx context.Context, fetch fetchFunc) outcome {
	start := time.Now()
	token, expiry, err := fetch(ctx)
	now := time.Now()
	switch {
	case err != nil:
		err = fmt.Errorf("transport: no token: %w", err)
	case token == "":
		err = errors.New("transport: no token: the source returned an empty one")
	case !isHeaderToken(token):
		err = errors.New("transport: no token: the source returned one with characters that no header may have")
	case !expiry.IsZero() && !expiry.After(now):
		err = fmt.Errorf("transport: no token: the source returned one that expired at %s", expiry.Format(time.RFC3339))
	}
	if err != nil {
		token, expiry = "", time.Time{}
	}
	return outcome{token: token, expiry: expiry, err: err, at: now, took: now.Sub(start)}
}

// isHeaderToken reports whether the token can stand in a header: visible ASCII, no space.
func isHeaderToken(token string) bool {
	for _, c := range []byte(token) {
		if c < 0x21 || c > 0x7e {
			return false
		}
	}
	return true
}

// forever is the end of a token whose source does not know it.
const forever = 100 * 365 * 24 * time.Hour

// hold says when the token is to be renewed and when it ends.
func hold(got outcome, share float64) *held {
	if got.expiry.IsZero() {
		end := got.at.Add(forever)
		return &held{token: got.token, renewAt: end, endsAt: end}
	}
	// Without the monotonic reading, which stands still while a machine sleeps.
	got.expiry = got.expiry.Round(0)
	lifetime := got.expiry.Sub(got.at)
	endsAt := got.expiry.Add(-min(inFlight, lifetime/10))
	if share < 0 {
		return &held{token: got.token, renewAt: endsAt, endsAt: endsAt}
	}
	if share == 0 {
		share = defaultEarly
	}
	spread := share * (2 + 2*rand.Float64()) / 3 // a third to either side
	early := min(max(time.Duration(spread*float64(lifetime)), minEarly), maxEarly, lifetime/2)
	return &held{token: got.token, renewAt: got.expiry.Add(-early), endsAt: endsAt}
}

// pause is how long to leave the source alone after so many failures in a row.
// It is spread over its upper half, so that a fleet does not come back at once.
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

// oneUse yields a token for each request, in the context of that request.
type oneUse struct {
	fetch     fetchFunc
	onRefresh func(Refresh)
}

func (o *oneUse) token(ctx context.Context) (string, error) {
	got := observe(ctx, o.fetch)
	if o.onRefresh != nil {
		o.onRefresh(Refresh{Duration: got.took, Expiry: got.expiry, Err: got.err})
	}
	return got.token, got.err
}

func (o *oneUse) refused(string) bool { return true }

// A waitError says what the request was doing when its context ended. It
// keeps the answer to Timeout that [url.Error] asks for.
type waitError struct{ cause error }

func (e *waitError) Error() string { return "transport: waiting for a token: " + e.cause.Error() }
func (e *waitError) Unwrap() error { return e.cause }
func (e *waitError) Timeout() bool {
	timeout, ok := e.cause.(interface{ Timeout() bool })
	return ok && timeout.Timeout()
}
