package keystore

import (
	"cmp"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"time"
)

// A Kind is what an entry of a keystore holds.
type Kind string

// The kinds of entries.
const (
	KindPrivateKey  Kind = "private-key"         // a private key and its certificate chain
	KindSecretKey   Kind = "secret-key"          // a symmetric key
	KindCertificate Kind = "trusted-certificate" // a trusted certificate
	KindPublicKey   Kind = "public-key"          // a trusted public key without a certificate (JWK, PEM)
)

// An Entry is one entry of a keystore, as keytool -list shows it. For
// [WriteFile] an entry needs an Alias and either a PrivateKey or, for a
// trusted certificate, a Chain of one.
type Entry struct {
	Alias   string // as stored; looked up in any case, as Java does
	Kind    Kind
	Created time.Time // zero if the format does not say

	// Algorithm is the type of the key: "RSA", "RSASSA-PSS", "EC", "Ed25519",
	// "X25519", "DSA", for a secret key "AES", "HmacSHA256" and so on, and
	// where nothing better is known the OID. Bits is its size.
	Algorithm string
	Bits      int
	KeyID     string // kid; "" if a secret key's file names none

	// Chain begins with the certificate of the key and goes on with its
	// issuers'. A certificate that crypto/x509 refuses is only in RawChain,
	// which holds the DER of all of them.
	Chain    []*x509.Certificate
	RawChain [][]byte

	PrivateKey PrivateKey // of [KindPrivateKey]
	SecretKey  SecretKey  // of [KindSecretKey]
	PublicKey  PublicKey  // of every other kind than [KindSecretKey]

	// Untagged marks what Java's own keytool leaves out of a PKCS #12 file:
	// keys that are not encrypted, and certificates without Oracle's mark.
	Untagged bool

	// Err is why the entry's key cannot be used. The other fields hold what could
	// be read.
	Err error
}

// entryOf returns the entry of a key that comes from no file.
func entryOf(key PrivateKey) Entry {
	e := Entry{Alias: key.Alias(), Kind: KindPrivateKey, PrivateKey: key, PublicKey: key.public, Err: key.err}
	e.Chain = key.public.chain
	for _, cert := range e.Chain {
		e.RawChain = append(e.RawChain, cert.Raw)
	}
	e.describe()
	return e
}

// describe fills in what follows from the key.
func (e *Entry) describe() {
	switch {
	case e.Kind == KindSecretKey:
		e.KeyID = e.SecretKey.kid
		e.Bits = 8 * e.SecretKey.Size()
		if e.Algorithm == "" {
			e.Algorithm = string(cmp.Or(e.SecretKey.alg, "oct")) // what a JWK says
		}
	case e.PublicKey.key != nil:
		e.KeyID = e.PublicKey.kid
		e.Algorithm, e.Bits = algorithmOf(e.PublicKey)
	}
	e.Algorithm = plainName(e.Algorithm, e.Bits)
}

func (e *Entry) setAlias(alias string) {
	e.Alias = alias
	e.PrivateKey.public.alias = alias
	e.SecretKey.alias = alias
	e.PublicKey.alias = alias
}

// algorithmOf returns the type of a public key and its size in bits, as keytool
// counts them.
func algorithmOf(key PublicKey) (string, int) {
	switch k := key.key.(type) {
	case *rsa.PublicKey:
		if key.pss {
			return "RSASSA-PSS", k.N.BitLen()
		}
		return "RSA", k.N.BitLen()
	case *ecdsa.PublicKey:
		return "EC", k.Curve.Params().BitSize
	case ed25519.PublicKey:
		return "Ed25519", 255
	case *ecdh.PublicKey:
		return "X25519", 255
	}
	return string(mldsaAlgorithm(key.key).Family()), 0
}

// edwards are the names of curves where Java has one name for two.
var edwards = map[string]map[int]string{"EdDSA": {255: "Ed25519", 448: "Ed448"}, "XDH": {255: "X25519", 448: "X448"}}

// plainName returns the name of one curve where Java has one name for two.
func plainName(algorithm string, bits int) string { return cmp.Or(edwards[algorithm][bits], algorithm) }
