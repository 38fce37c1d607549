// Package redis remembers one-use tokens in Redis, so that a token that one
// instance of a service has admitted is refused by all others.
package redis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// ReplayGuard is a [tokenprofile.ReplayGuard] in Redis. Redis forgets each id
// when its token has expired, so it needs room for the tokens of one lifetime.
// It must not evict keys (maxmemory-policy noeviction), and a replica that has
// not heard of the last writes must not take over: either would let a token
// pass twice. The client's MaxRetries is -1: a SET that is repeated finds the
// key of the first, and the token passes not even once.
type ReplayGuard struct {
	Client redis.UniversalClient
	Prefix string // of the keys; "": "replay:"
}

var _ tokenprofile.ReplayGuard = (*ReplayGuard)(nil)

// First asks and remembers in one step (SET NX). An error means that Redis
// could not be asked: the token is refused, with 503.
func (g *ReplayGuard) First(ctx context.Context, issuer, id string, expiry time.Time) (bool, error) {
	remaining := time.Until(expiry)
	if remaining <= 0 {
		return false, errors.New("redis: the token has expired by the clock of this machine")
	}
	// SET NX answers nil, which the client calls an error, if the key is there.
	err := g.Client.SetArgs(ctx, g.key(issuer, id), 1, redis.SetArgs{Mode: "NX", TTL: remaining + time.Second}).Err()
	switch {
	case errors.Is(err, redis.Nil):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("redis: %w", err)
	}
	return true, nil
}

// key is a hash, so that nobody chooses a name in the database. The length
// keeps "a" and "bc" apart from "ab" and "c".
func (g *ReplayGuard) key(issuer, id string) string {
	prefix := g.Prefix
	if prefix == "" {
		prefix = "replay:"
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(issuer), issuer, id))
	return prefix + hex.EncodeToString(sum[:])
}
