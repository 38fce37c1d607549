package keystore_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// TestFIPS runs tests in processes of their own: with FIPS 140-3 on stores
// still open, and where it is enforced, what it forbids is a clear error and
// no panic, which crypto is full of where nobody looks first.
func TestFIPS(t *testing.T) {
	for mode, tests := range map[string]string{"on": "^TestOwnStores$/^(openssl|pem|keytool-.*jks)", "only": "^TestFIPSOnly"} {
		t.Run(mode, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run="+tests, "-test.v")
			cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, "KEYSTORE_FIPS_CHILD="+mode)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "\n--- PASS: ") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestFIPSOnly(t *testing.T) {
	if os.Getenv("KEYSTORE_FIPS_CHILD") != "only" {
		t.Skip("run by TestFIPS")
	}
	root, stores := corpus(t, "testdata")
	usable := 0
	for _, want := range stores {
		store, err := want.file(root).Open()
		if err != nil {
			if empty := len(want.Entries) == 0 && errors.Is(err, keystore.ErrNoKey); !empty && !errors.Is(err, keystore.ErrUnsupported) {
				t.Errorf("%s: got %v, want %v", want.File, err, keystore.ErrUnsupported)
			}
			continue
		}
		usable += useAll(t, want.File, store)
	}
	if usable == 0 {
		t.Error("nothing can be used, not even plain PEM")
	}
	_, err := keystore.Open("testdata/keytool-ec.jks", keystore.StaticPassword(changeit))
	if want := "keystore: testdata/keytool-ec.jks: unsupported algorithm: SHA-1 is not allowed in FIPS 140-only mode"; err == nil || err.Error() != want {
		t.Errorf("JKS: got %v, want %q", err, want)
	}
}

// useAll asks a store everything, and counts the entries that can be used.
func useAll(t *testing.T, name string, store *keystore.Store) (usable int) {
	for _, e := range store.Entries() {
		switch {
		case e.Err == nil:
			usable++
		case !errors.Is(e.Err, keystore.ErrUnsupported):
			t.Errorf("%s: %q: got %v, want %v", name, e.Alias, e.Err, keystore.ErrUnsupported)
		}
		e.PublicKey.X5T()
		e.PublicKey.X5TS256()
	}
	for _, key := range must(store.PublishedKeys(t.Context())) {
		if _, err := json.Marshal(key); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	store.TLSCertificate("")
	store.CertPool()
	return usable
}

func TestFIPSOnlyWriting(t *testing.T) {
	if os.Getenv("KEYSTORE_FIPS_CHILD") != "only" {
		t.Skip("run by TestFIPS")
	}
	key, err := keystore.Generate("ES256", "CN=a", time.Now(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	err = keystore.WriteFile(filepath.Join(t.TempDir(), "a.p12"), keystore.StaticPassword(changeit), keystore.Entry{Alias: "a", PrivateKey: key})
	if err == nil || !strings.Contains(err.Error(), "FIPS 140-only") {
		t.Errorf("got %v, want that FIPS 140 forbids it", err)
	}
	keystore.Generate("EdDSA", "CN=a", time.Now(), time.Now().Add(time.Hour))
	keystore.Parse([]byte(jwkSet("one")), nil)
}
