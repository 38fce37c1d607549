package jwks

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// maxChain is the number of certificates looked at of one key.
const maxChain = 10

// errUntrusted leaves a key out of the set, as if it were of an unknown kind.
var errUntrusted = errors.New("no trusted certificate")

// trusted verifies the x5c of a JWK (RFC 7517 section 4.7): its certificate
// leads to one of the roots. That it belongs to the key, reading the JWK has
// made sure of.
func trusted(key keystore.PublicKey, roots *x509.CertPool) error {
	chain := key.Certificates()
	if n := len(chain); n == 0 || n > maxChain {
		return fmt.Errorf("%w: x5c has %d", errUntrusted, n)
	}
	options := x509.VerifyOptions{
		Roots:         roots,
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, // RFC 5280 has none for tokens
	}
	for _, certificate := range chain[1:] {
		options.Intermediates.AddCert(certificate)
	}
	if _, err := chain[0].Verify(options); err != nil {
		return fmt.Errorf("%w: %w", errUntrusted, err)
	}
	return nil
}
