package keystore

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"time"
)

// trust is the source of other people's keys that a store has.
type trust struct{ store *Store }

// PublicKeys implements [PublicSource].
func (t trust) PublicKeys(ctx context.Context, kid string) ([]PublicKey, error) {
	return t.store.view(ctx).trust.find(kid), nil
}

// tlsCertificate is that of the key that is meant.
func tlsCertificate(s *Store, keys []PrivateKey, alias string) (*tls.Certificate, error) {
	key, err := Select(keys, Selection{Alias: alias, Newest: true, Now: time.Now(), Fits: fitsTLS, Source: s})
	if err != nil {
		return nil, err
	}
	certificate := &tls.Certificate{PrivateKey: key.CryptoKey(), Leaf: key.certificate()}
	for _, cert := range key.public.chain {
		certificate.Certificate = append(certificate.Certificate, cert.Raw)
	}
	return certificate, nil
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
