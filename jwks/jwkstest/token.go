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

// segment returns the base64url of the defaults with the changes.
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
