package keystore

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
)

// usage reads alg, use and key_ops (RFC 7517 sections 4.2 to 4.4).
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

// keepKnownOperations drops what RFC 7517 section 4.3 does not name: it permits
// nothing here, and others do not read it. A key for nothing else is not for us.
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
	chain, err := certificateChain(o)
	switch {
	case o.lenient && err != nil:
		return nil, nil
	case o.lenient || len(chain) == 0:
		return chain, err
	}
	return chain, checkThumbprints(o, chain)
}

func certificateChain(o object) ([]*x509.Certificate, error) {
	encoded, err := o.texts("x5c")
	if err != nil {
		return nil, err
	}
	if len(encoded) > maxChain {
		return nil, fmt.Errorf("%w: more than %d certificates", ErrLimit, maxChain)
	}
	var chain []*x509.Certificate
	for i, text := range encoded {
		der, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("x5c[%d] is not base64", i)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("x5c[%d] is not a certificate", i)
		}
		chain = append(chain, cert)
	}
	return chain, nil
}

func checkThumbprints(o object, chain []*x509.Certificate) error {
	first := PublicKey{chain: chain}
	for name, want := range map[string]string{"x5t": first.X5T(), "x5t#S256": first.X5TS256()} {
		got, err := o.text(name)
		if err != nil {
			return err
		}
		if o.has(name) && got != want {
			return fmt.Errorf("%s is not the thumbprint of x5c[0]", name)
		}
	}
	return nil
}
