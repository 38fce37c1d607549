package tokenprofile

import (
	"crypto/sha256"
)

// A cache remembers tokens that were verified, by the SHA-256 of the whole
// token, so that it holds no token. A nil cache remembers nothing.
type cache struct{ tokens *recent[tokenSum, *verified] }

type tokenSum [sha256.Size]byte

func newCache(size int) *cache { return &cache{newRecent[tokenSum, *verified](size)} }

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
	known, _ := c.tokens.get(sum)
	return known
}

func (c *cache) put(sum tokenSum, v verified) {
	if c == nil {
		return
	}
	v.token = v.token.clone()
	want := &v.by.claims
	c.tokens.put(sum, &v, v.token.Expiry.Add(want.leeway), want.now())
}
