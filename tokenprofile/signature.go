package tokenprofile

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// sign appends the signature of the input to dst, as RFC 7518 section 3 wants
// it.
func (s *scheme) sign(ctx context.Context, key keystore.PrivateKey, dst, input []byte) ([]byte, error) {
	var sum [64]byte
	signature, err := key.Sign(ctx, s.digest(&sum, input), s.options)
	if err != nil {
		return nil, fmt.Errorf("tokenprofile: key %q: %w", key.KeyID(), err)
	}
	start := len(dst)
	if s.family == ecdsaFamily {
		dst, err = appendFixed(dst, signature, s.coordinate())
	} else {
		dst = append(dst, signature...)
	}
	if err != nil {
		return nil, fmt.Errorf("tokenprofile: key %q: %w", key.KeyID(), err)
	}
	if !ownKey(key.CryptoKey()) && !s.verify(key.Public().CryptoKey(), input, dst[start:]) {
		return nil, fmt.Errorf("tokenprofile: key %q: its signer made a signature that is not %s", key.KeyID(), s.algorithm)
	}
	return dst, nil
}

// ownKey reports whether the key is the standard library's. What signs
// elsewhere may ignore the padding it is asked for, and a token nobody accepts
// is noticed too late, so its signatures are verified.
func ownKey(key crypto.PrivateKey) bool {
	switch key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return true
	}
	return false
}

// verify reports whether the signature is the key's. Every length is exact.
// The key fits the scheme: see [scheme.fitsPublic].
func (s *scheme) verify(key crypto.PublicKey, input, signature []byte) bool {
	var sum [64]byte
	digest := s.digest(&sum, input)
	switch key := key.(type) {
	case *rsa.PublicKey:
		if s.family == pssFamily {
			return rsa.VerifyPSS(key, s.hash, digest, signature, s.options.(*rsa.PSSOptions)) == nil
		}
		return rsa.VerifyPKCS1v15(key, s.hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		return s.verifyECDSA(key, digest, signature)
	case ed25519.PublicKey:
		return ed25519.Verify(key, digest, signature)
	}
	return false
}

func (s *scheme) verifyECDSA(key *ecdsa.PublicKey, digest, signature []byte) bool {
	size := s.coordinate()
	if len(signature) != 2*size {
		return false
	}
	var buffer [2 * maxInteger]byte
	der := appendSequence(buffer[:0], signature[:size], signature[size:])
	return ecdsa.VerifyASN1(key, digest, der)
}

// coordinate is the length of r and of s (RFC 7518 section 3.4).
func (s *scheme) coordinate() int { return (s.curve.Params().BitSize + 7) / 8 }

// DER, as far as an ECDSA signature goes (RFC 3279 section 2.2.3): a sequence
// of two positive integers.
const (
	derSequence = 0x30
	derInteger  = 0x02
	maxInteger  = 2 + 1 + 66 + 2 // tag and length, sign, P-521, half of the sequence's own
)

var errDER = errors.New("its signer made an ECDSA signature that is not in ASN.1 DER")

// appendSequence appends the DER of two big-endian integers.
func appendSequence(dst, r, s []byte) []byte {
	r, s = trimZeros(r), trimZeros(s)
	length := 2 + len(r) + int(signByte(r)) + 2 + len(s) + int(signByte(s))
	dst = append(dst, derSequence)
	if length >= 0x80 {
		dst = append(dst, 0x81)
	}
	dst = append(dst, byte(length))
	return appendInteger(appendInteger(dst, r), s)
}

func appendInteger(dst, n []byte) []byte {
	dst = append(dst, derInteger, byte(len(n))+signByte(n))
	if signByte(n) == 1 {
		dst = append(dst, 0)
	}
	return append(dst, n...)
}

// signByte is 1 if the integer needs a zero in front not to be negative, or to be
// at all.
func signByte(n []byte) byte {
	if len(n) == 0 || n[0] >= 0x80 {
		return 1
	}
	return 0
}

func trimZeros(n []byte) []byte {
	for len(n) > 0 && n[0] == 0 {
		n = n[1:]
	}
	return n
}

// appendFixed appends the two integers of a DER signature in size bytes each.
func appendFixed(dst, der []byte, size int) ([]byte, error) {
	body, rest, ok := derElement(der, derSequence)
	if !ok || len(rest) > 0 {
		return nil, errDER
	}
	for range 2 {
		var n []byte
		if n, body, ok = derElement(body, derInteger); !ok || len(n) == 0 || n[0] >= 0x80 {
			return nil, errDER
		}
		if n = trimZeros(n); len(n) > size {
			return nil, errDER
		}
		for range size - len(n) {
			dst = append(dst, 0)
		}
		dst = append(dst, n...)
	}
	if len(body) > 0 {
		return nil, errDER
	}
	return dst, nil
}

// derElement splits an element of the tag off, of at most 255 bytes.
func derElement(der []byte, tag byte) (body, rest []byte, ok bool) {
	if len(der) < 2 || der[0] != tag {
		return nil, nil, false
	}
	length, der := int(der[1]), der[2:]
	if length == 0x81 && len(der) > 0 && der[0] >= 0x80 {
		length, der = int(der[0]), der[1:]
	} else if length >= 0x80 {
		return nil, nil, false
	}
	if len(der) < length {
		return nil, nil, false
	}
	return der[:length], der[length:], true
}
