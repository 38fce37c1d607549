package keystore

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
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
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
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
	case m.has("d"):
		entry.Kind = KindPrivateKey
		entry.PrivateKey, err = m.privateJWK()
		entry.PrivateKey.public.alias = kid
		entry.PublicKey = entry.PrivateKey.public
	default:
		entry.Kind = KindPublicKey
		entry.PublicKey, err = m.publicJWK()
		entry.PublicKey.alias = kid
	}
	return entry, err
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
	if err := algorithmFits(public.alg, key); err != nil {
		return PublicKey{}, err
	}
	if m.has("kid") {
		public.kid, err = m.text("kid")
	}
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

var jwkCurves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

func (m members) curve() (elliptic.Curve, int, error) {
	name, err := m.text("crv")
	if err != nil {
		return nil, 0, err
	}
	if name == "" {
		return nil, 0, fmt.Errorf("member %q is missing", "crv")
	}
	curve, ok := jwkCurves[name]
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

func (m members) privateJWK() (PrivateKey, error) {
	public, err := m.publicJWK()
	if err != nil {
		return PrivateKey{}, err
	}
	var key signer
	switch k := public.key.(type) {
	case *rsa.PublicKey:
		key, err = m.rsaPrivate(k)
	case *ecdsa.PublicKey:
		key, err = m.ecPrivate(k)
	case ed25519.PublicKey:
		var seed []byte
		if seed, err = m.octets("d", ed25519.SeedSize); err == nil {
			key = ed25519.NewKeyFromSeed(seed)
		}
	case *ecdh.PublicKey:
		var d []byte
		if d, err = m.octets("d", 32); err == nil {
			key, err = k.Curve().NewPrivateKey(d)
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

func (m members) rsaPrivate(public *rsa.PublicKey) (*rsa.PrivateKey, error) {
	if m.has("oth") {
		return nil, fmt.Errorf("%w: an RSA key of more than two primes", ErrUnsupported)
	}
	d, err := m.integer("d")
	if err != nil {
		return nil, err
	}
	key := &rsa.PrivateKey{PublicKey: *public, D: d}
	for _, name := range []string{"p", "q"} {
		if !m.has(name) {
			return nil, fmt.Errorf("%w: an RSA key without its prime %q", ErrUnsupported, name)
		}
		prime, err := m.integer(name)
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

func (m members) ecPrivate(public *ecdsa.PublicKey) (*ecdsa.PrivateKey, error) {
	_, size, err := m.curve()
	if err != nil {
		return nil, err
	}
	d, err := m.octets("d", size)
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

func (m members) secretJWK() (SecretKey, error) {
	k, err := m.octets("k", -1)
	if err != nil {
		return SecretKey{}, err
	}
	if len(k) > maxSecret {
		return SecretKey{}, fmt.Errorf("%w: a secret key of more than %d bytes", ErrLimit, maxSecret)
	}
	kid, err := m.text("kid")
	if err != nil {
		return SecretKey{}, err
	}
	secret, err := NewSecretKey(k, kid)
	if err != nil {
		return SecretKey{}, err
	}
	secret.usage, err = m.usage()
	return secret, err
}

// integer is a Base64urlUInt (RFC 7518 section 2): no leading zero octets.
func (m members) integer(name string) (*big.Int, error) {
	octets, err := m.octets(name, -1)
	if err != nil {
		return nil, err
	}
	if len(octets) == 0 || octets[0] == 0 && len(octets) > 1 {
		return nil, fmt.Errorf("member %q is not the shortest form of a number", name)
	}
	if len(octets)*8 > maxRSABits {
		return nil, fmt.Errorf("%w: member %q has more than %d bits", ErrLimit, name, maxRSABits)
	}
	return new(big.Int).SetBytes(octets), nil
}

// octets decodes canonical base64url of exactly size octets; any number if
// size is negative.
func (m members) octets(name string, size int) ([]byte, error) {
	text, err := m.text(name)
	if err != nil {
		return nil, err
	}
	if !m.has(name) {
		return nil, fmt.Errorf("member %q is missing", name)
	}
	octets, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || base64.RawURLEncoding.EncodedLen(len(octets)) != len(text) {
		return nil, fmt.Errorf("member %q is not base64url", name)
	}
	if size >= 0 && len(octets) != size {
		return nil, fmt.Errorf("member %q has %d bytes, not %d", name, len(octets), size)
	}
	return octets, nil
}
