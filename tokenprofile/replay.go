package tokenprofile

import (
	"cmp"
	"container/heap"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A ReplayGuard remembers the tokens that are for one use.
//
// First reports whether it sees the id of the issuer for the first time, and
// remembers it until expiry, which includes the leeway. Asking and remembering
// are one step, also among several processes that share a store (SET NX in
// Redis). An error means that the guard cannot tell: the token is refused, but
// not for a fault of its own.
type ReplayGuard interface {
	First(ctx context.Context, issuer, id string, expiry time.Time) (bool, error)
}

// ErrReplayGuardFull is the error of a [MemoryReplayGuard] that could admit a
// further token only by forgetting one that could still be used again.
var ErrReplayGuardFull = errors.New("replay guard full")

// MemoryReplayGuard is a bounded [ReplayGuard] for one process. Several
// processes behind one address need one they share. The zero value is ready
// to use; it is safe for concurrent use.
type MemoryReplayGuard struct {
	// Max is how many ids are remembered at most. Zero: 100,000, which is
	// about 15 MB. One more is refused with [ErrReplayGuardFull].
	Max int

	// Now is the clock, which must be the one of the tokens' profile. Nil:
	// [time.Now].
	Now func() time.Time

	mu     sync.Mutex
	seen   map[replayID]bool // guarded by mu
	expiry replayHeap        // guarded by mu; of all that are seen
}

// A replayID is a hash, so that no id takes more memory than others.
type replayID [sha256.Size]byte

const defaultReplayMax = 100_000

var (
	_ ReplayGuard = (*MemoryReplayGuard)(nil)

	errReplayExpired = errors.New("the token has expired by the replay guard's clock")
)

// First implements [ReplayGuard].
func (g *MemoryReplayGuard) First(_ context.Context, issuer, id string, expiry time.Time) (bool, error) {
	key := newReplayID(issuer, id)
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	g.forget(now)
	switch {
	case g.seen[key]:
		return false, nil
	case !now.Before(expiry):
		return false, errReplayExpired // it would be forgotten at once
	case g.expiry.Len() >= cmp.Or(g.Max, defaultReplayMax):
		return false, ErrReplayGuardFull
	case g.seen == nil:
		g.seen = map[replayID]bool{}
	}
	g.seen[key] = true
	heap.Push(&g.expiry, replayEntry{key, expiry})
	return true, nil
}

func (g *MemoryReplayGuard) now() time.Time {
	if g.Now != nil {
		return g.Now()
	}
	return time.Now()
}

// forget drops what has expired: it is refused for that.
func (g *MemoryReplayGuard) forget(now time.Time) {
	for len(g.expiry) > 0 && !now.Before(g.expiry[0].expiry) {
		delete(g.seen, heap.Pop(&g.expiry).(replayEntry).key)
	}
}

// newReplayID hashes the issuer's length too: two pairs never look alike.
func newReplayID(issuer, id string) replayID {
	return sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(issuer), issuer, id))
}

type replayEntry struct {
	key    replayID
	expiry time.Time
}

// A replayHeap has the entry that expires first in front.
type replayHeap []replayEntry

func (h replayHeap) Len() int           { return len(h) }
func (h replayHeap) Less(i, j int) bool { return h[i].expiry.Before(h[j].expiry) }
func (h replayHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *replayHeap) Push(entry any)    { *h = append(*h, entry.(replayEntry)) }
func (h *replayHeap) Pop() any {
	last := len(*h) - 1
	entry := (*h)[last]
	*h = (*h)[:last]
	return entry
}
