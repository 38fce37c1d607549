package format

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync/atomic"
)

// keyType is a kind of key an OID names.
type keyType struct {
	name string // as Java calls it
	bits int    // 0 if the key itself says
	text string // what to call it where Java's name says too little
}

var keyTypes = map[string]keyType{
	"1.2.840.113549.1.1.1":    {name: "RSA"},
	"1.2.840.113549.1.1.10":   {name: "RSASSA-PSS"},
	"1.2.840.10045.2.1":       {name: "EC"},
	"1.2.840.10040.4.1":       {name: "DSA"},
	"1.2.840.113549.1.3.1":    {name: "DH"},
	"1.2.840.10046.2.1":       {name: "DH"},
	"1.3.101.110":             {"XDH", 255, "X25519"},
	"1.3.101.111":             {"XDH", 448, "X448"},
	"1.3.101.112":             {"EdDSA", 255, "Ed25519"},
	"1.3.101.113":             {"EdDSA", 448, "Ed448"},
	"2.16.840.1.101.3.4.3.17": {"ML-DSA", 0, "ML-DSA-44"},
	"2.16.840.1.101.3.4.3.18": {"ML-DSA", 0, "ML-DSA-65"},
	"2.16.840.1.101.3.4.3.19": {"ML-DSA", 0, "ML-DSA-87"},
	"2.16.840.1.101.3.4.4.1":  {"ML-KEM", 0, "ML-KEM-512"},
	"2.16.840.1.101.3.4.4.2":  {"ML-KEM", 0, "ML-KEM-768"},
	"2.16.840.1.101.3.4.4.3":  {"ML-KEM", 0, "ML-KEM-1024"},
}

// curves are the named curves keystores hold; Go parses the NIST ones.
var curves = map[string]keyType{
	"1.2.840.10045.3.1.1":   {"EC", 192, "P-192"},
	"1.3.132.0.33":          {"EC", 224, "P-224"},
	"1.2.840.10045.3.1.7":   {"EC", 256, "P-256"},
	"1.3.132.0.34":          {"EC", 384, "P-384"},
	"1.3.132.0.35":          {"EC", 521, "P-521"},
	"1.3.132.0.10":          {"EC", 256, "secp256k1"},
	"1.3.36.3.3.2.8.1.1.7":  {"EC", 256, "brainpoolP256r1"},
	"1.3.36.3.3.2.8.1.1.11": {"EC", 384, "brainpoolP384r1"},
	"1.3.36.3.3.2.8.1.1.13": {"EC", 512, "brainpoolP512r1"},
}

// privateKeyInfo is the part of PKCS #8 (RFC 5958 section 2) that matters
// here.
type privateKeyInfo struct {
	Version    int
	Algorithm  Algorithm
	PrivateKey []byte
}

// KeyReader reads the private keys of one file, and counts what that costs. It
// is safe for concurrent use.
type KeyReader struct{ work atomic.Int64 } // spent so far

// MaxWork is the arithmetic that one file may ask for, in units of some 30
// microseconds: the public halves of 10,000 keys on P-256, or 1,100 RSA keys of
// 2048 bits. Both must be checked before a key signs, and what that takes grows
// faster than the key, so that a small file could keep a server busy.
const MaxWork = 10_000

// Spend takes work off what the file may ask for, before it is done. Without a
// file, of which r is nil, any may be.
func (r *KeyReader) Spend(work int64) error {
	if r != nil && r.work.Add(work) > MaxWork {
		return fmt.Errorf("%w: the file's keys and chains take too long to check: split it", ErrLimit)
	}
	return nil
}

// curveWork is what the public half of a key on a large curve costs.
var curveWork = map[int]int64{384: 8, 521: 30}

// KeyWork returns what reading a private key costs, by Java's name for its type
// and its size in bits.
func KeyWork(name string, bits int) int64 {
	switch {
	case strings.HasPrefix(name, "RSA"):
		size := int64(bits+1023) / 1024
		return max(size*size*9/4, 1)
	case name == "ML-DSA":
		return 5
	}
	return max(curveWork[bits], 1)
}

// ParsePKCS8 parses a plain PKCS #8 key: RSA and RSASSA-PSS as
// [*rsa.PrivateKey], EC as [*ecdsa.PrivateKey], [ed25519.PrivateKey] and
// X25519 as [*ecdh.PrivateKey]. name is what Java calls the algorithm, bits
// the key's size where known, and both are given also for keys Go cannot use,
// of which err tells the OID.
func (r *KeyReader) ParsePKCS8(der []byte) (key crypto.PrivateKey, name string, bits int, err error) {
	var info privateKeyInfo
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, "", 0, fmt.Errorf("%w: a private key that is cut off or changed: %w", ErrDamaged, err)
	}
	name, bits = describe(info.Algorithm)
	if strings.HasPrefix(name, "RSA") {
		bits = modulusBits(info.PrivateKey)
		err = checkRSA(info.PrivateKey, bits)
	}
	if err == nil {
		err = r.Spend(KeyWork(name, bits))
	}
	if err != nil {
		return nil, name, bits, fmt.Errorf("%w: %s key", err, info.Algorithm)
	}
	if name == "RSASSA-PSS" {
		key, err = x509.ParsePKCS1PrivateKey(info.PrivateKey)
	} else {
		key, err = x509.ParsePKCS8PrivateKey(der)
	}
	if err != nil {
		if bits == 0 {
			bits = modulusBits(info.PrivateKey)
		}
		if _, malformed := Few(info.PrivateKey, 10); strings.HasPrefix(name, "RSA") && malformed != nil {
			return nil, name, bits, fmt.Errorf("%w: the %s key is cut off or changed", ErrDamaged, info.Algorithm)
		}
		if strings.Contains(err.Error(), "unknown algorithm") { // which names the OID once more, and no remedy
			return nil, name, bits, fmt.Errorf("%w: no token can be signed with a %s key: make an EC or RSA key", ErrUnsupported, info.Algorithm)
		}
		return nil, name, bits, fmt.Errorf("%w: %s key: %w", ErrUnsupported, info.Algorithm, err)
	}
	if size := sizeOf(key); size > 0 {
		bits = size
	}
	return key, name, bits, nil
}

func sizeOf(key any) int {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key.N.BitLen()
	case *rsa.PublicKey:
		return key.N.BitLen()
	case *ecdsa.PrivateKey:
		return key.Curve.Params().BitSize
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize
	case ed25519.PrivateKey, ed25519.PublicKey, *ecdh.PrivateKey, *ecdh.PublicKey:
		return 255
	}
	return 0
}

// describe says what an algorithm identifier says about a key: Java's name, and
// the size if it is fixed or in the parameters.
func describe(alg Algorithm) (name string, bits int) {
	oid := alg.OID()
	known, ok := keyTypes[oid]
	switch {
	case !ok:
		return oid, 0
	case known.name == "EC":
		return known.name, curves[OID(alg.Parameters)].bits
	case known.name == "DSA", known.name == "DH":
		return known.name, firstIntegerBits(alg.Parameters.FullBytes)
	}
	return known.name, known.bits
}

// firstIntegerBits returns the size of the first member of a SEQUENCE: the
// prime of DSA and DH parameters, the modulus of an RSA public key.
func firstIntegerBits(der []byte) int {
	var p struct{ First *big.Int }
	if _, err := asn1.Unmarshal(der, &p); err != nil {
		return 0
	}
	return p.First.BitLen()
}

// modulusBits returns the size of an RSA private key Go refuses.
func modulusBits(pkcs1 []byte) int {
	var p struct {
		Version int
		Modulus *big.Int
	}
	if _, err := asn1.Unmarshal(pkcs1, &p); err != nil {
		return 0
	}
	return p.Modulus.BitLen()
}

// What an RSA key may be.
const (
	maxRSABits = 16384
	maxPrimes  = 5
)

// checkRSA refuses a PKCS #1 key beyond the limits. What is wrong otherwise
// crypto/x509 says better.
func checkRSA(pkcs1 []byte, bits int) error {
	if bits > maxRSABits {
		return fmt.Errorf("%w: %d bits, %d are allowed", ErrLimit, bits, maxRSABits)
	}
	parts, err := Few(pkcs1, 10)
	if err == nil && len(parts) == 10 {
		_, err = Few(parts[9].FullBytes, maxPrimes-2) // beyond the first two, RFC 8017 appendix A.1.2
	}
	if errors.Is(err, ErrLimit) {
		return fmt.Errorf("%w: more than %d primes", ErrLimit, maxPrimes)
	}
	return nil
}

// WrapPKCS8 puts a key in the format of its own algorithm (PKCS #1, SEC 1)
// into PKCS #8.
func WrapPKCS8(alg pkix.AlgorithmIdentifier, key []byte) ([]byte, error) {
	return asn1.Marshal(struct {
		Version    int
		Algorithm  pkix.AlgorithmIdentifier
		PrivateKey []byte
	}{0, alg, key})
}
