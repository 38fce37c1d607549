package format_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func password(s string) format.Passwords { return format.Passwords{Store: []byte(s)} }

func TestWrongPassword(t *testing.T) {
	for _, name := range []string{
		"keytool-p256.p12", "keytool-trust.p12", "keytool-secrets.p12", "openssl-default.p12", "openssl-legacy.p12", "openssl-no-certs.p12",
		"bc-three-keys-pkcs12.p12", "keytool-ec.jks", "keytool-trust.jks", "keytool-ec.jceks", "keytool-secrets.jceks", "api-empty.jks",
	} {
		for _, wrong := range []string{"changeIt", "changeit ", "", "пароль"} {
			if store, err := read(fixture(t, name), password(wrong)); !errors.Is(err, format.ErrPassword) || errors.Is(err, format.ErrDamaged) {
				t.Errorf("%s with %q: got %v, %v, want %v", name, wrong, store != nil, err, format.ErrPassword)
			}
		}
	}
}

func TestWrongKeyPasswordIsTheEntrysErrorAlone(t *testing.T) {
	for _, name := range []string{"keytool-keypass.jks", "keytool-keypass.jceks", "api-keypass.p12", "api-keypass-secrets.jceks"} {
		store, err := read(fixture(t, name), password("changeit"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, e := range store.Entries {
			if e.Alias != "c" && e.Alias != "three" && !errors.Is(e.Err, format.ErrPassword) {
				t.Errorf("%s: %q: got %v, want %v", name, e.Alias, e.Err, format.ErrPassword)
			}
			if e.PKCS8 != nil && e.Err != nil {
				t.Errorf("%s: %q: a key beside an error", name, e.Alias)
			}
			if e.Kind == format.PrivateKey && len(e.Chain) == 0 {
				t.Errorf("%s: %q: no chain", name, e.Alias)
			}
		}
	}
}

func TestWithoutPassword(t *testing.T) {
	for _, row := range []struct {
		name    string
		entries int
		err     error
	}{
		{"keytool-mixed.jks", 2, nil},
		{"keytool-mixed.jceks", 2, nil},
		{"keytool-secrets.jceks", 3, nil},
		{"keytool-trust.jks", 2, nil},
		{"keytool-trust-plain.p12", 1, nil},
		{"openssl-plain.p12", 1, nil},
		{"openssl-no-certs.p12", 1, nil},
		{"pem-aes256.pem", 1, nil},
		{"pem-dek-aes128.pem", 1, nil},
		{"pem-certificates.pem", 2, nil},
		{"keytool-p256.p12", 0, format.ErrPasswordRequired},
		{"keytool-trust.p12", 0, format.ErrPasswordRequired},
	} {
		store, err := read(fixture(t, row.name), format.Passwords{})
		if !errors.Is(err, row.err) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.err)
		}
		if err != nil {
			continue
		}
		if len(store.Entries) != row.entries || !store.Unverified {
			t.Errorf("%s: got %d entries, unverified %t; want %d, unverified", row.name, len(store.Entries), store.Unverified, row.entries)
		}
		for _, e := range store.Entries {
			encrypted := e.Kind != format.Certificate && row.name != "openssl-plain.p12"
			if encrypted != errors.Is(e.Err, format.ErrPasswordRequired) {
				t.Errorf("%s: %q: got %v", row.name, e.Alias, e.Err)
			}
		}
	}
}

func TestMissingMACIsUnverified(t *testing.T) {
	for name, unverified := range map[string]bool{
		"openssl-no-mac.p12": true, "openssl-plain.p12": true, "keytool-trust-plain.p12": true,
		"openssl-default.p12": false, "keytool-ec.jks": false, "keytool-ec.jceks": false,
	} {
		store, err := read(fixture(t, name), password("changeit"))
		if err != nil || store.Unverified != unverified {
			t.Errorf("%s: got %v, %v; want unverified %t", name, store, err, unverified)
		}
	}
}

// What a password is known to open, but whose digest or MAC does not fit, has
// been changed.
func TestDamageIsNotAWrongPassword(t *testing.T) {
	for _, name := range []string{"keytool-ec.jks", "keytool-ec.jceks", "openssl-default.p12", "openssl-no-certs.p12", "openssl-legacy.p12", "keytool-p256.p12"} {
		data := bytes.Clone(fixture(t, name))
		at := len(data) - 1 // of the digest
		if filepath.Ext(name) == ".p12" {
			at = len(data) - 20 // within the MAC or its salt
		}
		data[at] ^= 1
		if _, err := read(data, password("changeit")); !errors.Is(err, format.ErrDamaged) {
			t.Errorf("%s: got %v, want %v", name, err, format.ErrDamaged)
		}
	}
}

// Nothing is lost or changed by one wrong byte without an error, wherever it
// is.
func TestAnyByteDamaged(t *testing.T) {
	// Steps, where key derivation makes every trial cost something.
	for name, step := range map[string]int{"openssl-legacy.p12": 5, "bc-three-keys-pkcs12.p12": 211, "keytool-mixed.jks": 1, "keytool-trust.jceks": 1, "api-keypass-secrets.jceks": 911} {
		data := fixture(t, name)
		whole, err := read(data, password("changeit"))
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(data); at += step {
			damaged := bytes.Clone(data)
			damaged[at] ^= 0x41
			store, err := read(damaged, password("changeit"))
			if err == nil && (store.Unverified || !slices.EqualFunc(store.Entries, whole.Entries, sameEntry)) {
				t.Errorf("%s: byte %d: opened with other entries, or unverified", name, at)
			}
			if err != nil && !known(err) {
				t.Errorf("%s: byte %d: an error of no kind: %v", name, at, err)
			}
		}
	}
}

func TestTruncated(t *testing.T) {
	for _, name := range []string{"openssl-legacy.p12", "bc-three-keys-pkcs12.p12", "keytool-mixed.jks", "keytool-secrets.jceks", "certificate.der", "key.der"} {
		data := fixture(t, name)
		for _, size := range []int{0, 1, 3, 4, 5, 8, 11, 12, 13, 20, 40, 100, len(data) / 2, len(data) - 21, len(data) - 20, len(data) - 1} {
			size = min(size, len(data)-1)
			store, err := read(data[:size], password("changeit"))
			if err == nil || !errors.Is(err, format.ErrDamaged) && !errors.Is(err, format.ErrUnknownFormat) {
				t.Errorf("%s cut to %d of %d bytes: got %v, %v", name, size, len(data), store != nil, err)
			}
		}
	}
}

// Java and OpenSSL accept what follows a store; nothing of it is used.
func TestTrailingBytes(t *testing.T) {
	for _, name := range []string{"openssl-legacy.p12", "bc-three-keys-pkcs12.p12", "keytool-mixed.jks", "keytool-secrets.jceks"} {
		data := append(bytes.Clone(fixture(t, name)), "\r\n\x00\x00"...)
		if _, err := read(data, password("changeit")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func sameEntry(a, b format.Entry) bool {
	return a.Alias == b.Alias && a.Kind == b.Kind && bytes.Equal(a.PKCS8, b.PKCS8) && bytes.Equal(a.Secret, b.Secret) && slices.EqualFunc(a.Chain, b.Chain, bytes.Equal)
}

// known reports whether an error is one a caller can act on.
func known(err error) bool {
	return slices.ContainsFunc([]error{
		format.ErrPassword, format.ErrPasswordRequired, format.ErrDamaged, format.ErrUnknownFormat, format.ErrUnsupported, format.ErrLimit,
	}, func(reason error) bool { return errors.Is(err, reason) })
}
