package jwkstest

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Token returns a token with these claims, signed by the key in force. iss,
// iat and exp (in 5 minutes) are added where the claims do not have them; a
// claim that is nil is left out, to make a token without it.
func (i *Issuer) Token(claims map[string]any) string {
	return i.TokenWith(nil, claims)
}

// TokenWith is [Issuer.Token] with header parameters: they replace those it
// would write (alg, typ, kid), and nil leaves one out. The signature is by the
// issuer's algorithm, whatever the header says: to see such tokens refused.
func (i *Issuer) TokenWith(header, claims map[string]any) string {
	i.mu.Lock()
	key := i.signing
	i.mu.Unlock()
	now := time.Now()
	text := segment(map[string]any{"alg": i.algorithm, "typ": "JWT", "kid": key.KeyID()}, header) + "." +
		segment(map[string]any{"iss": i.URL, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}, claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(key, i.algorithm, text))
}

// segment is base64url of the defaults with the changes.
func segment(defaults, changes map[string]any) string {
	maps.Copy(defaults, changes)
	maps.DeleteFunc(defaults, func(_ string, value any) bool { return value == nil })
	return base64.RawURLEncoding.EncodeToString(mustJSON(defaults))
}

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("jwkstest: %v", err))
	}
	return data
}

func sign(key keystore.PrivateKey, algorithm keystore.Algorithm, text string) []byte {
	signature, err := algorithm.Sign(context.Background(), key, nil, []byte(text))
	if err != nil {
		panic(fmt.Sprintf("jwkstest: %v", err))
	}
	return signature
}

// NewKey makes a private key for the algorithm, for [Issuer.Use]. It panics if
// there is no such algorithm.
func NewKey(algorithm keystore.Algorithm) keystore.PrivateKey {
	now := time.Now()
	certified, err := keystore.Generate(algorithm, "CN=jwkstest", now, now.Add(time.Hour))
	if err != nil {
		panic(fmt.Sprintf("jwkstest: %v", err))
	}
	key, err := keystore.NewPrivateKey(certified.CryptoKey().(crypto.Signer)) // its certificate would end
	if err != nil {
		panic(fmt.Sprintf("jwkstest: %v", err))
	}
	return key
}
