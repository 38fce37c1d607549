package interop_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

const (
	issuer   = "https://consumer.example"
	audience = "https://producer.example"
)

func profile(algorithm tokenprofile.Algorithm) tokenprofile.Profile {
	return tokenprofile.Profile{
		Algorithm: algorithm, Issuer: issuer, Audience: []string{audience}, Subject: "billing",
	}
}

// claims are what the peer signs: the profile's, and one with an integer that
// a float64 does not hold.
func claims() map[string]any {
	now := time.Now().Unix()
	return map[string]any{"iss": issuer, "aud": audience, "sub": "billing", "iat": now, "exp": now + 300, "order": 4711}
}

// ours is a key of ours and the address of its JWK Set.
type ours struct {
	store *keystore.Store
	url   string
}

func publish(t *testing.T, algorithm tokenprofile.Algorithm, key interface{ Public() crypto.PublicKey }) ours {
	t.Helper()
	private, err := keystore.NewPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	store := keystore.New(private)
	server := httptest.NewServer(&jwks.Handler{Source: store, Algorithm: algorithm})
	t.Cleanup(server.Close)
	return ours{store, server.URL}
}

func (o ours) keyID(t *testing.T) string {
	t.Helper()
	keys, err := o.store.PublicKeys(t.Context(), "")
	if err != nil || len(keys) != 1 {
		t.Fatalf("got %d keys and %v, want one", len(keys), err)
	}
	return keys[0].KeyID()
}

// secret is a key both sides hold.
type secret struct{ keystore.SecretKey }

func newSecret(t *testing.T, size int) secret {
	t.Helper()
	key := make([]byte, size)
	rand.Read(key)
	made, err := keystore.NewSecretKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return secret{made}
}

func (s secret) SecretKeys(_ context.Context, kid string) ([]keystore.SecretKey, error) {
	if kid != "" {
		return nil, nil
	}
	return []keystore.SecretKey{s.SecretKey}, nil
}

func (s secret) base64url() string { return base64.RawURLEncoding.EncodeToString(s.Bytes()) }

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signingKey(t *testing.T, algorithm tokenprofile.Algorithm) interface{ Public() crypto.PublicKey } {
	t.Helper()
	switch algorithm {
	case tokenprofile.ES256:
		return ecKey(t, elliptic.P256())
	case tokenprofile.ES384:
		return ecKey(t, elliptic.P384())
	case tokenprofile.ES512:
		return ecKey(t, elliptic.P521())
	case tokenprofile.EdDSA, tokenprofile.Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	return rsaKey()
}

var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

func agreementKey(t *testing.T, curve string) interface{ Public() crypto.PublicKey } {
	t.Helper()
	if curve != "X25519" {
		return ecKey(t, curves[curve])
	}
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
