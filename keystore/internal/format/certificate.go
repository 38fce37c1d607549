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

type extension struct {
	ID       asn1.RawValue
	Critical bool `asn1:"optional"`
	Value    []byte
}

// ParseCert takes the outer parts of a DER certificate.
func ParseCert(der []byte) (Cert, error) {
	var c struct {
		TBS struct {
			Version    int `asn1:"optional,explicit,default:0,tag:0"`
			Serial     asn1.RawValue
			Signature  asn1.RawValue
			Issuer     asn1.RawValue
			Validity   asn1.RawValue
			Subject    asn1.RawValue
			PublicKey  asn1.RawValue
			IssuerID   asn1.BitString `asn1:"optional,tag:1"`
			SubjectID  asn1.BitString `asn1:"optional,tag:2"`
			Extensions []extension    `asn1:"omitempty,optional,explicit,tag:3"`
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &c); err != nil {
		return Cert{}, fmt.Errorf("%w: certificate: %w", ErrDamaged, err)
	}
	cert := Cert{
		Raw:           der,
		Issuer:        canonicalName(c.TBS.Issuer.FullBytes),
		Subject:       canonicalName(c.TBS.Subject.FullBytes),
		PublicKeyInfo: c.TBS.PublicKey.FullBytes,
		publicKey:     publicBits(c.TBS.PublicKey.FullBytes),
	}
	cert.keyIdentifiers(c.TBS.Extensions)
	return cert, nil
}

func (c *Cert) keyIdentifiers(extensions []extension) {
	for _, e := range extensions {
		switch OID(e.ID) {
		case "2.5.29.14":
			asn1.Unmarshal(e.Value, &c.subject)
		case "2.5.29.35":
			var authority struct {
				ID []byte `asn1:"optional,tag:0"`
			}
			asn1.Unmarshal(e.Value, &authority)
			c.authority = authority.ID
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
