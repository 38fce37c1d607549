package keystore

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// PrivateKey is a private key, or a handle to one held elsewhere (a KMS, an
// HSM), with its alias and its certificates. It prints as its kid and has no
// JSON form.
type PrivateKey struct {
	material func() signer // nil: no key
	public   PublicKey
	ops      []string // key_ops of the private half, RFC 7517 section 4.3
	err      error    // why its entry could not be read
	index    *aliasIndex
	undated  bool // its certificate's dates do not count
}

// enclose keeps a secret behind a function, because a function is the one
// thing fmt never looks into. In an unexported field it calls no methods and
// prints what it finds, behind pointers too for a verb that does not fit.
func enclose[T any](secret T) func() T { return func() T { return secret } }

type signer = interface{ Public() crypto.PublicKey }

// A ContextSigner is a key held elsewhere whose signing can be cancelled.
// [PrivateKey.Sign] prefers it to [crypto.Signer].
type ContextSigner interface {
	crypto.Signer
	SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

// NewPrivateKey returns a key of the standard library (*rsa.PrivateKey,
// *ecdsa.PrivateKey, ed25519.PrivateKey, *ecdh.PrivateKey on X25519, from Go
// 1.27 on *mldsa.PrivateKey) or any other [crypto.Signer] as a [PrivateKey].
// The chain, if there is one, begins with the certificate of the key and goes
// on with its issuers'.
//
// A private part that does not fit the public part is [ErrDamaged].
func NewPrivateKey(key interface{ Public() crypto.PublicKey }, chain ...*x509.Certificate) (PrivateKey, error) {
	if key == nil {
		return PrivateKey{}, errors.New("keystore: the private key is nil")
	}
	if err := checkPair(key); err != nil {
		return PrivateKey{}, err
	}
	return newPrivateKey(key, chain)
}

// newPrivateKey makes a PrivateKey of a key whose halves are known to belong
// together. Checking that costs as much as reading the key.
func newPrivateKey(key signer, chain []*x509.Certificate) (PrivateKey, error) {
	public, err := NewPublicKey(key.Public(), chain...)
	if err != nil {
		return PrivateKey{}, err
	}
	return PrivateKey{material: enclose(key), public: public}, nil
}

// checkPair checks that both halves of a key of the standard library belong
// together: signing with a wrong one can give the key away.
func checkPair(key signer) error {
	fits := true
	switch key := key.(type) {
	case *rsa.PrivateKey:
		fits = key.Validate() == nil
	case *ecdsa.PrivateKey:
		if checkEC(&key.PublicKey) != nil {
			break // said better when the public key is checked
		}
		d, err := key.Bytes()
		if err != nil {
			return fmt.Errorf("keystore: %w: the EC private key is not a number of its curve", ErrDamaged)
		}
		again, err := ecdsa.ParseRawPrivateKey(key.Curve, d)
		fits = err == nil && again.PublicKey.Equal(&key.PublicKey)
	case ed25519.PrivateKey:
		fits = len(key) == ed25519.PrivateKeySize && key.Equal(ed25519.NewKeyFromSeed(key.Seed()))
	}
	if !fits {
		return fmt.Errorf("keystore: %w: the private part does not belong to the public part", ErrDamaged)
	}
	return nil
}

// Public returns the public part of the key, under the same kid.
func (k PrivateKey) Public() PublicKey { return k.public }

// KeyID returns the key's kid, as [PublicKey.KeyID] does.
func (k PrivateKey) KeyID() string { return k.public.kid }

// WithKeyID returns the key under another kid.
func (k PrivateKey) WithKeyID(kid string) PrivateKey {
	k.public = k.public.WithKeyID(kid)
	return k
}

// WithAlgorithm returns the key bound to the algorithm, as
// [PublicKey.WithAlgorithm] does.
func (k PrivateKey) WithAlgorithm(a Algorithm) (PrivateKey, error) {
	public, err := k.public.WithAlgorithm(a)
	if err != nil {
		return PrivateKey{}, err
	}
	k.public = public
	return k, nil
}

// WithAlias returns the key under an alias, by which [Select] finds it: for keys
// that come from no file.
func (k PrivateKey) WithAlias(alias string) PrivateKey { k.public.alias = alias; return k }

// Alias returns the alias of the entry the key comes from, or "".
func (k PrivateKey) Alias() string { return k.public.alias }

// CryptoKey returns the key as the standard library knows it, or as it was
// given to [NewPrivateKey]: for handing it to other libraries.
func (k PrivateKey) CryptoKey() crypto.PrivateKey {
	if k.material == nil {
		return nil
	}
	return k.material()
}

// Err returns why the key cannot be used: its entry could not be read, by the
// password given or by this package. [Select] passes it on when the key is the
// one that is meant.
func (k PrivateKey) Err() error { return k.err }

// Permits returns why the private half may not be used for an operation, as
// [PublicKey.Permits] does: "sign", "decrypt", "unwrapKey", "deriveKey" or
// "deriveBits".
func (k PrivateKey) Permits(operation string) error {
	if k.err != nil {
		return k.err
	}
	return k.half().Permits(operation)
}

// half returns the public key with the key_ops of the private half.
func (k PrivateKey) half() PublicKey {
	half := k.public
	half.ops = k.ops
	return half
}

// Fits returns why the key cannot sign or decrypt with the algorithm, as
// [PublicKey.Fits] does.
func (k PrivateKey) Fits(a Algorithm) error {
	if k.err != nil {
		return k.err
	}
	half := k.half()
	return fits(&half, a, func(s *spec) []string { return s.private })
}

// Sign signs a digest, or for Ed25519 and ML-DSA the message, as
// [crypto.Signer] does. A [ContextSigner] is handed ctx; any other key cannot
// be cancelled once it has begun.
func (k PrivateKey) Sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if k.err != nil {
		return nil, k.err
	}
	switch key := k.CryptoKey().(type) {
	case ContextSigner:
		return key.SignContext(ctx, digest, opts)
	case crypto.Signer:
		return key.Sign(rand.Reader, digest, opts)
	}
	return nil, fmt.Errorf("keystore: %w: a key of type %s does not sign", ErrUnsupported, k.public.Describe())
}

// String returns the kid.
func (k PrivateKey) String() string { return k.public.kid }

// Format prints the kid whatever the verb, so that no verb prints the key.
func (k PrivateKey) Format(f fmt.State, _ rune) { io.WriteString(f, "private key "+k.public.kid) }

// LogValue returns the kid.
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue(k.public.kid) }

// MarshalJSON always fails: only a [PublicKey] has a JSON form.
func (k PrivateKey) MarshalJSON() ([]byte, error) {
	return nil, errors.New("keystore: a private key has no JSON form; use its Public method")
}

func (k PrivateKey) certificate() *x509.Certificate {
	if len(k.public.chain) == 0 {
		return nil
	}
	return k.public.chain[0]
}

// dated returns the certificate whose dates count.
func (k PrivateKey) dated() *x509.Certificate {
	if k.undated {
		return nil
	}
	return k.certificate()
}

func (k PrivateKey) notBefore() time.Time {
	if cert := k.dated(); cert != nil {
		return cert.NotBefore
	}
	return time.Time{}
}
