package keystore

import (
	"math/big"
	"math/bits"
	"slices"
)

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
