package tokenprofile

import (
	"cmp"
	"container/heap"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// A ReplayGuard remembers tokens that are for one use.
//
// First reports whether it sees the id of the issuer for the first time, and
// remembers it until expiry, which includes the leeway. Asking and remembering
// are one step, also among processes that share a store (SET NX in Redis). An
// error means that the guard cannot tell: the token is refused, but not as
// invalid.
type ReplayGuard interface {
	First(ctx context.Context, issuer, id string, expiry time.Time) (bool, error)
}

// ErrReplayGuardFull is the error of a [MemoryReplayGuard] that could admit a
// further token only by forgetting one that could still be used again. Its text
// names the field to raise.
var ErrReplayGuardFull = errors.New("replay guard full")

// MemoryReplayGuard is a bounded [ReplayGuard] for one process. Several
// processes behind one address need one they share. The zero value is ready
// to use; it is safe for concurrent use.
//
// It forgets everything when the process ends: see UnknownUntil.
type MemoryReplayGuard struct {
	// Max is how many ids are remembered at most. One more is refused with
	// [ErrReplayGuardFull]. An id is remembered as long as its token is good, so a
	// guard can admit
	//
	//	Max / (Lifetime + Leeway)
	//
	// tokens a second: 1,075 with the defaults of a [Profile], 930 seconds and
	// this field's 1,000,000. That many ids take about 100 MB; memory grows as
	// they come. Zero: 1,000,000.
	Max int

	// MaxPerIssuer is how many of them may be of one issuer, or for DPoP proofs of
	// one key, so that none can fill the guard for all others. One more is refused
	// with [ErrReplayGuardFull]. Zero: Max.
	MaxPerIssuer int

	// UnknownUntil makes the guard treat every id that expires before it as used.
	// A new process does not know which tokens were used before: set it to the
	// start plus the profile's Lifetime and Leeway, when the last token from
	// before has expired. Such tokens are then refused, and their senders make new
	// ones. Zero: they are admitted once more.
	UnknownUntil time.Time

	// Now is the clock, which must be the one of the tokens' profile. Nil:
	// [time.Now].
	Now func() time.Time

	mu        sync.Mutex
	seen      map[replayID]int64 // when the id expires, see nanoseconds; guarded by mu
	perIssuer map[issuerID]int   // how many of them an issuer has; guarded by mu
	expiring  replayHeap         // all of them; guarded by mu
}

const defaultReplayMax = 1_000_000

// forgetAtOnce is how many expired ids a call forgets: more than one, so that
// their number shrinks, and few, so that no call is slow.
const forgetAtOnce = 4

var (
	_ ReplayGuard = (*MemoryReplayGuard)(nil)

	errReplayExpired = errors.New("the token has expired by the replay guard's clock")
)

// First implements [ReplayGuard].
func (g *MemoryReplayGuard) First(_ context.Context, issuer, id string, expiry time.Time) (bool, error) {
	entry := newReplayEntry(issuer, id, expiry)
	g.mu.Lock()
	defer g.mu.Unlock()
	now := nanoseconds(g.now())
	g.forget(now, forgetAtOnce)
	switch {
	case g.seen[entry.id] > now, expiry.Before(g.UnknownUntil):
		return false, nil
	case entry.expiry <= now:
		return false, errReplayExpired // it would be forgotten at once
	}
	if err := g.room(entry, now); err != nil {
		return false, err
	}
	g.remember(entry)
	return true, nil
}

func (g *MemoryReplayGuard) now() time.Time {
	if g.Now != nil {
		return g.Now()
	}
	return time.Now()
}

// room makes room for one more id by forgetting what has expired.
func (g *MemoryReplayGuard) room(entry replayEntry, now int64) error {
	most := cmp.Or(g.Max, defaultReplayMax)
	share := cmp.Or(g.MaxPerIssuer, most)
	for len(g.seen) >= most || g.perIssuer[entry.issuer] >= share {
		if !g.forget(now, 1) {
			break
		}
	}
	switch {
	case len(g.seen) >= most:
		return fmt.Errorf("%w: MemoryReplayGuard.Max is %d", ErrReplayGuardFull, most)
	case g.perIssuer[entry.issuer] >= share:
		return fmt.Errorf("%w: MemoryReplayGuard.MaxPerIssuer is %d", ErrReplayGuardFull, share)
	}
	return nil
}

func (g *MemoryReplayGuard) remember(entry replayEntry) {
	if g.seen == nil {
		g.seen, g.perIssuer = map[replayID]int64{}, map[issuerID]int{}
	}
	if _, again := g.seen[entry.id]; !again { // else it has expired but is still remembered
		g.perIssuer[entry.issuer]++
	}
	g.seen[entry.id] = entry.expiry
	heap.Push(&g.expiring, entry)
}

// forget drops up to n ids that have expired: their tokens are refused for
// that. It reports whether there was one.
func (g *MemoryReplayGuard) forget(now int64, n int) (forgot bool) {
	for range n {
		if len(g.expiring) == 0 || g.expiring[0].expiry > now {
			return forgot
		}
		forgot = true
		entry := heap.Pop(&g.expiring).(replayEntry)
		if g.seen[entry.id] > now {
			continue // it came again since
		}
		delete(g.seen, entry.id)
		if g.perIssuer[entry.issuer]--; g.perIssuer[entry.issuer] == 0 {
			delete(g.perIssuer, entry.issuer)
		}
	}
	return forgot
}

// A replayEntry holds hashes, so that long ids take no more memory. Half of a
// SHA-256 is enough for ids: whoever finds a collision has only used up an id
// of their own.
type replayEntry struct {
	id     replayID
	issuer issuerID
	expiry int64
}

type (
	replayID [sha256.Size / 2]byte
	issuerID uint64
)

// newReplayEntry hashes the issuer's length too, so that two pairs never look
// alike.
func newReplayEntry(issuer, id string, expiry time.Time) replayEntry {
	issuerSum := sha256.Sum256([]byte(issuer))
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(issuer), issuer, id))
	return replayEntry{replayID(sum[:]), issuerID(binary.BigEndian.Uint64(issuerSum[:])), nanoseconds(expiry)}
}

// nanoseconds since 1970, up to the year 2262, beyond which all is one.
func nanoseconds(t time.Time) int64 {
	if t.Unix() >= math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	return t.UnixNano()
}

// A replayHeap has the entry that expires first in front.
type replayHeap []replayEntry

func (h replayHeap) Len() int           { return len(h) }
func (h replayHeap) Less(i, j int) bool { return h[i].expiry < h[j].expiry }
func (h replayHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *replayHeap) Push(entry any)    { *h = append(*h, entry.(replayEntry)) }
func (h *replayHeap) Pop() any {
	last := len(*h) - 1
	entry := (*h)[last]
	*h = (*h)[:last]
	return entry
}
