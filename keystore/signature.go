package keystore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Sign signs the input with the key and appends the signature to dst, in the
// form of RFC 7518 section 3. It does not check whether the key may be used:
// [PrivateKey.Fits] does. HMACs have no private key, and are not made here.
func (a Algorithm) Sign(ctx context.Context, key PrivateKey, dst, input []byte) ([]byte, error) {
	s := specByName[a]
	if s == nil || s.use != "sig" || s.secret {
		return nil, fmt.Errorf("keystore: %w: %q does not sign with a private key", ErrUnsupported, clip(string(a)))
	}
	signature, err := key.Sign(ctx, s.digest(input), s.options())
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", key.KeyID(), err)
	}
	start := len(dst)
	if s.curve != nil {
		if dst, err = appendFixed(dst, signature, s.coordinate()); err != nil {
			return nil, fmt.Errorf("key %q: %w", key.KeyID(), err)
		}
	} else {
		dst = append(dst, signature...)
	}
	if !isStandard(key.CryptoKey()) && !a.Verify(key.public, input, dst[start:]) {
		return nil, fmt.Errorf("key %q: its signer made a signature that is not %s", key.KeyID(), a)
	}
	return dst, nil
}

// isStandard reports whether the key is one of the standard library. A signer
// elsewhere may ignore the padding it is asked for, which would be noticed only
// when the token is refused. So its signatures are verified.
func isStandard(key crypto.PrivateKey) bool {
	switch key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return true
	}
	return mldsaKeys != nil && mldsaKeys.isPrivate(key)
}

// Verify reports whether the signature is the key's. Every length is exact. It
// does not check whether the key may be used: [PublicKey.Fits] does.
func (a Algorithm) Verify(key PublicKey, input, signature []byte) bool {
	s := specByName[a]
	if s == nil || takes(s, key.key) != nil {
		return false
	}
	digest := s.digest(input)
	switch s.family {
	case FamilyPKCS1:
		return rsa.VerifyPKCS1v15(key.key.(*rsa.PublicKey), s.hash, digest, signature) == nil
	case FamilyPSS:
		return rsa.VerifyPSS(key.key.(*rsa.PublicKey), s.hash, digest, signature, pssOptions[s.hash]) == nil
	case FamilyECDSA:
		return s.verifyECDSA(key.key.(*ecdsa.PublicKey), digest, signature)
	case FamilyEd25519:
		return ed25519.Verify(key.key.(ed25519.PublicKey), digest, signature)
	case FamilyMLDSA:
		return mldsaKeys.verify(key.key, input, signature)
	}
	return false
}

// pssOptions ask for a salt exactly as long as the hash (RFC 7518 section 3.5).
var pssOptions = map[crypto.Hash]*rsa.PSSOptions{
	crypto.SHA256: {SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256},
	crypto.SHA384: {SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA384},
	crypto.SHA512: {SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA512},
}

// options returns what [crypto.Signer] is asked for.
func (s *spec) options() crypto.SignerOpts {
	if s.family == FamilyPSS {
		return pssOptions[s.hash]
	}
	return s.hash
}

// digest returns the hash of the input. Ed25519 and ML-DSA hash by themselves,
// so that they get the input.
func (s *spec) digest(input []byte) []byte {
	switch s.hash {
	case crypto.SHA256:
		sum := sha256.Sum256(input)
		return sum[:]
	case crypto.SHA384:
		sum := sha512.Sum384(input)
		return sum[:]
	case crypto.SHA512:
		sum := sha512.Sum512(input)
		return sum[:]
	}
	return input
}

// coordinate returns the length in bytes of r, and of s (RFC 7518 section 3.4).
func (s *spec) coordinate() int { return (s.curve.Params().BitSize + 7) / 8 }

func (s *spec) verifyECDSA(key *ecdsa.PublicKey, digest, signature []byte) bool {
	size := s.coordinate()
	if len(signature) != 2*size {
		return false
	}
	der := cryptobyte.NewFixedBuilder(make([]byte, 0, maxSignature))
	der.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addInteger(b, signature[:size])
		addInteger(b, signature[size:])
	})
	encoded, err := der.Bytes()
	return err == nil && ecdsa.VerifyASN1(key, digest, encoded)
}

// addInteger adds a big-endian number that is not negative.
func addInteger(b *cryptobyte.Builder, n []byte) {
	n = bytes.TrimLeft(n, "\x00")
	b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) {
		if len(n) == 0 || n[0] >= 0x80 {
			b.AddUint8(0) // its first bit would be the sign
		}
		b.AddBytes(n)
	})
}

// maxSignature is the length in bytes of an ECDSA signature on P-521 in DER.
const maxSignature = 3 + 2*(2+1+66)

var errDER = errors.New("its signer made an ECDSA signature that is not in ASN.1 DER")

// appendFixed appends the two integers of a DER signature, in size bytes each.
func appendFixed(dst, der []byte, size int) ([]byte, error) {
	input := cryptobyte.String(der)
	var sequence cryptobyte.String
	if !input.ReadASN1(&sequence, asn1.SEQUENCE) || !input.Empty() {
		return nil, errDER
	}
	for range 2 {
		var n []byte // big-endian, positive, without leading zeros
		if !sequence.ReadASN1Integer(&n) || len(n) > size {
			return nil, errDER
		}
		dst = append(append(dst, make([]byte, size-len(n))...), n...)
	}
	if !sequence.Empty() {
		return nil, errDER
	}
	return dst, nil
}
