package keystore

import (
	"crypto"
	"crypto/ecdh"
	"crypto/sha256"
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
	members, err := publicMembers(k.key)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"kid": k.kid, "alg": string(k.alg), "use": k.use} {
		if value != "" {
			members[name] = value
		}
	}
	if len(k.ops) > 0 {
		members["key_ops"] = k.ops
	}
	return json.Marshal(members)
}

// thumbprint is the RFC 7638 SHA-256 thumbprint of a public key: the hash of
// its required members, in the order of their names.
func thumbprint(key crypto.PublicKey) (string, error) {
	members, err := publicMembers(key)
	if err != nil {
		return "", err
	}
	document, err := json.Marshal(members)
	if err != nil {
		return "", fmt.Errorf("keystore: %w", err)
	}
	sum := sha256.Sum256(document)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// publicMembers are the members that a JWK of the key must have, and no others.
func publicMembers(key crypto.PublicKey) (map[string]any, error) {
	if a := mldsaAlgorithm(key); a != "" { // RFC 9964 section 3; the library does not know it
		pub := base64.RawURLEncoding.EncodeToString(mldsaPublicBytes(key))
		return map[string]any{"kty": "AKP", "alg": string(a), "pub": pub}, nil
	}
	if x, ok := key.(*ecdh.PublicKey); ok {
		key = x25519.PublicKey(x.Bytes()) // the library's own type
	}
	encoded, err := jwk.FromRaw(key)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	document, err := json.Marshal(encoded)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	members := map[string]any{}
	if err := json.Unmarshal(document, &members); err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	return members, nil
}
