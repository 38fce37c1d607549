package pkcs12

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
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

type encryptedKey struct {
	Algorithm ber.Algorithm
	Data      []byte
}

// bag adds what one bag holds. Types nobody reads are passed over.
func (r *reader) bag(b bag) error {
	switch ber.OID(b.Type) {
	case oidKey:
		r.add(b, format.Entry{Kind: format.PrivateKey, PKCS8: bytes.Clone(b.Value.Bytes), Untagged: true})
	case oidShroudedKey:
		return r.shroudedKey(b)
	case oidCertificate:
		return r.certificate(b)
	case oidSecret:
		return r.secret(b)
	}
	return nil
}

// add adds a key under its own name or the next number.
func (r *reader) add(b bag, e format.Entry) {
	id := b.attribute(oidLocalKeyID).Bytes
	e.Alias = r.assembly.Alias(b.name())
	e.Created = created(id)
	r.assembly.Add(e, id)
}

func (r *reader) shroudedKey(b bag) error {
	e := format.Entry{Kind: format.PrivateKey, Alias: r.assembly.Alias(b.name())}
	id := b.attribute(oidLocalKeyID).Bytes
	e.Created = created(id)
	e.PKCS8, e.Err = r.decryptKey(b.Value.Bytes, e.Alias)
	if errors.Is(e.Err, errDone) {
		return e.Err
	}
	r.assembly.Add(e, id)
	return nil
}

// decryptKey opens an EncryptedPrivateKeyInfo with the passwords for alias.
func (r *reader) decryptKey(der []byte, alias string) ([]byte, error) {
	var key encryptedKey
	if err := ber.Unmarshal(der, &key); err != nil {
		return nil, err
	}
	plain, err := r.open(key.Algorithm, key.Data, r.pw.ForKey(alias))
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	pkcs8, _, err := ber.ToDER(plain)
	return pkcs8, err
}

func (r *reader) certificate(b bag) error {
	var cert typed
	if err := ber.Unmarshal(b.Value.Bytes, &cert); err != nil {
		return err
	}
	if ber.OID(cert.Type) != oidX509 {
		return nil // SDSI, which died before PKCS #12 was an RFC.
	}
	var der []byte
	if err := ber.Unmarshal(cert.Value.Bytes, &der); err != nil {
		return err
	}
	if b.attribute(oidTrusted).FullBytes != nil {
		r.assembly.AddTrusted(r.assembly.Alias(b.name()), der)
	} else {
		r.assembly.AddLoose(b.name(), b.attribute(oidLocalKeyID).Bytes, der)
	}
	return nil
}

// secret reads a secret key as Java writes it: a PKCS #8 key whose algorithm
// is symmetric, shrouded.
func (r *reader) secret(b bag) error {
	var secret typed
	if err := ber.Unmarshal(b.Value.Bytes, &secret); err != nil {
		return err
	}
	e := format.Entry{Kind: format.SecretKey, Alias: r.assembly.Alias(b.name())}
	id := b.attribute(oidLocalKeyID).Bytes
	e.Created = created(id)
	e.Secret, e.SecretAlgorithm, e.Err = r.decryptSecret(secret, e.Alias)
	if errors.Is(e.Err, errDone) {
		return e.Err
	}
	r.assembly.Add(e, id)
	return nil
}

func (r *reader) decryptSecret(secret typed, alias string) (key []byte, algorithm string, err error) {
	if oid := ber.OID(secret.Type); oid != oidShroudedKey {
		return nil, "", fmt.Errorf("%w: secret of type %s", format.ErrUnsupported, oid)
	}
	var shrouded []byte
	if err := ber.Unmarshal(secret.Value.Bytes, &shrouded); err != nil {
		return nil, "", err
	}
	plain, err := r.decryptKey(shrouded, alias)
	if err != nil {
		return nil, "", err
	}
	defer clear(plain)
	var info struct {
		Version    int
		Algorithm  ber.Algorithm
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
	"1.2.840.113549.3.7":         "DESede",
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
		if ber.OID(a.Type) == oid {
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
