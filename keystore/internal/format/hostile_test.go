package format_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// A sequence, an OBJECT IDENTIFIER and so on, as hostile files need them.
func seq(parts ...any) asn1.RawValue {
	return constructed(asn1.ClassUniversal, asn1.TagSequence, parts)
}
func tagged(parts ...any) asn1.RawValue { return constructed(asn1.ClassContextSpecific, 0, parts) }

func constructed(class, tag int, parts []any) asn1.RawValue {
	var content []byte
	for _, part := range parts {
		content = append(content, marshal(part)...)
	}
	return asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: content}
}

var (
	oidData   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSHA1   = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidSHA384 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	oidAES256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidRC2    = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 2}
	oidP12DES = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}
	oidShroud = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidSafe   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 6}
	oidKeyBag = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	salt      = bytes.Repeat([]byte{1}, 16)
	noise     = bytes.Repeat([]byte{2}, 64)
)

// pfx is a PKCS #12 file without a MAC around bags, then further parts.
func pfx(bags asn1.RawValue, more ...any) []byte {
	safes := seq(seq(oidData, tagged(marshal(bags))))
	return marshal(seq(append([]any{3, seq(oidData, tagged(marshal(safes)))}, more...)...))
}

// pfxAround is one around a content with its tag.
func pfxAround(content asn1.RawValue) []byte { return marshal(seq(3, seq(oidData, content))) }

func macked(iterations int64) []byte { return pfx(seq(), wrongMAC(iterations)) }

func wrongMAC(iterations int64) asn1.RawValue {
	return seq(seq(seq(oidSHA1, asn1.NullRawValue), noise[:20]), salt, iterations)
}

func encryptedKey(scheme asn1.RawValue) []byte { return marshal(seq(scheme, noise)) }

func pbkdf2(iterations int64) asn1.RawValue {
	return pbes2(seq(oidPBKDF2, seq(salt, iterations, seq(oidSHA256, asn1.NullRawValue))))
}

func scrypt(n, r, p int64) asn1.RawValue { return pbes2(seq(oidScrypt, seq(salt, n, r, p))) }

func pbes2(kdf asn1.RawValue) asn1.RawValue {
	return seq(oidPBES2, seq(kdf, seq(oidAES256, salt)))
}

func shrouded(scheme asn1.RawValue) asn1.RawValue {
	return seq(oidShroud, tagged(asn1.RawValue{FullBytes: encryptedKey(scheme)}))
}

func inPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})
}

// uint32s is the beginning of a JKS file.
func uint32s(numbers ...uint32) (data []byte) {
	for _, n := range numbers {
		data = binary.BigEndian.AppendUint32(data, n)
	}
	return data
}

const jksMagic, jceksMagic = 0xfeedfeed, 0xcececece

// entryHead is a name of no characters and a date.
var entryHead = make([]byte, 2+8)

func nested(depth int) asn1.RawValue {
	bags := seq()
	for range depth {
		bags = seq(seq(oidSafe, tagged(bags)))
	}
	return bags
}

// jceksWith is a JCEKS file of one secret key whose serialization goes on
// with these bytes.
func jceksWith(serialized ...byte) []byte {
	return slices.Concat(uint32s(jceksMagic, 2, 1, 3), entryHead, []byte{0xac, 0xed, 0, 5}, serialized)
}

var hostile = []struct {
	name string
	data []byte
	err  error
}{
	{"a JKS that claims 2^31 entries", uint32s(jksMagic, 2, 0x7fffffff), format.ErrLimit},
	{"a JKS key of 2 GiB in 40 bytes", slices.Concat(uint32s(jksMagic, 2, 1, 1), entryHead, uint32s(0x7fffffff, 0, 0)), format.ErrDamaged},
	{"a JKS chain of 2^26 certificates", slices.Concat(uint32s(jksMagic, 2, 1, 1), entryHead, uint32s(0, 0x04000000), noise), format.ErrLimit},
	{"a JKS chain of 2^32-1 certificates", slices.Concat(uint32s(jksMagic, 2, 1, 1), entryHead, uint32s(0, 0xffffffff), noise), format.ErrLimit},
	{"a JKS certificate of 4 GiB", slices.Concat(uint32s(jksMagic, 1, 1, 2), entryHead, uint32s(0xffffffff), noise), format.ErrDamaged},
	{"a JKS alias longer than the file", slices.Concat(uint32s(jksMagic, 2, 1, 1), []byte{0xff, 0xff, 'a'}), format.ErrDamaged},
	{"a JKS entry of kind 9", slices.Concat(uint32s(jksMagic, 2, 1, 9), entryHead, noise), format.ErrDamaged},
	{"a JKS of version 3", uint32s(jksMagic, 3, 0), format.ErrUnsupported},
	{"a serialized class that extends itself", jceksWith(0x73, 0x72, 0, 1, 'A', 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0x78, 0x71, 0, 0x7e, 0, 0), format.ErrDamaged},
	{"a serialized array of 2 GiB", jceksWith(0x75, 0x72, 0, 2, '[', 'B', 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0x78, 0x70, 0x7f, 0xff, 0xff, 0xff), format.ErrDamaged},
	{"serialized objects nested without end", jceksWith(bytes.Repeat([]byte{0x73}, 1000)...), format.ErrLimit},
	{"a serialized reference to nothing", jceksWith(0x73, 0x71, 0, 0x7e, 0, 9), format.ErrDamaged},
	{"a serialized string instead of a key", jceksWith(0x74, 0, 1, 'A'), format.ErrUnsupported},
	{"a PKCS #12 MAC of 10^8 iterations", macked(1e8), format.ErrLimit},
	{"a PKCS #12 MAC of 2^31 iterations", macked(math.MaxInt32 + 1), format.ErrLimit},
	{"a PKCS #12 MAC of -1 iterations", macked(-1), format.ErrDamaged},
	{"a PKCS #12 MAC of 0 iterations", macked(0), format.ErrDamaged},
	{"a PKCS #12 MAC that is a number", pfx(seq(), 7), format.ErrDamaged},
	{"a PKCS #12 MAC without its parts", pfx(seq(), seq()), format.ErrDamaged},
	{"PKCS #12 content under another tag", pfxAround(constructed(asn1.ClassContextSpecific, 1, []any{[]byte{0x30, 0}})), format.ErrDamaged},
	{"PKCS #12 content of another type", pfxAround(tagged(asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte{0x30, 0}})), format.ErrDamaged},
	{"PKCS #12 bags in a SET", pfx(set()), format.ErrDamaged},
	{"a PKCS #12 MAC that is wrong over a bag that is none", pfx(seq(shrouded(pbkdf2(1)), 7), wrongMAC(1)), format.ErrDamaged},
	{"PKCS #12 safes nested 9 deep", pfx(nested(9)), format.ErrLimit},
	{"PKCS #12 values nested 100,000 deep", append([]byte{0x30, 0x80, 2, 1, 3}, bytes.Repeat([]byte{0x30, 0x80}, 100_000)...), format.ErrLimit},
	{"a PKCS #12 length of 2^63", []byte{0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 1, 3}, format.ErrDamaged},
	{"a PKCS #12 length of 127 bytes", append([]byte{0x30, 0xff}, bytes.Repeat([]byte{0xff}, 127)...), format.ErrDamaged},
	{"10,001 PKCS #12 bags", pfx(seq(slices.Repeat([]any{seq(oidKeyBag, tagged(seq()))}, format.MaxEntries+1)...)), format.ErrLimit},
	{"a number and a string in DER", marshal(seq(1, noise)), format.ErrUnknownFormat},
	{"a file of 16 MiB and a byte", append([]byte{0x30, 0x80, 2, 1, 3}, make([]byte, format.MaxSize-4)...), format.ErrLimit},
	{"a JKS of 16 MiB and a byte", append(uint32s(jksMagic), make([]byte, format.MaxSize-3)...), format.ErrLimit},
	{"10,001 PEM blocks", bytes.Repeat([]byte("-----BEGIN X-----\nAAAA\n-----END X-----\n"), format.MaxEntries+1), format.ErrLimit},
}

// hostileKeys are refused as entries: what is around them may be right.
var hostileKeys = []struct {
	name   string
	scheme asn1.RawValue
	err    error
}{
	{"PBKDF2 of 10^8 iterations", pbkdf2(1e8), format.ErrLimit},
	{"PBKDF2 of 2^31 iterations", pbkdf2(math.MaxInt32 + 1), format.ErrLimit},
	{"PBKDF2 of -1 iterations", pbkdf2(-1), format.ErrDamaged},
	{"scrypt with 2 GiB", scrypt(1<<21, 8, 1), format.ErrLimit},
	{"scrypt that overflows", scrypt(1<<62, math.MaxInt64, math.MaxInt64), format.ErrLimit},
	{"scrypt of great length", scrypt(2, 1, math.MaxInt64), format.ErrLimit},
	{"scrypt of negative memory", scrypt(1<<14, -8, 1), format.ErrDamaged},
	{"scrypt of no power of two", scrypt(1000, 8, 1), format.ErrDamaged},
	{"PKCS #12 derivation of 10^8 iterations", seq(oidP12DES, seq(salt, int64(1e8))), format.ErrLimit},
	{"a key of -5 bytes", seq(oidPBES2, seq(seq(oidPBKDF2, seq(salt, 1, -5)), seq(oidRC2, salt[:8]))), format.ErrDamaged},
	{"a key of 2^40 bytes", seq(oidPBES2, seq(seq(oidPBKDF2, seq(salt, 1, int64(1<<40))), seq(oidRC2, salt[:8]))), format.ErrDamaged},
	{"an initialization vector of one byte", pbes2Vector(salt[:1]), format.ErrDamaged},
}

func pbes2Vector(iv []byte) asn1.RawValue {
	return seq(oidPBES2, seq(seq(oidPBKDF2, seq(salt, 1)), seq(oidAES256, iv)))
}

func TestHostileFiles(t *testing.T) {
	for _, row := range hostile {
		t.Run(row.name, func(t *testing.T) {
			if _, err := cheaply(t, row.data, password("changeit")); !errors.Is(err, row.err) {
				t.Errorf("got %v, want %v", err, row.err)
			}
		})
	}
	for _, row := range hostileKeys {
		for _, data := range [][]byte{pfx(seq(shrouded(row.scheme))), inPEM(encryptedKey(row.scheme)), encryptedKey(row.scheme)} {
			t.Run(row.name, func(t *testing.T) {
				store, err := cheaply(t, data, password("changeit"))
				if err != nil {
					t.Fatal(err)
				}
				if len(store.Entries) != 1 || !errors.Is(store.Entries[0].Err, row.err) {
					t.Errorf("got %v, want one entry with %v", store, row.err)
				}
			})
		}
	}
}

// Many middling counts are refused like one large one: all keys of a file
// share what it may ask for.
func TestKeyDerivationInTotal(t *testing.T) {
	sha384 := seq(oidSHA384, asn1.NullRawValue)
	asking := func(iterations int64) asn1.RawValue {
		return shrouded(pbes2(seq(oidPBKDF2, seq(salt, iterations, sha384))))
	}
	store, err := read(pfx(seq(asking(100_000), asking(2_600_000))), format.Passwords{Store: []byte("changeit"), Key: func(string) [][]byte { return [][]byte{[]byte("changeit")} }})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{format.ErrPassword, format.ErrLimit} {
		if e := store.Entries[i]; !errors.Is(e.Err, want) {
			t.Errorf("key %d: got %v, want %v", i+1, e.Err, want)
		}
	}
}

// The time a hostile file may take. Limits that come first take microseconds;
// the machine may be busy, so that the quickest of some tries counts.
const (
	quick = 50 * time.Millisecond
	tries = 20
)

// cheaply reads data and fails if that takes much memory or time.
func cheaply(t testing.TB, data []byte, pw format.Passwords) (store *format.Store, err error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	store, err = read(data, pw)
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 64<<20 {
		t.Errorf("%d bytes allocated for %d", taken, len(data))
	}
	within := quick * time.Duration(1+len(data)>>14) // more where there is more to look through
	for try := 1; try < tries && elapsed > within; try++ {
		start = time.Now()
		store, err = read(data, pw)
		elapsed = min(elapsed, time.Since(start))
	}
	if elapsed > within {
		t.Errorf("took %v, and no less in %d tries", elapsed, tries)
	}
	return store, err
}

func TestDetect(t *testing.T) {
	for _, row := range []struct {
		name, data, want string
		err              error
	}{
		{"JKS", "\xfe\xed\xfe\xed\x00\x00\x00\x02", "JKS", nil},
		{"JCEKS", "\xce\xce\xce\xce\x00\x00\x00\x02", "JCEKS", nil},
		{"PKCS #12 in DER", "0\x82\x01\x00\x02\x01\x03", "PKCS12", nil},
		{"PKCS #12 in BER", "0\x80\x02\x01\x030\x80", "PKCS12", nil},
		{"a PKCS #8 key", "0\x82\x01\x00\x02\x01\x00", "DER", nil},
		{"a certificate", "0\x82\x01\x000\x82", "DER", nil},
		{"PEM", "-----BEGIN CERTIFICATE-----\n", "PEM", nil},
		{"PEM below text", "Bag Attributes\n-----BEGIN CERTIFICATE-----\n", "PEM", nil},
		{"PEM below text that looks like DER", "0 comes first\n-----BEGIN CERTIFICATE-----\n", "PEM", nil},
		{"a JWK", "\xef\xbb\xbf \n{\"kty\":\"RSA\"}", "JWK", nil},
		{"an encrypted JWK", "eyJhbGciOiJkaXIifQ..a.b.c\n", "JWE", nil},
		{"BKS", "\x00\x00\x00\x02\x00\x00\x00\x14" + strings.Repeat("x", 30), "", format.ErrUnsupported},
		{"UBER", "\x00\x00\x00\x01\x00\x00\x00\x14" + strings.Repeat("x", 30), "", format.ErrUnsupported},
		{"BCFKS", string(marshal(seq(seq(seq(oidPBES2, seq()), noise), seq(seq(oidSHA256), noise)))), "", format.ErrUnsupported},
		{"BKS with the shortest salt", "\x00\x00\x00\x02\x00\x00\x00\x08xxxx", "", format.ErrUnsupported},
		{"BKS with the longest salt", "\x00\x00\x00\x02\x00\x00\x00\x40xxxx", "", format.ErrUnsupported},
		{"a salt that is shorter", "\x00\x00\x00\x02\x00\x00\x00\x07xxxx", "", format.ErrUnknownFormat},
		{"a salt that is longer", "\x00\x00\x00\x02\x00\x00\x00\x41xxxx", "", format.ErrUnknownFormat},
		{"a version that there is not", "\x00\x00\x00\x03\x00\x00\x00\x14xxxx", "", format.ErrUnknownFormat},
		{"less than BKS begins with", "\x00\x00\x00\x02\x00\x00\x00\x14xxx", "", format.ErrUnknownFormat},
		{"what looks like BCFKS at first", string(marshal(seq(seq(seq(oidPBES2, seq()), noise), 7))), "DER", nil},
		{"DER that is cut off", "0\x04\x02\x01", "DER", nil},
		{"one byte of DER", "0", "", format.ErrUnknownFormat},
		{"digits", "0123", "", format.ErrUnknownFormat},
		{"base64", base64.RawStdEncoding.EncodeToString([]byte("0\x82\x01\x00\x02\x01\x03" + strings.Repeat("x", 41))), "PKCS12", nil},
		{"base64 as short as a word", base64.RawStdEncoding.EncodeToString([]byte("0\x82\x01\x00\x02\x01\x03" + strings.Repeat("x", 40))), "", format.ErrUnknownFormat},
		{"nothing", "", "", format.ErrUnknownFormat},
		{"text", "hello", "", format.ErrUnknownFormat},
	} {
		got, _, err := format.Detect([]byte(row.data))
		if got != row.want || !errors.Is(err, row.err) {
			t.Errorf("%s: got %q, %v; want %q, %v", row.name, got, err, row.want, row.err)
		}
	}
}

func TestUnsupportedFormatSaysWhatToDo(t *testing.T) {
	_, _, err := format.Detect(append(uint32s(2, 20), noise...))
	if want := "BKS store: not supported, convert it with keytool -importkeystore"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
