package tokenprofile_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

const sha256Hash = crypto.SHA256

func pssWithSalt(key crypto.Signer, length int) func([]byte, crypto.SignerOpts) ([]byte, error) {
	return func(digest []byte, _ crypto.SignerOpts) ([]byte, error) {
		return key.Sign(rand.Reader, digest, &rsa.PSSOptions{SaltLength: length, Hash: crypto.SHA256})
	}
}

func sum256(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

func asn1Signature(r, s *big.Int) ([]byte, error) {
	return asn1.Marshal(struct{ R, S *big.Int }{r, s})
}

func decodeSegment(t testing.TB, segment string) []byte {
	t.Helper()
	return ok(base64.RawURLEncoding.DecodeString(segment))(t)
}

// elsewhere is a key held elsewhere, that signs as it was told to in the test.
type elsewhere struct {
	signingKey
	sign func(digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

func (k elsewhere) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.sign(digest, opts)
}

// As a KMS: nothing but crypto.Signer, for every algorithm.
func TestAKeyHeldElsewhereSigns(t *testing.T) {
	for _, algorithm := range asymmetric {
		t.Run(string(algorithm), func(t *testing.T) {
			key := cryptoKey(t, algorithm)
			asked := 0
			remote := elsewhere{key, func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
				asked++
				return key.Sign(rand.Reader, digest, opts)
			}}
			store := keystore.New(ok(keystore.NewPrivateKey(remote))(t))
			p := profileOf(algorithm)
			signer, verifier := ok(p.Signer(store))(t), ok(p.Verifier(store))(t)
			if asked != 0 {
				t.Error("the key was used before there was a token to sign")
			}
			if _, err := verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t)); err != nil {
				t.Error(err)
			}
			if asked != 1 {
				t.Errorf("the key signed %d times, want once", asked)
			}
		})
	}
}

// A faulty signer is noticed before a token leaves.
func TestAFaultySignerIsNoticed(t *testing.T) {
	rsaKey, ecKey, edKey := cryptoKey(t, "PS256"), cryptoKey(t, "ES256").(*ecdsa.PrivateKey), cryptoKey(t, "EdDSA")
	raw := func(digest []byte, _ crypto.SignerOpts) ([]byte, error) {
		r, s, err := ecdsa.Sign(rand.Reader, ecKey, digest)
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), err
	}
	with := func(der []byte) func([]byte, crypto.SignerOpts) ([]byte, error) {
		return func([]byte, crypto.SignerOpts) ([]byte, error) { return der, nil }
	}
	for _, test := range []struct {
		name string
		p    tokenprofile.Algorithm
		key  signingKey
		sign func([]byte, crypto.SignerOpts) ([]byte, error)
		want string
	}{
		{"PSS asked, PKCS #1 given", "PS256", rsaKey, func(digest []byte, _ crypto.SignerOpts) ([]byte, error) {
			return rsaKey.Sign(rand.Reader, digest, crypto.SHA256)
		}, "not PS256"},
		{"another salt", "PS256", rsaKey, pssWithSalt(rsaKey, 20), "not PS256"},
		{"nothing", "PS256", rsaKey, with(nil), "not PS256"},
		{"another message", "EdDSA", edKey, func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			return edKey.Sign(rand.Reader, digest[1:], opts)
		}, "not EdDSA"},
		{"r and s side by side instead of DER", "ES256", ecKey, raw, "not in ASN.1 DER"},
		{"empty DER", "ES256", ecKey, with(nil), "not in ASN.1 DER"},
		{"DER cut short", "ES256", ecKey, with([]byte{0x30, 6, 2, 1, 1, 2}), "not in ASN.1 DER"},
		{"DER with something behind", "ES256", ecKey, with([]byte{0x30, 6, 2, 1, 1, 2, 1, 1, 0}), "not in ASN.1 DER"},
		{"DER with a third integer", "ES256", ecKey, with([]byte{0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1}), "not in ASN.1 DER"},
		{"a negative integer", "ES256", ecKey, with([]byte{0x30, 6, 2, 1, 0x80, 2, 1, 1}), "not in ASN.1 DER"},
		{"an integer of no bytes", "ES256", ecKey, with([]byte{0x30, 5, 2, 0, 2, 1, 1}), "not in ASN.1 DER"},
		{"an integer longer than the curve", "ES256", ecKey, with(append(append([]byte{0x30, 38, 2, 33}, bytes.Repeat([]byte{1}, 33)...), 2, 1, 1)), "not in ASN.1 DER"},
		{"a length in an unusual form", "ES256", ecKey, with([]byte{0x30, 0x82, 0, 6, 2, 1, 1, 2, 1, 1}), "not in ASN.1 DER"},
		{"integers that are no signature", "ES256", ecKey, with([]byte{0x30, 6, 2, 1, 1, 2, 1, 1}), "not ES256"},
		{"an error of its own", "ES256", ecKey, func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, errors.New("token removed") }, "token removed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := ok(keystore.NewPrivateKey(elsewhere{test.key, test.sign}))(t)
			_, err := ok(profileOf(test.p).Signer(keystore.New(key)))(t).Sign(t.Context(), nil)
			mentions(t, err, test.want)
			mentions(t, err, key.KeyID())
		})
	}
}

// slow is a key that signs only once it is told to, and can be cancelled.
type slow struct{ signingKey }

func (k slow) SignContext(ctx context.Context, _ []byte, _ crypto.SignerOpts) ([]byte, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

var _ keystore.ContextSigner = slow{}

func TestASlowSignerIsCancelled(t *testing.T) {
	signer := ok(profileOf("ES256").Signer(keystore.New(ok(keystore.NewPrivateKey(slow{cryptoKey(t, "ES256")}))(t))))(t)
	reason := errors.New("the caller left")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() {
		_, err := signer.Sign(ctx, nil)
		done <- err
	}()
	cancel(reason)
	if err := <-done; !errors.Is(err, reason) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, reason)
	}
}

// DER has no zeros in front, a JWS has all of them: short r and s keep their
// place. Signed until both have occurred.
func TestShortIntegersKeepTheirPlace(t *testing.T) {
	store := keystore.New(keyFor(t, "ES256"))
	p := profileOf("ES256")
	p.CacheSize = -1
	signer, verifier := ok(p.Signer(store))(t), ok(p.Verifier(store))(t)
	shortR, shortS := false, false
	for n := 0; n < 20000 && !(shortR && shortS); n++ {
		token := ok(signer.Sign(t.Context(), nil))(t)
		signature := decodeSegment(t, token[len(token)-86:])
		if signature[0] != 0 && signature[32] != 0 {
			continue
		}
		shortR, shortS = shortR || signature[0] == 0, shortS || signature[32] == 0
		if _, err := verifier.Verify(t.Context(), token); err != nil {
			t.Errorf("r begins with %d, s with %d: %v", signature[0], signature[32], err)
		}
	}
	if !shortR || !shortS {
		t.Error("no short integer occurred")
	}
}
