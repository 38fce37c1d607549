package jwks

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

const (
	idle          = time.Hour // after which keys that nobody looks up are no longer refreshed
	firstBackoff  = time.Second
	maxRetryAfter = 5 * time.Minute // for an issuer that names a longer time by mistake
)

// A schedule fetches the keys when it is time, once for everyone who wants
// them, and holds the result.
type schedule struct {
	current atomic.Pointer[snapshot] // nil: no good answer yet; written with mu held

	setUp    sync.Once // sets these at the first use
	fetcher  fetcher
	interval time.Duration // between fetches for unknown kids
	reporter reporter
	fault    error // of the configuration: nothing is ever fetched

	mu          sync.Mutex
	flight      *flight     // the fetch under way, or nil; guarded by mu, as are all that follow
	ahead       *time.Timer // begins the next fetch; nil before the first good answer
	expiry      *time.Timer // ends the service of the keys in force; likewise
	lastUse     time.Time   // as far as the timer has seen
	nextUnknown time.Time   // earliest next fetch for an unknown kid
	failures    int         // since the last good answer
	err         error       // of the last fetch
	retry       time.Time   // earliest next fetch after a failure
}

// refresh fetches now, and not before the call began.
func (s *schedule) refresh(ctx context.Context) error {
	for asked := time.Now(); ctx.Err() == nil; {
		s.mu.Lock()
		f := s.fly(wished)
		s.mu.Unlock()
		err := f.wait(ctx)
		if errors.Is(err, errCrowded) || f.cause != due && !f.began.Before(asked) {
			return err
		}
	}
	return ctx.Err()
}

// flyIfDue starts a fetch as fly does, but not for a caller who has gone, and
// not during the pause after a failure. It reports whether the last fetch
// failed.
func (s *schedule) flyIfDue(ctx context.Context) (f *flight, failing bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	failing = s.failures > 0
	last := s.current.Load()
	switch {
	case last != nil && last.serving.Load(): // fetched meanwhile
		return landed, failing, nil
	case s.flight != nil:
		return s.flight, failing, nil
	case ctx.Err() != nil:
		return nil, failing, ctx.Err()
	case failing && time.Now().Before(s.retry):
		s.resume()
		return nil, failing, s.err
	}
	return s.fly(due), failing, nil
}

// flyForUnknown starts a fetch for a kid that is not in the set, as fly does.
// It returns nil if the keys in memory are all the answer there is.
func (s *schedule) flyForUnknown(ctx context.Context, kid string) (*flight, error) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.current.Load().keys(kid) != nil: // come meanwhile
		return nil, nil
	case s.flight != nil:
		return s.flight, nil
	case s.failures > 0 && now.Before(s.retry):
		return nil, s.err
	case now.Before(s.nextUnknown) || ctx.Err() != nil:
		return nil, nil
	}
	return s.fly(unknown), nil
}

// fly starts a fetch, or joins the one under way. The caller holds mu.
func (s *schedule) fly(cause cause) *flight {
	if s.flight == nil {
		f := newFlight(cause, s.failures > 0)
		s.flight = f
		go func() {
			next, err := s.fetcher.fetch(s.current.Load(), cause != due)
			s.land(f, next, err)
		}()
	}
	return s.flight
}

// land records the outcome of a fetch, and lets those go who wait for it.
func (s *schedule) land(f *flight, next *snapshot, err error) {
	f.err = err
	report := Fetch{Duration: time.Since(f.began), Err: err}
	changed := next.differs(s.current.Load()) // only this flight replaces it
	s.mu.Lock()
	recovered := s.failures > 0
	if err != nil {
		s.failed(err)
		report.NextRetry = s.retry.Round(0) // wall clock: for people
	} else {
		next.fetched = f.began
		s.succeeded(f, next)
		report.NotModified = next.notModified
	}
	if now := s.current.Load(); now != nil {
		report.Keys, report.Skipped, report.SkipErr = len(now.set.Keys), now.set.Skipped, now.set.SkipErr
	}
	s.flight = nil
	s.mu.Unlock()
	s.reporter.tell(report, recovered || changed)
	close(f.done)
}

// succeeded puts the new keys in force. The caller holds mu.
func (s *schedule) succeeded(f *flight, next *snapshot) {
	next.serving.Store(true)
	s.current.Store(next)
	s.failures, s.err = 0, nil
	if s.lastUse.IsZero() {
		s.lastUse = f.began
	}
	if f.cause == unknown {
		s.nextUnknown = f.began.Add(s.interval)
	}
	age := time.Since(f.began)
	s.after(&s.ahead, early(next.lifetime)-age, (*schedule).refreshAhead)
	s.after(&s.expiry, next.lifetime+next.maxStale-age, (*schedule).expire)
}

// failed keeps what is in force, and makes the next attempt wait. The caller
// holds mu.
func (s *schedule) failed(err error) {
	s.failures++
	s.err = err
	pause := min(firstBackoff<<min(s.failures-1, 20), s.interval)
	if status := (*statusError)(nil); errors.As(err, &status) {
		pause = max(pause, min(status.retryAfter, maxRetryAfter))
	}
	s.retry = time.Now().Add(pause)
	s.resume()
}

// resume lets keys serve on while the issuer is down, and the timer try again
// once the pause is over. The caller holds mu.
func (s *schedule) resume() {
	if last := s.current.Load(); last.usable() {
		last.serving.Store(true)
		pause := time.Until(s.retry)
		s.after(&s.ahead, pause+scatter(pause), (*schedule).refreshAhead)
	}
}

// refreshAhead runs when the timer fires before the keys are too old.
func (s *schedule) refreshAhead() {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.current.Load()
	if last.used.Swap(false) {
		s.lastUse = time.Now()
	}
	if time.Since(s.lastUse) >= idle {
		last.serving.Store(false)
		return
	}
	s.fly(due)
}

// expire runs when the timer fires and the keys may serve no longer.
func (s *schedule) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.current.Load(); !last.usable() {
		last.serving.Store(false)
	}
}

// after sets a timer that does not keep a dropped client alive. The caller
// holds mu.
func (s *schedule) after(timer **time.Timer, d time.Duration, do func(*schedule)) {
	if *timer != nil {
		(*timer).Stop()
	}
	weakly := weak.Make(s)
	*timer = time.AfterFunc(d, func() {
		if s := weakly.Value(); s != nil {
			do(s)
		}
	})
}

// status returns how the keys stand.
func (s *schedule) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := Status{Failures: s.failures, Err: s.err}
	last := s.current.Load()
	if last == nil {
		return status
	}
	status.Available = last.usable()
	status.Keys, status.Skipped, status.SkipErr = len(last.set.Keys), last.set.Skipped, last.set.SkipErr
	status.Fetched = last.fetched.Round(0) // wall clock: for people
	status.Expires = status.Fetched.Add(last.lifetime + last.maxStale)
	return status
}

// early leaves time for the fetch before the keys are as old as they may get.
func early(lifetime time.Duration) time.Duration {
	return lifetime - lifetime/20 - scatter(lifetime)
}

// scatter returns up to a tenth of d, so that the clients of a fleet fetch at
// different moments.
func scatter(d time.Duration) time.Duration { return rand.N(max(d/10, 1)) }

// A snapshot is a set as it was fetched, never changed but for its two flags,
// so that a look-up takes no lock and reads no clock.
type snapshot struct {
	set         Set
	byKeyID     map[string][]keystore.PublicKey
	etag        string
	notModified bool // the issuer says that these are the keys it sent before

	fetched  time.Time     // when the request for it was sent; monotonic
	lifetime time.Duration // the age at which the next fetch is due
	maxStale time.Duration // how long it serves beyond its lifetime

	used    atomic.Bool // looked up since the timer last looked
	serving atomic.Bool // false once expired or lapsed: the next look-up fetches. Written under schedule.mu
}

func newSnapshot(set Set) *snapshot {
	s := &snapshot{set: set, byKeyID: make(map[string][]keystore.PublicKey, len(set.Keys))}
	for _, key := range set.Keys {
		kid := key.KeyID()
		s.byKeyID[kid] = slices.Clip(append(s.byKeyID[kid], key))
	}
	s.byKeyID[""] = slices.Clip(set.Keys)
	return s
}

// keys returns the keys of the kid, nil if it is unknown.
func (s *snapshot) keys(kid string) []keystore.PublicKey {
	if !s.used.Load() { // most often true: then nothing is written that other processors read
		s.used.Store(true)
	}
	return s.byKeyID[kid]
}

// usable reports whether the keys may serve. Without a snapshot there are none.
func (s *snapshot) usable() bool {
	return s != nil && time.Since(s.fetched) < s.lifetime+s.maxStale
}

// differs reports whether other keys are in force than in the last snapshot.
func (s *snapshot) differs(last *snapshot) bool {
	return s != nil && (last == nil || !slices.EqualFunc(s.set.Keys, last.set.Keys, same))
}

// landed is a flight that has ended.
var landed = func() *flight {
	f := &flight{done: make(chan struct{})}
	close(f.done)
	return f
}()
