package keystore_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// numbered is PEM of n keys with aliases, different for every seed.
func numbered(n, seed int) []byte {
	var out []byte
	for i := range n {
		der := must(x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(fmt.Appendf(nil, "%16d%16d", i, seed))))
		out = fmt.Appendf(out, "Bag Attributes\n friendlyName: key-%d\n%s", i, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	return out
}

// followed is a store whose content a function yields.
func followed(t testing.TB, data []byte) *keystore.Store {
	t.Helper()
	store, err := keystore.File{Read: func(context.Context) ([]byte, error) { return data, nil }}.Open()
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func bytesOf(work func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	work()
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc - before.TotalAlloc)
}

// What a replacement costs grows as the number of keys does: twenty times the
// keys take about twenty times the memory, where comparing each with each
// would take four hundred times.
func TestReplacingManyKeysIsLinear(t *testing.T) {
	cost := func(n int) float64 {
		store := followed(t, numbered(n, 0))
		return bytesOf(func() {
			for seed := range 3 { // some leave, some wait, some sign
				if err := keystore.Replace(store, numbered(n, seed)); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if few, many := cost(30), cost(600); many > 40*few {
		t.Errorf("600 keys take %.0f times what 30 take, want about 20 times", many/few)
	}
}

// A file of 10,000 keys is opened and replaced in the time that computing their
// public halves takes, as long as little is done beside that.
func TestAKeyTakesFewAllocations(t *testing.T) {
	const n = 500
	data, next := numbered(n, 0), numbered(n, 1)
	store := followed(t, data)
	for name, test := range map[string]struct {
		most float64 // a key
		work func()
	}{
		"opened":   {65, func() { read(t, data) }},
		"replaced": {80, func() { data, next = next, data; keystore.Replace(store, data) }},
	} {
		if got := testing.AllocsPerRun(5, test.work) / n; got > test.most {
			t.Errorf("%s: got %.0f allocations a key, want at most %.0f", name, got, test.most)
		}
	}
}

func TestKeysOfAStoreAreLookedUpByAlias(t *testing.T) {
	store := followed(t, numbered(10, 0))
	if !keystore.FoundByAlias(must(store.PrivateKeys(t.Context()))) {
		t.Error("the keys of an opened store are searched")
	}
	if err := keystore.Replace(store, numbered(20, 1)); err != nil {
		t.Fatal(err)
	}
	keys := must(store.PrivateKeys(t.Context()))
	if !keystore.FoundByAlias(keys) {
		t.Error("the keys of a replaced store are searched")
	}
	for _, some := range [][]keystore.PrivateKey{keys, keys[3:9], append([]keystore.PrivateKey{}, keys...)} {
		for _, alias := range []string{"key-5", "KEY-5", "\u212aey-5"} {
			if key, err := keystore.Select(some, keystore.Selection{Alias: alias}); err != nil || key.Alias() != "key-5" {
				t.Errorf("%q of %d keys: got %q, %v", alias, len(some), key.Alias(), err)
			}
		}
	}
	if got := testing.AllocsPerRun(100, func() { keystore.Select(keys, keystore.Selection{Alias: "key-5"}) }); got > 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}

func TestSecretKeysOfAStoreAreLookedUpByAlias(t *testing.T) {
	secret := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	var set []string
	for i := range 20 {
		set = append(set, fmt.Sprintf(`{"kty":"oct","kid":"key-%d","k":"%s"}`, i, secret))
	}
	set = append(set, set[5]) // the same key once more
	keys := must(read(t, fmt.Appendf(nil, `{"keys":[%s]}`, strings.Join(set, ","))).SecretKeys(t.Context(), ""))
	if !keystore.FoundByAlias(keys) {
		t.Error("the keys are searched")
	}
	for _, some := range [][]keystore.SecretKey{keys, append([]keystore.SecretKey{}, keys...)} {
		for alias, want := range map[string]int{"key-5": 2, "KEY-5": 2, "\u212aey-5": 2, "key-6": 1, "KEY-6": 1, "key-20": 0, "": 0} {
			named := keystore.ByAlias(some, alias)
			if len(named) != want || want > 0 && !strings.EqualFold(named[want-1].Alias(), alias) {
				t.Errorf("%q: got %v, want %d keys", alias, named, want)
			}
		}
	}
	if got := testing.AllocsPerRun(100, func() { keystore.ByAlias(keys, "key-6") }); got > 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}

// The index of a whole slice says nothing of a part of it, or of another order.
func TestOtherSlicesAreSearchedByAlias(t *testing.T) {
	keys := must(followed(t, numbered(10, 0)).PrivateKeys(t.Context()))
	turned := slices.Clone(keys)
	slices.Reverse(turned)
	var public []keystore.PublicKey
	for _, key := range keys {
		public = append(public, key.Public())
	}
	_, alone, _ := ed25519.GenerateKey(nil)
	made := must(keystore.NewPrivateKey(alone)).WithAlias("key-0")
	for _, alias := range []string{"key-2", "key-9", "KEY-9", "key-0"} {
		found(t, "the first three", keys[:3], alias)
		found(t, "the last three", keys[7:], alias)
		found(t, "turned round", turned, alias)
		found(t, "public", public, alias)
		found(t, "of no store", []keystore.PrivateKey{made}, alias)
	}
}

func found[K interface {
	keystore.PrivateKey | keystore.PublicKey
	Alias() string
}](t *testing.T, name string, keys []K, alias string) {
	t.Helper()
	var want []string
	for _, key := range keys {
		if strings.EqualFold(key.Alias(), alias) {
			want = append(want, key.Alias())
		}
	}
	var got []string
	for _, key := range keystore.ByAlias(keys, alias) {
		got = append(got, key.Alias())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q: got %q, want %q", name, alias, got, want)
	}
}

// A password that is the same for all keys is asked for once.
func TestKeyPasswordIsAskedForOnceALoad(t *testing.T) {
	asked := 0
	file := keystore.File{Path: "testdata/keytool-keypass.jks", Password: keystore.StaticPassword(changeit), KeyPassword: func() (string, error) { asked++; return "password-two", nil }}
	must(file.Open())
	if asked != 1 {
		t.Errorf("got asked %d times for the keys of one file, want once", asked)
	}
}

// grow runs a benchmark of a store of n entries, for more and more of them.
func grow(b *testing.B, run func(b *testing.B, n int)) {
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { b.ReportAllocs(); run(b, n) })
	}
}

func BenchmarkReplaceGrowth(b *testing.B) {
	grow(b, func(b *testing.B, n int) {
		generations := [2][]byte{numbered(n, 0), numbered(n, 1)}
		store := followed(b, generations[0])
		for i := 0; b.Loop(); i++ {
			if err := keystore.Replace(store, generations[(i+1)%2]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// filled are stores of n entries, in the formats that hold many.
var filled = map[string]func(t testing.TB, n int) []byte{
	"PEM":    func(_ testing.TB, n int) []byte { return numbered(n, 0) },
	"JKS":    func(t testing.TB, n int) []byte { return jksOf(certificates(t, n)) },
	"PKCS12": func(t testing.TB, n int) []byte { return pkcs12Of(t, certificates(t, n)) },
	"JSON": func(t testing.TB, n int) []byte {
		return must(json.Marshal(map[string]string{"one kid": pemOf(certificates(t, n))}))
	},
}

// certificates are n, each of a key and a name of its own.
func certificates(t testing.TB, n int) []keystore.Entry {
	all := make([]keystore.Entry, n)
	for i := range all {
		key := ed25519.NewKeyFromSeed(fmt.Appendf(nil, "%032d", i))
		cert := selfSigned(t, key, fmt.Sprint("CN=", i), time.Unix(0, 0), time.Unix(4e9, 0))
		all[i] = keystore.Entry{Alias: fmt.Sprintf("alias-%d", i), Chain: []*x509.Certificate{cert}}
	}
	return all
}

// jksOf is a JKS of the entries, without a good digest.
func jksOf(entries []keystore.Entry) []byte {
	out := binary.BigEndian.AppendUint32([]byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2}, uint32(len(entries)))
	for _, e := range entries {
		out = append(out, 0, 0, 0, 2, 0, byte(len(e.Alias)))
		out = append(out, e.Alias...)
		out = append(out, make([]byte, 8)...)
		out = append(out, "\x00\x05X.509"...)
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(e.Chain[0].Raw))), e.Chain[0].Raw...)
	}
	return append(out, make([]byte, 20)...)
}

func pemOf(entries []keystore.Entry) string {
	var out strings.Builder
	for _, e := range entries {
		pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: e.Chain[0].Raw})
	}
	return out.String()
}

func pkcs12Of(t testing.TB, entries []keystore.Entry) []byte {
	path := filepath.Join(t.TempDir(), "trust.p12")
	if err := keystore.WriteFile(path, nil, entries...); err != nil {
		t.Fatal(err)
	}
	return must(os.ReadFile(path))
}

// read reads a file, which the reader wipes.
func read(t testing.TB, data []byte) *keystore.Store {
	store, err := keystore.Parse(bytes.Clone(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func BenchmarkOpenGrowth(b *testing.B) {
	for _, format := range []string{"PEM", "JKS", "PKCS12", "JSON"} {
		b.Run(format, func(b *testing.B) {
			grow(b, func(b *testing.B, n int) {
				data := filled[format](b, n)
				for b.Loop() {
					read(b, data)
				}
			})
		})
	}
}

// What opening a file costs grows as the number of its entries does.
func TestOpeningManyEntriesIsLinear(t *testing.T) {
	for format, fill := range filled {
		each := func(n int) float64 {
			data := fill(t, n)
			return bytesOf(func() { read(t, data) }) / float64(n)
		}
		if few, many := each(100), each(2000); many > 1.3*few {
			t.Errorf("%s: got %.0f bytes for each of 2000 entries, want about %.0f as for each of 100", format, many, few)
		}
	}
}
