package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/bits"
	"sync"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// certificates are those of one file. Many keys may share a chain; so that a
// small file cannot ask for much memory and work, each certificate is read
// once, and each signature is checked once.
type certificates struct {
	keys format.KeyReader

	mu     sync.Mutex             // guards the rest
	read   map[string]certificate // by DER
	signed map[link]bool
	work   int // spent on signatures, see maxSignatureWork
}

type certificate struct {
	der    []byte
	parsed *x509.Certificate
	err    error // why crypto/x509 refuses it
}

// maxSignatureWork bounds what the signatures in the chains of one file may
// cost, in units of some 30 microseconds, which is one by an RSA key of 2048
// bits: enough for 10,000 keys that CAs on P-256 have certified. The keys of
// CAs may be so large that few of them keep a server busy.
const maxSignatureWork = 50_000

// A link of a chain is a certificate and the one that is said to have signed it.
type link struct{ child, issuer *x509.Certificate }

func newCertificates(fileSize int) *certificates {
	return &certificates{keys: format.KeyReader{FileSize: fileSize}, read: map[string]certificate{}, signed: map[link]bool{}}
}

// chain returns the certificates as DER, and parsed as far as crypto/x509
// reads them: one that it refuses, and the issuers after it, are only in the
// first.
func (c *certificates) chain(ders [][]byte) (raw [][]byte, chain []*x509.Certificate) {
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
func (c *certificates) parse(der []byte) certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	cert, known := c.read[string(der)]
	if known {
		return cert
	}
	cert.der = bytes.Clone(der)
	if _, cert.err = format.ParseCert(cert.der); !errors.Is(cert.err, ErrLimit) {
		cert.parsed, cert.err = x509.ParseCertificate(cert.der)
	}
	c.read[string(der)] = cert
	return cert
}

// refusal is why the first certificate of a chain is not parsed.
func (c *certificates) refusal(chain [][]byte) error {
	if len(chain) == 0 {
		return errors.New("there is none")
	}
	return c.parse(chain[0]).err
}

// signedChain is the chain as far as each certificate is signed by the next.
// A name alone does not make an issuer: this chain is what x5c shows.
func (c *certificates) signedChain(chain []*x509.Certificate) ([]*x509.Certificate, error) {
	for i := 1; i < len(chain); i++ {
		signed, err := c.signs(link{chain[i-1], chain[i]})
		if err != nil {
			return nil, err
		}
		if !signed {
			return chain[:i], nil
		}
	}
	return chain, nil
}

func (c *certificates) signs(l link) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	signed, known := c.signed[l]
	if known {
		return signed, nil
	}
	if c.work += signatureWork(l.issuer.PublicKey); c.work > maxSignatureWork {
		return false, fmt.Errorf("%w: the file's chains ask for too many signatures to be checked", ErrLimit)
	}
	signed = l.issuer.CheckSignature(l.child.SignatureAlgorithm, l.child.RawTBSCertificate, l.child.Signature) == nil
	c.signed[l] = signed
	return signed, nil
}

// signatureWork is what checking one signature costs.
func signatureWork(key crypto.PublicKey) int {
	switch key := key.(type) {
	case *rsa.PublicKey: // quadratic in the modulus, linear in the exponent
		size, exponent := (key.N.BitLen()+2047)/2048, (bits.Len(uint(key.E))+16)/17
		return size * size * exponent
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize > 256 {
			return 20
		}
	}
	return 3
}
