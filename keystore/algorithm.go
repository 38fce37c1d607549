package keystore

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"fmt"
	"strings"
)

// An Algorithm is the JWA name of what a key is for: a JWS signature algorithm
// (RFC 7518 section 3.1, RFC 8037, RFC 9864, RFC 9964), or a JWE key management
// algorithm (RFC 7518 section 4.1). A JWK says it as alg.
type Algorithm string

// The signature algorithms. There is no "none".
const (
	RS256   Algorithm = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	RS384   Algorithm = "RS384"
	RS512   Algorithm = "RS512"
	PS256   Algorithm = "PS256" // RSASSA-PSS with SHA-256 and a salt of 32 bytes
	PS384   Algorithm = "PS384"
	PS512   Algorithm = "PS512"
	ES256   Algorithm = "ES256" // ECDSA on P-256 with SHA-256
	ES384   Algorithm = "ES384" // on P-384 with SHA-384
	ES512   Algorithm = "ES512" // on P-521 with SHA-512
	EdDSA   Algorithm = "EdDSA" // Ed25519, under the name most software knows
	Ed25519 Algorithm = "Ed25519"
	MLDSA44 Algorithm = "ML-DSA-44" // needs Go 1.27, as the next two do
	MLDSA65 Algorithm = "ML-DSA-65"
	MLDSA87 Algorithm = "ML-DSA-87"
	HS256   Algorithm = "HS256" // HMAC with SHA-256
	HS384   Algorithm = "HS384"
	HS512   Algorithm = "HS512"
)

// The key management algorithms. RSA1_5 and the password-based ones are left
// out: the first can be made to reveal its plaintext, and the others let a
// token choose how long its reader computes.
const (
	RSAOAEP      Algorithm = "RSA-OAEP" // with SHA-1, which does not weaken it
	RSAOAEP256   Algorithm = "RSA-OAEP-256"
	ECDHES       Algorithm = "ECDH-ES"
	ECDHESA128KW Algorithm = "ECDH-ES+A128KW"
	ECDHESA192KW Algorithm = "ECDH-ES+A192KW"
	ECDHESA256KW Algorithm = "ECDH-ES+A256KW"
	A128KW       Algorithm = "A128KW"
	A192KW       Algorithm = "A192KW"
	A256KW       Algorithm = "A256KW"
	A128GCMKW    Algorithm = "A128GCMKW"
	A192GCMKW    Algorithm = "A192GCMKW"
	A256GCMKW    Algorithm = "A256GCMKW"
	Direct       Algorithm = "dir"
)

// A Family is what several algorithms have in common: what they compute, with
// another hash or size.
type Family string

// The families of algorithms.
const (
	FamilyPKCS1      Family = "RSASSA-PKCS1-v1_5"
	FamilyPSS        Family = "RSASSA-PSS"
	FamilyECDSA      Family = "ECDSA"
	FamilyEd25519    Family = "Ed25519"
	FamilyMLDSA      Family = "ML-DSA"
	FamilyHMAC       Family = "HMAC"
	FamilyOAEP       Family = "RSAES-OAEP"
	FamilyECDH       Family = "ECDH-ES"
	FamilyKeyWrap    Family = "AES key wrap"
	FamilyGCMKeyWrap Family = "AES-GCM key wrap"
	FamilyDirect     Family = "direct encryption"
)

// A spec is a row of the table: what an algorithm computes, and with which keys.
type spec struct {
	name   Algorithm
	family Family
	hash   crypto.Hash    // 0: it hashes by itself, or not at all
	curve  elliptic.Curve // of ECDSA keys
	size   int            // bytes of the AES key, where the algorithm alone says

	familyUse // of the family, looked up once
}

// specs is the one table of algorithms: a new one is a new row. Of those that
// fit a key, the first is preferred.
var specs = []*spec{
	{name: ES256, family: FamilyECDSA, hash: crypto.SHA256, curve: elliptic.P256()},
	{name: ES384, family: FamilyECDSA, hash: crypto.SHA384, curve: elliptic.P384()},
	{name: ES512, family: FamilyECDSA, hash: crypto.SHA512, curve: elliptic.P521()},
	{name: EdDSA, family: FamilyEd25519},
	{name: Ed25519, family: FamilyEd25519},
	{name: PS256, family: FamilyPSS, hash: crypto.SHA256},
	{name: PS384, family: FamilyPSS, hash: crypto.SHA384},
	{name: PS512, family: FamilyPSS, hash: crypto.SHA512},
	{name: RS256, family: FamilyPKCS1, hash: crypto.SHA256},
	{name: RS384, family: FamilyPKCS1, hash: crypto.SHA384},
	{name: RS512, family: FamilyPKCS1, hash: crypto.SHA512},
	{name: MLDSA44, family: FamilyMLDSA},
	{name: MLDSA65, family: FamilyMLDSA},
	{name: MLDSA87, family: FamilyMLDSA},
	{name: HS256, family: FamilyHMAC, hash: crypto.SHA256},
	{name: HS384, family: FamilyHMAC, hash: crypto.SHA384},
	{name: HS512, family: FamilyHMAC, hash: crypto.SHA512},

	{name: RSAOAEP, family: FamilyOAEP, hash: crypto.SHA1},
	{name: RSAOAEP256, family: FamilyOAEP, hash: crypto.SHA256},
	{name: ECDHES, family: FamilyECDH},
	{name: ECDHESA128KW, family: FamilyECDH, size: 16},
	{name: ECDHESA192KW, family: FamilyECDH, size: 24},
	{name: ECDHESA256KW, family: FamilyECDH, size: 32},
	{name: A128KW, family: FamilyKeyWrap, size: 16},
	{name: A192KW, family: FamilyKeyWrap, size: 24},
	{name: A256KW, family: FamilyKeyWrap, size: 32},
	{name: A128GCMKW, family: FamilyGCMKeyWrap, size: 16},
	{name: A192GCMKW, family: FamilyGCMKeyWrap, size: 24},
	{name: A256GCMKW, family: FamilyGCMKeyWrap, size: 32},
	{name: Direct, family: FamilyDirect},
}

// familyUses says what a family does with keys.
var familyUses = map[Family]familyUse{
	FamilyPKCS1:   signs,
	FamilyPSS:     signs,
	FamilyECDSA:   signs,
	FamilyEd25519: signs,
	FamilyMLDSA:   signs,
	FamilyHMAC:    signs.withSecret(),
	// For RSA both of a pair are in use: Web Crypto writes the second.
	FamilyOAEP:       {"enc", []string{"unwrapKey", "decrypt"}, []string{"wrapKey", "encrypt"}, x509.KeyUsageKeyEncipherment, false},
	FamilyECDH:       {"enc", []string{"deriveKey", "deriveBits"}, []string{"deriveKey", "deriveBits"}, x509.KeyUsageKeyAgreement, false},
	FamilyKeyWrap:    {"enc", []string{"unwrapKey"}, []string{"wrapKey"}, 0, true},
	FamilyGCMKeyWrap: {"enc", []string{"unwrapKey"}, []string{"wrapKey"}, 0, true},
	FamilyDirect:     {"enc", []string{"decrypt"}, []string{"encrypt"}, 0, true},
}

type familyUse struct {
	use     string        // RFC 7517 section 4.2
	private []string      // the key_ops, each of which allows the private half's part (RFC 7517 section 4.3)
	public  []string      // the same of the public half
	usage   x509.KeyUsage // of the certificate of a new key
	secret  bool          // both ends hold the same key
}

var signs = familyUse{"sig", []string{"sign"}, []string{"verify"}, x509.KeyUsageDigitalSignature, false}

func (u familyUse) withSecret() familyUse { u.usage, u.secret = 0, true; return u }

var specByName = func() map[Algorithm]*spec {
	byName := make(map[Algorithm]*spec, len(specs))
	for _, s := range specs {
		s.familyUse = familyUses[s.family]
		byName[s.name] = s
	}
	return byName
}()

// usable reports whether this program, built with this Go release, can compute
// it.
func (s *spec) usable() bool { return s.family != FamilyMLDSA || mldsaKeys != nil }

// mldsaSupport is what the Go release does with ML-DSA keys (FIPS 204, RFC
// 9964). Its functions are called only with keys that algorithm knows.
type mldsaSupport struct {
	algorithm   func(crypto.PublicKey) Algorithm // "": another type of key
	publicBytes func(crypto.PublicKey) []byte
	newPublic   func(a Algorithm, encoded []byte) (crypto.PublicKey, error)
	newPrivate  func(public crypto.PublicKey, seed []byte) (signer, error)
	generate    func(Algorithm) (crypto.Signer, error)
	isPrivate   func(crypto.PrivateKey) bool
	verify      func(key crypto.PublicKey, input, signature []byte) bool
}

// mldsaAlgorithm returns the algorithm of an ML-DSA key, "" for any other.
func mldsaAlgorithm(key crypto.PublicKey) Algorithm {
	if mldsaKeys == nil {
		return ""
	}
	return mldsaKeys.algorithm(key)
}

// SignatureAlgorithms lists those that a profile can sign with.
func SignatureAlgorithms() []Algorithm { return list(Algorithm.IsSignature) }

// KeyAlgorithms lists the key management algorithms.
func KeyAlgorithms() []Algorithm {
	return list(func(a Algorithm) bool { return !a.IsSignature() })
}

func list(wanted func(Algorithm) bool) []Algorithm {
	var names []Algorithm
	for _, s := range specs {
		if s.usable() && wanted(s.name) {
			names = append(names, s.name)
		}
	}
	return names
}

// Check returns [ErrUnsupported] for an unknown name, with a list of the known
// ones.
func (a Algorithm) Check() error {
	s := specByName[a]
	switch {
	case s == nil:
		return fmt.Errorf("%w: %q is not one of %s, %s", ErrUnsupported, clip(string(a)), join(SignatureAlgorithms()), join(KeyAlgorithms()))
	case !s.usable():
		return fmt.Errorf("%w: %s: %w", ErrUnsupported, a, errMLDSA)
	}
	return nil
}

func join[A ~string](algorithms []A) string {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = string(a)
	}
	return strings.Join(names, ", ")
}

// Family returns what the algorithm computes, "" if the name is not known.
func (a Algorithm) Family() Family {
	if s := specByName[a]; s != nil {
		return s.family
	}
	return ""
}

// IsSignature reports whether tokens are signed with it, and not encrypted.
func (a Algorithm) IsSignature() bool { return a.usedFor().use == "sig" }

// UsesSecret reports whether the algorithm uses a secret key, which both ends
// hold.
func (a Algorithm) UsesSecret() bool { return a.usedFor().secret }

// usedFor returns the zero value for an unknown name.
func (a Algorithm) usedFor() familyUse {
	if s := specByName[a]; s != nil {
		return s.familyUse
	}
	return familyUse{}
}

// Hash returns the hash function of a signature, or of RSA-OAEP; 0 where the
// algorithm brings its own.
func (a Algorithm) Hash() crypto.Hash {
	if s := specByName[a]; s != nil {
		return s.hash
	}
	return 0
}

// KeySize returns the length in bytes of the AES key that a key management
// algorithm wraps with; 0 for other algorithms, and for [Direct], where the
// content encryption decides.
func (a Algorithm) KeySize() int {
	if s := specByName[a]; s != nil {
		return s.size
	}
	return 0
}

// curves are the curves of ECDSA keys, by their crv (RFC 7518 section 6.2.1.1).
var curves = func() map[string]elliptic.Curve {
	byName := map[string]elliptic.Curve{}
	for _, s := range specs {
		if s.curve != nil {
			byName[s.curve.Params().Name] = s.curve
		}
	}
	return byName
}()
