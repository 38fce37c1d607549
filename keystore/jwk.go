package keystore

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// thumbprint is the RFC 7638 SHA-256 thumbprint of a public key.
func thumbprint(key crypto.PublicKey) (string, error) {
	k, err := jwk.FromRaw(key)
	if err != nil {
		return "", fmt.Errorf("keystore: %w", err)
	}
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("keystore: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// MarshalJSON is the key's JWK (RFC 7517): its public parameters, kid, and
// what is known of alg, use and key_ops.
func (k PublicKey) MarshalJSON() ([]byte, error) {
	if k.key == nil {
		return nil, errors.New("keystore: the zero PublicKey has no JSON form")
	}
	key, err := jwk.FromRaw(k.key)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	members := map[string]any{jwk.KeyIDKey: k.kid, jwk.AlgorithmKey: k.alg, jwk.KeyUsageKey: k.use}
	for name, value := range members {
		if value == "" {
			continue
		}
		if err := key.Set(name, value); err != nil {
			return nil, fmt.Errorf("keystore: JWK member %q: %w", name, err)
		}
	}
	return json.Marshal(key)
}

// UnmarshalJSON reads a public JWK. A key of a kind this package does not use
// is [ErrUnsupported]; a JWK with private or secret members is refused.
func (k *PublicKey) UnmarshalJSON(data []byte) error {
	return errors.New("keystore: not built")
}
