package tokenprofile

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// An Algorithm is the JWS algorithm of a profile (RFC 7518 section 3.1, RFC 8037).
type Algorithm string

// The algorithms a profile can have. There is no "none".
const (
	RS256 Algorithm = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256" // RSASSA-PSS with SHA-256 and a salt of 32 bytes
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	ES256 Algorithm = "ES256" // ECDSA on P-256 with SHA-256
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512" // on P-521
	EdDSA Algorithm = "EdDSA" // Ed25519
	HS256 Algorithm = "HS256" // HMAC with SHA-256
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
)

// What an RSA key must be (RFC 7518 section 3.3; the upper bounds keep a
// hostile key from costing much time).
const (
	minRSABits     = 2048
	maxRSABits     = 8192
	minRSAExponent = 65537
)

// A scheme is what an [Algorithm] stands for.
type scheme struct {
	algorithm Algorithm
	family    family
	hash      crypto.Hash
	curve     elliptic.Curve    // ECDSA alone
	options   crypto.SignerOpts // for crypto.Signer
}

type family string

const (
	hmacFamily    family = "HMAC"
	pkcs1Family   family = "RSA PKCS #1"
	pssFamily     family = "RSA-PSS"
	ecdsaFamily   family = "ECDSA"
	ed25519Family family = "Ed25519"
)

var schemes = map[Algorithm]*scheme{
	RS256: {RS256, pkcs1Family, crypto.SHA256, nil, crypto.SHA256},
	RS384: {RS384, pkcs1Family, crypto.SHA384, nil, crypto.SHA384},
	RS512: {RS512, pkcs1Family, crypto.SHA512, nil, crypto.SHA512},
	PS256: {PS256, pssFamily, crypto.SHA256, nil, pssOptions(crypto.SHA256)},
	PS384: {PS384, pssFamily, crypto.SHA384, nil, pssOptions(crypto.SHA384)},
	PS512: {PS512, pssFamily, crypto.SHA512, nil, pssOptions(crypto.SHA512)},
	ES256: {ES256, ecdsaFamily, crypto.SHA256, elliptic.P256(), crypto.SHA256},
	ES384: {ES384, ecdsaFamily, crypto.SHA384, elliptic.P384(), crypto.SHA384},
	ES512: {ES512, ecdsaFamily, crypto.SHA512, elliptic.P521(), crypto.SHA512},
	EdDSA: {EdDSA, ed25519Family, crypto.Hash(0), nil, crypto.Hash(0)},
	HS256: {HS256, hmacFamily, crypto.SHA256, nil, nil},
	HS384: {HS384, hmacFamily, crypto.SHA384, nil, nil},
	HS512: {HS512, hmacFamily, crypto.SHA512, nil, nil},
}

// pssOptions ask for a salt as long as the hash, exactly (RFC 7518 section 3.5).
func pssOptions(hash crypto.Hash) *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
}

// digest is the hash of the input in sum, or for Ed25519, which hashes by
// itself, the input.
func (s *scheme) digest(sum *[64]byte, input []byte) []byte {
	switch s.hash {
	case crypto.SHA256:
		*(*[32]byte)(sum[:]) = sha256.Sum256(input)
	case crypto.SHA384:
		*(*[48]byte)(sum[:]) = sha512.Sum384(input)
	case crypto.SHA512:
		*sum = sha512.Sum512(input)
	default:
		return input
	}
	return sum[:s.hash.Size()]
}

// fitsPublic reports, naming both, why the key cannot be used with the
// algorithm for the operation "sign" or "verify".
func (s *scheme) fitsPublic(key keystore.PublicKey, permits error) error {
	reason := s.restricted(key.Algorithm(), permits)
	if reason == nil {
		reason = s.fitsCryptoKey(key.CryptoKey())
	}
	if reason == nil && s.family == pkcs1Family && key.PSSOnly() {
		reason = errors.New("its OID allows RSASSA-PSS alone")
	}
	if reason == nil {
		return nil
	}
	return fmt.Errorf("key %q (%s) does not fit %s: %w", key.KeyID(), key.Describe(), s.algorithm, reason)
}

func (s *scheme) fitsPrivate(key keystore.PrivateKey) error {
	return s.fitsPublic(key.Public(), key.Permits("sign"))
}

func (s *scheme) fitsVerifying(key keystore.PublicKey) error {
	return s.fitsPublic(key, key.Permits("verify"))
}

// fitsSecret is as fitsPublic. A shorter key than the hash would make the MAC
// weaker than its name says (RFC 7518 section 3.2).
func (s *scheme) fitsSecret(key keystore.SecretKey, operation string) error {
	reason := s.restricted(key.Algorithm(), key.Permits(operation))
	if need := s.hash.Size(); reason == nil && key.Size() < need {
		reason = fmt.Errorf("it needs at least %d bytes", need)
	}
	if reason == nil {
		return nil
	}
	return fmt.Errorf("key %q (%d bytes) does not fit %s: %w", key.KeyID(), key.Size(), s.algorithm, reason)
}

// restricted is about what the key's own source says of its use. "Ed25519" is
// the name RFC 9864 gives to EdDSA on that curve.
func (s *scheme) restricted(bound string, permits error) error {
	if bound != "" && bound != string(s.algorithm) && !(s.algorithm == EdDSA && bound == "Ed25519") {
		return fmt.Errorf("it is bound to the algorithm %q", bound)
	}
	return permits
}

func (s *scheme) fitsCryptoKey(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if s.family == pkcs1Family || s.family == pssFamily {
			return fitsRSA(key)
		}
	case *ecdsa.PublicKey:
		if s.family == ecdsaFamily && key.Curve == s.curve {
			return nil
		}
		if s.family == ecdsaFamily {
			return fmt.Errorf("it needs the curve %s", s.curve.Params().Name)
		}
	case ed25519.PublicKey:
		if s.family == ed25519Family {
			return nil
		}
	}
	return fmt.Errorf("it needs another type of key")
}

func fitsRSA(key *rsa.PublicKey) error {
	if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return fmt.Errorf("it needs %d to %d bits", minRSABits, maxRSABits)
	}
	if key.E < minRSAExponent || key.E%2 == 0 {
		return fmt.Errorf("it needs an odd exponent of at least %d", minRSAExponent)
	}
	if isROCA(key.N) {
		return errors.New("it was made by a faulty chip and can be factored (CVE-2017-15361)")
	}
	return nil
}
