package ber

import (
	"encoding/asn1"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// Unmarshal reads the one DER value that data is into v, as [asn1.Unmarshal]
// does.
func Unmarshal(data []byte, v any) error {
	rest, err := asn1.Unmarshal(data, v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes too many", len(rest))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", format.ErrDamaged, err)
	}
	return nil
}

// OctetString returns the content of raw, an OCTET STRING whatever its tag; in
// pieces if it is constructed, as BER allows for an implicitly tagged one.
func OctetString(raw asn1.RawValue) ([]byte, error) {
	if !raw.IsCompound {
		return raw.Bytes, nil
	}
	s := survey{reader: reader{raw.Bytes}}
	size, err := s.content(len(raw.Bytes), false, true, 0)
	if err != nil {
		return nil, err
	}
	w := writer{reader{raw.Bytes}, s.sizes, make([]byte, 0, size)}
	w.content(len(raw.Bytes), false, true)
	return w.out, nil
}

// IsSequence reports whether data is one SEQUENCE and nothing else, which the
// noise that decryption with a wrong password leaves practically never is.
func IsSequence(data []byte) bool {
	if len(data) == 0 || data[0] != constructed|asn1.TagSequence {
		return false
	}
	_, rest, err := ToDER(data)
	return err == nil && len(rest) == 0
}
