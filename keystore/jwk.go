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

// maxJWK is in bytes: an RSA key of 16384 bits with all its private members,
// and a chain of certificates.
const maxJWK = 128 << 10

// MarshalJSON returns the key's JWK (RFC 7517): its public parameters, kid, and
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

// UnmarshalJSON reads a public JWK strictly: each member once, every parameter
// in canonical base64url of the exact length, a point on its curve, an alg and
// an x5c that belong to the key. A key of a kind this package does not use is
// [ErrUnsupported]; a JWK with private or secret members is [ErrNotPublic].
// [ParsePublicJWK] is for keys as other people publish them.
func (k *PublicKey) UnmarshalJSON(data []byte) error {
	key, err := parsePublicJWK(jsonObject(data, maxJWK))
	if err == nil {
		*k = key
	}
	return err
}

// ParsePublicJWK reads a public JWK as key sets out there have them. It takes
// what leaves no doubt about the key: numbers with leading zeros, base64 with
// padding or in the standard alphabet, members that are null. An x5c that is no
// chain of certificates, or another key's, is left out, and x5t and x5t#S256
// are not looked at.
//
// A key that no algorithm can use, by its type, size or restrictions, is
// [ErrUnsupported], and one with private or secret members [ErrNotPublic].
func ParsePublicJWK(data []byte) (PublicKey, error) {
	return parsePublicJWK(lenientObject(data, maxJWK))
}

func parsePublicJWK(o object, err error) (PublicKey, error) {
	var key PublicKey
	if err == nil {
		key, err = onlyPublicJWK(o)
	}
	if err != nil {
		return PublicKey{}, fmt.Errorf("keystore: JWK%s: %w", o.named(), err)
	}
	return key, nil
}

// onlyPublicJWK refuses private and secret members, used or not, and of other
// people's keys those that are of no use.
func onlyPublicJWK(o object) (PublicKey, error) {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if o.has(name) {
			return PublicKey{}, fmt.Errorf("%w: member %q", ErrNotPublic, name)
		}
	}
	key, err := publicJWK(o)
	if err == nil && o.lenient {
		err = usable(key)
	}
	return key, err
}

// usable returns why no algorithm can use the key, or nil.
func usable(k PublicKey) error {
	var reason error
	for _, s := range specs {
		if takes(s, k.key) != nil {
			continue
		}
		err := k.Fits(s.name)
		if err == nil {
			return nil
		}
		if reason == nil || k.alg == s.name {
			reason = err
		}
	}
	return fmt.Errorf("%w: %w", ErrUnsupported, reason)
}

// thumbprint returns the RFC 7638 SHA-256 thumbprint of a public key: the hash
// of its required members, in the order of their names.
func thumbprint(key crypto.PublicKey) (string, error) {
	if members := mldsaMembers(key); members != nil {
		document, err := json.Marshal(members)
		sum := sha256.Sum256(document)
		return base64.RawURLEncoding.EncodeToString(sum[:]), err
	}
	var sum []byte
	encoded, err := libraryKey(key)
	if err == nil {
		sum, err = encoded.Thumbprint(crypto.SHA256)
	}
	if err != nil {
		return "", fmt.Errorf("keystore: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// publicMembers returns the members that a JWK of the key must have, and no
// others.
func publicMembers(key crypto.PublicKey) (map[string]any, error) {
	if members := mldsaMembers(key); members != nil {
		return members, nil
	}
	encoded, err := libraryKey(key)
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

// mldsaMembers returns the members of an ML-DSA key (RFC 9964 section 3), which
// the library does not know; nil for any other.
func mldsaMembers(key crypto.PublicKey) map[string]any {
	a := mldsaAlgorithm(key)
	if a == "" {
		return nil
	}
	return map[string]any{"kty": "AKP", "alg": string(a), "pub": base64.RawURLEncoding.EncodeToString(mldsaKeys.publicBytes(key))}
}

// libraryKey returns the key as the library knows it.
func libraryKey(key crypto.PublicKey) (jwk.Key, error) {
	if x, ok := key.(*ecdh.PublicKey); ok {
		key = x25519.PublicKey(x.Bytes())
	}
	return jwk.FromRaw(key)
}
