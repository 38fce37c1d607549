package jwks_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// An authority issues certificates.
type authority struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

func newAuthority(t *testing.T, name string, parent *authority) *authority {
	key := jwkstest.NewKey("ES256").CryptoKey().(crypto.Signer)
	a := &authority{key: key}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	if parent == nil {
		parent = &authority{key, template}
	}
	a.certificate = parent.issue(t, template, key.Public())
	return a
}

func (a *authority) issue(t *testing.T, template *x509.Certificate, key crypto.PublicKey) *x509.Certificate {
	t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func (a *authority) leaf(t *testing.T, key keystore.PublicKey, template *x509.Certificate, chain ...*x509.Certificate) keystore.PublicKey {
	t.Helper()
	leaf := a.issue(t, template, key.CryptoKey())
	key, err := keystore.NewPublicKey(key.CryptoKey(), append([]*x509.Certificate{leaf}, chain...)...)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certified is the key with a certificate for a use.
func certified(t *testing.T, key keystore.PublicKey, usage x509.KeyUsage) keystore.PublicKey {
	return newAuthority(t, "root", nil).leaf(t, key, &x509.Certificate{KeyUsage: usage})
}

func TestKeysWithoutATrustedCertificateAreSkipped(t *testing.T) {
	root, other := newAuthority(t, "root", nil), newAuthority(t, "root", nil) // of one name
	between := newAuthority(t, "between", root)
	yesterday := &x509.Certificate{NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)}
	key := func() keystore.PublicKey { return jwkstest.NewKey("ES256").Public() }
	tests := []struct {
		name    string
		key     keystore.PublicKey
		trusted bool
	}{
		{"signed by the root", root.leaf(t, key(), &x509.Certificate{}), true},
		{"signed below the root", between.leaf(t, key(), &x509.Certificate{}, between.certificate), true},
		{"signed below the root, the chain incomplete", between.leaf(t, key(), &x509.Certificate{}), false},
		{"signed by another", other.leaf(t, key(), &x509.Certificate{}), false},
		{"expired", root.leaf(t, key(), yesterday), false},
		{"without a certificate", key(), false},
		{"the longest chain", root.leaf(t, key(), &x509.Certificate{}, many(root.certificate, 9)...), true},
		{"a chain beyond measure", root.leaf(t, key(), &x509.Certificate{}, many(root.certificate, 10)...), false},
	}
	roots := x509.NewCertPool()
	roots.AddCert(root.certificate)
	good := root.leaf(t, key(), &x509.Certificate{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			issuer := jwkstest.NewUnstartedIssuer("ES256", issuerURL)
			handler := &jwks.Handler{Source: published{good, tt.key}, Certificates: true}
			issuer.Break(handler.ServeHTTP)
			client := &jwks.Client{URL: issuer.KeysURL(), HTTPClient: issuer.Client(), Roots: roots}
			keys, err := client.PublicKeys(context.Background(), tt.key.KeyID())
			if err != nil || len(keys) == 1 != tt.trusted {
				t.Errorf("got %v, %v, want it trusted: %t", keys, err, tt.trusted)
			}
			if status := client.Status(); status.Keys+status.Skipped != 2 {
				t.Errorf("got %+v, want two keys in all", status)
			}
		})
	}
	t.Run("none is left", func(t *testing.T) {
		issuer := jwkstest.NewUnstartedIssuer("ES256", issuerURL)
		client := &jwks.Client{URL: issuer.KeysURL(), HTTPClient: issuer.Client(), Roots: roots}
		wantUnavailable(t, client, issuer.KeyID())
	})
}

func TestCertificatesAreLookedAtAgainWithEveryFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		root := newAuthority(t, "root", nil)
		client.Roots = x509.NewCertPool()
		client.Roots.AddCert(root.certificate)
		key := func(life time.Duration) keystore.PublicKey {
			return root.leaf(t, jwkstest.NewKey("ES256").Public(), &x509.Certificate{NotAfter: time.Now().Add(life), NotBefore: time.Now()})
		}
		short, long := key(10*time.Minute), key(50*time.Minute)
		issuer.Break((&jwks.Handler{Source: published{short, long}, Certificates: true}).ServeHTTP)
		use(t, client, short.KeyID(), 10*time.Minute)
		use(t, client, long.KeyID(), 5*time.Minute)
		wantNoKey(t, client, short.KeyID())
	})
}

func many(certificate *x509.Certificate, n int) []*x509.Certificate {
	chain := make([]*x509.Certificate, n)
	for i := range chain {
		chain[i] = certificate
	}
	return chain
}
