package keystore

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

// PublicKey is a public key with its kid, and what is known of its use. It is
// the only kind of key with a JSON form: its JWK (RFC 7517).
type PublicKey struct {
	key crypto.PublicKey
	// identity is its RFC 7638 thumbprint: equal for equal keys, whatever their
	// kids, and "" for none.
	identity string
	kid      string
	named    bool // whether its source named the kid
	alias    string
	usage
	pss   bool // its OID is that of RSASSA-PSS
	chain []*x509.Certificate
	aside bool // the chain only accompanies the key (x5c): the key outlives it
	sound bool // an RSA key that passed isROCA, which takes longer than all other checks of a token
}

// NewPublicKey returns the key of the standard library as a [PublicKey], with
// the RFC 7638 thumbprint for a kid. It takes *rsa.PublicKey,
// *ecdsa.PublicKey on P-256, P-384 and P-521, ed25519.PublicKey,
// *ecdh.PublicKey on X25519, and from Go 1.27 on *mldsa.PublicKey; else the
// error is [ErrUnsupported]. The chain, if there is one, begins with the
// certificate of the key.
func NewPublicKey(key crypto.PublicKey, chain ...*x509.Certificate) (PublicKey, error) {
	if err := checkPublicKey(key); err != nil {
		return PublicKey{}, err
	}
	if len(chain) > 0 {
		if certified, err := certifiedKey(chain[0]); err != nil || !samePublicKey(certified, key) {
			return PublicKey{}, fmt.Errorf("keystore: %w: the certificate %q belongs to another key", ErrDamaged, chain[0].Subject)
		}
	}
	identity, err := thumbprint(key)
	if err != nil {
		return PublicKey{}, err
	}
	rsaKey, isRSA := key.(*rsa.PublicKey)
	sound := isRSA && !isROCA(rsaKey.N)
	return PublicKey{key: key, identity: identity, kid: identity, chain: slices.Clone(chain), sound: sound}, nil
}

// KeyID returns the key's kid: the one its file names, else its RFC 7638
// SHA-256 thumbprint.
func (k PublicKey) KeyID() string { return k.kid }

// WithKeyID returns the key under another kid.
func (k PublicKey) WithKeyID(kid string) PublicKey {
	k.kid, k.named = kid, kid != ""
	return k
}

// KeyIDNamed reports whether the key's source named its kid. Certificates and
// PEM keys name none: their kid is the thumbprint, and a sender may call the
// key something else.
func (k PublicKey) KeyIDNamed() bool { return k.named }

// Alias returns the alias of the entry the key comes from, or "".
func (k PublicKey) Alias() string { return k.alias }

// Algorithm returns the one algorithm the key may be used with (RFC 7517
// section 4.4), or "" if its source names none.
func (k PublicKey) Algorithm() Algorithm { return k.alg }

// WithAlgorithm returns the key bound to the algorithm, or to none with "". It
// is an error if the algorithm is unknown, or the key is of another type.
func (k PublicKey) WithAlgorithm(a Algorithm) (PublicKey, error) {
	if err := fitsType(a, k.key); err != nil {
		return PublicKey{}, fmt.Errorf("keystore: key %q (%s): %w", k.kid, k.Describe(), err)
	}
	k.alg = a
	return k, nil
}

// DefaultAlgorithm returns the algorithm to sign with where nobody names one:
// the one the key is bound to, else ES256, ES384 or ES512 by its curve, EdDSA,
// or ML-DSA by its parameters. It is "" for an RSA key, which has six, and for
// a key that does not sign.
func (k PublicKey) DefaultAlgorithm() Algorithm {
	if k.alg != "" {
		return k.alg
	}
	if _, ok := k.key.(*rsa.PublicKey); ok {
		return ""
	}
	for _, s := range specs {
		if s.name.IsSignature() && takes(s, k.key) == nil {
			return s.name
		}
	}
	return ""
}

// PSSOnly reports whether the key is an RSA key that may be used with
// RSASSA-PSS alone (PS256, PS384, PS512), as its OID 1.2.840.113549.1.1.10
// says (RFC 4055 section 1.2).
func (k PublicKey) PSSOnly() bool { return k.pss }

// CryptoKey returns the key as the standard library knows it.
func (k PublicKey) CryptoKey() crypto.PublicKey { return k.key }

// Certificates returns the key's certificate followed by its issuers', or nil.
func (k PublicKey) Certificates() []*x509.Certificate { return slices.Clone(k.chain) }

// X5T returns the base64url SHA-1 thumbprint of the key's certificate (RFC 7515
// section 4.1.7), or "" without a certificate, and under GODEBUG=fips140=only,
// which knows no SHA-1.
func (k PublicKey) X5T() string {
	if len(k.chain) == 0 || pbe.Legacy("SHA-1") != nil {
		return ""
	}
	sum := sha1.Sum(k.chain[0].Raw) // an identifier asked for by the RFC, not a protection
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// X5TS256 returns the base64url SHA-256 thumbprint of the key's certificate
// (RFC 7515 section 4.1.8), or "" without a certificate.
func (k PublicKey) X5TS256() string {
	if len(k.chain) == 0 {
		return ""
	}
	sum := sha256.Sum256(k.chain[0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Permits returns why the key may not be used for an operation of RFC 7517
// section 4.3 ("verify", "encrypt", "wrapKey", "deriveKey", ...): its use, its
// key_ops and the key usage of its certificate must not say otherwise.
func (k PublicKey) Permits(operation string) error {
	if err := k.permits(operation); err != nil {
		return err
	}
	if k.pss && operation != "sign" && operation != "verify" {
		return errors.New("an RSASSA-PSS key is for signatures alone")
	}
	if len(k.chain) == 0 {
		return nil
	}
	return permitsKeyUsage(k.chain[0], operation)
}

// Fits returns why the key cannot verify, or be encrypted to, with the
// algorithm: its type, its size, or a restriction by its source or its
// certificate. The error names the key and the algorithm. Nil means that it
// fits.
func (k PublicKey) Fits(a Algorithm) error {
	return fits(&k, a, func(s *spec) []string { return s.public })
}

// PEM returns the key as a PEM block of type PUBLIC KEY (RFC 7468 section 13),
// for receivers that want a file instead of a key set.
func (k PublicKey) PEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k.key)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w: %w", ErrUnsupported, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// Equal reports whether both are the same key, whatever their kids.
func (k PublicKey) Equal(other PublicKey) bool {
	return k.identity != "" && k.identity == other.identity
}

// Describe names the type and size of the key: "RSA 2048", "EC P-256", "Ed25519".
func (k PublicKey) Describe() string {
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		if k.pss {
			return fmt.Sprintf("RSASSA-PSS %d", key.N.BitLen())
		}
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "EC " + key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	case *ecdh.PublicKey:
		return "X25519"
	}
	if a := mldsaAlgorithm(k.key); a != "" {
		return string(a)
	}
	return "no key"
}

// String returns the kid.
func (k PublicKey) String() string { return k.kid }

// maxRSABits is the largest RSA modulus read. What is used has limits of its own.
const maxRSABits = 16384

// checkPublicKey refuses values that are not keys. Keys that are merely too
// weak are read, so that they can be listed.
func checkPublicKey(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return checkRSA(key)
	case *ecdsa.PublicKey:
		return checkEC(key)
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("keystore: an Ed25519 key has %d bytes, not %d", ed25519.PublicKeySize, len(key))
		}
		return nil
	case *ecdh.PublicKey:
		if key != nil && key.Curve() == ecdh.X25519() {
			return nil
		}
	default:
		if mldsaAlgorithm(key) != "" {
			return nil
		}
	}
	return fmt.Errorf("keystore: %w: public key of type %T", ErrUnsupported, key)
}

func checkRSA(key *rsa.PublicKey) error {
	switch {
	case key == nil || key.N == nil || key.N.Sign() <= 0:
		return errors.New("keystore: an RSA key without a modulus")
	case key.N.BitLen() > maxRSABits:
		return fmt.Errorf("keystore: %w: an RSA key of %d bits", ErrLimit, key.N.BitLen())
	case key.N.Bit(0) == 0:
		return errors.New("keystore: the RSA modulus is even")
	case key.E < 3 || key.E%2 == 0:
		return fmt.Errorf("keystore: the RSA exponent is %d", key.E)
	}
	return nil
}

func checkEC(key *ecdsa.PublicKey) error {
	//lint:ignore SA1019 Bytes panics for a key without a point, and nothing else tells it
	if key == nil || key.Curve == nil || key.X == nil || key.Y == nil {
		return errors.New("keystore: an EC key without a curve or a point")
	}
	if curves[key.Curve.Params().Name] != key.Curve {
		return fmt.Errorf("keystore: %w: elliptic curve %s", ErrUnsupported, key.Curve.Params().Name)
	}
	if _, err := key.Bytes(); err != nil {
		return fmt.Errorf("keystore: the point is not on the curve %s", key.Curve.Params().Name)
	}
	return nil
}

func samePublicKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// permitsKeyUsage applies RFC 5280 section 4.2.1.3. A certificate without the
// extension permits everything.
func permitsKeyUsage(cert *x509.Certificate, operation string) error {
	if cert.KeyUsage == 0 {
		return nil
	}
	switch operation {
	case "sign", "verify":
		// contentCommitment was called nonRepudiation, and certificates
		// with nothing else sign documents.
		if cert.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
			return errors.New("the certificate's key usage does not include digital signatures")
		}
	case "encrypt", "decrypt", "wrapKey", "unwrapKey":
		if cert.KeyUsage&(x509.KeyUsageKeyEncipherment|x509.KeyUsageDataEncipherment) == 0 {
			return errors.New("the certificate's key usage does not include encipherment")
		}
	case "deriveKey", "deriveBits":
		if cert.KeyUsage&x509.KeyUsageKeyAgreement == 0 {
			return errors.New("the certificate's key usage does not include key agreement")
		}
	}
	return nil
}
