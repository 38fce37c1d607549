package keystore

import (
	"cmp"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
)

// maxJWK is in bytes: an RSA key of 16384 bits with all its private members,
// and a chain of certificates.
const maxJWK = 128 << 10

// UnmarshalJSON reads a public JWK strictly: each member once, every parameter
// in canonical base64url of the exact length, a point on its curve, an alg and
// an x5c that belong to the key. A key of a kind this package does not use is
// [ErrUnsupported], so that a set can go on without it; a JWK with private or
// secret members is refused.
func (k *PublicKey) UnmarshalJSON(data []byte) error {
	m, err := jsonObject(data, maxJWK)
	if err != nil {
		return fmt.Errorf("keystore: JWK: %w", err)
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if m.has(name) {
			return fmt.Errorf("keystore: JWK: member %q belongs to a private or secret key, where a public one is expected", name)
		}
	}
	key, err := m.publicJWK()
	if err != nil {
		return fmt.Errorf("keystore: JWK%s: %w", m.named(), err)
	}
	*k = key
	return nil
}

// anyJWK reads a JWK of any kind into an entry. An error that is
// [ErrUnsupported] is the entry's own.
func anyJWK(data []byte) (Entry, error) {
	m, err := jsonObject(data, maxJWK)
	if err != nil {
		return Entry{}, fmt.Errorf("JWK: %w", err)
	}
	entry, err := m.entry()
	if err != nil {
		return entry, fmt.Errorf("JWK%s: %w", m.named(), err)
	}
	return entry, nil
}

func (m members) entry() (Entry, error) {
	kid, err := m.text("kid")
	entry := Entry{Alias: kid, KeyID: kid}
	if err != nil {
		return entry, err
	}
	switch kty, _ := m.text("kty"); {
	case kty == "oct":
		entry.Kind = KindSecretKey
		entry.SecretKey, err = m.secretJWK()
		entry.SecretKey.alias = kid
	case m.has("d"), m.has("priv"):
		entry.Kind = KindPrivateKey
		entry.PrivateKey, err = m.privateJWK()
		entry.PrivateKey.public.alias = kid
		entry.PublicKey = entry.PrivateKey.public
	default:
		entry.Kind = KindPublicKey
		entry.PublicKey, err = m.publicJWK()
		entry.PublicKey.alias = kid
	}
	if errors.Is(err, ErrUnsupported) {
		entry.Algorithm = m.unsupported()
	}
	return entry, err
}

// unsupported is what a key of a kind this package does not use calls itself.
func (m members) unsupported() string {
	var names [3]string
	for i, name := range []string{"alg", "crv", "kty"} {
		names[i], _ = m.text(name)
	}
	return clip(cmp.Or(names[:]...))
}

func (m members) publicJWK() (PublicKey, error) {
	key, err := m.publicParameters()
	if err != nil {
		return PublicKey{}, err
	}
	chain, err := m.x5c()
	if err != nil {
		return PublicKey{}, err
	}
	public, err := NewPublicKey(key, chain...)
	if err != nil {
		return PublicKey{}, err
	}
	public.usage, err = m.usage()
	if err != nil {
		return PublicKey{}, err
	}
	if err := fitsType(public.alg, key); err != nil {
		return PublicKey{}, err
	}
	kid, err := m.text("kid")
	public.kid = cmp.Or(kid, public.kid) // an empty one is none: nobody could look it up
	return public, err
}

func (m members) publicParameters() (any, error) {
	kty, err := m.text("kty")
	if err != nil {
		return nil, err
	}
	switch kty {
	case "RSA":
		return m.rsaPublic()
	case "EC":
		return m.ecPublic()
	case "OKP":
		return m.okpPublic()
	case "AKP":
		return m.akpPublic()
	case "":
		return nil, fmt.Errorf("member %q is missing", "kty")
	case "oct":
		return nil, fmt.Errorf("a secret key (kty %q) where a public one is expected", kty)
	}
	return nil, fmt.Errorf("%w: kty %q", ErrUnsupported, clip(kty))
}

func (m members) rsaPublic() (*rsa.PublicKey, error) {
	n, err := m.integer("n")
	if err != nil {
		return nil, err
	}
	e, err := m.integer("e")
	if err != nil {
		return nil, err
	}
	if e.BitLen() > 31 {
		return nil, fmt.Errorf("%w: an RSA exponent of %d bits", ErrUnsupported, e.BitLen())
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func (m members) curve() (elliptic.Curve, int, error) {
	name, err := m.text("crv")
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

func (m members) ecPublic() (*ecdsa.PublicKey, error) {
	curve, size, err := m.curve()
	if err != nil {
		return nil, err
	}
	x, err := m.octets("x", size)
	if err != nil {
		return nil, err
	}
	y, err := m.octets("y", size)
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
func (m members) akpPublic() (any, error) {
	alg, err := m.text("alg")
	if err != nil {
		return nil, err
	}
	if alg == "" {
		return nil, fmt.Errorf("member %q is missing", "alg")
	}
	pub, err := m.octets("pub", -1)
	if err != nil {
		return nil, err
	}
	return newMLDSAPublic(Algorithm(alg), pub)
}

func (m members) okpPublic() (any, error) {
	crv, err := m.text("crv")
	if err != nil {
		return nil, err
	}
	switch crv {
	case "Ed25519":
		x, err := m.octets("x", ed25519.PublicKeySize)
		return ed25519.PublicKey(x), err
	case "X25519":
		x, err := m.octets("x", 32)
		if err != nil {
			return nil, err
		}
		return ecdh.X25519().NewPublicKey(x)
	case "":
		return nil, fmt.Errorf("member %q is missing", "crv")
	}
	return nil, fmt.Errorf("%w: crv %q", ErrUnsupported, clip(crv))
}
