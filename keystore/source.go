package keystore

import "context"

// A PrivateSource yields the private keys whose turn to sign, or to decrypt,
// has come. [*Store] is one; [Select] chooses among the keys.
type PrivateSource interface {
	PrivateKeys(ctx context.Context) ([]PrivateKey, error)
}

// A PublicSource yields public keys to verify with, or to encrypt to.
//
// With a kid it yields the keys of exactly that kid, none if there is none;
// with "" all of them. An error means that the keys could not be had, and says
// nothing about the kid. A source that holds its keys in memory answers even
// when ctx is done.
type PublicSource interface {
	PublicKeys(ctx context.Context, kid string) ([]PublicKey, error)
}

// A SecretSource yields symmetric keys, by kid as [PublicSource] does.
type SecretSource interface {
	SecretKeys(ctx context.Context, kid string) ([]SecretKey, error)
}

// A Publisher yields the public keys that others may fetch to verify with: its
// own, never those it merely trusts.
type Publisher interface {
	PublishedKeys(ctx context.Context) ([]PublicKey, error)
}
