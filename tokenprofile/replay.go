package tokenprofile

import (
	"context"
	"time"
)

// A ReplayGuard remembers the ids of tokens that are for one use. First
// reports whether it sees the id of the issuer for the first time, and
// remembers it until expiry. An error means refusal.
type ReplayGuard interface {
	First(ctx context.Context, issuer, id string, expiry time.Time) (bool, error)
}

// MemoryReplayGuard is a bounded [ReplayGuard] for one process.
type MemoryReplayGuard struct {
	Max int // ids; zero: 100,000
}

// First implements [ReplayGuard].
func (g *MemoryReplayGuard) First(ctx context.Context, issuer, id string, expiry time.Time) (bool, error) {
	return false, errNotBuilt
}
