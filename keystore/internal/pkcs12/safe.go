package pkcs12

import (
	"encoding/asn1"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

// maxNesting is how deep safe contents may lie within safe contents.
const maxNesting = 8

// reader collects the bags of a store from its safes, then makes entries of
// them.
type reader struct {
	pw        format.Passwords
	budget    *pbe.Budget
	bags      []bag
	decrypted bool // the password opened a safe
	assembly  format.Assembly
}

// authenticatedSafe reads the content of a store (RFC 7292 section 4.1).
func (r *reader) authenticatedSafe(content []byte) error {
	var safes []contentInfo
	if err := decode(content, &safes); err != nil {
		return err
	}
	for _, safe := range safes {
		if err := r.safe(safe); err != nil {
			return err
		}
	}
	return nil
}

// decode reads one value that may be BER.
func decode(data []byte, v any) error {
	der, rest, err := ber.ToDER(data)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes too many", format.ErrDamaged, len(rest))
	}
	return ber.Unmarshal(der, v)
}

func (r *reader) safe(safe contentInfo) error {
	switch oid := format.OID(safe.Type); oid {
	case oidData:
		contents, err := safe.octets()
		if err != nil {
			return err
		}
		return r.safeContents(contents, 0)
	case oidEncryptedData:
		contents, err := r.decrypt(safe)
		if err != nil {
			return err
		}
		defer clear(contents)
		return r.safeContents(contents, 0)
	default:
		return fmt.Errorf("%w: safe of type %s", format.ErrUnsupported, oid)
	}
}

// decrypt opens encrypted data (RFC 2315 section 13), which only the store's
// password fits.
func (r *reader) decrypt(safe contentInfo) ([]byte, error) {
	var data struct {
		Version int
		Content struct {
			Type      asn1.RawValue
			Algorithm format.Algorithm
			Encrypted asn1.RawValue `asn1:"optional"`
		}
		Attributes asn1.RawValue `asn1:"optional"`
	}
	if err := ber.Unmarshal(safe.Content.Bytes, &data); err != nil {
		return nil, err
	}
	encrypted, err := ber.OctetString(data.Content.Encrypted)
	if err != nil {
		return nil, err
	}
	if r.pw.Store == nil {
		return nil, format.ErrPasswordRequired
	}
	plain, err := pbe.Open(data.Content.Algorithm, encrypted, [][]byte{r.pw.Store}, r.budget, ber.IsSequence)
	r.decrypted = r.decrypted || err == nil
	return plain, err
}

// safeContents reads bags, which may again be safe contents.
func (r *reader) safeContents(data []byte, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("%w: safe contents nested deeper than %d", format.ErrLimit, maxNesting)
	}
	var bags []bag
	if err := decode(data, &bags); err != nil {
		return err
	}
	for _, b := range bags {
		if format.OID(b.Type) == oidSafeContents {
			if err := r.safeContents(b.Value.Bytes, depth+1); err != nil {
				return err
			}
			continue
		}
		if len(r.bags) == format.MaxEntries {
			return fmt.Errorf("%w: more than %d bags", format.ErrLimit, format.MaxEntries)
		}
		r.bags = append(r.bags, b)
	}
	return nil
}
