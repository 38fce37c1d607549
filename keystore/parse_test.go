package keystore_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

func TestFailuresAreToldApart(t *testing.T) {
	read := func(name string) []byte { return must(os.ReadFile(filepath.Join("testdata", name))) }
	half := func(name string) []byte { data := read(name); return data[:len(data)/2] }
	flipped := func(name string) []byte {
		data := read(name)
		data[len(data)/3] ^= 1
		return data
	}
	right, wrong := keystore.StaticPassword(changeit), keystore.StaticPassword("wrong")
	tests := []struct {
		name     string
		data     []byte
		password keystore.Password
		want     error
	}{
		{"JKS with a wrong password", read("keytool-rsa.jks"), wrong, keystore.ErrPassword},
		{"JCEKS with a wrong password", read("keytool-rsa.jceks"), wrong, keystore.ErrPassword},
		{"PKCS #12 with a wrong password", read("keytool-rsa2048.p12"), wrong, keystore.ErrPassword},
		{"PKCS #12 without a password", read("keytool-rsa2048.p12"), nil, keystore.ErrPasswordRequired},
		{"half a JKS", half("keytool-rsa.jks"), right, keystore.ErrDamaged},
		{"half a PKCS #12", half("keytool-rsa2048.p12"), right, keystore.ErrDamaged},
		{"half a PEM bundle", half("pem-pkcs1.pem"), right, keystore.ErrDamaged},
		{"a JWK cut short", []byte(jwkSet("one")[:80]), nil, keystore.ErrDamaged},
		{"a JKS with one bit turned", flipped("keytool-rsa.jks"), right, keystore.ErrPassword}, // its digest is all there is to tell
		{"nothing", nil, nil, keystore.ErrUnknownFormat},
		{"text", []byte("keystore"), nil, keystore.ErrUnknownFormat},
		{"JSON of something else", []byte(`{"a":1}`), nil, keystore.ErrUnknownFormat},
		{"BouncyCastle's own format", append([]byte{0, 0, 0, 2, 0, 0, 0, 20}, make([]byte, 40)...), right, keystore.ErrUnsupported},
		{"a JWK of an unknown type", []byte(`{"kty":"LATER","alg":"LATER-1","pub":"AA"}`), nil, keystore.ErrUnsupported},
		{"more than any keystore", make([]byte, 17<<20), nil, keystore.ErrLimit},
	}
	reasons := []error{keystore.ErrPassword, keystore.ErrPasswordRequired, keystore.ErrDamaged, keystore.ErrUnknownFormat, keystore.ErrUnsupported, keystore.ErrLimit}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "consumer.jks")
			if err := os.WriteFile(path, tt.data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := keystore.Parse(tt.data, tt.password)
			_, opened := keystore.Open(path, tt.password)
			for _, reason := range reasons {
				if errors.Is(err, reason) != (reason == tt.want) {
					t.Errorf("got %v, which is %v: %v", err, reason, errors.Is(err, reason))
				}
			}
			if !errors.Is(opened, tt.want) || !strings.HasPrefix(opened.Error(), "keystore: "+path+": ") {
				t.Errorf("Open: got %v, want %v and the file's name", opened, tt.want)
			}
			if !strings.HasPrefix(err.Error(), "keystore: ") || strings.Contains(err.Error(), "keystore: keystore:") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// hostileJKS says more than it holds.
func hostileJKS(entries uint32, rest ...uint32) []byte {
	data := binary.BigEndian.AppendUint32(nil, 0xfeedfeed)
	for _, word := range append([]uint32{2, entries}, rest...) {
		data = binary.BigEndian.AppendUint32(data, word)
	}
	return append(data, make([]byte, 40)...)
}

func TestHostileFilesCostNothing(t *testing.T) {
	tests := []struct {
		name string
		data []byte
	}{
		{"a JKS with four billion entries", hostileJKS(0xffffffff)},
		{"a JKS with a key of two gigabytes", hostileJKS(1, 1, 0x00016100, 0, 0, 0x7fffffff)},
		{"a JKS of 40 bytes", hostileJKS(0)[:40]},
		{"a JWK Set nested a million deep", []byte(`{"keys":` + strings.Repeat("[", 1<<20))},
		{"a JWK Set of too many keys", []byte(`{"keys":[` + strings.Repeat(`{},`, 2000) + `{}]}`)},
		{"a JWK Set of members without end", []byte(`{` + strings.Repeat(`"a":1,`, 1<<18) + `"keys":[]}`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := keystore.Parse(tt.data, keystore.StaticPassword(changeit))
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("accepted")
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 64<<20 {
				t.Errorf("%d MiB were allocated for %d bytes", got>>20, len(tt.data))
			}
		})
	}
}

// Each of many keys has the whole chain, which is read and checked once.
func TestKeysThatShareAChainCostLittle(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	var chain []*x509.Certificate
	for i := range 99 {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: fmt.Sprint(i)}, NotAfter: time.Unix(4e9, 0)}
		issuer := &x509.Certificate{Subject: pkix.Name{CommonName: fmt.Sprint(i + 1)}}
		der := must(x509.CreateCertificate(rand.Reader, template, issuer, private.Public(), private))
		chain = append(chain, must(x509.ParseCertificate(der)))
	}
	text, key := encodePEM(nil, chain...), encodePEM(private)
	text += strings.Repeat(key, (64<<10-len(text))/len(key))
	before := allocated()
	entries := must(keystore.Parse([]byte(text), nil)).Entries()
	if got := allocated() - before; got > 48<<20 {
		t.Errorf("%d MiB were allocated for %d KiB", got>>20, len(text)>>10)
	}
	if len(entries) < 200 || len(entries[0].Chain) != len(chain) || entries[0].Chain[98] != entries[199].Chain[98] {
		t.Errorf("got %d entries with chains of %d, want one chain of %d for all", len(entries), len(entries[0].Chain), len(chain))
	}
}

func TestKeyPasswords(t *testing.T) {
	one, two := keystore.StaticPassword("password-one"), keystore.StaticPassword("password-two")
	tests := []struct {
		name     string
		file     keystore.File
		readable string // aliases
	}{
		{"the store's password alone", keystore.File{}, ""},
		{"a password for all keys", keystore.File{KeyPassword: two}, "two"},
		{"a password by alias", keystore.File{KeyPasswords: map[string]keystore.Password{"one": one}}, "one"},
		{"a password by alias in capitals", keystore.File{KeyPasswords: map[string]keystore.Password{"ONE": one}}, "one"},
		{"a password for each", keystore.File{KeyPasswords: map[string]keystore.Password{"one": one, "two": two}}, "one two"},
		{"one by alias, one for the rest", keystore.File{KeyPassword: two, KeyPasswords: map[string]keystore.Password{"one": one}}, "one two"},
		{"the two exchanged", keystore.File{KeyPasswords: map[string]keystore.Password{"one": two, "two": one}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.file.Path, tt.file.Password = "testdata/keytool-keypass.jks", keystore.StaticPassword(changeit)
			var readable []string
			for _, e := range must(tt.file.Open()).Entries() {
				if e.Err == nil {
					readable = append(readable, e.Alias)
				} else if !errors.Is(e.Err, keystore.ErrPassword) {
					t.Errorf("entry %q: got %v, want %v", e.Alias, e.Err, keystore.ErrPassword)
				}
			}
			slices.Sort(readable)
			if got := strings.Join(readable, " "); got != tt.readable {
				t.Errorf("got %q readable, want %q", got, tt.readable)
			}
		})
	}
}

func TestPasswordThatCannotBeHad(t *testing.T) {
	cause := errors.New("the vault is sealed")
	sealed := func() (string, error) { return "", cause }
	for name, file := range map[string]keystore.File{
		"of the store": {Password: sealed},
		"of keys":      {Password: keystore.StaticPassword(changeit), KeyPassword: sealed},
		"of an alias":  {Password: keystore.StaticPassword(changeit), KeyPasswords: map[string]keystore.Password{"RSA": sealed, "own": sealed, "a": sealed, "rsa2048": sealed}},
	} {
		file.Path = "testdata/keytool-rsa.jks"
		if name == "of an alias" {
			store := must(keystore.Open(file.Path, keystore.StaticPassword(changeit)))
			file.KeyPasswords = map[string]keystore.Password{strings.ToUpper(store.Entries()[0].Alias): sealed}
		}
		if _, err := file.Open(); !errors.Is(err, cause) || !strings.Contains(err.Error(), file.Path) {
			t.Errorf("%s: got %v, want %v and the file's name", name, err, cause)
		}
	}
}

func TestStoreWithoutIntegrityCheck(t *testing.T) {
	file := keystore.File{Path: "testdata/openssl-no-mac.p12", Password: keystore.StaticPassword(changeit)}
	store := must(file.Open())
	if store.Verified() || len(store.Entries()) == 0 {
		t.Errorf("got verified %v, %d entries", store.Verified(), len(store.Entries()))
	}
	for _, e := range store.Entries() {
		if e.Kind == keystore.KindPrivateKey && (!errors.Is(e.Err, keystore.ErrUnverified) || e.PrivateKey.CryptoKey() != nil || e.KeyID == "") {
			t.Errorf("got entry %+v, want one without its key", e)
		}
	}
	ctx := t.Context()
	if keys, _ := store.PrivateKeys(ctx); len(keys) > 0 {
		t.Errorf("got %v beside the error", keys)
	}
	_, private := store.PrivateKeys(ctx)
	_, published := store.PublishedKeys(ctx)
	_, public := store.PublicKeys(ctx, "")
	_, decryption := store.DecryptionKeys(ctx)
	_, secret := store.SecretKeys(ctx, "")
	_, certificate := store.TLSCertificate("")
	for _, err := range []error{private, published, public, decryption, secret, certificate} {
		if !errors.Is(err, keystore.ErrUnverified) || !errors.Is(err, keystore.ErrMisconfigured) || !strings.Contains(err.Error(), file.Path) {
			t.Errorf("got %v, want %v, %v and the file's name", err, keystore.ErrUnverified, keystore.ErrMisconfigured)
		}
	}
	file.AllowUnverified = true
	if keys := must(must(file.Open()).PrivateKeys(ctx)); len(keys) != 1 {
		t.Errorf("allowed: got %d keys, want 1", len(keys))
	}
}

func TestListingAJKSWithoutItsPassword(t *testing.T) {
	store := must(keystore.Open("testdata/keytool-mixed.jks", nil))
	kinds := map[keystore.Kind]int{}
	for _, e := range store.Entries() {
		kinds[e.Kind]++
		if e.Kind == keystore.KindPrivateKey && (!errors.Is(e.Err, keystore.ErrPasswordRequired) || len(e.Chain) == 0 || e.KeyID == "") {
			t.Errorf("got entry %+v, want one without its key, with certificate and kid", e)
		}
	}
	if kinds[keystore.KindPrivateKey] == 0 || kinds[keystore.KindCertificate] == 0 {
		t.Errorf("got %v, want a private key and a certificate", kinds)
	}
	if got := must(store.Trust().PublicKeys(t.Context(), "")); len(got) == 0 {
		t.Error("no trusted keys")
	}
}

func TestPSSKeyIsKnownAsOne(t *testing.T) {
	keys := must(must(keystore.Open("testdata/keytool-pss.p12", keystore.StaticPassword(changeit))).PrivateKeys(t.Context()))
	public := keys[0].Public()
	if !public.PSSOnly() || !strings.HasPrefix(public.Describe(), "RSASSA-PSS ") || len(public.Certificates()) == 0 {
		t.Errorf("got %s, PSS only: %v, %d certificates", public.Describe(), public.PSSOnly(), len(public.Certificates()))
	}
	if err := keys[0].Permits("sign"); err != nil {
		t.Errorf("sign: %v", err)
	}
	if public.Permits("encrypt") == nil {
		t.Error("the key may be encrypted to")
	}
}

func TestPasswordSources(t *testing.T) {
	t.Setenv("KEYSTORE_TEST_PASSWORD", "from the environment")
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	right := map[string]keystore.Password{
		"from the environment": keystore.EnvPassword("KEYSTORE_TEST_PASSWORD"),
		"fixed":                keystore.StaticPassword("fixed"),
		"one line":             keystore.FilePassword(file("unix", "one line\n")),
		"no line end":          keystore.FilePassword(file("none", "no line end")),
		"from Windows":         keystore.FilePassword(file("dos", "from Windows\r\n")),
		" spaces stay ":        keystore.FilePassword(file("spaces", " spaces stay \n")),
		"":                     keystore.FilePassword(file("empty", "")),
	}
	for want, password := range right {
		if got, err := password(); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	for name, password := range map[string]keystore.Password{
		"a variable that is not set": keystore.EnvPassword("KEYSTORE_NO_SUCH_VARIABLE"),
		"a file that is not there":   keystore.FilePassword(filepath.Join(dir, "missing")),
		"a file of two lines":        keystore.FilePassword(file("two", "one\ntwo\n")),
		"a file without end":         keystore.FilePassword(file("long", strings.Repeat("a", 5000))),
	} {
		if got, err := password(); err == nil {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestLookUpAnswersWhenTheContextIsDone(t *testing.T) {
	store := must(keystore.Parse([]byte(jwkSet("one")), nil))
	ctx := canceled(t)
	if keys, err := store.PublicKeys(ctx, "one"); err != nil || len(keys) != 1 {
		t.Errorf("got %v, %v", keys, err)
	}
	key := must(store.PrivateKeys(ctx))[0]
	if _, err := key.Sign(ctx, []byte("message"), noHash{}); !errors.Is(err, ctx.Err()) {
		t.Errorf("signing: got %v, want %v", err, ctx.Err())
	}
}
