// Package pkcs12 reads PKCS #12 files (RFC 7292, RFC 9579) as every tool
// writes them: DER or BER, any number of keys, certificates and secrets, each
// with its name, with or without a MAC.
package pkcs12

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

const (
	oidData          = "1.2.840.113549.1.7.1"
	oidEncryptedData = "1.2.840.113549.1.7.6"
)

// pfx is the outer structure (RFC 7292 section 4).
type pfx struct {
	Version  int
	AuthSafe contentInfo
	MAC      asn1.RawValue `asn1:"optional"` // a [macData], and damage if it is anything else
}

// contentInfo is a type and content tagged [0] (RFC 2315 section 7).
type contentInfo struct {
	Type    asn1.RawValue
	Content asn1.RawValue `asn1:"optional"`
}

// octets is the content where it is an OCTET STRING.
func (c contentInfo) octets() ([]byte, error) {
	if c.Content.Class != asn1.ClassContextSpecific || c.Content.Tag != 0 {
		return nil, fmt.Errorf("%w: content is missing", format.ErrDamaged)
	}
	var octets asn1.RawValue
	err := ber.Unmarshal(c.Content.Bytes, &octets)
	if err == nil && (octets.Class != asn1.ClassUniversal || octets.Tag != asn1.TagOctetString) {
		err = fmt.Errorf("%w: content that is no OCTET STRING", format.ErrDamaged)
	}
	return octets.Bytes, err
}

// Read reads a store. Without a store password it lists what is not
// encrypted, unverified; a store that hides its entries wants one.
func Read(data []byte, pw format.Passwords) (*format.Store, error) {
	if err := format.CheckSize(data); err != nil {
		return nil, err
	}
	p, err := parse(data)
	if err != nil {
		return nil, err
	}
	content, err := p.AuthSafe.octets()
	if err != nil {
		return nil, err
	}
	budget := pbe.NewBudget(len(data))
	signed := len(p.MAC.FullBytes) > 0
	if signed && pw.Store != nil {
		mac, err := p.mac()
		if err == nil {
			err = mac.verify(content, pw.Store, budget)
		}
		if errors.Is(err, format.ErrPassword) {
			return nil, diagnose(content, pw.Store, budget)
		}
		if err != nil {
			return nil, err
		}
	}
	r := &reader{pw: pw, budget: budget}
	defer r.wipe()
	if err := r.authenticatedSafe(content); err != nil {
		return nil, err
	}
	entries, err := r.entries()
	if err != nil {
		return nil, err
	}
	return &format.Store{Format: format.PKCS12, Entries: entries, Unverified: !signed || pw.Store == nil}, nil
}

// parse takes the outer structure. Bytes after it are let pass, as Java and
// OpenSSL do; nothing of them is used.
func parse(data []byte) (p pfx, err error) {
	der, _, err := ber.ToDER(data)
	if err != nil {
		return p, err
	}
	if err := ber.Unmarshal(der, &p); err != nil {
		return p, err
	}
	if p.Version != 3 {
		return p, fmt.Errorf("%w: PKCS #12 version %d", format.ErrUnsupported, p.Version)
	}
	if oid := format.OID(p.AuthSafe.Type); oid != oidData {
		return p, fmt.Errorf("%w: PKCS #12 content of type %s", format.ErrUnsupported, oid)
	}
	return p, nil
}

func (p pfx) mac() (mac macData, err error) {
	err = ber.Unmarshal(p.MAC.FullBytes, &mac)
	return mac, err
}

// diagnose tells why the MAC does not fit: if the password opens a part of
// the content nevertheless, or the structure is broken, the file is damaged.
func diagnose(content, password []byte, budget *pbe.Budget) error {
	r := &reader{pw: format.Passwords{Store: password}, budget: budget}
	defer r.wipe()
	err := r.authenticatedSafe(content)
	opened := len(r.plain) > 0
	for _, b := range r.bags {
		if err == nil && !opened && b.kind == oidShroudedKey {
			_, err = decryptKey(b.value, [][]byte{password}, budget)
			opened = err == nil
			break // One is enough, and each may cost much.
		}
	}
	if errors.Is(err, format.ErrDamaged) {
		return err
	}
	if opened {
		return fmt.Errorf("%w: the MAC is wrong although the password opens the content", format.ErrDamaged)
	}
	return fmt.Errorf("%w, or damaged file", format.ErrPassword)
}
