package pkcs12

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

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

// The attributes of bags that say something here.
const (
	oidFriendlyName = "1.2.840.113549.1.9.20"
	oidLocalKeyID   = "1.2.840.113549.1.9.21"
	oidTrusted      = "2.16.840.1.113894.746875.1.1" // Oracle's, for trusted certificates
)

type bag struct {
	Type       asn1.RawValue
	Value      asn1.RawValue // tagged [0]
	Attributes []attribute   `asn1:"optional,set"`
}

type attribute struct {
	Type   asn1.RawValue
	Values asn1.RawValue
}

// typed is a certificate or a secret: an OID and a value tagged [0].
type typed struct{ Type, Value asn1.RawValue }

// entries makes entries of the bags.
func (r *reader) entries() ([]format.Entry, error) {
	for i, named := range r.aliases() {
		if err := r.add(r.bags[i], named); err != nil {
			return nil, err
		}
	}
	return r.assembly.Entries(func(found format.Found) bool { return found.Keys == 0 }), nil
}

// naming is the alias of a bag, and whether Java leaves it out.
type naming struct {
	alias   string
	ignored bool
}

// aliases names the keys, secrets and trusted certificates: by friendlyName,
// else counted as Java counts. What Java leaves out is counted after that, so
// that the others keep their numbers: plain keys, and keys without localKeyID
// but for the first.
func (r *reader) aliases() []naming {
	names, keys := make([]naming, len(r.bags)), 0
	for i, b := range r.bags {
		switch format.OID(b.Type) {
		case oidKey:
			names[i].ignored = true
		case oidShroudedKey:
			keys++
			names[i].ignored = keys > 1 && b.attribute(oidLocalKeyID).FullBytes == nil
		case oidCertificate:
			if b.attribute(oidTrusted).FullBytes == nil {
				continue
			}
		case oidSecret:
		default:
			continue
		}
		if !names[i].ignored {
			names[i].alias = r.assembly.Alias(b.name())
		}
	}
	for i, b := range r.bags {
		if names[i].ignored {
			names[i].alias = r.assembly.Alias(b.name())
		}
	}
	return names
}

// add adds what one bag holds. Types nobody reads are passed over.
func (r *reader) add(b bag, named naming) error {
	id := b.attribute(oidLocalKeyID).Bytes
	e := format.Entry{Alias: named.alias, Created: created(id), Untagged: named.ignored}
	switch format.OID(b.Type) {
	case oidKey:
		e.Kind, e.PKCS8 = format.PrivateKey, b.Value.Bytes
	case oidShroudedKey:
		e.Kind = format.PrivateKey
		e.PKCS8, e.Err = r.decryptKey(b.Value.Bytes, r.pw.ForKey(e.Alias))
	case oidSecret:
		e.Kind = format.SecretKey
		e.Secret, e.SecretAlgorithm, e.Err = r.decryptSecret(b.Value.Bytes, r.pw.ForKey(e.Alias))
	case oidCertificate:
		return r.certificate(b, named.alias)
	default:
		return nil
	}
	r.assembly.Add(e, id)
	return nil
}

func (r *reader) certificate(b bag, alias string) error {
	var cert typed
	if err := ber.Unmarshal(b.Value.Bytes, &cert); err != nil {
		return err
	}
	if format.OID(cert.Type) != oidX509 {
		return nil // SDSI, which died before PKCS #12 was an RFC.
	}
	var der []byte
	if err := ber.Unmarshal(cert.Value.Bytes, &der); err != nil {
		return err
	}
	if b.attribute(oidTrusted).FullBytes != nil {
		r.assembly.AddTrusted(alias, der)
	} else {
		r.assembly.AddLoose(b.name(), b.attribute(oidLocalKeyID).Bytes, der)
	}
	return nil
}

// decryptKey opens an EncryptedPrivateKeyInfo.
func (r *reader) decryptKey(der []byte, passwords [][]byte) ([]byte, error) {
	var key struct {
		Algorithm format.Algorithm
		Data      []byte
	}
	if err := ber.Unmarshal(der, &key); err != nil {
		return nil, err
	}
	plain, err := pbe.Open(key.Algorithm, key.Data, passwords, r.budget, ber.IsSequence)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	pkcs8, _, err := ber.ToDER(plain)
	return pkcs8, err
}

// decryptSecret opens a secret key as Java writes it: a shrouded PKCS #8 key
// whose algorithm is symmetric.
func (r *reader) decryptSecret(der []byte, passwords [][]byte) (key []byte, algorithm string, err error) {
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
	plain, err := r.decryptKey(shrouded, passwords)
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

// attribute is the first value of the attribute with that OID.
func (b bag) attribute(oid string) (value asn1.RawValue) {
	for _, a := range b.Attributes {
		if format.OID(a.Type) == oid {
			asn1.Unmarshal(a.Values.Bytes, &value)
			return value
		}
	}
	return value
}

// name is the friendlyName: a BMPString, whatever it claims to be.
func (b bag) name() string {
	raw := b.attribute(oidFriendlyName)
	if raw.Tag != asn1.TagBMPString {
		return string(bytes.ToValidUTF8(raw.Bytes, nil))
	}
	units := make([]uint16, 0, len(raw.Bytes)/2)
	for i := 1; i < len(raw.Bytes); i += 2 {
		units = append(units, uint16(raw.Bytes[i-1])<<8|uint16(raw.Bytes[i]))
	}
	return string(utf16.Decode(units))
}

// created is the date Java hides in its localKeyID: "Time " and milliseconds.
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
