package keystore

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"slices"
)

// maxJWK is in bytes: an RSA key of 16384 bits with all its private members,
// and a chain of certificates.
const maxJWK = 128 << 10

func publicJWK(o object) (PublicKey, error) {
	key, err := publicParameters(o)
	if err != nil {
		return PublicKey{}, err
	}
	chain, err := x5c(o)
	if err != nil {
		return PublicKey{}, err
	}
	public, err := NewPublicKey(key, chain...)
	if err != nil && o.lenient {
		public, err = NewPublicKey(key) // the certificate is another key's
	}
	if err != nil {
		return PublicKey{}, err
	}
	public.usage, err = usageOf(o)
	if err != nil {
		return PublicKey{}, err
	}
	if err := fitsType(public.alg, key); err != nil {
		return PublicKey{}, err
	}
	kid, err := o.text("kid")
	if kid != "" { // an empty one is none: nobody could look it up
		public = public.WithKeyID(kid)
	}
	return public, err
}

func publicParameters(o object) (any, error) {
	kty, err := o.text("kty")
	if err != nil {
		return nil, err
	}
	switch kty {
	case "RSA":
		return rsaPublic(o)
	case "EC":
		return ecPublic(o)
	case "OKP":
		return okpPublic(o)
	case "AKP":
		return akpPublic(o)
	case "":
		return nil, fmt.Errorf("member %q is missing", "kty")
	case "oct":
		return nil, fmt.Errorf("%w: kty %q", ErrNotPublic, kty)
	}
	return nil, fmt.Errorf("%w: kty %q", ErrUnsupported, clip(kty))
}

func rsaPublic(o object) (*rsa.PublicKey, error) {
	n, err := o.integer("n")
	if err != nil {
		return nil, err
	}
	e, err := o.integer("e")
	if err != nil {
		return nil, err
	}
	if e.BitLen() > 31 {
		return nil, fmt.Errorf("%w: an RSA exponent of %d bits", ErrUnsupported, e.BitLen())
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func curveOf(o object) (elliptic.Curve, int, error) {
	name, err := o.text("crv")
	if err != nil {
		return nil, 0, err
	}
	if name == "" {
		return nil, 0, fmt.Errorf("member %q is missing", "crv")
	}
	curve, ok := curves[name]
	if !ok {
		return nil, 0, fmt.Errorf("%w: crv %q", ErrUnsupported, clip(name))
	}
	return curve, (curve.Params().BitSize + 7) / 8, nil
}

func ecPublic(o object) (*ecdsa.PublicKey, error) {
	curve, size, err := curveOf(o)
	if err != nil {
		return nil, err
	}
	x, err := o.octets("x", size)
	if err != nil {
		return nil, err
	}
	y, err := o.octets("y", size)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, fmt.Errorf("the point is not on the curve %s", curve.Params().Name)
	}
	return key, nil
}

// akpPublic reads a key whose alg says what it is (RFC 9964 section 3).
func akpPublic(o object) (any, error) {
	alg, err := o.text("alg")
	if err != nil {
		return nil, err
	}
	if alg == "" {
		return nil, fmt.Errorf("member %q is missing", "alg")
	}
	pub, err := o.octets("pub", -1)
	if err != nil {
		return nil, err
	}
	return newMLDSAPublic(Algorithm(alg), pub)
}

func okpPublic(o object) (any, error) {
	crv, err := o.text("crv")
	if err != nil {
		return nil, err
	}
	switch crv {
	case "Ed25519":
		x, err := o.octets("x", ed25519.PublicKeySize)
		return ed25519.PublicKey(x), err
	case "X25519":
		x, err := o.octets("x", 32)
		if err != nil {
			return nil, err
		}
		return ecdh.X25519().NewPublicKey(x)
	case "":
		return nil, fmt.Errorf("member %q is missing", "crv")
	}
	return nil, fmt.Errorf("%w: crv %q", ErrUnsupported, clip(crv))
}
