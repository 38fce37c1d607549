package keystore

import (
	"bytes"
	"crypto/x509"
)

// certificates are those of one file. Many keys may share a chain; so that a
// small file cannot ask for much memory and work, each certificate is read
// once, and each signature is checked once.
type certificates struct {
	read   map[string]certificate // by DER
	signed map[link]bool
}

type certificate struct {
	der    []byte
	parsed *x509.Certificate // nil if crypto/x509 refuses it
}

// A link of a chain is a certificate and the one that is said to have signed it.
type link struct{ child, issuer *x509.Certificate }

func newCertificates() certificates {
	return certificates{read: map[string]certificate{}, signed: map[link]bool{}}
}

// chain returns the certificates as DER, and parsed as far as crypto/x509
// reads them: one that it refuses, and the issuers after it, are only in the
// first.
func (c certificates) chain(ders [][]byte) (raw [][]byte, chain []*x509.Certificate) {
	for i, der := range ders {
		cert := c.parse(der)
		raw = append(raw, cert.der)
		if cert.parsed != nil && len(chain) == i {
			chain = append(chain, cert.parsed)
		}
	}
	return raw, chain
}

// parse copies the certificate, for the file's own bytes are wiped.
func (c certificates) parse(der []byte) certificate {
	cert, known := c.read[string(der)]
	if known {
		return cert
	}
	cert.der = bytes.Clone(der)
	if parsed, err := x509.ParseCertificate(cert.der); err == nil {
		cert.parsed = parsed
	}
	c.read[string(der)] = cert
	return cert
}

// signedChain is the chain as far as each certificate is signed by the next.
// A name alone does not make an issuer: this chain is what x5c shows.
func (c certificates) signedChain(chain []*x509.Certificate) []*x509.Certificate {
	for i := 1; i < len(chain); i++ {
		if !c.signs(link{chain[i-1], chain[i]}) {
			return chain[:i]
		}
	}
	return chain
}

func (c certificates) signs(l link) bool {
	signed, known := c.signed[l]
	if !known {
		signed = l.issuer.CheckSignature(l.child.SignatureAlgorithm, l.child.RawTBSCertificate, l.child.Signature) == nil
		c.signed[l] = signed
	}
	return signed
}
