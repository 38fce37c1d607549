package format_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// vector is a file of the published vectors.
func vector(t *testing.T, path ...string) []byte {
	t.Helper()
	dir := os.Getenv("TOKENPROFILE_VECTORS")
	if dir == "" {
		t.Skip("TOKENPROFILE_VECTORS names no directory")
	}
	data, err := os.ReadFile(filepath.Join(append([]string{dir}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPBMAC1(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
	}{
		{"rfc9579-a1", nil},
		{"rfc9579-a2", nil},
		{"rfc9579-a3", nil},
		{"rfc9579-a4", format.ErrDamaged}, // an iteration count that is not the MAC's
		{"rfc9579-a5", format.ErrDamaged}, // a salt that is not the MAC's
		{"rfc9579-a6", format.ErrDamaged}, // no key length
		{"pbmac1-short-key-bypass", format.ErrDamaged},
	} {
		text := vector(t, "rfc9579-pbmac1", row.name+".txt")
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		if err != nil {
			t.Fatal(err)
		}
		store, err := read(data, password("1234"))
		if !errors.Is(err, row.err) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.err)
		}
		if row.err == nil && (store == nil || store.Unverified || len(store.Entries) != 1 || store.Entries[0].Err != nil || len(store.Entries[0].Chain) != 1) {
			t.Errorf("%s: got %v, want a key with its certificate", row.name, store)
		}
		if _, err := read(data, password("12345")); row.err == nil && !errors.Is(err, format.ErrPassword) {
			t.Errorf("%s: with a wrong password: got %v, want %v", row.name, err, format.ErrPassword)
		}
	}
}

var (
	pythonName  = regexp.MustCompile(`^(\w+) = `)
	pythonBytes = regexp.MustCompile(`b"([^"]*)"`)
)

// literals are the byte strings of each assignment in a Python file, in which
// pyjks tells the contents of its stores. A "+" joins a line to the next.
func literals(t *testing.T, name string) map[string][][]byte {
	all, variable, joined := map[string][][]byte{}, "", false
	for line := range strings.Lines(string(vector(t, "pyjks", "tests", "expected", name+".py"))) {
		if match := pythonName.FindStringSubmatch(line); match != nil {
			variable = match[1]
		}
		literal := pythonBytes.FindStringSubmatch(line)
		if literal == nil {
			continue
		}
		data, err := hex.DecodeString(strings.ReplaceAll(literal[1], `\x`, ""))
		if err != nil {
			t.Fatal(err)
		}
		if values := all[variable]; joined {
			values[len(values)-1] = append(values[len(values)-1], data...)
		} else {
			all[variable] = append(values, data)
		}
		joined = strings.HasSuffix(strings.TrimSpace(line), `\`)
	}
	return all
}

func TestPyjksKeys(t *testing.T) {
	for _, row := range []struct{ file, password, keyPassword, alias, expected string }{
		{"jks/RSA1024.jks", "12345678", "12345678", "mykey", "RSA1024"},
		{"jceks/RSA1024.jceks", "12345678", "12345678", "mykey", "RSA1024"},
		{"jks/RSA2048_3certs.jks", "12345678", "12345678", "mykey", "RSA2048_3certs"},
		{"jceks/RSA2048_3certs.jceks", "12345678", "12345678", "mykey", "RSA2048_3certs"},
		{"jks/DSA2048.jks", "12345678", "12345678", "mykey", "DSA2048"},
		{"jceks/DSA2048.jceks", "12345678", "12345678", "mykey", "DSA2048"},
		{"jks/custom_entry_passwords.jks", "store_password", "private_password", "private", "custom_entry_passwords"},
		{"jceks/custom_entry_passwords.jceks", "store_password", "private_password", "private", "custom_entry_passwords"},
		{"jks/non_ascii_password.jks", "ლ(ಠ益ಠლ)", "ლ(ಠ益ಠლ)", "mykey", "jks_non_ascii_password"},
	} {
		want := literals(t, row.expected)
		if len(want["private_key"]) != 1 || len(want["certs"]) == 0 {
			t.Fatalf("%s: nothing is expected", row.expected)
		}
		store, err := read(vector(t, "pyjks", "tests", "keystores", row.file), format.Passwords{
			Store: []byte(row.password), Key: func(string) [][]byte { return [][]byte{[]byte(row.keyPassword)} },
		})
		if err != nil {
			t.Errorf("%s: %v", row.file, err)
			continue
		}
		i := slices.IndexFunc(store.Entries, func(e format.Entry) bool { return e.Kind == format.PrivateKey && e.Alias == row.alias })
		if i < 0 {
			t.Errorf("%s: no key %q", row.file, row.alias)
			continue
		}
		if e := store.Entries[i]; e.Err != nil || !bytes.Equal(e.PKCS8, want["private_key"][0]) || !slices.EqualFunc(e.Chain, want["certs"], bytes.Equal) {
			t.Errorf("%s: another key or chain of %d, %v", row.file, len(e.Chain), e.Err)
		}
	}
}

func TestPyjksStores(t *testing.T) {
	for _, row := range []struct {
		file, password string
		entries        int
		err, entryErr  error
	}{
		{"jks/empty.jks", "", 0, nil, nil},
		{"jceks/empty.jceks", "", 0, nil, nil},
		{"jks/3certs.jks", "12345678", 3, nil, nil},
		{"jceks/3certs.jceks", "12345678", 3, nil, nil},
		{"jks/duplicate_aliases.jks", "12345678", 2, nil, nil},
		{"jceks/duplicate_aliases.jceks", "12345678", 2, nil, nil},
		{"jceks/AES128.jceks", "12345678", 1, nil, nil},
		{"jceks/AES256.jceks", "12345678", 1, nil, nil},
		{"jceks/DES.jceks", "12345678", 1, nil, nil},
		{"jceks/DESede.jceks", "12345678", 1, nil, nil},
		{"jceks/PBKDF2WithHmacSHA1.jceks", "12345678", 1, nil, nil},
		{"jceks/unknown_type_of_sealed_object.jceks", "12345678", 1, nil, format.ErrUnsupported},
		{"jceks/unknown_sealed_object_sealAlg.jceks", "12345678", 1, nil, format.ErrUnsupported},
		{"jceks/unknown_type_inside_sealed_object.jceks", "12345678", 1, nil, format.ErrUnsupported},
		{"jks/truststore.jks", "12345678", 0, format.ErrPassword, nil},
		{"bks/christmas.bksv1", "12345678", 0, format.ErrUnsupported, nil},
		{"bks/christmas.bksv2", "12345678", 0, format.ErrUnsupported, nil},
		{"bks/empty.bksv1", "12345678", 0, format.ErrUnsupported, nil},
		{"uber/christmas.uber", "12345678", 0, format.ErrUnsupported, nil},
		{"uber/empty.uber", "12345678", 0, format.ErrUnsupported, nil},
	} {
		store, err := read(vector(t, "pyjks", "tests", "keystores", row.file), password(row.password))
		if !errors.Is(err, row.err) {
			t.Errorf("%s: got %v, want %v", row.file, err, row.err)
		}
		if err != nil {
			continue
		}
		if len(store.Entries) != row.entries {
			t.Errorf("%s: got %d entries, want %d", row.file, len(store.Entries), row.entries)
		}
		for _, e := range store.Entries {
			if !errors.Is(e.Err, row.entryErr) {
				t.Errorf("%s: %q: got %v, want %v", row.file, e.Alias, e.Err, row.entryErr)
			}
		}
	}
}
