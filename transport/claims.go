package transport

import (
	"container/list"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
)

// maxClaims is how many distinct claims a Bearer keeps tokens for.
const maxClaims = 1024

// A claimsCache keeps tokens per distinct claims, those used last.
type claimsCache struct {
	make func(claims any) tokens

	mu     sync.Mutex
	byHash map[[sha256.Size]byte]*list.Element // guarded by mu
	order  list.List                           // of *claimsEntry, the one used last in front; guarded by mu
}

type claimsEntry struct {
	hash   [sha256.Size]byte
	tokens tokens
}

func newClaimsCache(make func(any) tokens) *claimsCache {
	return &claimsCache{make: make, byHash: map[[sha256.Size]byte]*list.Element{}}
}

// count returns how many claims there are tokens for.
func (c *claimsCache) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byHash)
}

// tokens returns those with the claims. Claims are the same if their JSON is;
// [json.Marshal] writes the members of a map in order.
func (c *claimsCache) tokens(claims any) (tokens, error) {
	text, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("transport: claims of the request: %w", err)
	}
	hash := sha256.Sum256(text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.byHash[hash]; ok {
		c.order.MoveToFront(element)
		return element.Value.(*claimsEntry).tokens, nil
	}
	if c.order.Len() >= maxClaims {
		oldest := c.order.Remove(c.order.Back()).(*claimsEntry)
		delete(c.byHash, oldest.hash)
	}
	entry := &claimsEntry{hash: hash, tokens: c.make(claims)}
	c.byHash[hash] = c.order.PushFront(entry)
	return entry.tokens, nil
}
