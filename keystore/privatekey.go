package keystore

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// PrivateKey is a private key, or a handle to one held elsewhere (a KMS, an
// HSM), with its alias and its certificates. It prints as its kid and has no
// JSON form.
type PrivateKey struct {
	key    crypto.PrivateKey
	public PublicKey
	ops    []string // key_ops, RFC 7517 section 4.3
}

// A ContextSigner is a key held elsewhere whose signing can be cancelled.
// [PrivateKey.Sign] prefers it to [crypto.Signer].
type ContextSigner interface {
	crypto.Signer
	SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

// NewPrivateKey returns a key of the standard library (*rsa.PrivateKey,
// *ecdsa.PrivateKey, ed25519.PrivateKey, *ecdh.PrivateKey on X25519) or any
// other [crypto.Signer] as a [PrivateKey]. The chain, if there is one, begins
// with the certificate of the key and goes on with its issuers'.
func NewPrivateKey(key interface{ Public() crypto.PublicKey }, chain ...*x509.Certificate) (PrivateKey, error) {
	if key == nil {
		return PrivateKey{}, errors.New("keystore: the private key is nil")
	}
	public, err := NewPublicKey(key.Public(), chain...)
	if err != nil {
		return PrivateKey{}, err
	}
	return PrivateKey{key: key, public: public}, nil
}

// Public is the public part of the key, under the same kid.
func (k PrivateKey) Public() PublicKey { return k.public }

// KeyID is the key's kid, as [PublicKey.KeyID].
func (k PrivateKey) KeyID() string { return k.public.kid }

// WithKeyID returns the key under another kid.
func (k PrivateKey) WithKeyID(kid string) PrivateKey { k.public.kid = kid; return k }

// Alias is the alias of the entry the key comes from, or "".
func (k PrivateKey) Alias() string { return k.public.alias }

// CryptoKey is the key as the standard library knows it, or as it was given to
// [NewPrivateKey]: for handing it to other libraries.
func (k PrivateKey) CryptoKey() crypto.PrivateKey { return k.key }

// Permits is as [PublicKey.Permits], for what the private half does: "sign",
// "decrypt", "unwrapKey", "deriveKey", "deriveBits".
func (k PrivateKey) Permits(operation string) error {
	public := k.public
	public.ops = k.ops
	return public.permits(operation)
}

// Sign signs a digest, or for Ed25519 the message, as [crypto.Signer] does. A
// [ContextSigner] is handed ctx; any other key cannot be cancelled once it
// has begun.
func (k PrivateKey) Sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch key := k.key.(type) {
	case ContextSigner:
		return key.SignContext(ctx, digest, opts)
	case crypto.Signer:
		return key.Sign(rand.Reader, digest, opts)
	}
	return nil, fmt.Errorf("keystore: %w: a key of type %s does not sign", ErrUnsupported, k.public.Describe())
}

// String is the kid.
func (k PrivateKey) String() string { return k.public.kid }

// Format prints the kid whatever the verb, so that no verb prints the key.
func (k PrivateKey) Format(f fmt.State, _ rune) { io.WriteString(f, "private key "+k.public.kid) }

// LogValue is the kid.
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue(k.public.kid) }

// MarshalJSON always fails: only a [PublicKey] has a JSON form.
func (k PrivateKey) MarshalJSON() ([]byte, error) {
	return nil, errors.New("keystore: a private key has no JSON form; use its Public method")
}
