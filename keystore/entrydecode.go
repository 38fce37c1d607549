package keystore

import (
	"bytes"
	"cmp"
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

// newEntries makes keys of what a reader found.
func newEntries(found *format.Store) []Entry {
	certificates := newCertificates(&found.Keys)
	entries := make([]Entry, len(found.Entries))
	format.Each(len(entries), func(i int) { entries[i] = newEntry(found.Entries[i], certificates) })
	return entries
}

// newEntry makes keys of one of them.
func newEntry(e format.Entry, certificates *certificates) Entry {
	entry := Entry{Alias: e.Alias, Created: e.Created, Untagged: e.Untagged, Err: e.Err}
	if errors.Is(e.Err, ErrPassword) {
		entry.Err = fmt.Errorf("%w: the key has a password of its own: give it as File.KeyPassword, or by alias in File.KeyPasswords", e.Err)
	}
	if len(e.Chain) > 0 { // all that is known of a key as long as it cannot be read
		entry.Algorithm, entry.Bits = certificates.parse(e.Chain[0], e.Leaf).form.PublicKeyAlgorithm()
	}
	entry.RawChain, entry.Chain = certificates.chain(e.Chain)
	switch e.Kind {
	case format.PrivateKey:
		entry.Kind = KindPrivateKey
		entry.private(e.PKCS8, certificates)
	case format.SecretKey:
		entry.Kind = KindSecretKey
		entry.secret(e)
	case format.Certificate:
		entry.Kind = KindCertificate
		entry.certificate(certificates)
	case format.PublicKey:
		entry.Kind = KindPublicKey
		entry.public(e.SPKI)
	}
	entry.setAlias(e.Alias)
	return entry
}

func (e *Entry) private(pkcs8 []byte, certificates *certificates) {
	if e.Err == nil {
		e.Err = e.privateKeyFrom(pkcs8, certificates)
	}
	if e.Err == nil {
		e.PublicKey = e.PrivateKey.public
	} else if len(e.Chain) > 0 {
		e.PublicKey, _ = certifiedPublicKey(e.Chain[0]) // all that is known, for a listing
	}
}

func (e *Entry) privateKeyFrom(pkcs8 []byte, certificates *certificates) error {
	key, name, bits, err := certificates.keys.ParsePKCS8(pkcs8)
	algorithm, pssErr := pssAlgorithm(name, pkcs8)
	clear(pkcs8)
	e.Algorithm, e.Bits = name, bits
	if err != nil && name == string(FamilyMLDSA) {
		return fmt.Errorf("%w: %s key: %w", ErrUnsupported, name, errMLDSA)
	}
	if err != nil {
		return err
	}
	usable, ok := key.(signer)
	if !ok {
		return fmt.Errorf("%w: %s key", ErrUnsupported, name)
	}
	chain, err := certificates.signedChain(e.Chain)
	if err != nil {
		return err
	}
	if pssErr != nil {
		return pssErr
	}
	e.PrivateKey, err = newPrivateKey(usable, chain) // crypto/x509 has compared its halves
	e.PrivateKey.public.pss, e.PrivateKey.public.alg = name == "RSASSA-PSS", algorithm
	return err
}

// pssAlgorithm returns the algorithm that the parameters of an RSASSA-PSS key
// bind it to, "" for none and for other keys.
func pssAlgorithm(name string, info []byte) (Algorithm, error) {
	if name != "RSASSA-PSS" {
		return "", nil
	}
	algorithm, err := format.PSSAlgorithm(info)
	return Algorithm(algorithm), err
}

func (e *Entry) secret(found format.Entry) {
	e.Algorithm = found.SecretAlgorithm
	if e.Err == nil {
		e.SecretKey, e.Err = NewSecretKey(found.Secret, "")
		clear(found.Secret)
	}
}

// public reads a bare public key, in X.509's form or in PKCS #1's.
func (e *Entry) public(spki []byte) {
	key, name, err := format.ParsePublicKey(spki)
	if err != nil {
		e.Algorithm, e.Err = name, err
		return
	}
	e.take(name, spki, func() (PublicKey, error) { return NewPublicKey(key) })
}

// take makes the entry's public key from its encoding, info.
func (e *Entry) take(name string, info []byte, key func() (PublicKey, error)) {
	var algorithm Algorithm
	if algorithm, e.Err = pssAlgorithm(name, info); e.Err != nil {
		return
	}
	e.PublicKey, e.Err = key()
	e.PublicKey.pss, e.PublicKey.alg = name == "RSASSA-PSS", algorithm
}

func (e *Entry) certificate(certificates *certificates) {
	if e.Err != nil {
		return
	}
	if len(e.Chain) == 0 {
		e.Err = fmt.Errorf("%w: a certificate that crypto/x509 refuses: %w", ErrUnsupported, certificates.refusal(e.RawChain))
		return
	}
	cert := e.Chain[0]
	e.take(e.Algorithm, cert.RawSubjectPublicKeyInfo, func() (PublicKey, error) { return certifiedPublicKey(cert) })
}

func certifiedPublicKey(cert *x509.Certificate) (PublicKey, error) {
	key, err := certifiedKey(cert)
	if err != nil {
		return PublicKey{}, err
	}
	return NewPublicKey(key, cert)
}

// certifiedKey returns the key of a certificate, RSASSA-PSS keys too, which
// x509 leaves out.
func certifiedKey(cert *x509.Certificate) (crypto.PublicKey, error) {
	if cert.PublicKey != nil {
		return cert.PublicKey, nil
	}
	parts, err := format.ParseCert(cert.Raw)
	if err != nil {
		return nil, err
	}
	return parts.ParsePublicKey()
}

// certificates are those of one file. Many keys may share a chain. Each
// certificate is read once, and each signature is checked once, so that a small
// file cannot ask for much memory and work.
type certificates struct {
	keys *format.KeyReader

	mu     sync.Mutex                    // guards the rest; nothing is read or checked under it
	read   map[string]func() certificate // by DER
	signed map[link]func() bool
}

type certificate struct {
	der    []byte
	form   *format.Cert
	parsed *x509.Certificate
	err    error // why crypto/x509 refuses it
}

// A link of a chain is a certificate and the one that is said to have signed it.
type link struct{ child, issuer *x509.Certificate }

func newCertificates(keys *format.KeyReader) *certificates {
	return &certificates{keys: keys, read: map[string]func() certificate{}, signed: map[link]func() bool{}}
}

// chain returns the certificates as DER, and parsed as far as crypto/x509
// reads them: one that it refuses, and the issuers after it, are only in the
// first.
func (c *certificates) chain(ders [][]byte) (raw [][]byte, chain []*x509.Certificate) {
	for i, der := range ders {
		cert := c.parse(der, nil)
		raw = append(raw, cert.der)
		if cert.parsed != nil && len(chain) == i {
			chain = append(chain, cert.parsed)
		}
	}
	return raw, chain
}

// parse reads the certificate once. form is what a reader has found in it, or
// nil.
func (c *certificates) parse(der []byte, form *format.Cert) certificate {
	c.mu.Lock()
	read, known := c.read[string(der)]
	if !known {
		read = sync.OnceValue(func() certificate { return parseCertificate(cmp.Or(form, &format.Cert{Raw: der})) })
		c.read[string(der)] = read
	}
	c.mu.Unlock()
	return read()
}

// parseCertificate copies the certificate, for the file's own bytes are wiped.
func parseCertificate(form *format.Cert) certificate {
	cert := certificate{der: bytes.Clone(form.Raw), form: form}
	if cert.err = form.Parse(); !errors.Is(cert.err, ErrLimit) {
		cert.parsed, cert.err = x509.ParseCertificate(cert.der)
	}
	return cert
}

// refusal returns why the first certificate of a chain is not parsed.
func (c *certificates) refusal(chain [][]byte) error {
	if len(chain) == 0 {
		return errors.New("no certificate")
	}
	return c.parse(chain[0], nil).err
}

// signedChain returns the chain as far as each certificate is signed by the
// next. A name alone does not make an issuer: this chain is what x5c shows.
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
	signed, err := c.check(l)
	if err != nil {
		return false, err
	}
	return signed(), nil
}

// check pays for the check of a signature, unless that was done before.
func (c *certificates) check(l link) (signed func() bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if signed = c.signed[l]; signed != nil {
		return signed, nil
	}
	if err := c.keys.Spend(signatureWork(l.issuer.PublicKey)); err != nil {
		return nil, err
	}
	signed = sync.OnceValue(func() bool {
		return l.issuer.CheckSignature(l.child.SignatureAlgorithm, l.child.RawTBSCertificate, l.child.Signature) == nil
	})
	c.signed[l] = signed
	return signed, nil
}

// signatureWork returns what checking one signature costs, as
// [format.KeyReader] counts: 1 is an RSA key of 2048 bits.
func signatureWork(key crypto.PublicKey) int64 {
	switch key := key.(type) {
	case *rsa.PublicKey: // quadratic in the modulus, linear in the exponent
		size, exponent := (key.N.BitLen()+2047)/2048, (bits.Len(uint(key.E))+16)/17
		return int64(size * size * exponent)
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize > 256 {
			return 20
		}
	}
	return 3
}
