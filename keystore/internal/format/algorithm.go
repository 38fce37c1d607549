package format

import (
	"crypto/x509"
	"encoding/asn1"
)

// Algorithm is an AlgorithmIdentifier (RFC 5280 section 4.1.1.2). Its OID may
// have arcs of any size, so that an unknown one can always be named.
type Algorithm struct {
	ID         asn1.RawValue
	Parameters asn1.RawValue `asn1:"optional"`
}

// OID returns the algorithm's identifier in dotted form.
func (a Algorithm) OID() string { return OID(a.ID) }

// maxOID is in bytes. Writing a number in decimal takes time that grows faster
// than the number.
const maxOID = 256

// OID returns an object identifier in dotted form, or "" if raw is not one.
func OID(raw asn1.RawValue) string {
	var oid x509.OID
	if raw.Class != asn1.ClassUniversal || raw.Tag != asn1.TagOID || len(raw.Bytes) > maxOID || oid.UnmarshalBinary(raw.Bytes) != nil {
		return ""
	}
	return oid.String()
}
