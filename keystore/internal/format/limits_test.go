package format_test

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"slices"
	"strings"
	"testing"

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
		"PKCS #7":         {signedData(slices.Repeat([][]byte{{0x30, 0}}, 10_000)...), signedData(slices.Repeat([][]byte{{0x30, 0}}, 10_001)...)},
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

func TestPrimesOfRSA(t *testing.T) {
	for more, want := range map[int]bool{3: false, 4: true} { // beyond the first two
		key := pkcs8(oidRSA, null, rsaNumbers(2048, seq(slices.Repeat([]any{seq(3, 3, 3)}, more)...)))
		if _, _, _, err := new(format.KeyReader).ParsePKCS8(key); errors.Is(err, format.ErrLimit) != want {
			t.Errorf("%d primes: got %v, want %v: %t", 2+more, err, format.ErrLimit, want)
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

// annotated is an object of a class with an annotation, and a wrong digest
// behind, as a wrong password leaves it.
func annotated(annotation ...byte) []byte {
	return slices.Concat([]byte{0x73, 0x72, 0, 1, 'A'}, make([]byte, 8), []byte{2, 0, 0}, annotation, []byte{0x78, 0x70}, noise[:20])
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
		"a reference to the first":   {serialized: annotated(0x73, 0x71, 0, 0x7e, 0, 0), want: format.ErrPassword},
		"bytes of a class's own":     {serialized: annotated(0x77, 2, 9, 9), want: format.ErrPassword},
		"many of them":               {serialized: annotated(0x7a, 0, 0, 0, 2, 9, 9), want: format.ErrPassword},
		"a class that writes itself": {serialized: slices.Concat([]byte{0x73, 0x72, 0, 1, 'A'}, make([]byte, 8), []byte{1, 0, 0, 0x78, 0x70, 0x78}), want: format.ErrUnsupported},
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
		"RC4, which takes any password":  {seq(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 1}, seq(salt, 1)), format.ErrPassword},
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

// A file of nothing but a key in OpenSSH's own form is refused; beside
// something else the key is an entry that cannot be used.
func TestOpenSSHKeys(t *testing.T) {
	key := block("OPENSSH PRIVATE KEY", []byte("openssh-key-v1\x00"))
	if _, err := read([]byte(key), format.Passwords{}); !errors.Is(err, format.ErrUnsupported) {
		t.Errorf("alone: got %v, want %v", err, format.ErrUnsupported)
	}
	_, other := issue(t, "Leaf", nil, nil, nil)
	store, err := read([]byte(key+block("PRIVATE KEY", privateKeyDER(t, other))), format.Passwords{})
	if err != nil || len(store.Entries) != 2 || !errors.Is(store.Entries[0].Err, format.ErrUnsupported) {
		t.Errorf("beside another key: got %v, %v", store, err)
	}
}
