package format

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
)

// Cert is what can be told of a certificate without [x509], which
// refuses some that Java has accepted for decades: negative serial numbers,
// keys without parameters, curves it does not know.
type Cert struct {
	Raw []byte
	// Issuer and Subject are names in a form in which equal names are equal
	// strings, whatever string types they are encoded in.
	Issuer, Subject string
	PublicKeyInfo   []byte // DER

	publicKey          []byte // the bare bits
	authority, subject []byte // key identifiers, RFC 5280 sections 4.2.1.1 and 4.2.1.2
}

// ParseCert takes the outer parts of a DER certificate (RFC 5280 section
// 4.1), and of the rest what it can read.
func ParseCert(der []byte) (Cert, error) {
	var c struct{ TBS, Algorithm, Signature asn1.RawValue }
	if _, err := asn1.Unmarshal(der, &c); err != nil {
		return Cert{}, fmt.Errorf("%w: certificate: %w", ErrDamaged, err)
	}
	fields := elements(c.TBS.FullBytes)
	if len(fields) > 0 && isTagged(fields[0], 0) {
		fields = fields[1:] // the version
	}
	if len(fields) < 6 {
		return Cert{}, fmt.Errorf("%w: certificate of %d fields", ErrDamaged, len(fields))
	}
	cert := Cert{
		Raw:           der,
		Issuer:        canonicalName(fields[2].FullBytes),
		Subject:       canonicalName(fields[4].FullBytes),
		PublicKeyInfo: fields[5].FullBytes,
		publicKey:     publicBits(fields[5].FullBytes),
	}
	for _, field := range fields[6:] {
		if isTagged(field, 3) {
			cert.keyIdentifiers(elements(field.Bytes))
		}
	}
	return cert, nil
}

// elements are the elements of a SEQUENCE, none if der is not one.
func elements(der []byte) (all []asn1.RawValue) {
	if _, err := asn1.Unmarshal(der, &all); err != nil {
		return nil
	}
	return all
}

func isTagged(v asn1.RawValue, tag int) bool {
	return v.Class == asn1.ClassContextSpecific && v.Tag == tag
}

func (c *Cert) keyIdentifiers(extensions []asn1.RawValue) {
	for _, extension := range extensions {
		e := elements(extension.FullBytes)
		if len(e) < 2 {
			continue
		}
		value := e[len(e)-1].Bytes
		switch OID(e[0]) {
		case "2.5.29.14":
			asn1.Unmarshal(value, &c.subject)
		case "2.5.29.35":
			if id := elements(value); len(id) > 0 && isTagged(id[0], 0) {
				c.authority = id[0].Bytes
			}
		}
	}
}

// canonicalName compares as Java's X500Principal does: without case, outer
// and repeated spaces and string types. A name it cannot read is its bytes.
func canonicalName(der []byte) string {
	var name pkix.RDNSequence
	if _, err := asn1.Unmarshal(der, &name); err != nil {
		return string(der)
	}
	var canonical strings.Builder
	for _, rdn := range name {
		for _, attribute := range rdn {
			value, ok := attribute.Value.(string)
			if !ok {
				return string(der)
			}
			value = strings.ToLower(strings.Join(strings.Fields(value), " "))
			fmt.Fprintf(&canonical, "%v=%q,", attribute.Type, value)
		}
		canonical.WriteByte(';')
	}
	return canonical.String()
}

// PublicKeyAlgorithm says what Java calls the certificate's key and its size
// in bits where known, whether or not Go can parse it.
func (c Cert) PublicKeyAlgorithm() (name string, bits int) {
	var info publicKeyInfo
	if _, err := asn1.Unmarshal(c.PublicKeyInfo, &info); err != nil {
		return "", 0
	}
	name, bits, _ = describe(info.Algorithm)
	if bits == 0 && strings.HasPrefix(name, "RSA") {
		bits = firstIntegerBits(info.PublicKey.Bytes)
	}
	return name, bits
}

// ParsePublicKey parses the certificate's key; RSASSA-PSS as RSA.
func (c Cert) ParsePublicKey() (crypto.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(c.PublicKeyInfo)
	if err == nil {
		return key, nil
	}
	if name, _ := c.PublicKeyAlgorithm(); strings.HasPrefix(name, "RSA") {
		if key, err := x509.ParsePKCS1PublicKey(c.publicKey); err == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%w: certificate key: %w", ErrUnsupported, err)
}
