package format

import (
	"cmp"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"
)

// Algorithm is an AlgorithmIdentifier (RFC 5280 section 4.1.1.2). Its OID may
// have arcs of any size, so that an unknown one can always be named.
type Algorithm struct {
	ID         asn1.RawValue
	Parameters asn1.RawValue `asn1:"optional"`
}

// OID returns the algorithm's identifier in dotted form.
func (a Algorithm) OID() string { return OID(a.ID) }

// String names the algorithm of a key for errors, with its OID.
func (a Algorithm) String() string {
	oid, curve := a.OID(), OID(a.Parameters)
	known, ok := keyTypes[oid]
	switch {
	case !ok:
		return oid
	case known.name == "EC" && curve == "":
		return "EC (explicit parameters)"
	case known.name == "EC":
		return strings.TrimSpace("EC "+curves[curve].text) + " (" + curve + ")"
	}
	return fmt.Sprintf("%s (%s)", cmp.Or(known.text, known.name), oid)
}

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
