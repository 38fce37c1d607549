// Package nats remembers one-use tokens in a key-value bucket of NATS
// JetStream, so that a token that one instance of a service has admitted is
// refused by all others.
package nats

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Bucket creates the bucket, or finds it. With three replicas an id is on two
// servers before the answer comes. Each key needs a lifetime of its own, which
// takes NATS 2.11 and a LimitMarkerTTL.
func Bucket(ctx context.Context, js jetstream.JetStream, name string, replicas int) (jetstream.KeyValue, error) {
	return js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: name, Storage: jetstream.FileStorage, Replicas: replicas, LimitMarkerTTL: time.Minute,
	})
}

// ReplayGuard is a [tokenprofile.ReplayGuard] in a [Bucket]. NATS forgets each
// id when its token has expired.
type ReplayGuard struct {
	Bucket jetstream.KeyValue
}

var _ tokenprofile.ReplayGuard = (*ReplayGuard)(nil)

// First asks and remembers in one step. An error means that NATS could not be
// asked: the token is refused, with 503.
func (g *ReplayGuard) First(ctx context.Context, issuer, id string, expiry time.Time) (bool, error) {
	remaining := time.Until(expiry)
	if remaining <= 0 {
		return false, errors.New("nats: the token has expired by the clock of this machine")
	}
	// NATS cuts a lifetime to whole seconds.
	_, err := g.Bucket.Create(ctx, key(issuer, id), nil, jetstream.KeyTTL(remaining+time.Second))
	switch {
	case errors.Is(err, jetstream.ErrKeyExists):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("nats: %w", err)
	}
	return true, nil
}

// key is a hash, because a key of NATS may hold few characters. The length
// keeps "a" and "bc" apart from "ab" and "c".
func key(issuer, id string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(issuer), issuer, id))
	return hex.EncodeToString(sum[:])
}
