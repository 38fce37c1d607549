package pkcs12

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"strconv"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// The types of bags (RFC 7292 section 4.2) and of certificates.
const (
	oidKey          = "1.2.840.113549.1.12.10.1.1"
	oidShroudedKey  = "1.2.840.113549.1.12.10.1.2"
	oidCertificate  = "1.2.840.113549.1.12.10.1.3"
	oidCRL          = "1.2.840.113549.1.12.10.1.4"
	oidSecret       = "1.2.840.113549.1.12.10.1.5"
	oidSafeContents = "1.2.840.113549.1.12.10.1.6"
	oidX509         = "1.2.840.113549.1.9.22.1"
)

// The attributes of bags that say something here, as the content of their
// OBJECT IDENTIFIER.
const (
	friendlyName = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x14"             // 1.2.840.113549.1.9.20
	localKeyID   = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15"             // 1.2.840.113549.1.9.21
	trustedUsage = "\x60\x86\x48\x01\x86\xf9\x66\xad\xca\x7b\x01\x01" // 2.16.840.1.113894.746875.1.1, Oracle's
)

// bag is what is kept of a SafeBag (RFC 7292 section 4.2).
type bag struct {
	kind    string // OID
	value   []byte // within its tag [0]
	name    string // friendlyName
	id      []byte // localKeyID, nil: none
	trusted bool   // by Oracle's attribute
}

// readBag takes a bag apart. Its attributes are looked at and not kept: there
// may be any number of them.
func readBag(der []byte) (bag, error) {
	var raw struct {
		Type       asn1.RawValue
		Value      asn1.RawValue // tagged [0]
		Attributes asn1.RawValue `asn1:"optional"`
	}
	if err := ber.Unmarshal(der, &raw); err != nil {
		return bag{}, err
	}
	b := bag{kind: format.OID(raw.Type), value: raw.Value.Bytes}
	if raw.Attributes.Class != asn1.ClassUniversal || raw.Attributes.Tag != asn1.TagSet {
		return b, nil
	}
	var a struct{ Type, Values asn1.RawValue } // one for all: many would take memory
	for attribute, err := range format.Elements(raw.Attributes.Bytes) {
		if err == nil {
			_, err = asn1.Unmarshal(attribute.FullBytes, &a)
		}
		if err != nil {
			return bag{}, fmt.Errorf("%w: attribute: %w", format.ErrDamaged, err)
		}
		b.attribute(string(a.Type.Bytes), a.Values.Bytes)
	}
	return b, nil
}

// attribute notes what one attribute says by the first of its values. Of two
// attributes of one type the first counts.
func (b *bag) attribute(oid string, values []byte) {
	if oid != friendlyName && oid != localKeyID && oid != trustedUsage {
		return
	}
	var value asn1.RawValue
	asn1.Unmarshal(values, &value)
	switch {
	case oid == friendlyName && b.name == "":
		b.name = text(value)
	case oid == localKeyID && b.id == nil:
		b.id = value.Bytes
	case oid == trustedUsage:
		b.trusted = value.FullBytes != nil
	}
}

// text is a BMPString, whatever it claims to be.
func text(value asn1.RawValue) string {
	if value.Tag == asn1.TagBMPString {
		return format.BMPString(value.Bytes)
	}
	return string(bytes.ToValidUTF8(value.Bytes, nil))
}

// created is the date Java hides in its localKeyID: "Time " and milliseconds.
func created(id []byte) time.Time {
	text, ok := bytes.CutPrefix(id, []byte("Time "))
	if !ok {
		return time.Time{}
	}
	ms, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
