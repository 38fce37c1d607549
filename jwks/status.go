package jwks

import "time"

// Status is how a [Client] stands, for a health check.
type Status struct {
	Available bool      // look-ups of known kids are answered from memory
	Keys      int       // in force
	Skipped   int       // left out of them: of an unknown kind, or without a trusted certificate
	Fetched   time.Time // the last good answer; zero: none yet
	Expires   time.Time // until then the keys serve if every fetch fails; zero: there are none
	Failures  int       // fetches that have failed since the last good answer
	Err       error     // why the last one did; nil if there was none
}

// Status reports how the client stands. It fetches nothing.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	status := Status{Failures: c.schedule.failures, Err: c.schedule.err}
	s := c.current.Load()
	if s == nil {
		return status
	}
	status.Available = !s.expired()
	status.Keys, status.Skipped = len(s.set.Keys), s.set.Skipped
	status.Fetched = s.fetched.Round(0) // wall clock: for people
	status.Expires = status.Fetched.Add(s.lifetime + s.maxStale)
	return status
}
