package keystore_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

const changeit = "changeit"

func generate(t testing.TB, algorithm keystore.Algorithm, subject string) keystore.PrivateKey {
	t.Helper()
	key, err := keystore.Generate(algorithm, subject, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// generatedRSA is made once: it takes a while.
var generatedRSA = sync.OnceValue(func() keystore.PrivateKey {
	return must(keystore.Generate("RS256", "CN=rsa", time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)))
})

// partner is somebody else's certificate.
func partner(t testing.TB, name string) *x509.Certificate {
	return generate(t, "ES256", "CN="+name).Public().Certificates()[0]
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.p12")
	keys := map[string]keystore.PrivateKey{
		"signing":   generate(t, "ES256", "CN=signing,O=Example"),
		"Ed":        generate(t, "EdDSA", "CN=ed"),
		"schlüssel": generate(t, "ES512", "CN=Schlüssel"),
	}
	ca := partner(t, "ca")
	entries := []keystore.Entry{{Alias: "ca", Chain: []*x509.Certificate{ca}}}
	for alias, key := range keys {
		entries = append(entries, keystore.Entry{Alias: alias, PrivateKey: key})
	}
	if err := keystore.WriteFile(path, keystore.StaticPassword(changeit), entries...); err != nil {
		t.Fatal(err)
	}
	store, err := keystore.Open(path, keystore.StaticPassword(changeit))
	if err != nil {
		t.Fatal(err)
	}
	if !store.Verified() || store.Format() != "PKCS12" {
		t.Errorf("got format %s, verified %v", store.Format(), store.Verified())
	}
	got := must(store.PrivateKeys(t.Context()))
	if len(got) != len(keys) {
		t.Errorf("got %d keys, want %d", len(got), len(keys))
	}
	for _, key := range got {
		want := keys[key.Alias()]
		if !key.Public().Equal(want.Public()) || key.Public().X5TS256() != want.Public().X5TS256() {
			t.Errorf("key %q is another one", key.Alias())
		}
	}
	if trusted := must(store.Trust().PublicKeys(t.Context(), "")); len(trusted) != 1 || trusted[0].Alias() != "ca" {
		t.Errorf("got trusted keys %v, want ca", trusted)
	}
	if _, err := keystore.Open(path, keystore.StaticPassword("wrong")); !errors.Is(err, keystore.ErrPassword) {
		t.Errorf("got %v, want %v", err, keystore.ErrPassword)
	}
}

func TestWrittenKeyIsReadByAnotherDecoder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.p12")
	want := generatedRSA()
	if err := keystore.WriteFile(path, keystore.StaticPassword(changeit), keystore.Entry{Alias: "signing", PrivateKey: want}); err != nil {
		t.Fatal(err)
	}
	key, cert, _, err := pkcs12.DecodeChain(must(os.ReadFile(path)), changeit)
	if err != nil {
		t.Fatal(err)
	}
	if !want.CryptoKey().(interface{ Equal(crypto.PrivateKey) bool }).Equal(key) || !cert.Equal(want.Public().Certificates()[0]) {
		t.Error("the key or its certificate is another one")
	}
}

func TestTrustStoreWithoutPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trust.p12")
	entries := []keystore.Entry{{Alias: "one", Chain: []*x509.Certificate{partner(t, "one")}}, {Alias: "two", Chain: []*x509.Certificate{partner(t, "two")}}}
	if err := keystore.WriteFile(path, nil, entries...); err != nil {
		t.Fatal(err)
	}
	store, err := keystore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := must(store.Trust().PublicKeys(t.Context(), "")); len(got) != 2 {
		t.Errorf("got %d trusted keys, want 2", len(got))
	}
	if _, err := store.PrivateKeys(t.Context()); !errors.Is(err, keystore.ErrUnverified) {
		t.Errorf("got %v, want %v", err, keystore.ErrUnverified)
	}
}

func TestWrittenFileIsTheOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes of files mean something else on Windows")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "new.p12")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	entry := keystore.Entry{Alias: "signing", PrivateKey: generate(t, "ES256", "CN=signing")}
	if err := keystore.WriteFile(path, keystore.StaticPassword(changeit), entry); err != nil {
		t.Fatal(err)
	}
	if mode := must(os.Stat(path)).Mode(); mode != 0o600 {
		t.Errorf("got mode %v, want -rw-------", mode)
	}
	if left := must(os.ReadDir(dir)); len(left) != 1 {
		t.Errorf("got %v in the directory, want the file alone", left)
	}
}

func TestWritingThroughALinkKeepsTheLink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target.p12"), filepath.Join(dir, "link.p12")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target.p12", link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	entry := keystore.Entry{Alias: "signing", PrivateKey: generate(t, "ES256", "CN=signing")}
	if err := keystore.WriteFile(link, keystore.StaticPassword(changeit), entry); err != nil {
		t.Fatal(err)
	}
	if must(os.Lstat(link)).Mode()&os.ModeSymlink == 0 {
		t.Error("the link has become a file")
	}
	if _, err := keystore.Open(target, keystore.StaticPassword(changeit)); err != nil {
		t.Error(err)
	}
}

func TestEntriesThatAreNotWritten(t *testing.T) {
	key := generate(t, "ES256", "CN=signing")
	bare := must(keystore.NewPrivateKey(key.CryptoKey().(crypto.Signer)))
	elsewhere := must(keystore.NewPrivateKey(opaque{key.CryptoKey().(crypto.Signer)}, key.Public().Certificates()...))
	secret := must(keystore.NewSecretKey(make([]byte, 32), "hmac"))
	password := keystore.StaticPassword(changeit)
	tests := []struct {
		name     string
		password keystore.Password
		entries  []keystore.Entry
		want     error // nil: any
	}{
		{"no entries", password, nil, nil},
		{"an entry without alias", password, []keystore.Entry{{PrivateKey: key}}, nil},
		{"an entry with nothing in it", password, []keystore.Entry{{Alias: "a"}}, nil},
		{"two of one alias", password, []keystore.Entry{{Alias: "a", PrivateKey: key}, {Alias: "A", PrivateKey: key}}, nil},
		{"a key without certificate", password, []keystore.Entry{{Alias: "a", PrivateKey: bare}}, nil},
		{"a key held elsewhere", password, []keystore.Entry{{Alias: "a", PrivateKey: elsewhere}}, keystore.ErrUnsupported},
		{"a secret key", password, []keystore.Entry{{Alias: "a", SecretKey: secret}}, keystore.ErrUnsupported},
		{"a key without password", nil, []keystore.Entry{{Alias: "a", PrivateKey: key}}, keystore.ErrPasswordRequired},
		{"a key with an empty password", keystore.StaticPassword(""), []keystore.Entry{{Alias: "a", PrivateKey: key}}, keystore.ErrPasswordRequired},
		{"a password that cannot be had", keystore.EnvPassword("TOKENPROFILE_NO_SUCH_VARIABLE"), []keystore.Entry{{Alias: "a", PrivateKey: key}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "new.p12")
			err := keystore.WriteFile(path, tt.password, tt.entries...)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "keystore: "+path+": ") {
				t.Errorf("the error does not name the file: %v", err)
			}
			if left := must(os.ReadDir(filepath.Dir(path))); len(left) > 0 {
				t.Errorf("left %v behind", left)
			}
		})
	}
}

// opaque is a key that signs and does not show itself, as a KMS has it.
type opaque struct{ crypto.Signer }

func TestGenerate(t *testing.T) {
	kinds := map[keystore.Algorithm]string{
		"ES256": "EC P-256", "ES384": "EC P-384", "ES512": "EC P-521",
		"EdDSA": "Ed25519", "ECDH-ES": "EC P-256",
	}
	for algorithm, want := range kinds {
		if got := generate(t, algorithm, "CN=a").Public().Describe(); got != want {
			t.Errorf("%s: got %s, want %s", algorithm, got, want)
		}
	}
	if got, want := generatedRSA().Public().Describe(), "RSA 3072"; got != want {
		t.Errorf("RS256: got %s, want %s", got, want)
	}
	signing, encryption := generate(t, "ES256", "CN=a"), generate(t, "ECDH-ES", "CN=a")
	if err := signing.Permits("sign"); err != nil {
		t.Errorf("signing key: %v", err)
	}
	if encryption.Permits("sign") == nil {
		t.Error("a key for encryption may sign")
	}
	if err := encryption.Permits("deriveKey"); err != nil {
		t.Errorf("encryption key: %v", err)
	}
}

func TestGenerateRefuses(t *testing.T) {
	now := time.Now()
	for _, algorithm := range []keystore.Algorithm{"", "none", "HS256", "ES256K", "A128KW", "dir"} {
		if _, err := keystore.Generate(algorithm, "CN=a", now, now.Add(time.Hour)); !errors.Is(err, keystore.ErrUnsupported) {
			t.Errorf("algorithm %q: got %v, want %v", algorithm, err, keystore.ErrUnsupported)
		}
	}
	for _, subject := range []string{"", "billing", "CN=", "CN=a,", "=a", "X=a", "CN=a,,O=b"} {
		if _, err := keystore.Generate("ES256", subject, now, now.Add(time.Hour)); err == nil {
			t.Errorf("subject %q is accepted", subject)
		}
	}
	if _, err := keystore.Generate("ES256", "CN=a", now, now); err == nil {
		t.Error("a certificate that ends when it begins is accepted")
	}
}

func TestSubjectIsWrittenAsGiven(t *testing.T) {
	for _, subject := range []string{"CN=billing", "CN=billing,OU=Payments,O=Example,L=Bern,ST=BE,C=CH", `CN=Example\, Inc.,O=A\\B`} {
		if got := generate(t, "ES256", subject).Public().Certificates()[0].Subject.String(); got != subject {
			t.Errorf("got %s, want %s", got, subject)
		}
	}
}

// tool is a program that is not Go's.
func tool(t *testing.T, name string) string {
	t.Helper()
	if os.Getenv("TOKENPROFILE_TOOLS") == "" {
		t.Skip("TOKENPROFILE_TOOLS is not set")
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func output(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command(program, arguments...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "JAVA_TOOL_OPTIONS=-Dfile.encoding=UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(arguments, " "), err, out)
	}
	return string(out)
}

// written is a store of every kind of entry that can be written, and the
// SHA-256 fingerprints by alias as keytool shows them.
func written(t *testing.T) (path string, fingerprints map[string]string) {
	path = filepath.Join(t.TempDir(), "new.p12")
	entries := []keystore.Entry{
		{Alias: "rsa", PrivateKey: generatedRSA()},
		{Alias: "ec", PrivateKey: generate(t, "ES384", "CN=ec")},
		{Alias: "ed", PrivateKey: generate(t, "EdDSA", "CN=ed")},
		{Alias: "partner", Chain: []*x509.Certificate{partner(t, "partner")}},
	}
	if err := keystore.WriteFile(path, keystore.StaticPassword(changeit), entries...); err != nil {
		t.Fatal(err)
	}
	fingerprints = map[string]string{}
	for _, e := range entries {
		chain := append(e.PrivateKey.Public().Certificates(), e.Chain...)
		fingerprints[e.Alias] = strings.ReplaceAll(fmt.Sprintf("% X", sha256.Sum256(chain[0].Raw)), " ", ":")
	}
	return path, fingerprints
}

func TestKeytoolReadsWhatIsWritten(t *testing.T) {
	keytool := tool(t, "keytool")
	path, fingerprints := written(t)
	listing := output(t, keytool, "-list", "-v", "-keystore", path, "-storepass", changeit)
	got := map[string]string{}
	alias := ""
	for line := range strings.Lines(listing) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case name == "Alias name":
			alias = value
		case name == "SHA256" && got[alias] == "":
			got[alias] = strings.TrimSpace(value)
		}
	}
	for alias, want := range fingerprints {
		if got[alias] != want {
			t.Errorf("%s: got fingerprint %s, want %s\n%s", alias, got[alias], want, listing)
		}
	}
	if strings.Count(listing, "Entry type: PrivateKeyEntry") != 3 || strings.Count(listing, "Entry type: trustedCertEntry") != 1 {
		t.Errorf("got other kinds of entries:\n%s", listing)
	}
}

func TestOpenSSLReadsWhatIsWritten(t *testing.T) {
	openssl := tool(t, "openssl")
	path, fingerprints := written(t)
	text := output(t, openssl, "pkcs12", "-in", path, "-passin", "pass:"+changeit, "-nodes")
	if got := strings.Count(text, "BEGIN PRIVATE KEY"); got != 3 {
		t.Errorf("got %d keys, want 3", got)
	}
	for alias := range fingerprints {
		if !strings.Contains(text, "friendlyName: "+alias+"\n") {
			t.Errorf("no name %s in\n%s", alias, text)
		}
	}
	store, err := keystore.Parse([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range store.Entries() {
		sum := sha256.Sum256(e.RawChain[0])
		got = append(got, strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":"))
	}
	for alias, want := range fingerprints {
		if !slices.Contains(got, want) {
			t.Errorf("the certificate of %s is not there", alias)
		}
	}
}
