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
	pw       format.Passwords
	budget   *pbe.Budget
	bags     []bag
	plain    [][]byte // the safes that the password opened
	assembly format.Assembly
}

// maxSafes is how many there may be: two for every key where a tool writes
// key by key.
const maxSafes = 2 * format.MaxEntries

// authenticatedSafe reads the content of a store (RFC 7292 section 4.1).
func (r *reader) authenticatedSafe(content []byte) error {
	safes := 0
	return eachIn(content, func(der []byte) error {
		if safes++; safes > maxSafes {
			return fmt.Errorf("%w: more than %d safes", format.ErrLimit, maxSafes)
		}
		var safe contentInfo
		if err := ber.Unmarshal(der, &safe); err != nil {
			return err
		}
		return r.safe(safe)
	})
}

// eachIn calls f for each element of one SEQUENCE that may be BER.
func eachIn(data []byte, f func(der []byte) error) error {
	der, rest, err := ber.ToDER(data)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes too many", format.ErrDamaged, len(rest))
	}
	var sequence asn1.RawValue
	if err := ber.Unmarshal(der, &sequence); err != nil {
		return err
	}
	if sequence.Class != asn1.ClassUniversal || sequence.Tag != asn1.TagSequence {
		return fmt.Errorf("%w: a value that is no SEQUENCE", format.ErrDamaged)
	}
	for element, err := range format.Elements(sequence.Bytes) {
		if err != nil {
			return fmt.Errorf("%w: %w", format.ErrDamaged, err)
		}
		if err := f(element.FullBytes); err != nil {
			return err
		}
	}
	return nil
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
		r.plain = append(r.plain, contents)
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
	return pbe.Open(data.Content.Algorithm, encrypted, [][]byte{r.pw.Store}, r.budget, ber.IsSequence)
}

// safeContents reads bags, which may again be safe contents.
func (r *reader) safeContents(data []byte, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("%w: safe contents nested deeper than %d", format.ErrLimit, maxNesting)
	}
	return eachIn(data, func(der []byte) error {
		b, err := readBag(der)
		if err != nil {
			return err
		}
		if b.kind == oidSafeContents {
			return r.safeContents(b.value, depth+1)
		}
		if len(r.bags) == format.MaxEntries {
			return fmt.Errorf("%w: more than %d bags", format.ErrLimit, format.MaxEntries)
		}
		r.bags = append(r.bags, b)
		return nil
	})
}

// wipe clears what was decrypted, and what the bags are made of.
func (r *reader) wipe() {
	for _, contents := range r.plain {
		clear(contents)
	}
}
