package keystore_test

import (
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

var update = flag.Bool("update", false, "write testdata/mistakes.txt anew")

// mistakes are wrong configurations and the errors they give, a line each.
type mistakes struct {
	t    *testing.T
	dir  string
	text strings.Builder
}

// note writes down an error, which has to be one of this package, said once.
func (b *mistakes) note(name string, err error) {
	text := strings.ReplaceAll(fmt.Sprint(err), b.dir, "DIR")
	text = strings.ReplaceAll(text, "ML-DSA-44, ML-DSA-65, ML-DSA-87, ", "") // which only Go 1.27 knows
	if !strings.HasPrefix(text, "keystore: ") || strings.Count(text, "keystore: ") != 1 {
		b.t.Errorf("%s: got %v, want an error of this package, once", name, err)
	}
	fmt.Fprintf(&b.text, "%s\n\t%s\n", name, text)
}

func (b *mistakes) file(name, content string) string {
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *mistakes) half(name string) string {
	data := must(os.ReadFile(own(name)))
	return b.file("half-"+name, string(data[:len(data)/2]))
}

func (b *mistakes) open(name string, f keystore.File) {
	_, err := f.Open()
	b.note(name, err)
}

// sign chooses a key of a store, which opens.
func (b *mistakes) sign(name string, f keystore.File, s keystore.Selection) {
	store := must(f.Open())
	keys, err := store.PrivateKeys(b.t.Context())
	if err == nil {
		s.Source = store
		_, err = keystore.Select(keys, s)
	}
	b.note(name, err)
}

func own(name string) string { return "testdata/" + name }

func pemBlock(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// files are mistakes about what a file is.
func (b *mistakes) files() {
	b.open("a path that is empty", keystore.File{})
	b.open("a file that is not there", keystore.File{Path: filepath.Join(b.dir, "missing.jks")})
	b.open("a directory", keystore.File{Path: b.dir})
	b.open("a device", keystore.File{Path: os.DevNull})
	b.open("an empty file", keystore.File{Path: b.file("empty.jks", "")})
	b.open("a file of white space", keystore.File{Path: b.file("blank.pem", "\n\n")})
	b.open("a word", keystore.File{Path: b.file("word.pem", "changeit")})
	b.open("a page of HTML", keystore.File{Path: b.file("login.jks", "<html>")})
	b.open("a JSON object of something else", keystore.File{Path: b.file("a.json", `{"a":1}`)})
	b.open("JSON that is cut off", keystore.File{Path: b.file("cut.json", `{"keys":[`)})
	b.open("an empty JWK Set", keystore.File{Path: b.file("none.json", `{"keys":[]}`)})
	b.open("an OpenSSH public key", keystore.File{Path: b.file("key.pub", "ssh-ed25519 AAAA nobody@nowhere")})
	b.open("a certificate request", keystore.File{Path: b.file("a.csr", pemBlock("CERTIFICATE REQUEST", []byte{0x30, 0}))})
	b.open("a ZIP archive", keystore.File{Path: b.file("a.zip", "PK\x03\x04abc")})
	b.open("a Kubernetes manifest", keystore.File{Path: b.file("secret.yaml", "apiVersion: v1\nkind: Secret\n")})
	b.open("a BouncyCastle store", keystore.File{Path: b.file("a.bks", "\x00\x00\x00\x02\x00\x00\x00\x14"+strings.Repeat("x", 40))})
}

// parts are mistakes about what is in a file, and what is said of it.
func (b *mistakes) parts() {
	now, ec := time.Now(), newEC(elliptic.P256())
	changeit, wrong := keystore.StaticPassword(changeit), keystore.StaticPassword("wrong")
	kid := func(string, keystore.PublicKey) string { return "k" }
	key := pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ec)))
	other := pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(newEC(elliptic.P256()))))
	cert := pemBlock("CERTIFICATE", selfSigned(b.t, ec, "CN=a", now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)).Raw)

	b.open("PEM with line breaks written out", keystore.File{Path: b.file("env.pem", strings.ReplaceAll(key, "\n", `\n`))})
	b.open("PEM without line breaks", keystore.File{Path: b.file("flat.pem", strings.ReplaceAll(key, "\n", " "))})
	b.open("PEM that is indented", keystore.File{Path: b.file("yaml.pem", "  "+strings.ReplaceAll(key, "\n", "\n  "))})
	b.open("PEM blocks run together", keystore.File{Path: b.file("cat.pem", strings.TrimSpace(key)+cert)})
	b.open("PEM that is cut off", keystore.File{Path: b.file("cut.pem", key[:len(key)-40])})
	b.open("text in UTF-16", keystore.File{Path: b.file("utf16.pem", "\xff\xfe-\x00-\x00")})
	b.open("half a JKS", keystore.File{Path: b.half("keytool-rsa.jks"), Password: changeit})
	b.open("half a PKCS #12 file", keystore.File{Path: b.half("keytool-p256.p12"), Password: changeit})
	b.open("a wrong password for a JKS", keystore.File{Path: own("keytool-rsa.jks"), Password: wrong})
	b.open("a wrong password for a PKCS #12 file", keystore.File{Path: own("keytool-p256.p12"), Password: wrong})
	b.open("no password for a PKCS #12 file", keystore.File{Path: own("keytool-p256.p12")})
	b.open("a variable that is not set", keystore.File{Path: own("keytool-p256.p12"), Password: keystore.EnvPassword("KEYSTORE_NO_SUCH_VARIABLE")})
	b.open("a password file that is not there", keystore.File{Path: own("keytool-p256.p12"), Password: keystore.FilePassword(filepath.Join(b.dir, "missing.txt"))})
	b.open("a password file of two lines", keystore.File{Path: own("keytool-p256.p12"), Password: keystore.FilePassword(b.file("two.txt", "one\ntwo\n"))})
	b.open("a function and a certificate", keystore.File{Path: "vault:a", Read: readNothing, Certificate: "tls.crt"})
	b.open("a function that yields nothing", keystore.File{Path: "vault:a", Read: readNothing})
	b.open("a key and a certificate that do not fit", keystore.File{Path: b.file("tls.key", other), Certificate: b.file("tls.crt", cert)})
	b.open("a certificate that is cut off, in a pair", keystore.File{Path: b.file("tls4.key", key), Certificate: b.file("tls4.crt", cert[:len(cert)-40])})
	b.open("a key that is cut off, in a pair", keystore.File{Path: b.file("tls5.key", pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ec))[:100])), Certificate: b.file("tls5.crt", cert)})
	b.open("two certificates for a pair", keystore.File{Path: b.file("tls2.key", cert), Certificate: b.file("tls2.crt", cert)})
	b.open("a keystore for one half of a pair", keystore.File{Path: own("keytool-p256.p12"), Certificate: b.file("tls3.crt", cert), Password: changeit})
	b.open("one kid for two keys", keystore.File{Path: b.file("kids.json", jwkSet("one", "two")), KeyID: kid})
	b.open("an algorithm that does not fit", keystore.File{KeyID: kid, Path: b.file("ec.pem", key), Algorithm: func(string, keystore.PublicKey) keystore.Algorithm { return "RS256" }})
	b.open("an algorithm that is none", keystore.File{KeyID: kid, Path: b.file("ec2.pem", key), Algorithm: func(string, keystore.PublicKey) keystore.Algorithm { return "ES265" }})

}

// keys are mistakes about the key that is to sign.
func (b *mistakes) keys() {
	now, changeit := time.Now(), keystore.StaticPassword(changeit)
	kid := func(string, keystore.PublicKey) string { return "k" }
	key := pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(newEC(elliptic.P256()))))

	b.sign("an alias that is not there", keystore.File{Path: own("keytool-p256.p12"), Password: changeit}, keystore.Selection{Alias: "sign"})
	b.sign("several keys and none named", keystore.File{Path: own("keytool-three-keys.p12"), Password: changeit}, keystore.Selection{})
	b.sign("a truststore to sign with", keystore.File{Path: own("keytool-trust.jks"), Password: changeit}, keystore.Selection{})
	b.sign("a truststore to sign with, by alias", keystore.File{Path: own("keytool-trust.jks"), Password: changeit}, keystore.Selection{Alias: "sign"})
	b.sign("a public key to sign with", keystore.File{Path: b.file("public.json", `{"keys":[`+rfc7638+`]}`)}, keystore.Selection{})
	b.sign("a key under a password of its own", keystore.File{Path: own("keytool-keypass.jks"), Password: changeit}, keystore.Selection{Alias: "one"})
	b.sign("a store without integrity check", keystore.File{Path: own("openssl-no-mac.p12"), Password: changeit}, keystore.Selection{})
	b.sign("a JKS without its password", keystore.File{Path: own("keytool-rsa.jks")}, keystore.Selection{})
	b.sign("a certificate that has expired", keystore.File{Path: b.file("old.pem", pemEntry(b.t, "old", "one", time.Unix(0, 0), time.Unix(1e9, 0)))}, keystore.Selection{Now: now})
	b.sign("a certificate from later on", keystore.File{Path: b.file("new.pem", pemEntry(b.t, "new", "one", time.Unix(4e9, 0), time.Unix(5e9, 0)))}, keystore.Selection{Now: now})
	b.sign("an EC key for RS256", keystore.File{Path: b.file("ec3.pem", key), KeyID: kid}, keystore.Selection{Fits: func(k keystore.PrivateKey) error { return k.Fits("RS256") }})
	b.sign("a DSA key", keystore.File{Path: own("keytool-dsa.jks"), Password: changeit}, keystore.Selection{})
	b.note("a reload of a store from memory", keystore.New().Reload(b.t.Context()))
	_, err := must(keystore.Parse([]byte(key), nil)).TLSCertificate("")
	b.note("a TLS certificate of a key without one", err)
	_, err = must(keystore.Open(own("keytool-p256.p12"), changeit)).CertPool()
	b.note("a keystore in place of the truststore", err)
	_, err = must(keystore.File{Path: b.file("old-ca.pem", string(refusedCertificate(b.t)))}.Open()).CertPool()
	b.note("a truststore that crypto/x509 refuses", err)
}

func readNothing(context.Context) ([]byte, error) { return nil, nil }

// Whoever is called at night reads one line: testdata/mistakes.txt has it for
// every mistake, and names the file, what is wrong and what to do.
func TestMistakes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the operating system's own texts are those of Unix")
	}
	b := &mistakes{t: t, dir: t.TempDir()}
	b.files()
	b.parts()
	b.keys()
	const golden = "testdata/mistakes.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := string(must(os.ReadFile(golden)))
	if b.text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.text.String(), want)
	}
	if n := strings.Count(want, "\n\t"); n < 40 {
		t.Errorf("got %d mistakes, want at least 40", n)
	}
}
