package keystore

import (
	"context"
	"crypto"
	"errors"
	"fmt"
)

// trust is the source of other people's keys that a store has.
type trust struct{ store *Store }

// PublicKeys implements [PublicSource].
func (t trust) PublicKeys(ctx context.Context, kid string) ([]PublicKey, error) {
	return t.store.view(ctx).trust.find(kid), nil
}

// fitsTLS reports whether the key can be used in a TLS handshake.
func fitsTLS(key PrivateKey) error {
	if key.certificate() == nil {
		return errors.New("it has no certificate")
	}
	if _, ok := key.CryptoKey().(crypto.Signer); !ok {
		return fmt.Errorf("%w: %s in TLS", ErrUnsupported, key.public.Describe())
	}
	return nil
}
