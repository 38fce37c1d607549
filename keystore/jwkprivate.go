package keystore

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"math/big"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

func privateJWK(o object) (PrivateKey, error) {
	public, err := publicJWK(o)
	if err == nil {
		err = o.work.Spend(format.KeyWork(algorithmOf(public)))
	}
	if err != nil {
		return PrivateKey{}, err
	}
	var key signer
	switch k := public.key.(type) {
	case *rsa.PublicKey:
		key, err = rsaPrivate(o, k)
	case *ecdsa.PublicKey:
		key, err = ecPrivate(o, k)
	case ed25519.PublicKey:
		var seed []byte
		if seed, err = o.octets("d", ed25519.SeedSize); err == nil {
			key = ed25519.NewKeyFromSeed(seed)
		}
	case *ecdh.PublicKey:
		var d []byte
		if d, err = o.octets("d", 32); err == nil {
			key, err = k.Curve().NewPrivateKey(d)
		}
	default:
		var seed []byte
		if seed, err = o.octets("priv", -1); err == nil {
			key, err = mldsaKeys.newPrivate(k, seed)
		}
	}
	if err != nil {
		return PrivateKey{}, err
	}
	if !samePublicKey(key.Public(), public.key) {
		return PrivateKey{}, fmt.Errorf("%w: the private part does not belong to the public part", ErrDamaged)
	}
	private := PrivateKey{material: enclose(key), public: public, ops: public.ops}
	private.public.ops = publicOperations(public.ops)
	return private, nil
}

func rsaPrivate(o object, public *rsa.PublicKey) (*rsa.PrivateKey, error) {
	if o.has("oth") {
		return nil, fmt.Errorf("%w: an RSA key of more than two primes", ErrUnsupported)
	}
	d, err := o.integer("d")
	if err != nil {
		return nil, err
	}
	primes, err := rsaPrimes(o, public, d)
	if err != nil {
		return nil, err
	}
	key := &rsa.PrivateKey{PublicKey: *public, D: d, Primes: primes}
	if err := remainders(o, key); err != nil {
		return nil, err
	}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("%w: the RSA parameters do not belong together", ErrDamaged)
	}
	return key, nil
}

// rsaPrimes reads the two primes, or computes them where there is only the
// private exponent (RFC 7518 section 6.3.2 leaves that open).
func rsaPrimes(o object, public *rsa.PublicKey, d *big.Int) ([]*big.Int, error) {
	if !o.has("p") || !o.has("q") {
		return primeFactors(public.N, big.NewInt(int64(public.E)), d)
	}
	p, err := o.integer("p")
	if err != nil {
		return nil, err
	}
	q, err := o.integer("q")
	return []*big.Int{p, q}, err
}

// remainders reads what the Chinese remainder theorem needs. A key without it
// can be used, too, but computing it takes as long as many keys.
func remainders(o object, key *rsa.PrivateKey) (err error) {
	if bits := key.N.BitLen(); !o.has("dp") || !o.has("dq") || !o.has("qi") {
		return o.work.Spend(format.KeyWork("RSA", bits) * int64(1+bits/341))
	}
	if key.Precomputed.Dp, err = o.integer("dp"); err != nil {
		return err
	}
	if key.Precomputed.Dq, err = o.integer("dq"); err != nil {
		return err
	}
	key.Precomputed.Qinv, err = o.integer("qi")
	return err
}

// primeFactors follows NIST SP 800-56B revision 2, appendix C.2: d e - 1 is a
// multiple of p - 1 and of q - 1, which tells p + q, and n is p q.
func primeFactors(n, e, d *big.Int) ([]*big.Int, error) {
	one := big.NewInt(1)
	multiple := new(big.Int).Mul(d, e)
	multiple.Sub(multiple, one)
	common := new(big.Int).GCD(nil, nil, new(big.Int).Sub(n, one), multiple)
	m, r := new(big.Int).DivMod(multiple.Mul(multiple, common), n, new(big.Int))
	sum := new(big.Int).Sub(n, r)
	sum.Add(sum.Div(sum, m.Add(m, one)), one)
	difference := new(big.Int).Mul(sum, sum)
	if difference.Sub(difference, new(big.Int).Lsh(n, 2)); difference.Sign() <= 0 {
		return nil, fmt.Errorf("%w: the private exponent does not belong to the modulus", ErrDamaged)
	}
	difference.Sqrt(difference)
	p := new(big.Int).Add(sum, difference)
	q := new(big.Int).Sub(sum, difference)
	return []*big.Int{p.Rsh(p, 1), q.Rsh(q, 1)}, nil // validation checks the result
}

func ecPrivate(o object, public *ecdsa.PublicKey) (*ecdsa.PrivateKey, error) {
	_, size, err := curveOf(o)
	if err != nil {
		return nil, err
	}
	d, err := o.octets("d", size)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.ParseRawPrivateKey(public.Curve, d)
	if err != nil {
		return nil, fmt.Errorf("%w: the private part is not a number of the curve", ErrDamaged)
	}
	return key, nil
}

// publicOperations returns what the public half does where the private half
// does the operations given.
func publicOperations(private []string) []string {
	counterpart := map[string]string{"sign": "verify", "decrypt": "encrypt", "unwrapKey": "wrapKey"}
	var public []string
	for _, op := range private {
		if other, ok := counterpart[op]; ok {
			op = other
		}
		if !slices.Contains(public, op) {
			public = append(public, op)
		}
	}
	return public
}
