package jwks

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
	"weak"
)

const (
	idle          = time.Hour // after which keys that nobody looks up are refreshed no longer
	firstBackoff  = time.Second
	maxRetryAfter = 5 * time.Minute // for an issuer that names a longer time by mistake
)

// A schedule says when a [Client] may fetch, and which fetch is under way.
type schedule struct {
	flight      *flight     // nil: none under way
	ahead       *time.Timer // begins the next fetch; nil before the first good answer
	expiry      *time.Timer // ends the service of the keys in force; likewise
	lastUse     time.Time   // as far as the timer has seen
	nextUnknown time.Time   // earliest next fetch for an unknown kid
	junk        junk
	failures    int       // since the last good answer
	err         error     // of the last fetch
	retry       time.Time // earliest next fetch after a failure
}

// A flight is one fetch and all who wait for it.
type flight struct {
	unknown string // the kid that caused it, or ""
	began   time.Time
	done    chan struct{}
	err     error // written before done is closed
}

// landed is a flight that needs no waiting for.
var landed = func() *flight {
	f := &flight{done: make(chan struct{})}
	close(f.done)
	return f
}()

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	default:
	}
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fly starts a fetch, or joins the one under way. The caller holds c.mu.
func (c *Client) fly(unknown string) *flight {
	if c.schedule.flight != nil {
		return c.schedule.flight
	}
	f := &flight{unknown: unknown, began: time.Now(), done: make(chan struct{})}
	c.schedule.flight = f
	go c.run(f)
	return f
}

// flyIfDue is fly, except that nothing starts for a caller who has gone, for
// a URL that nobody may fetch, or during the pause after a failure. It reports
// whether the fetch before has failed.
func (c *Client) flyIfDue(ctx context.Context) (f *flight, failing bool, err error) {
	if _, err := parseURL(c.URL); err != nil {
		return nil, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	failing = c.schedule.failures > 0
	s := c.current.Load()
	switch {
	case s != nil && s.serving.Load(): // come meanwhile
		return landed, failing, nil
	case c.schedule.flight != nil:
		return c.schedule.flight, failing, nil
	case ctx.Err() != nil:
		return nil, failing, ctx.Err()
	case failing && time.Now().Before(c.schedule.retry):
		c.resume()
		return nil, failing, c.schedule.err
	}
	return c.fly(""), failing, nil
}

// flyForUnknown is fly for a kid that is not in the set. It returns nil if
// the kid has to do with what is in memory.
func (c *Client) flyForUnknown(ctx context.Context, kid string) (*flight, error) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.current.Load().keys(kid) != nil: // come meanwhile
		return nil, nil
	case c.schedule.junk.pausing(kid, now):
		return nil, nil
	case c.schedule.flight != nil:
		return c.schedule.flight, nil
	case c.schedule.failures > 0 && now.Before(c.schedule.retry):
		return nil, c.schedule.err
	case now.Before(c.schedule.nextUnknown) || ctx.Err() != nil:
		return nil, nil
	}
	return c.fly(kid), nil
}

// run is the goroutine of a flight.
func (c *Client) run(f *flight) {
	last := c.current.Load()
	next, fetch, err := c.fetch(last)
	f.err = err
	fetch.Err, fetch.Duration = err, time.Since(f.began)

	c.mu.Lock()
	if err != nil {
		c.failed(err)
	} else {
		next.fetched = f.began
		c.succeeded(f, next)
	}
	c.schedule.flight = nil
	c.mu.Unlock()

	if c.OnFetch != nil {
		c.hook.Lock()
		c.OnFetch(fetch)
		c.hook.Unlock()
	}
	close(f.done)
}

// succeeded puts the new keys in force. The caller holds c.mu.
func (c *Client) succeeded(f *flight, next *snapshot) {
	next.serving.Store(true)
	c.current.Store(next)
	c.schedule.failures, c.schedule.err = 0, nil
	if c.schedule.lastUse.IsZero() {
		c.schedule.lastUse = f.began
	}
	age := time.Since(f.began)
	c.after(&c.schedule.ahead, early(next.lifetime)-age, (*Client).refreshAhead)
	c.after(&c.schedule.expiry, next.lifetime+next.maxStale-age, (*Client).expire)
	if f.unknown == "" {
		return
	}
	c.schedule.nextUnknown = f.began.Add(c.minInterval())
	c.schedule.junk.settle(f.unknown, next.keys(f.unknown) != nil, f.began, c.minInterval())
}

// failed keeps what is in force, and has the next attempt wait. The caller
// holds c.mu.
func (c *Client) failed(err error) {
	c.schedule.failures++
	c.schedule.err = err
	pause := min(firstBackoff<<min(c.schedule.failures-1, 20), c.minInterval())
	if status := (*statusError)(nil); errors.As(err, &status) {
		pause = max(pause, min(status.retryAfter, maxRetryAfter))
	}
	c.schedule.retry = time.Now().Add(pause)
	c.resume()
}

// resume has keys serve on while the issuer is down, and the timer try again
// once the pause is over. The caller holds c.mu.
func (c *Client) resume() {
	if s := c.current.Load(); s != nil && !s.expired() {
		s.serving.Store(true)
		pause := time.Until(c.schedule.retry)
		c.after(&c.schedule.ahead, pause+scatter(pause), (*Client).refreshAhead)
	}
}

// early leaves time for the fetch before the keys are as old as they may get.
func early(lifetime time.Duration) time.Duration {
	return lifetime - lifetime/20 - scatter(lifetime)
}

// scatter is up to a tenth of d: each client of a fleet at another moment.
func scatter(d time.Duration) time.Duration { return rand.N(max(d/10, 1)) }

func (c *Client) refreshAhead() {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.current.Load()
	if s.used.Swap(false) {
		c.schedule.lastUse = time.Now()
	}
	if time.Since(c.schedule.lastUse) >= idle {
		s.serving.Store(false)
		return
	}
	c.fly("")
}

func (c *Client) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.current.Load(); s.expired() {
		s.serving.Store(false)
	}
}

// after sets a timer that does not keep a dropped client alive. The caller
// holds c.mu.
func (c *Client) after(timer **time.Timer, d time.Duration, do func(*Client)) {
	if *timer != nil {
		(*timer).Stop()
	}
	weakly := weak.Make(c)
	*timer = time.AfterFunc(d, func() {
		if c := weakly.Value(); c != nil {
			do(c)
		}
	})
}

func (c *Client) minInterval() time.Duration { return orDefault(c.MinInterval, defaultMinInterval) }

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
