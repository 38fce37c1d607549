package format

import (
	"cmp"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// What a DSA public key is computed for: a prime of at most so many bits, and a
// private key of at most so many (FIPS 186-4 section 4.2 has 3072 and 256).
const (
	maxPrime    = 4096
	maxExponent = 512
)

type publicKeyInfo struct {
	Algorithm Algorithm
	PublicKey asn1.BitString
}

// ParsePublicKey parses a SubjectPublicKeyInfo, or a PKCS #1 public key. Of one
// that crypto/x509 leaves out it says what Java calls its algorithm: RSASSA-PSS
// keys are RSA keys here.
func ParsePublicKey(der []byte) (key crypto.PublicKey, name string, err error) {
	if key, err = x509.ParsePKIXPublicKey(der); err == nil {
		return key, "", nil
	}
	var info publicKeyInfo
	if _, err := asn1.Unmarshal(der, &info); err == nil {
		name, _ = describe(info.Algorithm)
	}
	if name == "RSASSA-PSS" || name == "RSA" {
		der = info.PublicKey.Bytes
	}
	if key, pkcs1 := x509.ParsePKCS1PublicKey(der); pkcs1 == nil {
		return key, cmp.Or(name, "RSA"), nil
	}
	return nil, name, fmt.Errorf("%w: public key: %w", ErrUnsupported, err)
}

// publicBits returns the bare key of a SubjectPublicKeyInfo. Two encodings of
// one key may differ around it (RSA parameters absent or NULL, RSASSA-PSS).
func publicBits(spki []byte) []byte {
	var info publicKeyInfo
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return nil
	}
	return info.PublicKey.Bytes
}

// PublicBits returns the bare public key of a PKCS #8 private key, as a
// certificate has it, nil if it cannot be told. Go need not know the key.
func (r *KeyReader) PublicBits(pkcs8 []byte) []byte {
	var info privateKeyInfo
	if _, err := asn1.Unmarshal(pkcs8, &info); err != nil {
		return nil
	}
	switch keyTypes[info.Algorithm.OID()].name {
	case "RSA", "RSASSA-PSS":
		return rsaPublicBits(info.PrivateKey)
	case "DSA":
		return r.dsaPublicBits(info)
	}
	if bits := sec1PublicBits(info.PrivateKey); bits != nil {
		return bits
	}
	key, _, _, err := r.ParsePKCS8(pkcs8)
	if err != nil {
		return nil
	}
	public, ok := key.(interface{ Public() crypto.PublicKey })
	if !ok {
		return nil
	}
	spki, err := x509.MarshalPKIXPublicKey(public.Public())
	if err != nil {
		return nil
	}
	return publicBits(spki)
}

func rsaPublicBits(pkcs1 []byte) []byte {
	var key struct {
		Version  int
		Modulus  *big.Int
		Exponent *big.Int
	}
	if _, err := asn1.Unmarshal(pkcs1, &key); err != nil {
		return nil
	}
	bits, err := asn1.Marshal(struct{ Modulus, Exponent *big.Int }{key.Modulus, key.Exponent})
	if err != nil {
		return nil
	}
	return bits
}

// sec1PublicBits returns the public key most writers add to an EC private key,
// as [1] (RFC 5915 section 3).
func sec1PublicBits(sec1 []byte) []byte {
	parts, err := Few(sec1, 4)
	if err != nil {
		return nil
	}
	for _, part := range parts {
		var public asn1.BitString
		if isTagged(part, 1) {
			asn1.Unmarshal(part.Bytes, &public)
			return public.Bytes
		}
	}
	return nil
}

// dsaPublicBits raises the generator to the private key.
func (r *KeyReader) dsaPublicBits(info privateKeyInfo) []byte {
	var domain struct{ P, Q, G *big.Int }
	var x *big.Int
	if _, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &domain); err != nil {
		return nil
	}
	if _, err := asn1.Unmarshal(info.PrivateKey, &x); err != nil {
		return nil
	}
	if domain.P.Sign() <= 0 || domain.P.BitLen() > maxPrime || x.Sign() <= 0 || x.BitLen() > maxExponent {
		return nil
	}
	size := int64(domain.P.BitLen()+1023) / 1024
	if r.Spend(max(size*size*int64(x.BitLen())/64, 1)) != nil {
		return nil
	}
	bits, err := asn1.Marshal(new(big.Int).Exp(domain.G, x, domain.P))
	if err != nil {
		return nil
	}
	return bits
}
