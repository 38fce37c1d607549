package tokenprofile

import (
	"crypto/sha256"
	"sync"
)

// A cache remembers tokens that were verified, by the SHA-256 of the whole
// token, so that it holds no token. It is bounded: of two generations the
// older is dropped when the younger is full, so that what is used stays.
// A nil cache remembers nothing.
type cache struct {
	half int // the size of a generation

	mu         sync.RWMutex
	young, old map[tokenSum]*verified // guarded by mu
}

type tokenSum [sha256.Size]byte

func newCache(size int) *cache {
	return &cache{half: max(1, size/2), young: map[tokenSum]*verified{}}
}

func (c *cache) sum(token []byte) (sum tokenSum) {
	if c != nil {
		sum = sha256.Sum256(token)
	}
	return sum
}

func (c *cache) get(sum tokenSum) *verified {
	if c == nil {
		return nil
	}
	c.mu.RLock()
	known, old := c.young[sum], c.old[sum]
	c.mu.RUnlock()
	if known == nil && old != nil {
		c.add(sum, old)
		return old
	}
	return known
}

func (c *cache) put(sum tokenSum, v verified) {
	if c != nil {
		v.token = v.token.clone()
		c.add(sum, &v)
	}
}

func (c *cache) add(sum tokenSum, known *verified) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.half {
		c.young, c.old = make(map[tokenSum]*verified, c.half), c.young
	}
	c.young[sum] = known
}
