package format_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/jks"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pemfile"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pkcs12"
)

// expectation is what other tools found in a store, a line of expected.jsonl.
type expectation struct {
	File      string
	Format    string
	StorePass *string
	Entries   []expectedEntry
}

type expectedEntry struct {
	Alias, Kind, Alg string
	KeyPass          string
	Key, Cert        string // SHA-256, as the chain
	Chain            []string
	Created          int64
}

func expectations(t testing.TB, dir string) (all []expectation) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e expectation
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		t.Fatal("nothing is expected")
	}
	return all
}

// read reads a store as its content demands.
func read(data []byte, pw format.Passwords) (*format.Store, error) {
	name, data, err := format.Detect(data)
	if err != nil {
		return nil, err
	}
	switch name {
	case format.JKS, format.JCEKS:
		return jks.Read(data, pw)
	case format.PKCS12:
		return pkcs12.Read(data, pw)
	case format.PEM:
		return pemfile.Read(data, pw)
	case format.DER:
		return pemfile.ReadDER(data, pw)
	case format.PKCS7:
		return pemfile.ReadPKCS7(data, pw)
	}
	return nil, format.ErrUnknownFormat
}

func (want expectation) passwords() (pw format.Passwords) {
	if want.StorePass == nil {
		return pw
	}
	pw.Store = []byte(*want.StorePass)
	pw.Key = func(alias string) [][]byte {
		passwords := [][]byte{pw.Store, {}}
		for _, e := range want.Entries {
			if strings.EqualFold(e.Alias, alias) && e.KeyPass != *want.StorePass {
				passwords = [][]byte{[]byte(e.KeyPass)}
			}
		}
		return passwords
	}
	return pw
}

// pairedByKey are stores in which Java finds no certificate for a key, since
// they share no localKeyID. We find it by the public key.
var pairedByKey = []string{"bc-unnamed-keys.p12"}

// check opens the store and compares every entry.
func (want expectation) check(t *testing.T, dir string) {
	data, err := os.ReadFile(filepath.Join(dir, want.File))
	if err != nil {
		t.Fatal(err)
	}
	store, err := read(data, want.passwords())
	if err != nil {
		t.Fatal(err)
	}
	if store.Format != want.Format {
		t.Errorf("format: got %q, want %q", store.Format, want.Format)
	}
	got := slices.Clone(store.Entries)
	for _, w := range want.Entries {
		i := slices.IndexFunc(got, func(e format.Entry) bool { return strings.EqualFold(e.Alias, w.Alias) && !e.Untagged })
		if i < 0 {
			i = slices.IndexFunc(got, func(e format.Entry) bool { return strings.EqualFold(e.Alias, w.Alias) })
		}
		if i < 0 {
			t.Errorf("no entry %q", w.Alias)
			continue
		}
		e := got[i]
		got = slices.Delete(got, i, i+1)
		if e.Err != nil {
			t.Errorf("%q: %v", w.Alias, e.Err)
			continue
		}
		chain := w.Chain
		switch w.Kind {
		case "cert":
			chain = []string{w.Cert}
			equal(t, w.Alias, "kind", e.Kind, format.Certificate)
		case "private":
			equal(t, w.Alias, "kind", e.Kind, format.PrivateKey)
			if !slices.Contains(hashes(encodings(e.PKCS8)), w.Key) {
				t.Errorf("%q: the key is another one than SHA-256 %s", w.Alias, w.Key)
			}
			_, name, _, _ := new(format.KeyReader).ParsePKCS8(e.PKCS8)
			equal(t, w.Alias, "algorithm", name, w.Alg)
		case "secret":
			equal(t, w.Alias, "kind", e.Kind, format.SecretKey)
			equal(t, w.Alias, "key", hash(e.Secret), w.Key)
			equal(t, w.Alias, "algorithm", e.SecretAlgorithm, w.Alg)
		}
		if len(chain) == 0 && slices.Contains(pairedByKey, want.File) {
			chain = hashes(e.Chain)
		}
		equal(t, w.Alias, "chain", strings.Join(hashes(e.Chain), " "), strings.Join(chain, " "))
		if w.Created != 0 {
			equal(t, w.Alias, "created", e.Created, time.UnixMilli(w.Created).UTC())
		}
	}
	for _, e := range got {
		if !e.Untagged {
			t.Errorf("entry %q (kind %d) is one too many", e.Alias, e.Kind)
		}
	}
}

func equal[T comparable](t *testing.T, alias, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%q: %s: got %v, want %v", alias, what, got, want)
	}
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func hashes(all [][]byte) (out []string) {
	for _, data := range all {
		out = append(out, hash(data))
	}
	return out
}

// privateKey is PKCS #8 as tools encode the key they made of it: version 0,
// no attributes and no public key.
type privateKey struct {
	Version    int
	Algorithm  format.Algorithm
	PrivateKey []byte
}

// encodings are the ways tools encode a key, where we keep what the file has:
// Java writes NULL parameters for RSA; within an EC key BouncyCastle repeats
// the curve, and OpenSSL leaves it out.
func encodings(pkcs8 []byte) [][]byte {
	var key privateKey
	if _, err := asn1.Unmarshal(pkcs8, &key); err != nil {
		return nil
	}
	key.Version = 0
	if key.Algorithm.OID() == "1.2.840.113549.1.1.1" {
		key.Algorithm.Parameters = asn1.NullRawValue
	}
	all := [][]byte{marshal(key)}
	var ec []asn1.RawValue
	if _, err := asn1.Unmarshal(key.PrivateKey, &ec); err != nil || key.Algorithm.OID() != "1.2.840.10045.2.1" {
		return all
	}
	curve := asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: key.Algorithm.Parameters.FullBytes}
	ec = slices.DeleteFunc(ec, func(part asn1.RawValue) bool { return part.Class == asn1.ClassContextSpecific && part.Tag == 0 })
	key.PrivateKey = marshal(ec)
	all = append(all, marshal(key))
	key.PrivateKey = marshal(slices.Insert(ec, 2, curve))
	return append(all, marshal(key))
}

func marshal(v any) []byte {
	der, err := asn1.Marshal(v)
	if err != nil {
		panic(err) // A test of values that were just unmarshalled.
	}
	return der
}
