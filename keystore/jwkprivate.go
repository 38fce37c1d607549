package keystore

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
)

func privateJWK(o object) (PrivateKey, error) {
	public, err := publicJWK(o)
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
			key, err = newMLDSAPrivate(k, seed)
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
	key := &rsa.PrivateKey{PublicKey: *public, D: d}
	for _, name := range []string{"p", "q"} {
		if !o.has(name) {
			return nil, fmt.Errorf("%w: an RSA key without its prime %q", ErrUnsupported, name)
		}
		prime, err := o.integer(name)
		if err != nil {
			return nil, err
		}
		key.Primes = append(key.Primes, prime)
	}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("%w: the RSA parameters do not belong together", ErrDamaged)
	}
	return key, nil
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

// maxSecret is in bytes: far beyond any HMAC key.
const maxSecret = 4096

func secretJWK(o object) (SecretKey, error) {
	k, err := o.octets("k", -1)
	if err != nil {
		return SecretKey{}, err
	}
	if len(k) > maxSecret {
		return SecretKey{}, fmt.Errorf("%w: a secret key of more than %d bytes", ErrLimit, maxSecret)
	}
	kid, err := o.text("kid")
	if err != nil {
		return SecretKey{}, err
	}
	secret, err := NewSecretKey(k, kid)
	if err != nil {
		return SecretKey{}, err
	}
	secret.usage, err = usageOf(o)
	return secret, err
}
