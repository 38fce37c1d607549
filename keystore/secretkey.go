package keystore

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
)

// SecretKey is a symmetric key for HMAC, key wrapping or direct encryption. It
// prints as its kid and has no JSON form.
type SecretKey struct {
	secret func() []byte // nil: no key
	kid    string
	alias  string
	usage
	index *aliasIndex
}

// NewSecretKey returns a symmetric key. The kid may be empty: a thumbprint of
// the key would let anyone who sees a token test guesses at the key (RFC 7638
// section 7), so there is no default.
func NewSecretKey(key []byte, kid string) (SecretKey, error) {
	if len(key) == 0 {
		return SecretKey{}, errors.New("keystore: the secret key is empty")
	}
	return SecretKey{secret: enclose(slices.Clone(key)), kid: kid}, nil
}

// SecretKeys returns the key itself, so that a key is a [SecretSource].
func (k SecretKey) SecretKeys(_ context.Context, kid string) ([]SecretKey, error) {
	if k.secret == nil || kid != "" && kid != k.kid {
		return nil, nil
	}
	return []SecretKey{k}, nil
}

// Bytes returns a copy of the key itself.
func (k SecretKey) Bytes() []byte { return slices.Clone(k.bytes()) }

func (k SecretKey) bytes() []byte {
	if k.secret == nil {
		return nil
	}
	return k.secret()
}

// Size returns the length of the key in bytes.
func (k SecretKey) Size() int { return len(k.bytes()) }

// KeyID returns the kid that its file or [NewSecretKey] names, or "".
func (k SecretKey) KeyID() string { return k.kid }

// Alias returns the alias of the entry the key comes from, or "".
func (k SecretKey) Alias() string { return k.alias }

// Algorithm returns the one algorithm the key may be used with, or "" if its
// source names none. A key for direct encryption is bound to a
// [ContentAlgorithm] (RFC 7518 section 4.5).
func (k SecretKey) Algorithm() Algorithm { return k.alg }

// Permits returns why the key may not be used for an operation, as
// [PublicKey.Permits] does: "sign", "verify", "encrypt", "decrypt", "wrapKey"
// or "unwrapKey".
func (k SecretKey) Permits(operation string) error { return k.permits(operation) }

// FitsSigning returns why the key cannot be used for the HMAC. A key shorter
// than the hash would make the MAC weaker than its name says (RFC 7518 section
// 3.2).
func (k SecretKey) FitsSigning(a Algorithm) error { return k.fitsMAC(a, "sign") }

// FitsVerifying returns why the key cannot verify, as [SecretKey.FitsSigning]
// does.
func (k SecretKey) FitsVerifying(a Algorithm) error { return k.fitsMAC(a, "verify") }

func (k SecretKey) fitsMAC(a Algorithm, operation string) error {
	s := specByName[a]
	if s == nil || s.family != FamilyHMAC {
		return fmt.Errorf("key %q (%d bytes) does not fit %s: it needs another type of key", k.kid, k.Size(), a)
	}
	need := s.hash.Size()
	var reason error
	switch {
	case k.alg != "" && k.alg != a:
		reason = fmt.Errorf("it is bound to the algorithm %q", k.alg)
	case k.Size() < need:
		reason = fmt.Errorf("it needs at least %d bytes", need)
	default:
		reason = k.permits(operation)
	}
	if reason == nil {
		return nil
	}
	return fmt.Errorf("key %q (%d bytes) does not fit %s: %w", k.kid, k.Size(), a, reason)
}

// Equal reports, in constant time, whether both are the same key, whatever
// their kids.
func (k SecretKey) Equal(other SecretKey) bool {
	return subtle.ConstantTimeCompare(k.bytes(), other.bytes()) == 1
}

// String returns the kid.
func (k SecretKey) String() string { return k.kid }

// Format prints the kid whatever the verb, so that no verb prints the key.
func (k SecretKey) Format(f fmt.State, _ rune) { io.WriteString(f, "secret key "+k.kid) }

// LogValue returns the kid.
func (k SecretKey) LogValue() slog.Value { return slog.StringValue(k.kid) }

// MarshalJSON always fails: only a [PublicKey] has a JSON form.
func (k SecretKey) MarshalJSON() ([]byte, error) {
	return nil, errors.New("keystore: a secret key has no JSON form")
}
