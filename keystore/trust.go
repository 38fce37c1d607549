package keystore

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Trust returns the keys of other people that the store holds: those of its
// trusted certificates while these are valid, under their RFC 7638
// thumbprints, and public keys of JWK Sets and PEM files, whatever certificate
// stands beside them. They verify, and cannot be published: the source is no
// [Publisher].
func (s *Store) Trust() PublicSource { return trust{s} }

type trust struct{ store *Store }

// PublicKeys implements [PublicSource].
func (t trust) PublicKeys(ctx context.Context, kid string) ([]PublicKey, error) {
	return t.store.view(ctx).trust.find(kid), nil
}

// CertPool returns the trusted certificates, for the RootCAs or ClientCAs of a
// [tls.Config]. The pool is the caller's own, and as old as the call.
func (s *Store) CertPool() *x509.CertPool { return s.view(context.Background()).pool() }

// TLSCertificate returns the key and chain of an alias for mutual TLS, "" as
// for signing: the only key, or the newest valid one. It is cheap, and new at
// every call, so that a [tls.Config] whose GetClientCertificate or
// GetCertificate calls it follows a rotation.
func (s *Store) TLSCertificate(alias string) (*tls.Certificate, error) {
	keys, err := s.PrivateKeys(context.Background())
	if err != nil {
		return nil, err
	}
	key, err := Select(keys, Selection{Alias: alias, Newest: true, Now: time.Now(), Fits: fitsTLS})
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
