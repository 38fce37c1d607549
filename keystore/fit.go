package keystore

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"slices"
)

// What an RSA key must be to be used (RFC 7518 section 3.3). The upper bound
// keeps a hostile key from costing much time.
const (
	minUsedRSABits = 2048
	maxUsedRSABits = 8192
	minRSAExponent = 65537
)

// fits carries out PublicKey.Fits and PrivateKey.Fits, which differ in what has
// to be permitted.
func fits(k *PublicKey, a Algorithm, operations func(*spec) []string) error {
	s := specByName[a]
	reason := misfit(k, a, s)
	if reason == nil {
		reason = permitsAny(k, operations(s))
	}
	if reason == nil {
		return nil
	}
	return fmt.Errorf("key %q (%s) does not fit %s: %w", k.kid, k.Describe(), a, reason)
}

func misfit(k *PublicKey, a Algorithm, s *spec) error {
	switch {
	case s == nil:
		return a.Check()
	case k.alg != "" && !binds(k.alg, a):
		return fmt.Errorf("it is bound to the algorithm %q", k.alg)
	case takes(s, k.key) != nil:
		return otherThan(k, s)
	case k.pss && s.family != FamilyPSS:
		return errors.New("its OID allows RSASSA-PSS alone")
	}
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		return misfitRSA(key, k.sound)
	case ed25519.PublicKey:
		return misfitEd25519(key)
	}
	return nil
}

// otherThan adds to the reason which algorithm the key would fit.
func otherThan(k *PublicKey, s *spec) error {
	reason := takes(s, k.key)
	if would := k.DefaultAlgorithm(); would != "" {
		return fmt.Errorf("%w; %s would fit", reason, would)
	}
	return reason
}

func misfitRSA(key *rsa.PublicKey, sound bool) error {
	if bits := key.N.BitLen(); bits < minUsedRSABits || bits > maxUsedRSABits {
		return fmt.Errorf("it needs %d to %d bits", minUsedRSABits, maxUsedRSABits)
	}
	if key.E < minRSAExponent { // an even exponent makes no key
		return fmt.Errorf("it needs an exponent of at least %d", minRSAExponent)
	}
	if !sound {
		return errors.New("it was made by a faulty chip and can be factored (CVE-2017-15361)")
	}
	return nil
}

// misfitEd25519 refuses the points of small order: under them signatures can be
// made that verify for any message, by somebody who has no private key (RFC
// 8032 section 8.9 leaves that to whoever uses the keys).
func misfitEd25519(key ed25519.PublicKey) error {
	y := [ed25519.PublicKeySize]byte(key)
	y[len(y)-1] &= 0x7f // the sign of x
	if slices.Contains(smallOrder, y) {
		return errors.New("it is a point of small order, under which anybody can sign")
	}
	return nil
}

// smallOrder holds the y of the points of order 1, 2, 4 and 8 on edwards25519,
// little-endian, and with them the encodings beyond p of 0 and 1.
var smallOrder = [][ed25519.PublicKeySize]byte{
	{0: 0}, // order 4
	{0: 1}, // order 1
	{ // order 8
		0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
	},
	{ // order 8
		0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
	},
	nearP(0xec), // p - 1, order 2
	nearP(0xed), // p, which is 0
	nearP(0xee), // p + 1, which is 1
}

// nearP returns p = 2^255 - 19 with another lowest byte.
func nearP(lowest byte) (y [ed25519.PublicKeySize]byte) {
	for i := range y {
		y[i] = 0xff
	}
	y[0], y[len(y)-1] = lowest, 0x7f
	return y
}

// permitsAny returns nil if one of the operations is permitted, else why the
// last is not.
func permitsAny(k *PublicKey, operations []string) (err error) {
	for _, operation := range operations {
		if err = k.Permits(operation); err == nil {
			return nil
		}
	}
	return err
}

// binds reports whether a key that is bound to one algorithm may be used with
// another. EdDSA and Ed25519 are two names of one algorithm (RFC 9864 section
// 4.1.2).
func binds(bound, a Algorithm) bool {
	return bound == a || bound.Family() == FamilyEd25519 && a.Family() == FamilyEd25519
}

// takes returns why a key of this type cannot be used with the algorithm.
func takes(s *spec, key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if s.family == FamilyPKCS1 || s.family == FamilyPSS || s.family == FamilyOAEP {
			return nil
		}
	case *ecdsa.PublicKey:
		switch {
		case s.family == FamilyECDH, s.curve == key.Curve:
			return nil
		case s.curve != nil:
			return fmt.Errorf("it needs the curve %s", s.curve.Params().Name)
		}
	case *ecdh.PublicKey:
		if s.family == FamilyECDH {
			return nil
		}
	case ed25519.PublicKey:
		if s.family == FamilyEd25519 {
			return nil
		}
	default:
		if s.family == FamilyMLDSA && mldsaAlgorithm(key) == s.name {
			return nil
		}
	}
	return errors.New("it needs another type of key")
}

// fitsType refuses an unknown algorithm, and one that a key of this type cannot
// do: an RSA key that says HS256 is the oldest of the tricks. "" fits.
func fitsType(a Algorithm, key crypto.PublicKey) error {
	switch a {
	case "":
		return nil
	case "none": // not merely unknown here: no key is for that
		return fmt.Errorf("alg %q fits no key", a)
	}
	if err := a.Check(); err != nil {
		return err
	}
	if takes(specByName[a], key) != nil {
		return fmt.Errorf("alg %q does not fit a key of this type", a)
	}
	return nil
}

// rocaPrimes are the small primes p of the fingerprint for which 65537 does
// not generate every residue modulo p.
var rocaPrimes = []uint64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157}

// isROCA reports whether an RSA modulus was made by the library of a widely
// used security chip whose primes are powers of 65537 modulo many small ones,
// so that the modulus can be factored (CVE-2017-15361). A sound key has this
// fingerprint once in 240 million.
func isROCA(modulus *big.Int) bool {
	return !slices.ContainsFunc(rocaPrimes, func(p uint64) bool {
		return !isPowerOf65537(residue(modulus, p), p)
	})
}

// residue returns n modulo p, without the allocations of [big.Int.Mod].
func residue(n *big.Int, p uint64) (r uint64) {
	for _, word := range slices.Backward(n.Bits()) {
		for shift := bits.UintSize - 32; shift >= 0; shift -= 32 {
			r = (r<<32 | uint64(word>>shift)&0xffffffff) % p
		}
	}
	return r
}

func isPowerOf65537(n, p uint64) bool {
	const generator = 65537
	for power, exponent := uint64(1), uint64(0); exponent < p; exponent++ {
		if power == n {
			return true
		}
		power = power * generator % p
	}
	return false
}
