package tokenprofile

import (
	"crypto/sha256"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// A recent keeps a limited number of values that were used recently, and drops
// expired ones. When it is full, it drops a value that was not used since it
// was last looked at (the CLOCK algorithm), so that a hit takes no lock. A nil
// one keeps nothing.
type recent[K comparable, V any] struct {
	most int

	mu      sync.RWMutex
	index   map[K]int            // guarded by mu
	entries []*recentEntry[K, V] // guarded by mu
	hand    int                  // guarded by mu; where the next to go is looked for
}

type recentEntry[K comparable, V any] struct {
	key    K
	value  V
	expiry time.Time // zero: never
	used   atomic.Bool
}

func newRecent[K comparable, V any](most int) *recent[K, V] {
	return &recent[K, V]{most: most, index: map[K]int{}}
}

func (r *recent[K, V]) get(key K) (value V, ok bool) {
	if r == nil {
		return value, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	i, ok := r.index[key]
	if !ok {
		return value, false
	}
	e := r.entries[i]
	if !e.used.Load() { // storing would take the cache line from the other processors
		e.used.Store(true)
	}
	return e.value, true
}

func (r *recent[K, V]) put(key K, value V, expiry, now time.Time) {
	if r == nil {
		return
	}
	e := &recentEntry[K, V]{key: key, value: value, expiry: expiry}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	i, there := r.index[key]
	switch {
	case there:
	case len(r.entries) < r.most:
		i = len(r.entries)
		r.entries = append(r.entries, nil)
	default:
		i = r.victim()
		delete(r.index, r.entries[i].key)
	}
	r.entries[i], r.index[key] = e, i
}

// sweep drops the expired ones of the two entries at the hand. With two looked
// at for every one added, expired entries are soon gone, and no call is slow.
func (r *recent[K, V]) sweep(now time.Time) {
	for range 2 {
		if len(r.entries) == 0 {
			return
		}
		r.hand %= len(r.entries)
		e := r.entries[r.hand]
		if e.expiry.IsZero() || now.Before(e.expiry) {
			r.hand++
			continue
		}
		last := len(r.entries) - 1
		delete(r.index, e.key)
		if r.hand != last {
			r.entries[r.hand] = r.entries[last]
			r.index[r.entries[last].key] = r.hand
		}
		r.entries[last] = nil
		r.entries = r.entries[:last]
	}
}

// victim returns the first entry from the hand on that was not used since the
// hand came by. After a few steps it is whichever comes: nobody waits for a
// round.
func (r *recent[K, V]) victim() int {
	const steps = 16
	for range steps {
		r.hand %= len(r.entries)
		if !r.entries[r.hand].used.Swap(false) {
			break
		}
		r.hand++
	}
	r.hand %= len(r.entries)
	i := r.hand
	r.hand++
	return i
}

// A cache remembers tokens that were verified. It holds none: they are known by
// the SHA-256 of the whole token. To look for one, a hash will do that costs
// next to nothing, as most of what a stranger sends is not there. A nil cache
// remembers nothing.
type cache struct {
	seed   maphash.Seed
	tokens *recent[uint64, remembered]
}

type remembered struct {
	sum [sha256.Size]byte
	*verified
}

func newCache(size int) *cache {
	return &cache{maphash.MakeSeed(), newRecent[uint64, remembered](size)}
}

func (c *cache) get(token []byte) *verified {
	if c == nil {
		return nil
	}
	known, ok := c.tokens.get(maphash.Bytes(c.seed, token))
	if !ok || known.sum != sha256.Sum256(token) {
		return nil
	}
	return known.verified
}

func (c *cache) put(token []byte, v verified) {
	if c == nil {
		return
	}
	want := &v.by.claims
	expiry := v.token.Expiry.Add(want.leeway)
	known := v
	known.token = v.token.clone()
	c.tokens.put(maphash.Bytes(c.seed, token), remembered{sha256.Sum256(token), &known}, expiry, want.now())
}
