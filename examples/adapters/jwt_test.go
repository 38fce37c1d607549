package adapters_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tokenprofile/tokenprofile-go/examples/adapters"
	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

var algorithms = []tokenprofile.Algorithm{
	tokenprofile.RS256, tokenprofile.PS256, tokenprofile.ES256, tokenprofile.ES384, tokenprofile.EdDSA,
}

func profileOf(algorithm tokenprofile.Algorithm) tokenprofile.Profile {
	return tokenprofile.Profile{
		Algorithm: algorithm,
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
		Subject:   "billing",
	}
}

// claims are what a program with golang-jwt writes.
func claims() jwt.RegisteredClaims {
	return jwt.RegisteredClaims{
		Issuer:    "https://consumer.example",
		Audience:  jwt.ClaimStrings{"https://producer.example"},
		Subject:   "billing",
		IssuedAt:  jwt.NewNumericDate(time.Now()),
		ExpiresAt: jwt.NewNumericDate(time.Now().Add(5 * time.Minute)),
	}
}

func onlyKey(t *testing.T, keys *keystore.Store) keystore.PrivateKey {
	t.Helper()
	found, err := keys.PrivateKeys(t.Context())
	if err != nil || len(found) != 1 {
		t.Fatalf("got %d keys and error %v", len(found), err)
	}
	return found[0]
}

func TestTheirTokensWithOurVerifier(t *testing.T) {
	for _, algorithm := range algorithms {
		t.Run(string(algorithm), func(t *testing.T) {
			keys := newKeys(t, algorithm)
			text, err := adapters.Sign(jwt.NewWithClaims(jwt.GetSigningMethod(string(algorithm)), claims()), onlyKey(t, keys))
			if err != nil {
				t.Fatal(err)
			}
			verifier, err := profileOf(algorithm).Verifier(keys)
			if err != nil {
				t.Fatal(err)
			}
			token, err := verifier.Verify(t.Context(), text)
			if err != nil {
				t.Fatal(err)
			}
			if token.Subject != "billing" {
				t.Errorf("got the subject %q, want billing", token.Subject)
			}
		})
	}
}

func TestOurTokensWithTheirParser(t *testing.T) {
	for _, algorithm := range algorithms {
		t.Run(string(algorithm), func(t *testing.T) {
			keys := newKeys(t, algorithm)
			published := httptest.NewServer(&jwks.Handler{Source: keys})
			defer published.Close()
			parse := parser(t, algorithm, &jwks.Client{URL: published.URL})
			got, err := parse(sign(t, profileOf(algorithm), keys))
			if err != nil {
				t.Fatal(err)
			}
			if got.Subject != "billing" {
				t.Errorf("got the subject %q, want billing", got.Subject)
			}
		})
	}
}

func sign(t *testing.T, profile tokenprofile.Profile, keys *keystore.Store) string {
	t.Helper()
	signer, err := profile.Signer(keys)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signer.Sign(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parser(t *testing.T, algorithm tokenprofile.Algorithm, keys keystore.PublicSource) func(string) (*jwt.RegisteredClaims, error) {
	return func(text string) (*jwt.RegisteredClaims, error) {
		var got jwt.RegisteredClaims
		_, err := jwt.ParseWithClaims(text, &got, adapters.Keyfunc(t.Context(), keys),
			jwt.WithValidMethods([]string{string(algorithm)}),
			jwt.WithIssuer("https://consumer.example"),
			jwt.WithAudience("https://producer.example"),
			jwt.WithExpirationRequired())
		return &got, err
	}
}

func TestKeyfuncRefuses(t *testing.T) {
	keys := newKeys(t, tokenprofile.ES256)
	second := newKeys(t, tokenprofile.ES256)
	two := keystore.New(onlyKey(t, keys), onlyKey(t, second))
	nameless := profileOf(tokenprofile.ES256)
	nameless.Header.NoKeyID = true
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	tests := []struct {
		name, text string
		keys       keystore.PublicSource
		want       error // nil: it is accepted
	}{
		{"no kid and one key is fine", sign(t, nameless, keys), keys, nil},
		{"no kid and two keys", sign(t, nameless, keys), two, jwt.ErrTokenUnverifiable},
		{"a kid and two keys is fine", sign(t, profileOf(tokenprofile.ES256), keys), two, nil},
		{"the key of a stranger", sign(t, profileOf(tokenprofile.ES256), second), keys, jwt.ErrTokenUnverifiable},
		{"another algorithm", sign(t, profileOf(tokenprofile.ES384), newKeys(t, tokenprofile.ES384)), keys, jwt.ErrTokenSignatureInvalid},
		{"keys that cannot be had", sign(t, profileOf(tokenprofile.ES256), keys), &jwks.Client{URL: gone.URL}, keystore.ErrUnavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := parser(t, tokenprofile.ES256, test.keys)(test.text); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// The Keyfunc knows its keys by the kid, as those of identity providers do.
func TestTheirKeysWithOurVerifier(t *testing.T) {
	first, second := newKeys(t, tokenprofile.ES256), newKeys(t, tokenprofile.ES256)
	known := map[string]any{onlyKey(t, first).KeyID(): onlyKey(t, first).Public().CryptoKey(), onlyKey(t, second).KeyID(): onlyKey(t, second).Public().CryptoKey()}
	byKid := func(token *jwt.Token) (any, error) {
		kid, named := token.Header["kid"].(string)
		if key := known[kid]; key != nil || named {
			if key == nil {
				return nil, errors.New("no such key")
			}
			return key, nil
		}
		var all jwt.VerificationKeySet
		for _, key := range known {
			all.Keys = append(all.Keys, key)
		}
		return all, nil
	}
	secret := func(*jwt.Token) (any, error) { return []byte("a secret of enough random characters"), nil }
	nameless := profileOf(tokenprofile.ES256)
	nameless.Header.NoKeyID = true
	tests := []struct {
		name, text string
		keys       jwt.Keyfunc
		want       error // nil: it is accepted
	}{
		{"the one key", sign(t, profileOf(tokenprofile.ES256), first), byKid, nil},
		{"the other key", sign(t, profileOf(tokenprofile.ES256), second), byKid, nil},
		{"no kid", sign(t, nameless, second), byKid, nil},
		{"no kid, and the key of a stranger", sign(t, nameless, newKeys(t, tokenprofile.ES256)), byKid, tokenprofile.ErrSignature},
		{"the key of a stranger", sign(t, profileOf(tokenprofile.ES256), newKeys(t, tokenprofile.ES256)), byKid, keystore.ErrUnavailable},
		{"another algorithm", sign(t, profileOf(tokenprofile.ES384), newKeys(t, tokenprofile.ES384)), byKid, tokenprofile.ErrAlgorithm},
		{"a secret where public keys belong", sign(t, profileOf(tokenprofile.ES256), first), secret, keystore.ErrUnsupported},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			verifier, err := profileOf(tokenprofile.ES256).Verifier(adapters.FromKeyfunc(test.keys, tokenprofile.ES256))
			if err != nil {
				t.Fatal(err)
			}
			token, err := verifier.Verify(t.Context(), test.text)
			if !errors.Is(err, test.want) || err == nil && token.Subject != "billing" {
				t.Errorf("got %v and error %v, want %v", token, err, test.want)
			}
		})
	}
}

func TestSignRefusesAKeyOfAnotherKind(t *testing.T) {
	key := onlyKey(t, newKeys(t, tokenprofile.ES256))
	if _, err := adapters.Sign(jwt.NewWithClaims(jwt.SigningMethodRS256, claims()), key); err == nil {
		t.Error("an EC key signs RS256")
	}
}
