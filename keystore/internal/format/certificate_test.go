package format_test

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

func TestBMPString(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"\x00a\x20\xac":    "a€",
		"\x00a\x00":        "a",
		"\xd8\x3d\xde\x00": "😀",
		"\xd8\x3d":         "\ufffd",
		"\xd8\x3d\xde":     "\ufffd",
		"\xd8\x3d\x00a":    "\ufffda",
	} {
		if got := format.BMPString([]byte(in)); got != want {
			t.Errorf("%x: got %q, want %q", in, got, want)
		}
	}
}

func TestFew(t *testing.T) {
	good := marshal(seq(1, 2))
	for name, row := range map[string]struct {
		der  []byte
		want error
	}{
		"two":              {good, nil},
		"three":            {marshal(seq(1, 2, 3)), format.ErrLimit},
		"a byte more":      {append(slices.Clone(good), 0), format.ErrDamaged},
		"a byte less":      {good[:len(good)-1], format.ErrDamaged},
		"a set":            {marshal(set(1, 2)), format.ErrDamaged},
		"another class":    {marshal(asn1.RawValue{Class: asn1.ClassPrivate, Tag: asn1.TagSequence, IsCompound: true}), format.ErrDamaged},
		"nothing within":   {marshal(asn1.RawValue{Tag: asn1.TagSequence}), format.ErrDamaged},
		"a value cut off":  {[]byte{0x30, 2, 2, 1}, format.ErrDamaged},
		"an octet string":  {marshal([]byte{1}), format.ErrDamaged},
		"nothing whatever": {nil, format.ErrDamaged},
	} {
		if _, err := format.Few(row.der, 2); !errors.Is(err, row.want) || (row.want == nil) != (err == nil) {
			t.Errorf("%s: got %v, want %v", name, err, row.want)
		}
	}
}

// tbs is a certificate whose signed part has these fields.
func tbs(fields ...any) []byte {
	return marshal(seq(seq(fields...), seq(oidEdwards), asn1.BitString{Bytes: make([]byte, 64), BitLength: 512}))
}

// signedPart are the fields that every certificate has.
func signedPart(name asn1.RawValue) []any {
	key := seq(seq(oidEdwards), asn1.BitString{Bytes: make([]byte, 32), BitLength: 256})
	validity := seq(time.Unix(0, 0).UTC(), time.Unix(1e9, 0).UTC())
	return []any{1, seq(oidEdwards), name, validity, name, key}
}

func TestCertificatesThatAreOdd(t *testing.T) {
	v3 := append([]any{tagged(2)}, signedPart(seq())...)
	more := func(n int) []any { return append(slices.Clone(v3), slices.Repeat([]any{null}, n)...) }
	numbered := func(tag int, part asn1.RawValue) asn1.RawValue {
		return constructed(asn1.ClassContextSpecific, tag, []any{part})
	}
	crowd := seq(slices.Repeat([]any{null}, 129)...)
	for name, row := range map[string]struct {
		der  []byte
		want error
	}{
		"of the first version":                      {tbs(signedPart(seq())...), nil},
		"of no field":                               {tbs(), format.ErrDamaged},
		"of a field less":                           {tbs(v3[:6]...), format.ErrDamaged},
		"of as many fields as may be":               {tbs(more(9)...), nil},
		"of one more":                               {tbs(more(10)...), format.ErrLimit},
		"with something else than extensions":       {tbs(append(slices.Clone(v3), numbered(1, crowd))...), nil},
		"with an extension that is empty":           {certificate(seq(), seq(seq())), nil},
		"with an extension that is none":            {certificate(seq(), seq(null)), nil},
		"with an extension of one part":             {certificate(seq(), seq(seq(asn1.ObjectIdentifier{2, 5, 29, 35}))), nil},
		"with an authority that is empty":           {certificate(seq(), seq(seq(asn1.ObjectIdentifier{2, 5, 29, 35}, marshal(seq())))), nil},
		"with an extension that is a set of many":   {certificate(seq(), seq(seq(asn1.ObjectIdentifier{2, 5, 29, 99}, marshal(set(slices.Repeat([]any{null}, 2049)...))))), nil},
		"with an attribute that is none":            {certificate(seq(set(null)), seq()), nil},
		"with an attribute without a value":         {certificate(seq(set(seq(oidName))), seq()), nil},
		"with an attribute that has two":            {certificate(seq(set(seq(oidName, "a", "b"))), seq()), nil},
		"with an attribute that is a number":        {certificate(seq(set(seq(oidName, 1))), seq()), nil},
		"with a name whose value is cut off":        {certificate(raw([]byte{0x30, 2, 0x31, 5}), seq()), nil},
		"whose alternative name looks like a key's": {certificate(seq(), alternatives(numbered(0, null))), nil},
	} {
		if _, err := format.ParseCert(row.der); !errors.Is(err, row.want) || (row.want == nil) != (err == nil) {
			t.Errorf("%s: got %v, want %v", name, err, row.want)
		}
	}
}

// A name says the same as BMPString, and as a value of another class nothing.
func TestNamesInOtherTypes(t *testing.T) {
	subject := func(value any) string {
		cert, err := format.ParseCert(certificate(seq(set(seq(asn1.ObjectIdentifier{2, 5, 4, 3}, value))), seq()))
		if err != nil {
			t.Fatal(err)
		}
		return cert.Subject
	}
	want := subject(asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte("CA")})
	if got := subject(asn1.RawValue{Tag: asn1.TagBMPString, Bytes: []byte("\x00c\x00a")}); got != want {
		t.Errorf("BMPString: got %q, want %q", got, want)
	}
	for tag, text := range map[int]string{asn1.TagUTF8String: "CA", asn1.TagBMPString: "\x00c\x00a"} {
		if got := subject(asn1.RawValue{Class: asn1.ClassPrivate, Tag: tag, Bytes: []byte(text)}); got == want {
			t.Errorf("tag %d of another class: got %q", tag, got)
		}
	}
}

// A leaf finds its issuer by the key that it states, in the extension for that.
func TestAlternativeNamesAreNoAuthority(t *testing.T) {
	ca := certificate(seq(set(seq(asn1.ObjectIdentifier{2, 5, 4, 3}, "ca"))), seq(seq(asn1.ObjectIdentifier{2, 5, 29, 14}, marshal([]byte{1}))))
	fields := append([]any{tagged(2)}, signedPart(seq(set(seq(asn1.ObjectIdentifier{2, 5, 4, 3}, "ca"))))...)
	fields[5] = seq()
	leaf := tbs(append(fields, constructed(asn1.ClassContextSpecific, 3, []any{seq(seq(asn1.ObjectIdentifier{2, 5, 29, 17}, marshal(seq(asn1.RawValue{Class: asn1.ClassContextSpecific, Bytes: []byte{2}}))))}))...)
	var pool format.Pool
	for _, der := range [][]byte{ca, leaf} {
		cert, err := format.ParseCert(der)
		if err != nil {
			t.Fatal(err)
		}
		pool.Add(cert)
		if len(der) == len(leaf) && len(pool.Chain(cert)) != 2 {
			t.Errorf("got %d certificates, want 2", len(pool.Chain(cert)))
		}
	}
}

// Of two certificates for a key that of its name is taken, and what is in its
// chain is not trusted besides.
func TestCertificatesOfAnAssembly(t *testing.T) {
	ca, caKey := issue(t, "CA", nil, nil, nil)
	leaf, key := issue(t, "Leaf", nil, ca, caKey)
	der := privateKeyDER(t, key)
	again := reissued(t, leaf, key, ca, caKey)
	var a format.Assembly
	a.Add(format.Entry{Alias: "two", Kind: format.PrivateKey, PKCS8: der}, nil)
	a.AddLoose("one", nil, leaf.Raw)
	a.AddLoose("two", nil, again)
	a.AddLoose("ca", nil, ca.Raw)
	store, err := a.Store(func(f format.Found) bool { return !f.Chained })
	if err != nil || len(store.Entries) != 2 {
		t.Fatalf("got %v, %v, want the key and the certificate that is not its", store, err)
	}
	entries := store.Entries
	if chain := entries[0].Chain; len(chain) != 2 || !bytes.Equal(chain[0], again) || !bytes.Equal(chain[1], ca.Raw) {
		t.Errorf("got a chain of %d, want the certificate of its name and the CA", len(chain))
	}
	if entries[1].Alias != "one" {
		t.Errorf("got %q trusted, want the other certificate", entries[1].Alias)
	}
}
