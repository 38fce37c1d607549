package transport

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
)

// defaultClaims is how many distinct claims a Bearer keeps tokens for.
const defaultClaims = 1024

// A claimsCache keeps tokens per distinct claims.
//
// When it is full, it picks two at random and forgets the one that was used
// longer ago. Forgetting the oldest of all would fail badly if one user more
// than there is room for came in turn: then no token would ever be found again.
type claimsCache struct {
	make func(claims any) tokens
	most int

	mu      sync.Mutex
	byHash  map[[sha256.Size]byte]*claimsEntry // guarded by mu
	entries []*claimsEntry                     // the same in any order; guarded by mu
	uses    int                                // look-ups so far; guarded by mu
}

type claimsEntry struct {
	hash   [sha256.Size]byte
	tokens tokens
	used   int // the look-up that found it last
}

// newClaimsCache returns one with room for so many claims, 0 for the default.
func newClaimsCache(most int, make func(any) tokens) *claimsCache {
	return &claimsCache{make: make, most: cmp.Or(most, defaultClaims), byHash: map[[sha256.Size]byte]*claimsEntry{}}
}

// count returns how many claims there are tokens for.
func (c *claimsCache) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
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
	c.uses++
	entry, ok := c.byHash[hash]
	if !ok {
		entry = &claimsEntry{hash: hash, tokens: c.make(claims)}
		c.add(entry)
	}
	entry.used = c.uses
	return entry.tokens, nil
}

// add puts the entry in, and drops another one if necessary. c.mu is held.
func (c *claimsCache) add(entry *claimsEntry) {
	c.byHash[entry.hash] = entry
	if len(c.entries) < c.most {
		c.entries = append(c.entries, entry)
		return
	}
	out := rand.N(len(c.entries))
	if other := rand.N(len(c.entries)); c.entries[other].used < c.entries[out].used {
		out = other
	}
	delete(c.byHash, c.entries[out].hash)
	c.entries[out] = entry
}
