package keystore

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// newEntry makes keys of what a reader found.
func newEntry(e format.Entry, certificates *certificates) Entry {
	entry := Entry{Alias: e.Alias, Created: e.Created, Untagged: e.Untagged, Err: e.Err}
	if errors.Is(e.Err, ErrPassword) {
		entry.Err = fmt.Errorf("%w: the key has a password of its own: give it as File.KeyPassword, or by alias in File.KeyPasswords", e.Err)
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
	e.fromCertificate()
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

// pssAlgorithm is the algorithm that the parameters of an RSASSA-PSS key bind
// it to, "" for none and for other keys.
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

// take makes the entry's public key, of which info is the encoding.
func (e *Entry) take(name string, info []byte, key func() (PublicKey, error)) {
	var algorithm Algorithm
	if algorithm, e.Err = pssAlgorithm(name, info); e.Err != nil {
		return
	}
	e.PublicKey, e.Err = key()
	e.PublicKey.pss, e.PublicKey.alg = name == "RSASSA-PSS", algorithm
}

func (e *Entry) certificate(certificates *certificates) {
	e.fromCertificate()
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

// fromCertificate says of the key what its certificate does: all that is
// known as long as the key itself cannot be read.
func (e *Entry) fromCertificate() {
	if len(e.RawChain) == 0 {
		return
	}
	if cert, err := format.ParseCert(e.RawChain[0]); err == nil {
		e.Algorithm, e.Bits = cert.PublicKeyAlgorithm()
	}
}

// certifiedKey is the key of a certificate, RSASSA-PSS keys too, which x509
// leaves out.
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
