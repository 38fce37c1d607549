package pemfile

import (
	"encoding/asn1"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

// ReadPKCS7 reads the certificates of a .p7b file.
func ReadPKCS7(data []byte, pw format.Passwords) (*format.Store, error) {
	if err := format.CheckSize(data); err != nil {
		return nil, err
	}
	r := &reader{pw: pw, budget: pbe.NewBudget(len(data))}
	if err := r.signedData(data); err != nil {
		return nil, err
	}
	return r.store(format.PKCS7)
}

// signedData adds the certificates of a SignedData in its ContentInfo (RFC
// 5652 sections 3 and 5.1), which a .p7b file uses as a bag: nothing is signed.
func (r *reader) signedData(data []byte) error {
	der, _, err := ber.ToDER(data)
	if err != nil {
		return err
	}
	var info struct {
		Type   asn1.RawValue
		Signed struct {
			Version      int
			Digests      asn1.RawValue
			Content      asn1.RawValue
			Certificates asn1.RawValue `asn1:"optional,tag:0"`
		} `asn1:"explicit,tag:0"`
	}
	if err := ber.Unmarshal(der, &info); err != nil {
		return fmt.Errorf("PKCS #7: %w", err)
	}
	certificates := 0
	for cert, err := range format.Elements(info.Signed.Certificates.Bytes) {
		if err != nil {
			return fmt.Errorf("%w: PKCS #7: %w", format.ErrDamaged, err)
		}
		if cert.Class != asn1.ClassUniversal {
			continue // another kind, RFC 5652 section 10.2.2
		}
		if certificates++; certificates > format.MaxEntries {
			return fmt.Errorf("%w: more than %d certificates", format.ErrLimit, format.MaxEntries)
		}
		r.assembly.AddLoose("", nil, cert.FullBytes)
	}
	if certificates == 0 {
		r.passed = append(r.passed, "PKCS7 without certificates")
	}
	return nil
}
