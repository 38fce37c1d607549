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

// mistake is one wrong configuration and the error it gives.
type mistake struct {
	name string
	err  error
}

// mistakes are what people do wrong, each as far as the error.
func mistakes(t *testing.T) (all []mistake) {
	dir := t.TempDir()
	now := time.Now()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	note := func(name string, err error) { all = append(all, mistake{name, err}) }
	open := func(name string, f keystore.File) *keystore.Store {
		store, err := f.Open()
		if err != nil {
			note(name, err)
		}
		return store
	}
	sign := func(name string, f keystore.File, s keystore.Selection) {
		if store := open(name, f); store != nil {
			keys, err := store.PrivateKeys(t.Context())
			if err == nil {
				s.Source = store
				_, err = keystore.Select(keys, s)
			}
			note(name, err)
		}
	}
	changeit, wrong := keystore.StaticPassword(changeit), keystore.StaticPassword("wrong")
	own := func(name string) string { return "testdata/" + name }
	half := func(name string) string {
		data := must(os.ReadFile(own(name)))
		return file("half-"+name, string(data[:len(data)/2]))
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	ec := newEC(elliptic.P256())
	kid := func(string, keystore.PublicKey) string { return "k" }
	key := block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ec)))
	cert := block("CERTIFICATE", selfSigned(t, ec, "CN=a", now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)).Raw)

	open("a path that is empty", keystore.File{})
	open("a file that is not there", keystore.File{Path: filepath.Join(dir, "missing.jks")})
	open("a directory", keystore.File{Path: dir})
	open("a device", keystore.File{Path: os.DevNull})
	open("an empty file", keystore.File{Path: file("empty.jks", "")})
	open("a file of white space", keystore.File{Path: file("blank.pem", "\n\n")})
	open("a word", keystore.File{Path: file("word.pem", "changeit")})
	open("a page of HTML", keystore.File{Path: file("login.jks", "<html>")})
	open("a JSON object of something else", keystore.File{Path: file("a.json", `{"a":1}`)})
	open("JSON that is cut off", keystore.File{Path: file("cut.json", `{"keys":[`)})
	open("an empty JWK Set", keystore.File{Path: file("none.json", `{"keys":[]}`)})
	open("an OpenSSH public key", keystore.File{Path: file("key.pub", "ssh-ed25519 AAAA nobody@nowhere")})
	open("a certificate request", keystore.File{Path: file("a.csr", block("CERTIFICATE REQUEST", []byte{0x30, 0}))})
	open("a ZIP archive", keystore.File{Path: file("a.zip", "PK\x03\x04abc")})
	open("a Kubernetes manifest", keystore.File{Path: file("secret.yaml", "apiVersion: v1\nkind: Secret\n")})
	open("a BouncyCastle store", keystore.File{Path: file("a.bks", "\x00\x00\x00\x02\x00\x00\x00\x14"+strings.Repeat("x", 40))})
	open("PEM with line breaks written out", keystore.File{Path: file("env.pem", strings.ReplaceAll(key, "\n", `\n`))})
	open("PEM without line breaks", keystore.File{Path: file("flat.pem", strings.ReplaceAll(key, "\n", " "))})
	open("PEM that is indented", keystore.File{Path: file("yaml.pem", "  "+strings.ReplaceAll(key, "\n", "\n  "))})
	open("PEM blocks run together", keystore.File{Path: file("cat.pem", strings.TrimSpace(key)+cert)})
	open("PEM that is cut off", keystore.File{Path: file("cut.pem", key[:len(key)-40])})
	open("text in UTF-16", keystore.File{Path: file("utf16.pem", "\xff\xfe-\x00-\x00")})
	open("half a JKS", keystore.File{Path: half("keytool-rsa.jks"), Password: changeit})
	open("half a PKCS #12 file", keystore.File{Path: half("keytool-p256.p12"), Password: changeit})
	open("a wrong password for a JKS", keystore.File{Path: own("keytool-rsa.jks"), Password: wrong})
	open("a wrong password for a PKCS #12 file", keystore.File{Path: own("keytool-p256.p12"), Password: wrong})
	open("no password for a PKCS #12 file", keystore.File{Path: own("keytool-p256.p12")})
	open("a variable that is not set", keystore.File{Path: own("keytool-p256.p12"), Password: keystore.EnvPassword("KEYSTORE_NO_SUCH_VARIABLE")})
	open("a password file that is not there", keystore.File{Path: own("keytool-p256.p12"), Password: keystore.FilePassword(filepath.Join(dir, "missing.txt"))})
	open("a password file of two lines", keystore.File{Path: own("keytool-p256.p12"), Password: keystore.FilePassword(file("two.txt", "one\ntwo\n"))})
	open("a function and a certificate", keystore.File{Path: "vault:a", Read: readNothing, Certificate: "tls.crt"})
	open("a function that yields nothing", keystore.File{Path: "vault:a", Read: readNothing})
	open("a key and a certificate that do not fit", keystore.File{Path: file("tls.key", block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(newEC(elliptic.P256()))))), Certificate: file("tls.crt", cert)})
	open("two certificates for a pair", keystore.File{Path: file("tls2.key", cert), Certificate: file("tls2.crt", cert)})
	open("a keystore for one half of a pair", keystore.File{Path: own("keytool-p256.p12"), Certificate: file("tls3.crt", cert), Password: changeit})
	open("one kid for two keys", keystore.File{Path: file("kids.json", jwkSet("one", "two")), KeyID: kid})
	open("an algorithm that does not fit", keystore.File{KeyID: kid, Path: file("ec.pem", key), Algorithm: func(string, keystore.PublicKey) keystore.Algorithm { return "RS256" }})
	open("an algorithm that is none", keystore.File{KeyID: kid, Path: file("ec2.pem", key), Algorithm: func(string, keystore.PublicKey) keystore.Algorithm { return "ES265" }})

	sign("an alias that is not there", keystore.File{Path: own("keytool-p256.p12"), Password: changeit}, keystore.Selection{Alias: "sign"})
	sign("several keys and none named", keystore.File{Path: own("keytool-three-keys.p12"), Password: changeit}, keystore.Selection{})
	sign("a truststore to sign with", keystore.File{Path: own("keytool-trust.jks"), Password: changeit}, keystore.Selection{})
	sign("a truststore to sign with, by alias", keystore.File{Path: own("keytool-trust.jks"), Password: changeit}, keystore.Selection{Alias: "sign"})
	sign("a key under a password of its own", keystore.File{Path: own("keytool-keypass.jks"), Password: changeit}, keystore.Selection{Alias: "one"})
	sign("a store without integrity check", keystore.File{Path: own("openssl-no-mac.p12"), Password: changeit}, keystore.Selection{})
	sign("a JKS without its password", keystore.File{Path: own("keytool-rsa.jks")}, keystore.Selection{})
	sign("a certificate that has expired", keystore.File{Path: file("old.pem", pemEntry(t, "old", "one", time.Unix(0, 0), time.Unix(1e9, 0)))}, keystore.Selection{Now: now})
	sign("a certificate from later on", keystore.File{Path: file("new.pem", pemEntry(t, "new", "one", time.Unix(4e9, 0), time.Unix(5e9, 0)))}, keystore.Selection{Now: now})
	sign("an EC key for RS256", keystore.File{Path: file("ec3.pem", key), KeyID: kid}, keystore.Selection{Fits: func(k keystore.PrivateKey) error { return k.Fits("RS256") }})
	sign("a DSA key", keystore.File{Path: own("keytool-dsa.jks"), Password: changeit}, keystore.Selection{})
	note("a reload of a store from memory", keystore.New().Reload(t.Context()))
	_, err := must(keystore.Parse([]byte(key), nil)).TLSCertificate("")
	note("a TLS certificate of a key without one", err)
	for i := range all {
		if all[i].err != nil {
			all[i].err = fmt.Errorf("%s", strings.ReplaceAll(all[i].err.Error(), dir, "DIR"))
		}
	}
	return all
}

func readNothing(context.Context) ([]byte, error) { return nil, nil }

// Whoever is called at night reads one line: testdata/mistakes.txt has it for
// every mistake, and names the file, what is wrong and what to do.
func TestMistakes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the operating system's own texts are those of Unix")
	}
	var text strings.Builder
	for _, m := range mistakes(t) {
		fmt.Fprintf(&text, "%s\n\t%v\n", m.name, m.err)
		if m.err == nil || !strings.HasPrefix(m.err.Error(), "keystore: ") || strings.Count(m.err.Error(), "keystore: ") != 1 {
			t.Errorf("%s: got %v, want an error of this package, once", m.name, m.err)
		}
	}
	const golden = "testdata/mistakes.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := string(must(os.ReadFile(golden)))
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
	if n := strings.Count(want, "\n\t"); n < 40 {
		t.Errorf("got %d mistakes, want at least 40", n)
	}
}
