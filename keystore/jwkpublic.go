package keystore

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

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
	if kid != "" { // an empty kid counts as missing: nobody could look it up
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
	a := Algorithm(alg)
	if err := a.Check(); err != nil {
		return nil, err
	}
	if a.Family() != FamilyMLDSA {
		return nil, fmt.Errorf("%w: alg %q of an AKP key", ErrUnsupported, a)
	}
	return mldsaKeys.newPublic(a, pub)
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

// usageOf reads alg, use and key_ops (RFC 7517 sections 4.2 to 4.4).
func usageOf(o object) (usage, error) {
	var u usage
	var errs [3]error
	alg, err := o.text("alg")
	u.alg, errs[0] = Algorithm(alg), err
	u.use, errs[1] = o.text("use")
	u.ops, errs[2] = o.texts("key_ops")
	if err := errors.Join(errs[:]...); err != nil {
		return usage{}, err
	}
	if len(u.alg) > maxText || len(u.use) > maxText || len(u.ops) > maxMembers {
		return usage{}, fmt.Errorf("%w: alg, use or key_ops too long", ErrLimit)
	}
	for i, op := range u.ops {
		if slices.Contains(u.ops[:i], op) {
			return usage{}, fmt.Errorf("key_ops holds %q twice", clip(op))
		}
	}
	return u, u.keepKnownOperations()
}

// keepKnownOperations drops the operations that RFC 7517 section 4.3 does not
// name: they permit nothing here. A key with no other operation is refused.
func (u *usage) keepKnownOperations() error {
	given := len(u.ops)
	u.ops = slices.DeleteFunc(u.ops, func(op string) bool { return !slices.Contains(operations, op) })
	if given > 0 && len(u.ops) == 0 {
		return fmt.Errorf("%w: key_ops has no operation of RFC 7517", ErrUnsupported)
	}
	return nil
}

// maxChain is the most certificates of one key.
const maxChain = 32

// x5c reads the certificates (RFC 7517 section 4.7): standard base64, not
// base64url. Thumbprints beside them must be theirs. Read leniently, what is no
// chain of certificates counts for nothing, and neither do the thumbprints: we
// make our own.
func x5c(o object) ([]*x509.Certificate, error) {
	encoded, err := o.texts("x5c")
	if err := o.work.Spend(int64(len(encoded))); err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	if err == nil {
		chain, err = certificateChain(encoded)
	}
	switch {
	case o.lenient && err != nil:
		return nil, nil
	case o.lenient || len(chain) == 0:
		return chain, err
	}
	return chain, checkThumbprints(o, chain)
}

func certificateChain(encoded []string) ([]*x509.Certificate, error) {
	if len(encoded) > maxChain {
		return nil, fmt.Errorf("%w: more than %d certificates", ErrLimit, maxChain)
	}
	var chain []*x509.Certificate
	for i, text := range encoded {
		der, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("x5c[%d] is not base64", i)
		}
		cert := parseCertificate(&format.Cert{Raw: der})
		if cert.parsed == nil {
			return nil, fmt.Errorf("x5c[%d] is not a certificate", i)
		}
		chain = append(chain, cert.parsed)
	}
	return chain, nil
}

func checkThumbprints(o object, chain []*x509.Certificate) error {
	first := PublicKey{chain: chain}
	for _, thumbprint := range []struct{ name, want string }{{"x5t", first.X5T()}, {"x5t#S256", first.X5TS256()}} {
		got, err := o.text(thumbprint.name)
		if err != nil {
			return err
		}
		if o.has(thumbprint.name) && got != thumbprint.want {
			return fmt.Errorf("%s is not the thumbprint of x5c[0]", thumbprint.name)
		}
	}
	return nil
}

// operations are those of RFC 7517 section 4.3.
var operations = []string{"sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"}
