package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"time"
)

// generatedRSABits is the size of generated RSA keys: good beyond 2030 (NIST
// SP 800-57 part 1, table 2).
const generatedRSABits = 3072

// Generate returns a new private key that is bound to the algorithm, with a
// self-signed certificate. [WriteFile] writes it, so that a rotation needs no
// keytool. For an algorithm that uses secret keys the error is
// [ErrUnsupported]. The subject is a distinguished name as RFC 4514 writes it:
// "CN=billing,O=Example". The certificate is valid from notBefore until
// notAfter; a key whose notBefore lies in the future is published at once and
// signs from then on, see [File].
func Generate(algorithm Algorithm, subject string, notBefore, notAfter time.Time) (PrivateKey, error) {
	name, err := parseSubject(subject)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("keystore: subject: %w", err)
	}
	if !notAfter.After(notBefore) {
		return PrivateKey{}, errors.New("keystore: the certificate would end before it begins")
	}
	key, err := generateKey(algorithm)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("keystore: %w", err)
	}
	template := &x509.Certificate{
		Subject: name, NotBefore: notBefore, NotAfter: notAfter,
		KeyUsage: algorithm.usedFor().usage, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("keystore: certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("keystore: certificate: %w", err)
	}
	private, err := NewPrivateKey(key, cert)
	if err != nil {
		return PrivateKey{}, err
	}
	return private.WithAlgorithm(algorithm)
}

func generateKey(a Algorithm) (crypto.Signer, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	switch s := specByName[a]; s.family {
	case FamilyPKCS1, FamilyPSS, FamilyOAEP:
		return rsa.GenerateKey(rand.Reader, generatedRSABits)
	case FamilyECDSA:
		return ecdsa.GenerateKey(s.curve, rand.Reader)
	case FamilyECDH:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case FamilyEd25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case FamilyMLDSA:
		return mldsaKeys.generate(a)
	}
	return nil, fmt.Errorf("%w: %s uses a secret key, and has no key pair", ErrUnsupported, a)
}

// subjectTypes are the attributes of a name that keytool and OpenSSL know by
// these letters (RFC 4514 section 3).
var subjectTypes = map[string]asn1.ObjectIdentifier{
	"CN": {2, 5, 4, 3}, "SERIALNUMBER": {2, 5, 4, 5}, "C": {2, 5, 4, 6}, "L": {2, 5, 4, 7}, "ST": {2, 5, 4, 8},
	"STREET": {2, 5, 4, 9}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11}, "DC": {0, 9, 2342, 19200300, 100, 1, 25},
}

// parseSubject reads "CN=billing,O=Example", most specific first. A backslash
// keeps the character after it from ending a value.
func parseSubject(text string) (pkix.Name, error) {
	var sequence pkix.RDNSequence
	for _, part := range splitUnescaped(text) {
		key, value, found := strings.Cut(part, "=")
		oid, known := subjectTypes[strings.ToUpper(strings.TrimSpace(key))]
		value = strings.TrimSpace(value)
		if !found || !known || value == "" {
			return pkix.Name{}, fmt.Errorf("%q is not like CN=name", clip(part))
		}
		attribute := pkix.AttributeTypeAndValue{Type: oid, Value: unescape(value)}
		sequence = append(pkix.RDNSequence{{attribute}}, sequence...)
	}
	var name pkix.Name
	name.FillFromRDNSequence(&sequence)
	name.ExtraNames = name.Names // in the order given
	return name, nil
}

func splitUnescaped(text string) []string {
	var parts []string
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case ',':
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

func unescape(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		out.WriteByte(text[i])
	}
	return out.String()
}
