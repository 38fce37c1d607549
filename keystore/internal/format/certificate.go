package format

import (
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Cert is what can be told of a certificate without [x509], which
// refuses some that Java has accepted for decades: negative serial numbers,
// keys without parameters, curves it does not know.
type Cert struct {
	Raw []byte // DER
	// Issuer and Subject are names in a form in which equal names are equal
	// strings, whatever string types they are encoded in.
	Issuer, Subject string
	PublicKeyInfo   []byte // DER

	publicKey          []byte // the bare bits
	authority, subject []byte // key identifiers, RFC 5280 sections 4.2.1.1 and 4.2.1.2

	parsed bool
	err    error
}

// What one certificate may hold. Those in use have some 2 KiB, 15 attributes
// in a name and 15 extensions, with post-quantum signatures up to 50 KiB more.
const (
	maxCertificate = 64 << 10 // bytes
	maxFields      = 16       // of the signed part
	maxAttributes  = 128      // of a name
	maxExtensions  = 128
	maxParts       = 2048 // of one extension: names, policies
)

// ParseCert parses a DER certificate, see [Cert.Parse].
func ParseCert(der []byte) (*Cert, error) {
	c := &Cert{Raw: der}
	return c, c.Parse()
}

// Parse takes the outer parts of the certificate (RFC 5280 section 4.1), and of
// the rest what it can read, unless that was done before. A certificate it
// accepts costs crypto/x509 little.
func (c *Cert) Parse() error {
	if !c.parsed {
		c.parsed, c.err = true, c.parse()
	}
	return c.err
}

func (c *Cert) parse() error {
	if len(c.Raw) > maxCertificate {
		return fmt.Errorf("%w: a certificate of %d bytes, %d are allowed", ErrLimit, len(c.Raw), maxCertificate)
	}
	var parts struct{ TBS, Algorithm, Signature asn1.RawValue }
	if _, err := asn1.Unmarshal(c.Raw, &parts); err != nil {
		return fmt.Errorf("%w: certificate: %w", ErrDamaged, err)
	}
	fields, err := Few(parts.TBS.FullBytes, maxFields)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if len(fields) > 0 && isTagged(fields[0], 0) {
		fields = fields[1:] // the version
	}
	if len(fields) < 6 {
		return fmt.Errorf("%w: certificate of %d fields", ErrDamaged, len(fields))
	}
	c.PublicKeyInfo, c.publicKey = fields[5].FullBytes, publicBits(fields[5].FullBytes)
	if c.Issuer, err = canonicalName(fields[2]); err != nil {
		return err
	}
	if c.Subject, err = canonicalName(fields[4]); err != nil {
		return err
	}
	for _, field := range fields[6:] {
		if isTagged(field, 3) {
			err = c.extensions(field.Bytes)
		}
	}
	return err
}

// extensions counts the extensions, given in their SEQUENCE, and keeps the key
// identifiers.
func (c *Cert) extensions(der []byte) error {
	extensions, err := Few(der, maxExtensions)
	if errors.Is(err, ErrLimit) {
		return fmt.Errorf("certificate extensions: %w", err)
	}
	for _, extension := range extensions {
		e, err := Few(extension.FullBytes, 3)
		if err != nil || len(e) < 2 {
			continue
		}
		value := e[len(e)-1].Bytes
		parts, err := countParts(value)
		if err != nil {
			return err
		}
		switch oid := OID(e[0]); {
		case oid == "2.5.29.14":
			asn1.Unmarshal(value, &c.subject)
		case oid == "2.5.29.35" && len(parts) > 0 && isTagged(parts[0], 0):
			c.authority = parts[0].Bytes
		}
	}
	return nil
}

// countParts returns the first of the parts of an extension, none if it has
// none.
func countParts(value []byte) (first []asn1.RawValue, err error) {
	var sequence asn1.RawValue
	if _, err := asn1.Unmarshal(value, &sequence); err != nil || !isSequence(sequence) {
		return nil, nil
	}
	parts := 0
	for part, err := range Elements(sequence.Bytes) {
		if err != nil {
			break
		}
		if parts++; parts > maxParts {
			return nil, fmt.Errorf("%w: a certificate extension of more than %d parts", ErrLimit, maxParts)
		}
		if len(first) == 0 {
			first = append(first, part)
		}
	}
	return first, nil
}

// canonicalName returns a name in the form in which Java's X500Principal
// compares it: in lower case, without outer and repeated spaces, whatever the
// string types. A name that cannot be read is its bytes.
func canonicalName(name asn1.RawValue) (string, error) {
	var canonical []byte
	attributes := 0
	for rdn, err := range Elements(name.Bytes) {
		if err != nil {
			return string(name.FullBytes), nil
		}
		for attribute, err := range Elements(rdn.Bytes) {
			if attributes++; attributes > maxAttributes {
				return "", fmt.Errorf("%w: a certificate name of more than %d attributes", ErrLimit, maxAttributes)
			}
			parts, _ := Few(attribute.FullBytes, 2)
			if err != nil || len(parts) != 2 {
				return string(name.FullBytes), nil
			}
			text, ok := textOf(parts[1])
			if !ok {
				return string(name.FullBytes), nil
			}
			text = strings.ToLower(strings.Join(strings.Fields(text), " "))
			canonical = strconv.AppendQuote(append(canonical, parts[0].FullBytes...), text)
		}
		canonical = append(canonical, ';')
	}
	return string(canonical), nil
}

// textOf returns the text of a value of one of ASN.1's string types.
func textOf(v asn1.RawValue) (text string, ok bool) {
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagNumericString, asn1.TagPrintableString, asn1.TagT61String, asn1.TagIA5String:
		return string(v.Bytes), v.Class == asn1.ClassUniversal
	case asn1.TagBMPString:
		return BMPString(v.Bytes), v.Class == asn1.ClassUniversal
	}
	return "", false
}

// BMPString returns a text in UTF-16, big end first.
func BMPString(data []byte) string {
	text := make([]byte, 0, len(data))
	for i := 1; i < len(data); i += 2 {
		r := rune(data[i-1])<<8 | rune(data[i])
		if utf16.IsSurrogate(r) && i+2 < len(data) {
			if pair := utf16.DecodeRune(r, rune(data[i+1])<<8|rune(data[i+2])); pair != utf8.RuneError {
				r, i = pair, i+2
			}
		}
		text = utf8.AppendRune(text, r)
	}
	return string(text)
}

// PublicKeyAlgorithm says what Java calls the certificate's key and its size
// in bits where known, whether or not Go can parse it.
func (c *Cert) PublicKeyAlgorithm() (name string, bits int) {
	var info publicKeyInfo
	if _, err := asn1.Unmarshal(c.PublicKeyInfo, &info); err != nil {
		return "", 0
	}
	name, bits = describe(info.Algorithm)
	if bits == 0 && strings.HasPrefix(name, "RSA") {
		bits = firstIntegerBits(info.PublicKey.Bytes)
	}
	return name, bits
}

// ParsePublicKey parses the certificate's key; RSASSA-PSS as RSA.
func (c *Cert) ParsePublicKey() (crypto.PublicKey, error) {
	key, _, err := ParsePublicKey(c.PublicKeyInfo)
	return key, err
}

// Elements yields the values of a SEQUENCE or SET one after the other, given
// its content in DER, and ends with an error where one cannot be read. Nothing
// is built of those nobody looks at: empty values take two bytes in a file and
// forty times that in a slice.
func Elements(content []byte) iter.Seq2[asn1.RawValue, error] {
	return func(yield func(asn1.RawValue, error) bool) {
		var v asn1.RawValue
		for len(content) > 0 {
			rest, err := asn1.Unmarshal(content, &v)
			if !yield(v, err) || err != nil {
				return
			}
			content = rest
		}
	}
}

// Few returns the elements of the SEQUENCE der, of which there may be most.
func Few(der []byte, most int) ([]asn1.RawValue, error) {
	var sequence asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &sequence); err != nil || len(rest) > 0 || !isSequence(sequence) {
		return nil, fmt.Errorf("%w: a value that is not a SEQUENCE", ErrDamaged)
	}
	all := make([]asn1.RawValue, 0, min(most, 8)) // rarely more
	for element, err := range Elements(sequence.Bytes) {
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		case len(all) == most:
			return nil, fmt.Errorf("%w: more than %d elements", ErrLimit, most)
		}
		all = append(all, element)
	}
	return all, nil
}

func isSequence(v asn1.RawValue) bool {
	return v.Class == asn1.ClassUniversal && v.Tag == asn1.TagSequence && v.IsCompound
}

func isTagged(v asn1.RawValue, tag int) bool {
	return v.Class == asn1.ClassContextSpecific && v.Tag == tag
}
