package pkcs12

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

// maxNesting is how deep safe contents may lie within safe contents.
const maxNesting = 8

// errDone ends a trial reading early.
var errDone = errors.New("done")

// reader walks the safes of a store and assembles what their bags hold.
type reader struct {
	pw       format.Passwords
	budget   *pbe.Budget
	assembly format.Assembly
	opened   bool // something decrypted with a password
	once     bool // stop after the first thing that is encrypted
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
	switch oid := ber.OID(safe.Type); oid {
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
			Algorithm ber.Algorithm
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
	return r.open(data.Content.Algorithm, encrypted, [][]byte{r.pw.Store})
}

func (r *reader) open(alg ber.Algorithm, data []byte, passwords [][]byte) ([]byte, error) {
	plain, err := pbe.Open(alg, data, passwords, r.budget, ber.IsSequence)
	r.opened = r.opened || err == nil
	if r.once {
		return nil, errDone
	}
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
		if ber.OID(b.Type) == oidSafeContents {
			if err := r.safeContents(b.Value.Bytes, depth+1); err != nil {
				return err
			}
			continue
		}
		if r.assembly.Count() == format.MaxEntries {
			return fmt.Errorf("%w: more than %d entries", format.ErrLimit, format.MaxEntries)
		}
		if err := r.bag(b); err != nil {
			return err
		}
	}
	return nil
}
