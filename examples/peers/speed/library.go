package speed

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

const (
	issuer   = "https://consumer.example"
	audience = "https://producer.example"
	subject  = "billing"
)

// A Library signs and verifies tokens, each the way its own documentation
// shows first.
type Library struct {
	Name string
	// Sign prepares the signing of tokens with the claims of [Claims].
	Sign func(Party) (Work, error)
	// Verify prepares the verification of a token: its signature, algorithm,
	// issuer, audience and times.
	Verify func(Party, string) (Work, error)
}

// Work is done once at every call.
type Work func() error

// A Party is an algorithm with a key, in the form of the standard library.
type Party struct {
	Algorithm       string
	Private, Public any
}

func parties() (map[string]Party, error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	return map[string]Party{
		"HS256": {"HS256", secret, secret},
		"RS256": {"RS256", rsaKey, &rsaKey.PublicKey},
		"ES256": {"ES256", ecKey, &ecKey.PublicKey},
		"EdDSA": {"EdDSA", edKey, edPublic},
	}, err
}

// own are the three claims that differ from token to token. With iss, sub, aud,
// iat and exp, which a profile adds by itself, a token has eight.
func own() map[string]any {
	return map[string]any{"order": 4711, "scope": "orders:read orders:write", "tenant": "north"}
}

// Claims are all eight, for libraries that are given each of them.
func Claims() map[string]any {
	claims, now := own(), time.Now().Unix()
	claims["iss"], claims["sub"], claims["aud"] = issuer, subject, audience
	claims["iat"], claims["exp"] = now, now+900
	return claims
}

// Expected are the issuer and the audience of a token.
func Expected() (string, string) { return issuer, audience }

// ours is this library; cacheSize is as in [tokenprofile.Profile].
func ours(cacheSize int) Library {
	return Library{
		Name: "ours",
		Sign: func(p Party) (Work, error) {
			signer, _, err := pair(p, cacheSize)
			return func() error { _, err := signer.Sign(context.Background(), own()); return err }, err
		},
		Verify: func(p Party, token string) (Work, error) {
			_, verifier, err := pair(p, cacheSize)
			return func() error { _, err := verifier.Verify(context.Background(), token); return err }, err
		},
	}
}

func pair(p Party, cacheSize int) (signer *tokenprofile.Signer, verifier *tokenprofile.Verifier, err error) {
	profile := tokenprofile.Profile{
		Algorithm: tokenprofile.Algorithm(p.Algorithm), Issuer: issuer, Audience: []string{audience}, Subject: subject, CacheSize: cacheSize,
	}
	if secret, ok := p.Private.([]byte); ok {
		var key keystore.SecretKey
		if key, err = keystore.NewSecretKey(secret, ""); err != nil {
			return nil, nil, err
		}
		if signer, err = profile.SecretSigner(key); err == nil {
			verifier, err = profile.SecretVerifier(key)
		}
		return signer, verifier, err
	}
	key, err := keystore.NewPrivateKey(p.Private.(crypto.Signer))
	if err != nil {
		return nil, nil, err
	}
	store := keystore.New(key)
	if signer, err = profile.Signer(store); err == nil {
		verifier, err = profile.Verifier(store)
	}
	return signer, verifier, err
}
