package adapters

import (
	"context"
	"fmt"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Keyfunc lets a parser of golang-jwt verify with keys of ours: a jwks.Client,
// a truststore. Their interface has no context, so that a fetch runs under the
// one given here: make a Keyfunc for each request, it costs nothing.
//
// A token without a kid is verified if exactly one key fits its algorithm.
// Which algorithms are accepted is the parser's matter: [jwt.WithValidMethods].
func Keyfunc(ctx context.Context, keys keystore.PublicSource) jwt.Keyfunc {
	return func(token *jwt.Token) (any, error) {
		kid, _ := token.Header["kid"].(string)
		found, err := keys.PublicKeys(ctx, kid)
		if err != nil {
			return nil, err
		}
		var fitting []keystore.PublicKey
		for _, key := range found {
			if key.Fits(keystore.Algorithm(token.Method.Alg())) == nil {
				fitting = append(fitting, key)
			}
		}
		if len(fitting) != 1 {
			return nil, fmt.Errorf("adapters: %d keys fit a token with alg %s and kid %q, not 1", len(fitting), token.Method.Alg(), kid)
		}
		return fitting[0].CryptoKey(), nil
	}
}

// FromKeyfunc lets a verifier of ours use the keys that a Keyfunc knows: the one
// of an identity provider's library, for instance. It is asked as for a token
// of the algorithm. It does not tell a kid that nobody has from keys that cannot
// be had, so neither is the token's fault, and a guard answers 503.
func FromKeyfunc(keys jwt.Keyfunc, algorithm keystore.Algorithm) keystore.PublicSource {
	return keyfunc{keys, algorithm}
}

type keyfunc struct {
	keys      jwt.Keyfunc
	algorithm keystore.Algorithm
}

// PublicKeys implements [keystore.PublicSource].
func (f keyfunc) PublicKeys(_ context.Context, kid string) ([]keystore.PublicKey, error) {
	token := &jwt.Token{Method: jwt.GetSigningMethod(string(f.algorithm)), Header: map[string]any{"alg": string(f.algorithm)}}
	if kid != "" {
		token.Header["kid"] = kid
	}
	found, err := f.keys(token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", keystore.ErrUnavailable, err)
	}
	set, ok := found.(jwt.VerificationKeySet)
	if !ok {
		set.Keys = []jwt.VerificationKey{found}
	}
	var public []keystore.PublicKey
	for _, key := range set.Keys {
		k, err := keystore.NewPublicKey(key)
		if err != nil {
			return nil, err
		}
		if kid != "" {
			k = k.WithKeyID(kid)
		}
		public = append(public, k)
	}
	return public, nil
}

// Sign lets golang-jwt sign a token with a key of ours, and writes its kid. The
// key must be in memory: golang-jwt knows no others for RSA and ECDSA.
func Sign(token *jwt.Token, key keystore.PrivateKey) (string, error) {
	if err := key.Fits(keystore.Algorithm(token.Method.Alg())); err != nil {
		return "", err
	}
	token.Header["kid"] = key.KeyID()
	return token.SignedString(key.CryptoKey())
}
