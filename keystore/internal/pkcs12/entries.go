package pkcs12

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"strconv"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

// store makes entries of the bags. Keys are opened side by side, with passwords
// asked for in order.
func (r *reader) store() (*format.Store, error) {
	names := r.aliases()
	opened, passwords := make([]format.Entry, len(r.bags)), make([][][]byte, len(r.bags))
	for i, b := range r.bags {
		if b.kind == oidShroudedKey || b.kind == oidSecret {
			passwords[i] = r.pw.ForKey(names[i].alias)
		}
	}
	r.budget.Each(len(r.bags), func(i int, budget *pbe.Budget) {
		opened[i] = open(r.bags[i], passwords[i], budget)
	})
	for i, b := range r.bags {
		if err := r.add(b, opened[i], names[i]); err != nil {
			return nil, err
		}
	}
	return r.assembly.Store(func(found format.Found) bool { return found.Keys == 0 })
}

// naming is the alias of a bag, and whether Java leaves it out.
type naming struct {
	alias   string
	ignored bool
}

// aliases names the keys, secrets and trusted certificates: by friendlyName,
// else by number as Java does. Entries that Java leaves out are numbered last,
// so that the others keep their numbers: plain keys, and all keys without
// localKeyID but the first.
func (r *reader) aliases() []naming {
	names, keys := make([]naming, len(r.bags)), 0
	for i, b := range r.bags {
		switch b.kind {
		case oidKey:
			names[i].ignored = true
		case oidShroudedKey:
			keys++
			names[i].ignored = keys > 1 && b.id == nil
		case oidCertificate:
			if !b.trusted {
				continue
			}
		case oidSecret:
		default:
			continue
		}
		if !names[i].ignored {
			names[i].alias = r.assembly.Alias(b.name)
		}
	}
	for i, b := range r.bags {
		if names[i].ignored {
			names[i].alias = r.assembly.Alias(b.name)
		}
	}
	return names
}

// open returns the key that a bag holds, if it holds one.
func open(b bag, passwords [][]byte, budget *pbe.Budget) (e format.Entry) {
	switch b.kind {
	case oidKey:
		e.Kind, e.PKCS8 = format.PrivateKey, bytes.Clone(b.value)
	case oidShroudedKey:
		e.Kind = format.PrivateKey
		e.PKCS8, e.Err = decryptKey(b.value, passwords, budget)
	case oidSecret:
		e.Kind = format.SecretKey
		e.Secret, e.SecretAlgorithm, e.Err = decryptSecret(b.value, passwords, budget)
	}
	return e
}

// add adds the content of one bag. Unknown types are passed over.
func (r *reader) add(b bag, opened format.Entry, named naming) error {
	switch {
	case b.kind == oidCertificate:
		return r.certificate(b, named.alias)
	case opened.Kind == 0:
		return nil
	}
	opened.Alias, opened.Created, opened.Untagged = named.alias, created(b.id), named.ignored
	r.assembly.Add(opened, b.id)
	return nil
}

func (r *reader) certificate(b bag, alias string) error {
	var cert typed
	if err := ber.Unmarshal(b.value, &cert); err != nil {
		return err
	}
	if format.OID(cert.Type) != oidX509 {
		return nil // SDSI, which died before PKCS #12 was an RFC.
	}
	var der []byte
	if err := ber.Unmarshal(cert.Value.Bytes, &der); err != nil {
		return err
	}
	if b.trusted {
		r.assembly.AddTrusted(alias, der)
	} else {
		r.assembly.AddLoose(b.name, b.id, der)
	}
	return nil
}

// typed is a certificate or a secret: an OID and a value tagged [0].
type typed struct{ Type, Value asn1.RawValue }

// decryptKey opens an EncryptedPrivateKeyInfo.
func decryptKey(der []byte, passwords [][]byte, budget *pbe.Budget) ([]byte, error) {
	var key struct {
		Algorithm format.Algorithm
		Data      []byte
	}
	if err := ber.Unmarshal(der, &key); err != nil {
		return nil, err
	}
	plain, err := pbe.Open(key.Algorithm, key.Data, passwords, budget, ber.IsSequence)
	if err != nil {
		return nil, err
	}
	pkcs8, _, err := ber.ToDER(plain)
	return pkcs8, err
}

// decryptSecret opens a secret key as Java writes it: a shrouded PKCS #8 key
// whose algorithm is symmetric.
func decryptSecret(der []byte, passwords [][]byte, budget *pbe.Budget) (key []byte, algorithm string, err error) {
	var secret typed
	if err := ber.Unmarshal(der, &secret); err != nil {
		return nil, "", err
	}
	if oid := format.OID(secret.Type); oid != oidShroudedKey {
		return nil, "", fmt.Errorf("%w: secret of type %s", format.ErrUnsupported, oid)
	}
	var shrouded []byte
	if err := ber.Unmarshal(secret.Value.Bytes, &shrouded); err != nil {
		return nil, "", err
	}
	plain, err := decryptKey(shrouded, passwords, budget)
	if err != nil {
		return nil, "", err
	}
	defer clear(plain)
	var info struct {
		Version    int
		Algorithm  format.Algorithm
		Key        []byte
		Attributes asn1.RawValue `asn1:"optional"`
	}
	if err := ber.Unmarshal(plain, &info); err != nil {
		return nil, "", err
	}
	return info.Key, secretAlgorithm(info.Algorithm.OID()), nil
}

// secretNames are Java's names for the algorithms of secret keys.
var secretNames = map[string]string{
	"1.3.14.3.2.7":               "DES",
	"1.3.14.3.2.17":              "DESede",
	"1.2.840.113549.3.4":         "ARCFOUR",
	"1.2.840.113549.1.5.3":       "PBEWithMD5AndDES",
	"1.2.840.113549.1.9.16.3.18": "ChaCha20-Poly1305",
	"1.3.6.1.5.5.8.1.1":          "HmacMD5",
	"1.2.840.113549.2.7":         "HmacSHA1",
	"1.2.840.113549.2.8":         "HmacSHA224",
	"1.2.840.113549.2.9":         "HmacSHA256",
	"1.2.840.113549.2.10":        "HmacSHA384",
	"1.2.840.113549.2.11":        "HmacSHA512",
	"1.2.840.113549.2.12":        "HmacSHA512/224",
	"1.2.840.113549.2.13":        "HmacSHA512/256",
	"2.16.840.1.101.3.4.1":       "AES",
	"1.3.6.1.4.1.3029.1.1.2":     "Blowfish",
}

func secretAlgorithm(oid string) string {
	if name, ok := secretNames[oid]; ok {
		return name
	}
	return oid
}

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

// readBag takes a bag apart. Its attributes are read and not kept: there may be
// any number of them.
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
	var a struct{ Type, Values asn1.RawValue } // one object for all, to save memory
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

// text returns a BMPString, whatever it claims to be.
func text(value asn1.RawValue) string {
	if value.Tag == asn1.TagBMPString {
		return format.BMPString(value.Bytes)
	}
	return string(bytes.ToValidUTF8(value.Bytes, nil))
}

// created returns the date Java hides in its localKeyID: "Time " and
// milliseconds.
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
