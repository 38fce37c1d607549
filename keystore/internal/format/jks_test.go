package format_test

import (
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// sized is what stands behind its length in four bytes.
func sized(data []byte) []byte { return append(uint32s(uint32(len(data))), data...) }

// utf is a string of Java's, whose bytes may be anything.
func utf(text string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...)
}

// jksCertificate is a JKS file of one certificate.
func jksCertificate(alias, kind string) []byte {
	return slices.Concat(uint32s(jksMagic, 2, 1, 2), utf(alias), make([]byte, 8), utf(kind), sized([]byte{0x30, 0}), noise[:20])
}

// jksKey is a JKS file of one key without a chain, under Sun's protection.
func jksKey(protected []byte) []byte {
	key := marshal(seq(seq(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 17, 1, 1}), protected))
	return slices.Concat(uint32s(jksMagic, 2, 1, 1), entryHead, sized(key), uint32s(0), noise[:20])
}

// Java writes names in UTF-8 of its own (java.io.DataInput): NUL takes two
// bytes, and a character beyond the first plane two halves of three each.
func TestNamesInModifiedUTF8(t *testing.T) {
	for text, want := range map[string]string{
		"abcé":                     "abcé",
		"éabc":                     "éabc",
		"a€":                       "a€",
		"\xc0\x80":                 "\x00",
		"\xed\xa0\xbd\xed\xb8\x80": "😀",
		"\xed\xa0\xbdé":            "\ufffdé",
		"\x80":                     "",
		"a\xe2\x82":                "",
		"a\xc3":                    "",
		"😀":                        "",
	} {
		store, err := read(jksCertificate(text, "X.509"), format.Passwords{})
		if want == "" {
			if !errors.Is(err, format.ErrDamaged) {
				t.Errorf("%q: got %v, want %v", text, err, format.ErrDamaged)
			}
			continue
		}
		if err != nil || store.Entries[0].Alias != want {
			t.Errorf("%q: got %v, %v, want %q", text, store, err, want)
		}
	}
}

func TestCertificatesByTypeInJKS(t *testing.T) {
	for kind, want := range map[string]error{"X.509": nil, "X509": nil, "PGP": format.ErrUnsupported} {
		store, err := read(jksCertificate("a", kind), format.Passwords{})
		if err != nil || !errors.Is(store.Entries[0].Err, want) {
			t.Errorf("%s: got %v, %v, want an entry with %v", kind, store, err, want)
		}
	}
}

func TestProtectedKeysOfJKS(t *testing.T) {
	keys := func(passwords ...string) (pw format.Passwords) {
		pw.Key = func(string) (all [][]byte) {
			for _, password := range passwords {
				all = append(all, []byte(password))
			}
			return all
		}
		return pw
	}
	two := func(e format.Entry) bool { return e.Alias == "two" }
	for name, row := range map[string]struct {
		data      []byte
		passwords format.Passwords
		is        func(format.Entry) bool
		want      error
	}{
		"the first password":       {fixture(t, "keytool-keypass.jks"), keys("password-two", "wrong"), two, nil},
		"the second":               {fixture(t, "keytool-keypass.jks"), keys("wrong", "password-two"), two, nil},
		"none of them":             {fixture(t, "keytool-keypass.jks"), keys("wrong", "another"), two, format.ErrPassword},
		"as short as a key may be": {jksKey(noise[:40]), keys("wrong"), nil, format.ErrPassword},
		"shorter":                  {jksKey(noise[:39]), keys("wrong"), nil, format.ErrDamaged},
	} {
		store, err := read(row.data, row.passwords)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		at := 0
		if row.is != nil {
			at = slices.IndexFunc(store.Entries, row.is)
		}
		if e := store.Entries[at]; !errors.Is(e.Err, row.want) || (row.want == nil) != (e.PKCS8 != nil) {
			t.Errorf("%s: got %v, want %v", name, e.Err, row.want)
		}
	}
}

// What is sealed by a class that nobody knows is named by it.
func TestSecretsSealedByAnotherClass(t *testing.T) {
	store, err := read(jceksWith(annotated()...), format.Passwords{Key: func(string) [][]byte { return [][]byte{[]byte("any")} }})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Entries[0].Err; !errors.Is(err, format.ErrUnsupported) || !strings.Contains(err.Error(), "sealed as A") {
		t.Errorf("got %v, want one that names the class A", err)
	}
}
