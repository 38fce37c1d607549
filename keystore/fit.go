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

// fits is PublicKey.Fits and PrivateKey.Fits, which differ in what is permitted.
func fits(k PublicKey, a Algorithm, permits func(string) error, operations []string) error {
	reason := misfit(k, a)
	if reason == nil {
		reason = anyPermitted(permits, operations)
	}
	if reason == nil {
		return nil
	}
	return fmt.Errorf("key %q (%s) does not fit %s: %w", k.kid, k.Describe(), a, reason)
}

func misfit(k PublicKey, a Algorithm) error {
	s := specByName[a]
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
	if key, ok := k.key.(*rsa.PublicKey); ok {
		return misfitRSA(key)
	}
	return nil
}

// otherThan adds to the reason what the key would fit.
func otherThan(k PublicKey, s *spec) error {
	reason := takes(s, k.key)
	if would := k.DefaultAlgorithm(); would != "" {
		return fmt.Errorf("%w; %s would fit", reason, would)
	}
	return reason
}

func misfitRSA(key *rsa.PublicKey) error {
	if bits := key.N.BitLen(); bits < minUsedRSABits || bits > maxUsedRSABits {
		return fmt.Errorf("it needs %d to %d bits", minUsedRSABits, maxUsedRSABits)
	}
	if key.E < minRSAExponent { // an even one is no key at all
		return fmt.Errorf("it needs an exponent of at least %d", minRSAExponent)
	}
	if isROCA(key.N) {
		return errors.New("it was made by a faulty chip and can be factored (CVE-2017-15361)")
	}
	return nil
}

// anyPermitted returns nil if one of the operations is permitted, else why the
// last is not.
func anyPermitted(permits func(string) error, operations []string) (err error) {
	for _, operation := range operations {
		if err = permits(operation); err == nil {
			return nil
		}
	}
	return err
}

// binds reports whether a key that is bound to one algorithm may be used with
// another. EdDSA
// and Ed25519 are two names of one algorithm (RFC 9864 section 4.1.2).
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

// fitsType refuses an algorithm that there is not, or that a key of this type
// cannot do: an RSA key that says HS256 is the oldest of the tricks. "" fits.
func fitsType(a Algorithm, key crypto.PublicKey) error {
	switch a {
	case "":
		return nil
	case "none": // not an algorithm that is yet unknown here: nobody's key is for that
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

// residue is n modulo p, without the allocations of [big.Int.Mod].
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
