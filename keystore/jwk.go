package keystore

import (
	"crypto"
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/x25519"
)

// MarshalJSON is the key's JWK (RFC 7517): its public parameters, kid, and
// what is known of alg, use and key_ops. Certificates are not part of it; see
// [PublicKey.Certificates].
func (k PublicKey) MarshalJSON() ([]byte, error) {
	if k.key == nil {
		return nil, errors.New("keystore: the zero PublicKey has no JSON form")
	}
	key, err := encodedKey(k.key)
	if err != nil {
		return nil, err
	}
	members := map[string]any{}
	for name, value := range map[string]string{jwk.KeyIDKey: k.kid, jwk.AlgorithmKey: k.alg, jwk.KeyUsageKey: k.use} {
		if value != "" {
			members[name] = value
		}
	}
	if len(k.ops) > 0 {
		members[jwk.KeyOpsKey] = k.ops
	}
	for name, value := range members {
		if err := key.Set(name, value); err != nil {
			return nil, fmt.Errorf("keystore: JWK member %q: %w", name, err)
		}
	}
	return json.Marshal(key)
}

// thumbprint is the RFC 7638 SHA-256 thumbprint of a public key.
func thumbprint(key crypto.PublicKey) (string, error) {
	encoded, err := encodedKey(key)
	if err != nil {
		return "", err
	}
	sum, err := encoded.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("keystore: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// encodedKey is the key in jwx's form, which has its own type for X25519.
func encodedKey(key crypto.PublicKey) (jwk.Key, error) {
	if x, ok := key.(*ecdh.PublicKey); ok {
		key = x25519.PublicKey(x.Bytes())
	}
	encoded, err := jwk.FromRaw(key)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	return encoded, nil
}
