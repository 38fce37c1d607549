package keystore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Files as people have them, made by other tools: where TOKENPROFILE_FIELD
// names their directory.
func TestFilesOfTheField(t *testing.T) {
	root := os.Getenv("TOKENPROFILE_FIELD")
	if root == "" {
		t.Skip("TOKENPROFILE_FIELD names no directory")
	}
	path := func(name string) string { return filepath.Join(root, "keystores", name) }
	static, file := keystore.StaticPassword, keystore.FilePassword
	tests := []struct {
		name string
		file keystore.File
		want string // entries as kind:alias, or what the error says
	}{
		{"a Kubernetes secret in two files", keystore.File{Path: path("tls.key"), Certificate: path("tls.crt")}, "private-key:1"},
		{"a PKCS #7 bag", keystore.File{Path: path("chain.p7b")}, "trusted-certificate:1 trusted-certificate:2 trusted-certificate:3"},
		{"a PKCS #12 file in PEM", keystore.File{Path: path("gnutls-armoured.p12.pem"), Password: static("changeit")}, "private-key:gnutls key"},
		{"a PKCS #12 file in base64", keystore.File{Path: path("leaf.p12.b64"), Password: static("changeit")}, "private-key:sign"},
		{"PEM in base64", keystore.File{Path: path("pem.b64")}, "private-key:1"},
		{"a Google service account", keystore.File{Path: path("service-account.json")}, "private-key:0123456789abcdef"},
		{"a password in Latin-1", keystore.File{Path: path("forge-umlaut.p12"), Password: static("pässwörd")}, "private-key:Schlüssel"},
		{"a password with its line break", keystore.File{Path: path("certmanager-newline.p12"), Password: file(path("certmanager-newline.password"))}, "private-key:1"},
		{"two passwords", keystore.File{Path: path("twopw.jks"), Password: static("DemoIdentityKeyStorePassPhrase"), KeyPassword: static("DemoIdentityPassPhrase")}, "private-key:demoidentity"},
		{"an OpenSSH key", keystore.File{Path: path("openssh-rsa.pem")}, "an OpenSSH private key: convert a copy of it with ssh-keygen -p -m PKCS8 -f KEY"},
		{"a PuTTY key", keystore.File{Path: path("key.ppk")}, "a PuTTY key: convert it with puttygen KEY -O private-openssh -o KEY.pem"},
		{"line breaks written out", keystore.File{Path: path("literal-n.pem")}, `has its line breaks written as \n`},
		{"indented PEM", keystore.File{Path: path("indented.pem")}, "block 1 is indented"},
		{"blocks run together", keystore.File{Path: path("no-newline-concat.pem")}, "block 1 ends on the line where the next begins"},
		{"UTF-16", keystore.File{Path: path("utf16.pem")}, "save it as UTF-8"},
		{"an answer of cfssl", keystore.File{Path: path("cfssl.json")}, "cfssljson -bare"},
		{"a Kubernetes manifest", keystore.File{Path: path("k8s-secret.yaml")}, "a Kubernetes manifest: mount the secret as files"},
	}
	for _, tt := range tests {
		store, err := tt.file.Open()
		if err != nil {
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.file.Path) {
				t.Errorf("%s: got %v, want %q and the path", tt.name, err, tt.want)
			}
			continue
		}
		var got []string
		for _, e := range store.Entries() {
			text := string(e.Kind) + ":" + e.Alias
			if e.Err != nil {
				text += ": " + e.Err.Error()
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, strings.Join(got, " "), tt.want)
		}
	}
}

// What the store's password does not open names the field for another one.
func TestKeyUnderAPasswordOfItsOwnNamesTheField(t *testing.T) {
	store := must(keystore.Open("testdata/keytool-keypass.jks", keystore.StaticPassword(changeit)))
	for _, e := range store.Entries() {
		if e.Err == nil || !strings.Contains(e.Err.Error(), "File.KeyPassword") {
			t.Errorf("%s: got %v, want one that names File.KeyPassword", e.Alias, e.Err)
		}
	}
}
