package pkcs12

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"unicode/utf16"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
	encoder "software.sslmate.com/src/go-pkcs12"
)

// Entry is a private key with its chain, or without a Key a trusted certificate.
type Entry struct {
	Alias string
	Key   crypto.PrivateKey
	Chain []*x509.Certificate
}

// writtenIterations is what keytool writes.
const writtenIterations = 10_000

// Write encodes entries under a password. Without one there must be no keys.
//
// go-pkcs12 encodes one key without its name, or trusted certificates with
// theirs. So each key is encoded by itself, and the parts are put together
// here, with the names of the keys and one MAC over all.
func Write(entries []Entry, password []byte) ([]byte, error) {
	if err := pbe.Legacy("SHA-1"); err != nil { // of which the ids of keys are made
		return nil, err
	}
	enc := encoder.Modern2023.WithIterations(writtenIterations)
	if len(password) == 0 {
		enc = encoder.Passwordless
	}
	var out pfx
	var parts []contentInfo
	var trusted []encoder.TrustStoreEntry
	for _, e := range entries {
		if e.Key == nil {
			trusted = append(trusted, encoder.TrustStoreEntry{Cert: e.Chain[0], FriendlyName: e.Alias})
			continue
		}
		data, err := enc.Encode(e.Key, e.Chain[0], e.Chain[1:], string(password))
		if err != nil {
			return nil, fmt.Errorf("%w: %q cannot be written: %w", format.ErrUnsupported, e.Alias, err)
		}
		if parts, err = out.take(parts, data, e.Alias); err != nil {
			return nil, err
		}
	}
	if len(trusted) > 0 {
		data, err := enc.EncodeTrustStoreEntries(trusted, string(password))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", format.ErrUnsupported, err)
		}
		if parts, err = out.take(parts, data, ""); err != nil {
			return nil, err
		}
	}
	return out.seal(parts, password)
}

// take adds the parts of an encoded store, its key under the alias. The MAC is
// kept for its algorithm and salt.
func (p *pfx) take(parts []contentInfo, data []byte, alias string) ([]contentInfo, error) {
	if err := ber.Unmarshal(data, p); err != nil {
		return nil, err
	}
	content, err := p.AuthSafe.octets()
	if err != nil {
		return nil, err
	}
	var more []contentInfo
	if err := ber.Unmarshal(content, &more); err != nil {
		return nil, err
	}
	for i, part := range more {
		if alias != "" && format.OID(part.Type) == oidData {
			if more[i], err = nameKey(part, alias); err != nil {
				return nil, err
			}
		}
	}
	return append(parts, more...), nil
}

type writtenBag struct {
	Type       asn1.RawValue
	Value      asn1.RawValue // tagged [0]
	Attributes []attribute   `asn1:"optional,set"`
}

type attribute struct {
	Type   asn1.RawValue
	Values asn1.RawValue
}

// nameKey adds the friendlyName to the one key of a part.
func nameKey(part contentInfo, alias string) (contentInfo, error) {
	octets, err := part.octets()
	if err != nil {
		return part, err
	}
	var bags []writtenBag
	if err := ber.Unmarshal(octets, &bags); err != nil {
		return part, err
	}
	name, err := named(alias)
	if err != nil {
		return part, err
	}
	for i := range bags {
		bags[i].Attributes = append(bags[i].Attributes, name)
	}
	return dataPart(bags)
}

func named(alias string) (attribute, error) {
	var text []byte
	for _, unit := range utf16.Encode([]rune(alias)) {
		text = append(text, byte(unit>>8), byte(unit))
	}
	value, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagBMPString, Bytes: text})
	if err != nil {
		return attribute{}, err
	}
	oid, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20})
	return attribute{
		Type:   asn1.RawValue{FullBytes: oid},
		Values: asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: value},
	}, err
}

// dataPart returns a ContentInfo of type data around the encoding of v.
func dataPart(v any) (contentInfo, error) {
	inner, err := asn1.Marshal(v)
	if err != nil {
		return contentInfo{}, err
	}
	octets, err := asn1.Marshal(inner)
	if err != nil {
		return contentInfo{}, err
	}
	oid, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1})
	return contentInfo{
		Type:    asn1.RawValue{FullBytes: oid},
		Content: asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: octets},
	}, err
}

// seal puts the parts into one store and computes its MAC.
func (p *pfx) seal(parts []contentInfo, password []byte) ([]byte, error) {
	authSafe, err := dataPart(parts)
	if err != nil {
		return nil, err
	}
	p.AuthSafe = authSafe
	if len(password) == 0 {
		return asn1.Marshal(struct {
			Version  int
			AuthSafe contentInfo
		}{p.Version, p.AuthSafe})
	}
	content, err := authSafe.octets()
	if err != nil {
		return nil, err
	}
	mac, err := p.mac()
	if err != nil {
		return nil, err
	}
	for sum, err := range mac.sums(content, password, pbe.NewBudget(0)) {
		if err != nil {
			return nil, err
		}
		mac.Digest.Digest = sum
		break // The first form is the standard's.
	}
	der, err := asn1.Marshal(mac)
	if err != nil {
		return nil, err
	}
	p.MAC = asn1.RawValue{FullBytes: der}
	return asn1.Marshal(*p)
}
