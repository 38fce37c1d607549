package jwks

import "time"

// Status is how a [Client] stands, for a health check.
type Status struct {
	Available bool      // look-ups of known kids are answered from memory
	Keys      int       // in force
	Skipped   int       // keys of the set that cannot be used, or have no trusted certificate
	SkipErr   error     // why, for ten of them at most; nil if none was skipped
	Fetched   time.Time // the last good answer; zero: none yet
	Expires   time.Time // until then the keys serve if every fetch fails; zero: there are none
	Failures  int       // fetches that have failed since the last good answer
	Err       error     // why the last one did; nil if there was none
}

// A Fetch is what [Client.OnFetch] learns.
type Fetch struct {
	Duration    time.Duration
	Keys        int   // in force now
	Skipped     int   // keys of the set that cannot be used, or have no trusted certificate
	SkipErr     error // why, for ten of them at most; nil if none was skipped
	NotModified bool  // the issuer answered that nothing has changed
	Err         error // nil: the answer was good
}
