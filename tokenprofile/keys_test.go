package tokenprofile_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// now is the time of tests with a fixed clock.
var now = time.Unix(1_900_000_000, 0)

func fixedClock() time.Time { return now }

// asymmetric are the algorithms with a key pair, hmacs those with a shared key.
var (
	asymmetric = []tokenprofile.Algorithm{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
	hmacs      = []tokenprofile.Algorithm{"HS256", "HS384", "HS512"}
)

// generateRSA makes one key for all tests: it takes long.
var generateRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

type signingKey interface {
	crypto.Signer
	Public() crypto.PublicKey
}

func cryptoKey(t testing.TB, algorithm tokenprofile.Algorithm) signingKey {
	t.Helper()
	var key signingKey
	var err error
	switch {
	case strings.HasPrefix(string(algorithm), "RS"), strings.HasPrefix(string(algorithm), "PS"):
		key, err = generateRSA()
	case algorithm == "EdDSA", algorithm == "Ed25519":
		_, key, err = generateEd25519()
	default:
		curve := map[tokenprofile.Algorithm]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[algorithm]
		key, err = ecdsa.GenerateKey(curve, rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func generateEd25519() (crypto.PublicKey, signingKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	return public, private, err
}

func keyFor(t testing.TB, algorithm tokenprofile.Algorithm) keystore.PrivateKey {
	t.Helper()
	key, err := keystore.NewPrivateKey(cryptoKey(t, algorithm))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func secretFor(t testing.TB, kid string, size int) keystore.SecretKey {
	t.Helper()
	key := make([]byte, size)
	rand.Read(key)
	secret, err := keystore.NewSecretKey(key, kid)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// secrets is a source of shared keys.
type secrets []keystore.SecretKey

func (s secrets) SecretKeys(_ context.Context, kid string) ([]keystore.SecretKey, error) {
	return slices.Collect(func(yield func(keystore.SecretKey) bool) {
		for _, key := range s {
			if (kid == "" || key.KeyID() == kid) && !yield(key) {
				return
			}
		}
	}), nil
}

// trust is a source of public keys that can be changed.
type trust struct {
	mu    sync.Mutex
	keys  []keystore.PublicKey // guarded by mu
	err   error                // guarded by mu
	calls int                  // guarded by mu
}

func trusting(keys ...keystore.PrivateKey) *trust {
	t := &trust{}
	for _, key := range keys {
		t.keys = append(t.keys, key.Public())
	}
	return t
}

func (s *trust) set(keys []keystore.PublicKey, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.err = keys, err
}

func (s *trust) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *trust) PublicKeys(_ context.Context, kid string) (found []keystore.PublicKey, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	for _, key := range s.keys {
		if kid == "" || key.KeyID() == kid {
			found = append(found, key)
		}
	}
	return found, s.err
}

// profileOf is the profile most tests start from.
func profileOf(algorithm tokenprofile.Algorithm) tokenprofile.Profile {
	return tokenprofile.Profile{
		Algorithm: algorithm,
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
		Subject:   "billing",
		Now:       fixedClock,
	}
}

// pair is a signer and a verifier of a profile that share a key.
func pair(t testing.TB, p tokenprofile.Profile) (*tokenprofile.Signer, *tokenprofile.Verifier) {
	t.Helper()
	signer, verifier := several(t, p)
	return signer, verifier()
}

// signAndVerify does both for so many tokens. It may run beside others.
func signAndVerify(t *testing.T, signer *tokenprofile.Signer, verifier *tokenprofile.Verifier, tokens int) {
	for range tokens {
		token, err := signer.Sign(t.Context(), nil)
		if err == nil {
			_, err = verifier.Verify(t.Context(), token)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// several is a signer, and as many verifiers of its tokens as are asked for.
func several(t testing.TB, p tokenprofile.Profile) (*tokenprofile.Signer, func() *tokenprofile.Verifier) {
	t.Helper()
	if slices.Contains(hmacs, p.Algorithm) {
		keys := secrets{secretFor(t, "k1", 64)}
		return ok(p.SecretSigner(keys))(t), func() *tokenprofile.Verifier { return ok(p.SecretVerifier(keys))(t) }
	}
	keys := keystore.New(keyFor(t, p.Algorithm))
	return ok(p.Signer(keys))(t), func() *tokenprofile.Verifier { return ok(p.Verifier(keys))(t) }
}

// ok is for calls that must not fail: ok(f())(t).
func ok[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
