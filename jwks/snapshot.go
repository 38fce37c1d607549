package jwks

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

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
