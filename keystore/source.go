package keystore

import (
	"context"
	"time"
)

// A PrivateSource yields the private keys that sign now. [*Store] is one;
// [Select] chooses among the keys.
type PrivateSource interface {
	PrivateKeys(ctx context.Context) ([]PrivateKey, error)
}

// A DecryptionSource yields all private keys that others may encrypt to. During
// a rotation these are more than the keys that sign: others may already use the
// next key, which is published, and messages encrypted to the last one are
// still on their way. [*Store] is one.
type DecryptionSource interface {
	DecryptionKeys(ctx context.Context) ([]PrivateKey, error)
}

// A DecryptionFunc is a [DecryptionSource] made of a function, such as the
// PrivateKeys of a source that has one set of keys for everything.
type DecryptionFunc func(ctx context.Context) ([]PrivateKey, error)

// DecryptionKeys calls f.
func (f DecryptionFunc) DecryptionKeys(ctx context.Context) ([]PrivateKey, error) { return f(ctx) }

// A PublicSource yields public keys to verify with, or to encrypt to.
//
// With a kid it yields the keys of exactly that kid, or none; with "" it yields
// all of them. An error means that the keys are not available, and says nothing
// about the kid. A source that holds its keys in memory answers even when ctx
// is done.
type PublicSource interface {
	PublicKeys(ctx context.Context, kid string) ([]PublicKey, error)
}

// A SecretSource yields symmetric keys, by kid as [PublicSource] does.
type SecretSource interface {
	SecretKeys(ctx context.Context, kid string) ([]SecretKey, error)
}

// A Publisher yields the public keys that others may fetch to verify with: its
// own keys, never trusted ones.
type Publisher interface {
	PublishedKeys(ctx context.Context) ([]PublicKey, error)
}

// A Retainer says how long its keys stay published after they have signed for
// the last time. A token must not live longer, or its key is gone before it
// has expired. [*Store] is one.
type Retainer interface {
	PublishedAfter() time.Duration
}
