package tokenprofile

import (
	"bytes"
	"crypto/x509"
	"slices"
)

// chainOf returns the first certificate with those that certify it, each
// followed by its issuer's, in DER. Certificates that do not belong are left
// out (RFC 7515 section 4.1.6), whatever the order they come in. (encoding/json
// writes bytes in the base64 that x5c is in.)
func chainOf(certificates []*x509.Certificate) [][]byte {
	if len(certificates) == 0 {
		return nil
	}
	last, rest := certificates[0], slices.Clone(certificates[1:])
	chain := [][]byte{last.Raw}
	for {
		i := slices.IndexFunc(rest, func(c *x509.Certificate) bool { return certifies(c, last) })
		if i < 0 {
			return chain
		}
		last = rest[i]
		rest = slices.Delete(rest, i, i+1)
		chain = append(chain, last.Raw)
	}
}

func certifies(issuer, subject *x509.Certificate) bool {
	return bytes.Equal(issuer.RawSubject, subject.RawIssuer) &&
		!bytes.Equal(subject.RawIssuer, subject.RawSubject) &&
		subject.CheckSignatureFrom(issuer) == nil
}
