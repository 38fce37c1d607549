package transport

import (
	"crypto/tls"
	"errors"
	"slices"
)

// A ClientCertificate says by which certificate a client is known (RFC 8705
// section 2). One field is set; the zero value knows none.
type ClientCertificate struct {
	// Thumbprints are the x5t#S256 of certificates that nobody need have
	// signed: the SHA-256 of the DER in base64url, without padding. That is
	// self_signed_tls_client_auth, and there is more than one while the client
	// rotates. The server's tls.Config has ClientAuth at least
	// [tls.RequestClientCert].
	Thumbprints []string

	// Subject, DNS and URI are a name in a certificate that the TLS server has
	// verified, by its ClientCAs and [tls.VerifyClientCertIfGiven] or
	// [tls.RequireAndVerifyClientCert]: the subject as
	// [crypto/x509/pkix.Name.String] writes it (RFC 2253), a DNS name, or a URI
	// such as a SPIFFE ID. That is tls_client_auth. Every authority that the TLS
	// server trusts can make such a certificate.
	Subject, DNS, URI string
}

// check reports why the client of the connection is another.
func (c *ClientCertificate) check(state *tls.ConnectionState) error {
	leaf := state.PeerCertificates[0]
	var is bool
	switch {
	case c.fields() != 1:
		return errors.New("the registration names it by none of its fields, or by several")
	case len(c.Thumbprints) > 0:
		is = slices.Contains(c.Thumbprints, certificateThumbprint(leaf))
	case len(state.VerifiedChains) == 0:
		return errors.New("the TLS server has not verified it")
	case c.Subject != "":
		is = leaf.Subject.String() == c.Subject
	case c.DNS != "":
		is = slices.Contains(leaf.DNSNames, c.DNS)
	default:
		for _, uri := range leaf.URIs {
			is = is || uri.String() == c.URI
		}
	}
	if !is {
		return errors.New("it is another than the client's")
	}
	return nil
}

func (c *ClientCertificate) fields() int {
	return count(len(c.Thumbprints) > 0, c.Subject != "", c.DNS != "", c.URI != "")
}
