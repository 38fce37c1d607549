package format_test

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

func TestOID(t *testing.T) {
	arc := func(size int) []byte { return append(bytes.Repeat([]byte{0xff}, size-1), 0x7f) }
	for name, row := range map[string]struct {
		raw  asn1.RawValue
		want bool
	}{
		"as long as may be": {asn1.RawValue{Tag: asn1.TagOID, Bytes: arc(256)}, true},
		"longer":            {asn1.RawValue{Tag: asn1.TagOID, Bytes: arc(257)}, false},
		"another tag":       {asn1.RawValue{Tag: asn1.TagOctetString, Bytes: []byte{42, 3}}, false},
		"another class":     {asn1.RawValue{Class: asn1.ClassPrivate, Tag: asn1.TagOID, Bytes: []byte{42, 3}}, false},
	} {
		if got := format.OID(row.raw); (got != "") != row.want {
			t.Errorf("%s: got %.20q", name, got)
		}
	}
}

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

func TestPasswordsForAKey(t *testing.T) {
	for store, want := range map[string][]string{"a": {"a", ""}, "": {""}} {
		var got []string
		for _, password := range (format.Passwords{Store: []byte(store)}).ForKey("alias") {
			got = append(got, string(password))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", store, got, want)
		}
	}
	if got := (format.Passwords{}).ForKey("alias"); got != nil {
		t.Errorf("without a password: got %q", got)
	}
}

func TestFoldAlias(t *testing.T) {
	for one, other := range map[string]string{"aZ": "Az", "aſ": "AS", "µ": "Μ", "K": "k"} {
		if got, want := format.FoldAlias(one), format.FoldAlias(other); got != want || !strings.EqualFold(one, other) {
			t.Errorf("%q is %q, and %q is %q", one, got, other, want)
		}
	}
	if format.FoldAlias("[") == format.FoldAlias("{") {
		t.Error("signs are no letters")
	}
}

func TestLimitsOfFiles(t *testing.T) {
	if err := format.CheckSize(make([]byte, 16<<20)); err != nil {
		t.Errorf("16 MiB: got %v", err)
	}
	if err := format.CheckSize(make([]byte, 16<<20+1)); !errors.Is(err, format.ErrLimit) {
		t.Errorf("a byte more: got %v, want %v", err, format.ErrLimit)
	}
	chains := func(entries int) []byte {
		entry := slices.Concat(uint32s(1), entryHead, uint32s(0, 100), make([]byte, 400))
		return slices.Concat(uint32s(jksMagic, 1, uint32(entries)), bytes.Repeat(entry, entries), noise[:20])
	}
	for name, row := range map[string]struct {
		within, beyond []byte
	}{
		"entries":         {uint32s(jksMagic, 2, 10_000), uint32s(jksMagic, 2, 10_001)},
		"a chain":         {slices.Concat(uint32s(jksMagic, 2, 1, 1), entryHead, uint32s(0, 100)), slices.Concat(uint32s(jksMagic, 2, 1, 1), entryHead, uint32s(0, 101))},
		"chains together": {chains(1000), chains(1001)},
		"safes":           {pfxOf(20_000), pfxOf(20_001)},
		"bags in bags":    {pfx(nested(8)), pfx(nested(9))},
		"headers of PEM":  {headers(64), headers(65)},
		"PEM blocks":      {bytes.Repeat([]byte("-----BEGIN X-----\nAAAA\n-----END X-----\n"), 10_000), bytes.Repeat([]byte("-----BEGIN X-----\nAAAA\n-----END X-----\n"), 10_001)},
	} {
		if _, err := read(row.within, format.Passwords{}); errors.Is(err, format.ErrLimit) {
			t.Errorf("%s: the most is refused: %v", name, err)
		}
		if _, err := read(row.beyond, format.Passwords{}); !errors.Is(err, format.ErrLimit) {
			t.Errorf("%s: got %v for one more, want %v", name, err, format.ErrLimit)
		}
	}
}

// pfxOf is a PKCS #12 file of so many safes.
func pfxOf(safes int) []byte {
	empty := marshal(seq(oidData, tagged(marshal(seq()))))
	return marshal(seq(3, seq(oidData, tagged(marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: bytes.Repeat(empty, safes)})))))
}

func headers(n int) []byte {
	return []byte("-----BEGIN X-----\n" + strings.Repeat("a: b\n", n) + "\nAAAA\n-----END X-----\n")
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
	entries, err := a.Entries(func(f format.Found) bool { return !f.Chained })
	if err != nil || len(entries) != 2 {
		t.Fatalf("got %d entries, %v, want the key and the certificate that is not its", len(entries), err)
	}
	if chain := entries[0].Chain; len(chain) != 2 || !bytes.Equal(chain[0], again) || !bytes.Equal(chain[1], ca.Raw) {
		t.Errorf("got a chain of %d, want the certificate of its name and the CA", len(chain))
	}
	if entries[1].Alias != "one" {
		t.Errorf("got %q trusted, want the other certificate", entries[1].Alias)
	}
}

func TestDSAKeysThatAreNone(t *testing.T) {
	for name, der := range map[string][]byte{
		"a prime of zero":       pkcs8(oidDSA, seq(0, 7, 3), 5),
		"a prime below zero":    pkcs8(oidDSA, seq(-7, 7, 3), 5),
		"a private key of zero": pkcs8(oidDSA, seq(23, 11, 3), 0),
		"one below zero":        pkcs8(oidDSA, seq(23, 11, 3), -5),
	} {
		if got := new(format.KeyReader).PublicBits(der); got != nil {
			t.Errorf("%s: got %x", name, got)
		}
	}
	if got := new(format.KeyReader).PublicBits(pkcs8(oidDSA, seq(23, 11, 3), 5)); !bytes.Equal(got, marshal(13)) { // 3^5 = 10·23 + 13
		t.Errorf("got %x, want 13", got)
	}
}

func TestDetectNamesWhatItIs(t *testing.T) {
	if got, content, err := format.Detect([]byte("-----BEGIN PKCS12-----\nMAA=\n-----END PKCS12-----\n")); got != format.PKCS12 || len(content) != 2 || err != nil {
		t.Errorf("PKCS #12 in armour: got %q of %d bytes, %v", got, len(content), err)
	}
	for _, data := range []string{"ssh-ed25519 AAAA", "\ufeff ssh-ed25519 AAAA", "PK\x03\x04"} {
		if _, _, err := format.Detect([]byte(data)); err == nil || !strings.Contains(err.Error(), "it is ") {
			t.Errorf("%q: got %v, want what it is", data, err)
		}
	}
}

// serializedClass is one named A of so many fields, with so many strings besides.
func serializedClass(fields, strings int) []byte {
	return slices.Concat([]byte{0x73, 0x72, 0, 1, 'A'}, make([]byte, 8), []byte{2, 0, byte(fields)}, bytes.Repeat([]byte{'B', 0, 0}, fields),
		bytes.Repeat([]byte{0x74, 0, 0}, strings), []byte{0x78, 0x70}, make([]byte, fields))
}

func TestSerializedObjectsThatAreOdd(t *testing.T) {
	nest := func(objects int) []byte { return append(bytes.Repeat([]byte{0x73}, objects), 0x70) }
	arrayOfA := append([]byte{0x75}, serializedClass(0, 0)[1:]...)
	for name, row := range map[string]struct {
		serialized []byte
		want       error
		not        error
	}{
		"as many fields as may be":   {serialized: serializedClass(64, 0), not: format.ErrLimit},
		"one more":                   {serialized: serializedClass(65, 0), want: format.ErrLimit},
		"as many parts as may be":    {serialized: serializedClass(0, 198), not: format.ErrLimit},
		"one more part":              {serialized: serializedClass(0, 199), want: format.ErrLimit},
		"as deep as may be":          {serialized: nest(15), not: format.ErrLimit},
		"deeper":                     {serialized: nest(16), want: format.ErrLimit},
		"an array of no class":       {serialized: []byte{0x75, 0x70}, want: format.ErrUnsupported},
		"an array of something else": {serialized: append(arrayOfA, 0, 0, 0, 0), want: format.ErrUnsupported},
		"a reference to the next":    {serialized: []byte{0x73, 0x71, 0, 0x7e, 0, 0}, want: format.ErrDamaged},
		"a reference before all":     {serialized: []byte{0x73, 0x71, 0, 0x7d, 0xff, 0xff}, want: format.ErrDamaged},
	} {
		_, err := read(jceksWith(row.serialized...), password("changeit"))
		if row.want != nil && !errors.Is(err, row.want) || row.not != nil && (err == nil || errors.Is(err, row.not)) {
			t.Errorf("%s: got %v, want %v and not %v", name, err, row.want, row.not)
		}
	}
}

// Schemes of keys: those that are read lack nothing here but the password.
func TestSchemesOfKeys(t *testing.T) {
	rc2 := func(parameters any, size ...any) asn1.RawValue {
		return seq(oidPBES2, seq(seq(oidPBKDF2, seq(append([]any{salt, 1}, size...)...)), seq(oidRC2, parameters)))
	}
	vector := salt[:8]
	for name, row := range map[string]struct {
		scheme asn1.RawValue
		want   error
	}{
		"RC2":                            {rc2(vector), format.ErrPassword},
		"RC2 of 40 bits":                 {rc2(seq(160, vector)), format.ErrPassword},
		"RC2 of 256 bits":                {rc2(seq(256, vector)), format.ErrPassword},
		"RC2 of 1024 bits":               {rc2(seq(1024, vector)), format.ErrPassword},
		"RC2 of 1025 bits":               {rc2(seq(1025, vector)), format.ErrUnsupported},
		"RC2 of no size that there is":   {rc2(seq(255, vector)), format.ErrUnsupported},
		"RC2 with a key of a byte":       {rc2(vector, 1), format.ErrPassword},
		"RC2 with a key of 128 bytes":    {rc2(vector, 128), format.ErrPassword},
		"RC2 with a key of 129 bytes":    {rc2(vector, 129), format.ErrDamaged},
		"scrypt of too long a block":     {scrypt(1<<18, 3, 1), format.ErrLimit},
		"scrypt with too many at once":   {scrypt(2, 1<<10, 1<<10), format.ErrLimit},
		"a vector of the wrong length":   {rc2(salt), format.ErrDamaged},
		"as many iterations as may be":   {pbkdf2(1), format.ErrPassword},
		"a scheme that nobody has heard": {seq(oidName), format.ErrUnsupported},
	} {
		store, err := read(encryptedKey(row.scheme), password("changeit"))
		if err != nil || len(store.Entries) != 1 || !errors.Is(store.Entries[0].Err, row.want) {
			t.Errorf("%s: got %v, %v, want an entry with %v", name, store, err, row.want)
		}
	}
	for _, size := range []int{0, 63, 65} { // no whole blocks
		store, err := read(marshal(seq(pbkdf2(1), make([]byte, size))), password("changeit"))
		if err == nil && (len(store.Entries) != 1 || store.Entries[0].Err == nil) {
			t.Errorf("%d bytes: got %v, want an error", size, store)
		}
	}
}
