package transport

import (
	"math/rand/v2"
	"time"
)

const (
	defaultEarly = 0.15 // the share of the lifetime
	minEarly     = 10 * time.Second
	maxEarly     = 5 * time.Minute
	inFlight     = 2 * time.Second // a token is not sent so shortly before it expires that it would expire on its way
)

// held is a token that is kept. It does not change.
type held struct {
	header  string    // the token, with what stands before it
	renewAt time.Time // a request after it sets off a renewal
	endsAt  time.Time // no longer to be used from then on
}

func (h *held) fresh(now time.Time) bool  { return h != nil && now.Before(h.renewAt) }
func (h *held) usable(now time.Time) bool { return h != nil && now.Before(h.endsAt) }

func headerOf(h *held) string {
	if h == nil {
		return ""
	}
	return h.header
}

// forever is the end of a token whose source does not know it.
const forever = 100 * 365 * 24 * time.Hour

// hold says when the token is to be renewed and when it ends.
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
		return &held{header: header, renewAt: endsAt, endsAt: endsAt}
	}
	if share == 0 {
		share = defaultEarly
	}
	spread := share * (2 + 2*rand.Float64()) / 3 // a third to either side
	early := min(max(time.Duration(spread*float64(lifetime)), minEarly), maxEarly, lifetime/2)
	return &held{header: header, renewAt: got.expiry.Add(-early), endsAt: endsAt}
}
