package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// A Kind is what an entry of a keystore holds.
type Kind string

// The kinds of entries.
const (
	KindPrivateKey  Kind = "private-key"         // a private key and its certificate chain
	KindSecretKey   Kind = "secret-key"          // a symmetric key
	KindCertificate Kind = "trusted-certificate" // a certificate of somebody else
	KindPublicKey   Kind = "public-key"          // a public key of somebody else without a certificate (JWK, PEM)
)

// An Entry is one entry of a keystore, as keytool -list shows it. For
// [WriteFile] an entry needs an Alias and either a PrivateKey or, for a
// trusted certificate, a Chain of one.
type Entry struct {
	Alias   string // as stored; looked up without case, as Java does
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

	// Err is why the entry's key cannot be used. The rest of the entry is as
	// much as could be read.
	Err error
}

// newEntry makes keys of what a reader found.
func newEntry(e format.Entry) Entry {
	entry := Entry{Alias: e.Alias, Created: e.Created, Untagged: e.Untagged, Err: e.Err}
	for _, der := range e.Chain {
		entry.RawChain = append(entry.RawChain, bytes.Clone(der)) // the file's own bytes are wiped
	}
	for _, der := range entry.RawChain {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			break // what x509 refuses, and the issuers after it, stay in RawChain
		}
		entry.Chain = append(entry.Chain, cert)
	}
	switch e.Kind {
	case format.PrivateKey:
		entry.Kind = KindPrivateKey
		entry.private(e.PKCS8)
	case format.SecretKey:
		entry.Kind = KindSecretKey
		entry.secret(e)
	case format.Certificate:
		entry.Kind = KindCertificate
		entry.certificate()
	case format.PublicKey:
		entry.Kind = KindPublicKey
		entry.public(e.SPKI)
	}
	entry.setAlias(e.Alias)
	return entry
}

func (e *Entry) private(pkcs8 []byte) {
	e.fromCertificate()
	if e.Err != nil {
		return
	}
	key, name, bits, err := format.ParsePKCS8(pkcs8)
	clear(pkcs8)
	e.Algorithm, e.Bits = name, bits
	if err != nil {
		e.Err = err
		return
	}
	usable, ok := key.(signer)
	if !ok {
		e.Err = fmt.Errorf("%w: %s key", ErrUnsupported, name)
		return
	}
	e.PrivateKey, e.Err = NewPrivateKey(usable, signedChain(e.Chain)...)
	e.PrivateKey.public.pss = name == "RSASSA-PSS"
	e.PublicKey = e.PrivateKey.public
}

func (e *Entry) secret(found format.Entry) {
	e.Algorithm = found.SecretAlgorithm
	if e.Err == nil {
		e.SecretKey, e.Err = NewSecretKey(found.Secret, "")
		clear(found.Secret)
	}
}

// public reads a bare public key, in X.509's form or in PKCS #1's.
func (e *Entry) public(spki []byte) {
	key, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		if key, pkcs1 := x509.ParsePKCS1PublicKey(spki); pkcs1 == nil {
			e.PublicKey, e.Err = NewPublicKey(key)
			return
		}
		e.Err = fmt.Errorf("%w: public key: %w", ErrUnsupported, err)
		return
	}
	e.PublicKey, e.Err = NewPublicKey(key)
}

func (e *Entry) certificate() {
	e.fromCertificate()
	if e.Err != nil {
		return
	}
	if len(e.Chain) == 0 {
		e.Err = fmt.Errorf("%w: a certificate that crypto/x509 does not read", ErrUnsupported)
		return
	}
	key, err := certifiedKey(e.Chain[0])
	if err != nil {
		e.Err = err
		return
	}
	e.PublicKey, e.Err = NewPublicKey(key, e.Chain...)
	e.PublicKey.pss = e.Algorithm == "RSASSA-PSS"
}

// fromCertificate says of the key what its certificate does: all that is
// known as long as the key itself cannot be read.
func (e *Entry) fromCertificate() {
	if len(e.RawChain) == 0 {
		return
	}
	if len(e.Chain) > 0 {
		if key, err := certifiedKey(e.Chain[0]); err == nil {
			e.PublicKey, _ = NewPublicKey(key, signedChain(e.Chain)...) // the zero key if it is of no use
		}
	}
	if cert, err := format.ParseCert(e.RawChain[0]); err == nil {
		e.Algorithm, e.Bits = cert.PublicKeyAlgorithm()
	}
}

// certifiedKey is the key of a certificate, RSASSA-PSS keys too, which x509
// leaves out.
func certifiedKey(cert *x509.Certificate) (crypto.PublicKey, error) {
	if cert.PublicKey != nil {
		return cert.PublicKey, nil
	}
	parts, err := format.ParseCert(cert.Raw)
	if err != nil {
		return nil, err
	}
	return parts.ParsePublicKey()
}

// signedChain is the chain as far as each certificate is signed by the next.
// A name alone does not make an issuer: this chain is what x5c shows.
func signedChain(chain []*x509.Certificate) []*x509.Certificate {
	for i := 1; i < len(chain); i++ {
		child := chain[i-1]
		if chain[i].CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature) != nil {
			return chain[:i]
		}
	}
	return chain
}

// entryOf is the entry of a key that comes from no file.
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
	case e.PublicKey.key != nil:
		e.KeyID = e.PublicKey.kid
		e.Algorithm, e.Bits = algorithmOf(e.PublicKey)
	}
	e.Algorithm = plainName(e.Algorithm, e.Bits)
}

// withhold takes the key out of the entry, which stays listed.
func (e *Entry) withhold(reason error) {
	if e.Err == nil && (e.Kind == KindPrivateKey || e.Kind == KindSecretKey) {
		e.PrivateKey, e.SecretKey, e.Err = PrivateKey{}, SecretKey{}, reason
	}
}

func (e *Entry) setAlias(alias string) {
	e.Alias = alias
	e.PrivateKey.public.alias = alias
	e.SecretKey.alias = alias
	e.PublicKey.alias = alias
}

// algorithmOf is the type of a public key and its size in bits, as keytool
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
	return "", 0
}

// plainName is the name of an Edwards curve where Java has one name for two.
func plainName(algorithm string, bits int) string {
	names := map[string]map[int]string{"EdDSA": {255: "Ed25519", 448: "Ed448"}, "XDH": {255: "X25519", 448: "X448"}}
	if name, ok := names[algorithm][bits]; ok {
		return name
	}
	return algorithm
}
