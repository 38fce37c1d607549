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

// octets returns the content where it is an OCTET STRING.
func (c contentInfo) octets() ([]byte, error) {
	if c.Content.Class != asn1.ClassContextSpecific || c.Content.Tag != 0 {
		return nil, fmt.Errorf("%w: content is missing", format.ErrDamaged)
	}
	var octets asn1.RawValue
	err := ber.Unmarshal(c.Content.Bytes, &octets)
	if err == nil && (octets.Class != asn1.ClassUniversal || octets.Tag != asn1.TagOctetString) {
		err = fmt.Errorf("%w: content that is not an OCTET STRING", format.ErrDamaged)
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
	store, err := r.store()
	if err != nil {
		return nil, err
	}
	store.Format, store.Unverified = format.PKCS12, !signed || pw.Store == nil
	return store, nil
}

// parse takes the outer structure apart. Bytes after it are ignored, as Java
// and OpenSSL do.
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

// diagnose tells why the MAC does not match. If the password opens a part of
// the content all the same, or the structure is broken, the file is damaged.
func diagnose(content, password []byte, budget *pbe.Budget) error {
	r := &reader{pw: format.Passwords{Store: password}, budget: budget}
	defer r.wipe()
	err := r.authenticatedSafe(content)
	opened := len(r.plain) > 0
	for _, b := range r.bags {
		if err == nil && !opened && b.kind == oidShroudedKey {
			_, err = decryptKey(b.value, [][]byte{password}, budget)
			opened = err == nil
			break // One is enough, because each may cost much.
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

// authenticatedSafe reads the content of a store (RFC 7292 section 4.1). The
// first safe is opened alone, so that a wrong password costs one derivation.
func (r *reader) authenticatedSafe(content []byte) error {
	var safes [][]byte
	err := eachIn(content, func(der []byte) error {
		if len(safes) == maxSafes {
			return fmt.Errorf("%w: more than %d safes", format.ErrLimit, maxSafes)
		}
		safes = append(safes, der)
		return nil
	})
	if err != nil {
		return err
	}
	first := min(1, len(safes))
	if err := r.safes(safes[:first]); err != nil {
		return err
	}
	return r.safes(safes[first:])
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
		return fmt.Errorf("%w: a value that is not a SEQUENCE", format.ErrDamaged)
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

// safe is what a safe of the file contains.
type safe struct {
	contents  []byte
	encrypted bool
	err       error
}

// safes opens safes side by side, and reads them in order.
func (r *reader) safes(safes [][]byte) error {
	all := make([]safe, len(safes))
	r.budget.Each(len(safes), func(i int, budget *pbe.Budget) { all[i] = r.open(safes[i], budget) })
	for _, safe := range all {
		if safe.encrypted && safe.err == nil {
			r.plain = append(r.plain, safe.contents)
		}
	}
	for _, safe := range all {
		if safe.err != nil {
			return safe.err
		}
		if err := r.safeContents(safe.contents, 0); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) open(der []byte, budget *pbe.Budget) (s safe) {
	var info contentInfo
	if s.err = ber.Unmarshal(der, &info); s.err != nil {
		return s
	}
	switch oid := format.OID(info.Type); oid {
	case oidData:
		s.contents, s.err = info.octets()
	case oidEncryptedData:
		s.encrypted = true
		s.contents, s.err = r.decrypt(info, budget)
	default:
		s.err = fmt.Errorf("%w: safe of type %s", format.ErrUnsupported, oid)
	}
	return s
}

// decrypt opens encrypted data (RFC 2315 section 13), which only the store's
// password fits.
func (r *reader) decrypt(info contentInfo, budget *pbe.Budget) ([]byte, error) {
	var data struct {
		Version int
		Content struct {
			Type      asn1.RawValue
			Algorithm format.Algorithm
			Encrypted asn1.RawValue `asn1:"optional"`
		}
		Attributes asn1.RawValue `asn1:"optional"`
	}
	if err := ber.Unmarshal(info.Content.Bytes, &data); err != nil {
		return nil, err
	}
	encrypted, err := ber.OctetString(data.Content.Encrypted)
	if err != nil {
		return nil, err
	}
	if r.pw.Store == nil {
		return nil, format.ErrPasswordRequired
	}
	return pbe.Open(data.Content.Algorithm, encrypted, [][]byte{r.pw.Store}, budget, ber.IsSequence)
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
