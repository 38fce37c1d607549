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
	"time"

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
	Alias, Kind, Alg string
	KeyPass          *string
	Key              string   // SHA-256 of the key's encoding
	Cert             string   // SHA-256 of the certificate
	Chain            []string // SHA-256 of each
	Created          int64    // in milliseconds; 0 if the tool did not say
}

// file opens the store with all its passwords.
func (s corpusStore) file(root string) keystore.File {
	file := keystore.File{Path: filepath.Join(root, s.File), AllowUnverified: true, KeyPasswords: map[string]keystore.Password{}}
	if s.StorePass != nil {
		file.Password = keystore.StaticPassword(*s.StorePass)
	}
	for _, e := range s.Entries {
		if e.KeyPass != nil {
			file.KeyPasswords[e.Alias] = keystore.StaticPassword(*e.KeyPass)
		}
	}
	return file
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

// unreadStores are those of the corpus that no Java tool opens, and what we
// say to them.
var unreadStores = map[string]error{
	"b4e368ad222b.p12":   keystore.ErrUnsupported, // a BLAKE2 MAC
	"d020c1c59624.p12":   nil,                     // AES-192 for certificates: OpenSSL opens it, and so do we
	"06ab8a54c070.p12":   keystore.ErrPassword,
	"4cd1f71162e0.p12":   keystore.ErrPassword,
	"26cc8ec1beac.jks":   keystore.ErrPassword,
	"2459ec3c9215.jks":   keystore.ErrPassword,
	"8e153a3b40b3.jks":   keystore.ErrPassword,
	"ec5fc59cbeca.jks":   keystore.ErrPassword,
	"92c9d826844a.jceks": keystore.ErrPassword,
}

func TestCorpusThatJavaDoesNotOpen(t *testing.T) {
	root, stores := corpus(t, dir(t, "TOKENPROFILE_CORPUS"))
	for _, store := range stores {
		want, listed := unreadStores[store.File]
		if store.Entries != nil {
			continue
		}
		password := "no password anybody would take"
		if store.StorePass != nil {
			password = *store.StorePass
		}
		_, err := keystore.Open(filepath.Join(root, store.File), keystore.StaticPassword(password))
		if !errors.Is(err, want) || !listed && err == nil {
			t.Errorf("%s: got %v, want %v", store.File, err, want)
		}
	}
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
			store, err := want.file(root).Open()
			if len(want.Entries) == 0 && errors.Is(err, keystore.ErrNoKey) {
				return // the tool that was asked, too, saw nothing; where it leaves entries out we list them
			}
			if err != nil {
				t.Fatal(err)
			}
			if store.Format() != want.Format {
				t.Errorf("got format %q, want %q", store.Format(), want.Format)
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
		if got := left[i].Created; w.Created != 0 && !got.Equal(time.UnixMilli(w.Created)) {
			t.Errorf("entry %q: got created %v, want %v", w.Alias, got, time.UnixMilli(w.Created))
		}
		if got := left[i].Algorithm; w.Alg != "" && got != w.Alg && javaName[got] != w.Alg {
			t.Errorf("entry %q: got algorithm %q, want %q", w.Alias, got, w.Alg)
		}
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

// javaName is the one name Java has for several algorithms.
var javaName = map[string]string{"Ed25519": "EdDSA", "Ed448": "EdDSA", "X25519": "XDH", "X448": "XDH"}

// compareKey holds keys against Java's encoding where Go writes the same one.
func compareKey(t *testing.T, file string, got keystore.Entry, want corpusEntry) {
	switch {
	case want.Key == "":
	case got.Kind == keystore.KindSecretKey:
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
