package keystore_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// corpusStore is what other tools found in a store.
type corpusStore struct {
	File, Format string
	StorePass    *string
	Note         string
	Entries      []corpusEntry
}

type corpusEntry struct {
	Alias, Kind, Alg, Format string
	KeyPass                  *string
	Key                      string   // SHA-256 of the key's encoding
	Cert                     string   // SHA-256 of the certificate
	Chain                    []string // SHA-256 of each
}

// dir is the directory an environment variable names.
func dir(t testing.TB, name string) string {
	t.Helper()
	path := os.Getenv(name)
	if path == "" {
		t.Skipf("%s names no directory", name)
	}
	return path
}

func corpus(t testing.TB, root string) (string, []corpusStore) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var stores []corpusStore
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var store corpusStore
		if err := json.Unmarshal(lines.Bytes(), &store); err != nil {
			t.Fatal(err)
		}
		stores = append(stores, store)
	}
	if len(stores) == 0 {
		t.Fatal("the corpus is empty")
	}
	return root, stores
}

// corpusExceptions are the stores that are not as expected, each with the
// reason.
var corpusExceptions = map[string]string{
	"ece8a96d4bb5.p12":    "BouncyCastle alone read it, which names a nameless key by its localKeyID; Java counts",
	"bc-unnamed-keys.p12": "Java pairs by localKeyID alone; we find the certificate of a key by the public key too",
}

// unsupportedKeys are entries with a key of a curve that crypto/x509 does not
// know. They are listed, and refused when somebody wants to use them.
var unsupportedKeys = map[string]string{
	"c09ee01c340a.jks ecdsa":     "brainpoolP256r1",
	"7c727cc96f95.jks ecdsa":     "sect409r1",
	"66387621acc3.p12 ed448":     "Ed448",
	"c2e979f01490.p12 ed448":     "Ed448",
	"383ed7c245a7.p12 test":      "Ed448",
	"keytool-ed448.p12 ed":       "Ed448",
	"pem-ed448.pem 1":            "Ed448",
	"openssl-brainpool.p12 leaf": "brainpoolP256r1",
	"openssl-k1.p12 leaf":        "secp256k1",
}

func TestCorpus(t *testing.T) {
	root, stores := corpus(t, dir(t, "TOKENPROFILE_CORPUS"))
	compareStores(t, root, stores)
}

func TestOwnStores(t *testing.T) {
	root, stores := corpus(t, "testdata")
	if len(stores) < 60 {
		t.Errorf("%d stores are few", len(stores))
	}
	compareStores(t, root, stores)
}

func compareStores(t *testing.T, root string, stores []corpusStore) {
	for _, want := range stores {
		if want.Entries == nil {
			continue
		}
		t.Run(want.File, func(t *testing.T) {
			if reason := corpusExceptions[want.File]; reason != "" {
				t.Skip(reason)
			}
			file := keystore.File{Path: filepath.Join(root, want.File), AllowUnverified: true, KeyPasswords: map[string]keystore.Password{}}
			if want.StorePass != nil {
				file.Password = keystore.StaticPassword(*want.StorePass)
			}
			for _, e := range want.Entries {
				if e.KeyPass != nil {
					file.KeyPasswords[e.Alias] = keystore.StaticPassword(*e.KeyPass)
				}
			}
			store, err := file.Open()
			if err != nil {
				t.Fatal(err)
			}
			compareEntries(t, store.Entries(), want)
		})
	}
}

func compareEntries(t *testing.T, got []keystore.Entry, want corpusStore) {
	left := got
	for _, w := range want.Entries {
		i := matching(left, w)
		if i < 0 {
			t.Errorf("no entry %q of kind %s with the certificates wanted; there are %s", w.Alias, w.Kind, names(left))
			continue
		}
		compareKey(t, want.File, left[i], w)
		left = append(left[:i:i], left[i+1:]...)
	}
	for _, e := range left {
		if !e.Untagged {
			t.Errorf("entry %q of kind %s is one too many", e.Alias, e.Kind)
		}
	}
}

func matching(entries []keystore.Entry, want corpusEntry) int {
	kinds := map[string]keystore.Kind{"private": keystore.KindPrivateKey, "secret": keystore.KindSecretKey, "cert": keystore.KindCertificate}
	chain := want.Chain
	if want.Cert != "" {
		chain = []string{want.Cert}
	}
	for i, e := range entries {
		if strings.EqualFold(e.Alias, want.Alias) && e.Kind == kinds[want.Kind] && strings.Join(hashes(e.RawChain), " ") == strings.Join(chain, " ") {
			return i
		}
	}
	return -1
}

// compareKey holds keys against Java's encoding where Go writes the same one.
func compareKey(t *testing.T, file string, got keystore.Entry, want corpusEntry) {
	switch {
	case want.Key == "":
	case got.Kind == keystore.KindSecretKey && want.Format == "RAW":
		if got.Err != nil {
			t.Errorf("secret key %q: %v", want.Alias, got.Err)
		} else if hash := hashes([][]byte{got.SecretKey.Bytes()})[0]; hash != want.Key {
			t.Errorf("secret key %q: got SHA-256 %s, want %s", want.Alias, hash, want.Key)
		}
	case want.Alg == "RSA":
		if got.Err != nil {
			t.Errorf("private key %q: %v", want.Alias, got.Err)
			return
		}
		der := must(x509.MarshalPKCS8PrivateKey(got.PrivateKey.CryptoKey()))
		if hash := hashes([][]byte{der})[0]; hash != want.Key {
			t.Errorf("private key %q: got SHA-256 %s, want %s", want.Alias, hash, want.Key)
		}
	case want.Alg == "EC" || strings.HasPrefix(want.Alg, "Ed"):
		if unsupportedKeys[file+" "+want.Alias] != "" {
			if !errors.Is(got.Err, keystore.ErrUnsupported) || got.Algorithm == "" {
				t.Errorf("private key %q (%s): got %v, want %v", want.Alias, want.Alg, got.Err, keystore.ErrUnsupported)
			}
		} else if got.Err != nil {
			t.Errorf("private key %q (%s): %v", want.Alias, want.Alg, got.Err)
		}
	case got.Kind == keystore.KindPrivateKey && want.Alg != "RSASSA-PSS" && want.Alg != "XDH":
		if !errors.Is(got.Err, keystore.ErrUnsupported) || got.Algorithm == "" {
			t.Errorf("private key %q (%s): got %v, want %v", want.Alias, want.Alg, got.Err, keystore.ErrUnsupported)
		}
	}
}

func hashes(ders [][]byte) []string {
	var list []string
	for _, der := range ders {
		sum := sha256.Sum256(der)
		list = append(list, hex.EncodeToString(sum[:]))
	}
	return list
}

func names(entries []keystore.Entry) string {
	var list []string
	for _, e := range entries {
		list = append(list, string(e.Kind)+" "+e.Alias+" ["+strings.Join(hashes(e.RawChain), " ")+"]")
	}
	return strings.Join(list, ", ")
}
