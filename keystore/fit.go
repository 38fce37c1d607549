package keystore

import (
	"crypto/rsa"
	"errors"
	"fmt"
)

// What an RSA key must be to be used (RFC 7518 section 3.3). The upper bound
// keeps a hostile key from costing much time.
const (
	minUsedRSABits = 2048
	maxUsedRSABits = 8192
	minRSAExponent = 65537
)

// Fits returns why the key cannot be used with the algorithm, to verify or to
// encrypt to: its type, its size, or what its source or its certificate says
// of its use. The error names the key and the algorithm.
func (k PublicKey) Fits(a Algorithm) error {
	return k.fits(a, k.Permits, familyUses[a.Family()].public)
}

// Fits is as [PublicKey.Fits], to sign or to decrypt.
func (k PrivateKey) Fits(a Algorithm) error {
	if k.err != nil {
		return k.err
	}
	return k.public.fits(a, k.Permits, familyUses[a.Family()].private)
}

func (k PublicKey) fits(a Algorithm, permits func(string) error, operations []string) error {
	reason := k.misfit(a)
	if reason == nil {
		reason = anyPermitted(permits, operations)
	}
	if reason == nil {
		return nil
	}
	return fmt.Errorf("key %q (%s) does not fit %s: %w", k.kid, k.Describe(), a, reason)
}

func (k PublicKey) misfit(a Algorithm) error {
	s := specByName[a]
	switch {
	case s == nil:
		return a.Check()
	case k.alg != "" && !k.alg.binds(a):
		return fmt.Errorf("it is bound to the algorithm %q", k.alg)
	case s.takes(k.key) != nil:
		return k.otherThan(s)
	case k.pss && s.family != FamilyPSS:
		return errors.New("its OID allows RSASSA-PSS alone")
	}
	if key, ok := k.key.(*rsa.PublicKey); ok {
		return misfitRSA(key)
	}
	return nil
}

// otherThan adds to the reason what the key would fit.
func (k PublicKey) otherThan(s *spec) error {
	reason := s.takes(k.key)
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

// FitsSigning and FitsVerifying return why the key cannot be used for the HMAC.
// A shorter key than the hash would make the MAC weaker than its name says
// (RFC 7518 section 3.2).
func (k SecretKey) FitsSigning(a Algorithm) error { return k.fitsMAC(a, "sign") }

// FitsVerifying is as [SecretKey.FitsSigning].
func (k SecretKey) FitsVerifying(a Algorithm) error { return k.fitsMAC(a, "verify") }

func (k SecretKey) fitsMAC(a Algorithm, operation string) error {
	if a.Family() != FamilyHMAC {
		return fmt.Errorf("key %q (%d bytes) does not fit %s: it needs another type of key", k.kid, k.Size(), a)
	}
	need := a.Hash().Size()
	var reason error
	switch {
	case k.alg != "" && k.alg != a:
		reason = fmt.Errorf("it is bound to the algorithm %q", k.alg)
	case k.Size() < need:
		reason = fmt.Errorf("it needs at least %d bytes", need)
	default:
		reason = k.permits(operation)
	}
	if reason == nil {
		return nil
	}
	return fmt.Errorf("key %q (%d bytes) does not fit %s: %w", k.kid, k.Size(), a, reason)
}
