package keystore_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Only a public key has a JSON form that says anything.
var _ json.Marshaler = keystore.PublicKey{}
var _ json.Unmarshaler = (*keystore.PublicKey)(nil)

// Every verb goes through these.
var (
	_ fmt.Formatter  = keystore.PrivateKey{}
	_ fmt.Formatter  = keystore.SecretKey{}
	_ slog.LogValuer = keystore.PrivateKey{}
	_ slog.LogValuer = keystore.SecretKey{}
)

// canary is a secret no printed text may hold, in any usual notation.
var canary = []byte("canary-canary-canary-canary-cana") // 32 bytes

func notations(secret []byte) []string {
	decimal := strings.Trim(fmt.Sprint(secret), "[]")
	goSyntax := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", secret), "[]byte{"), "}")
	return []string{
		string(secret), decimal, goSyntax, hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)),
		fmt.Sprintf("% x", secret), base64.StdEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(secret),
	}
}

func searchCanary(t *testing.T, where, text string) {
	t.Helper()
	for _, notation := range notations(canary[:24]) { // the end may be printed differently
		if strings.Contains(text, notation[:len(notation)-4]) {
			t.Errorf("%s prints the secret: %s", where, text)
			return
		}
	}
}

func TestNothingSecretPrints(t *testing.T) {
	private := must(keystore.NewPrivateKey(ed25519.NewKeyFromSeed(canary)))
	secret := must(keystore.NewSecretKey(canary, "hmac"))
	store := keystore.New(private)
	set := `{"keys":[{"kty":"oct","kid":"s","k":"` + base64.RawURLEncoding.EncodeToString(canary) + `"}]}`
	parsed := must(keystore.Parse([]byte(set), keystore.StaticPassword(string(canary))))
	file := keystore.File{Password: keystore.StaticPassword(string(canary))}
	values := map[string]any{
		"a private key":                    private,
		"a pointer to a private key":       &private,
		"private keys":                     []keystore.PrivateKey{private},
		"a private key in a field":         struct{ Key keystore.PrivateKey }{private},
		"a private key in a hidden field":  struct{ key keystore.PrivateKey }{private},
		"a private key as a map key's own": map[string]keystore.PrivateKey{"a": private},
		"a secret key":                     secret,
		"a pointer to a secret key":        &secret,
		"a secret key in a field":          struct{ Key keystore.SecretKey }{secret},
		"a secret key in a hidden field":   struct{ key keystore.SecretKey }{secret},
		"a store":                          store,
		"a store's entries":                store.Entries(),
		"a parsed store":                   parsed,
		"a parsed store's entries":         parsed.Entries(),
		"a file":                           file,
		"a password":                       file.Password,
	}
	for name, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "% x", "%o", "%b", "%c", "%U", "%t", "%p", "%T", "%w"} {
			searchCanary(t, name+" with "+verb, fmt.Sprintf(verb, value))
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("value", "value", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("value", "value", value)
		searchCanary(t, name+" in a log", log.String())
		encoded, _ := json.Marshal(value)
		searchCanary(t, name+" as JSON", string(encoded))
		inXML, _ := xml.Marshal(value)
		searchCanary(t, name+" as XML", string(inXML))
		var inGob bytes.Buffer
		gob.NewEncoder(&inGob).Encode(value)
		searchCanary(t, name+" as gob", inGob.String())
	}
}

func TestPrivateAndSecretKeysHaveNoJSON(t *testing.T) {
	private := must(keystore.NewPrivateKey(ed25519.NewKeyFromSeed(canary)))
	secret := must(keystore.NewSecretKey(canary, "hmac"))
	for _, key := range []any{private, &private, secret, &secret} {
		if text, err := json.Marshal(key); err == nil {
			t.Errorf("%T: got %s", key, text)
		}
	}
	if _, err := json.Marshal(private.Public()); err != nil {
		t.Error(err)
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	encoded := base64.RawURLEncoding.EncodeToString(canary)
	pkcs8 := must(x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(canary)))
	path := filepath.Join(t.TempDir(), "a.p12")
	entry := keystore.Entry{Alias: "a", PrivateKey: generate(t, "ES256", "CN=a")}
	if err := keystore.WriteFile(path, keystore.StaticPassword(changeit), entry); err != nil {
		t.Fatal(err)
	}
	_, wrong := keystore.Open(path, keystore.StaticPassword(string(canary)))
	parse := func(text string) error {
		_, err := keystore.Parse([]byte(text), keystore.StaticPassword(string(canary)))
		return err
	}
	failures := map[string]error{
		"a wrong password":                 wrong,
		"a private key where none belongs": new(keystore.PublicKey).UnmarshalJSON([]byte(`{"kty":"OKP","crv":"Ed25519","x":"` + encoded + `","d":"` + encoded + `"}`)),
		"a secret key where none belongs":  new(keystore.PublicKey).UnmarshalJSON([]byte(`{"kty":"oct","k":"` + encoded + `"}`)),
		"a private key of another":         parse(`{"kty":"OKP","crv":"Ed25519","x":"` + encoded + `","d":"` + encoded + `"}`),
		"a secret of a wrong type":         parse(`{"kty":"oct","k":["` + encoded + `"]}`),
		"half a JWK":                       parse(`{"kty":"oct","k":"` + encoded),
		"half a PEM block":                 parse(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))[:60]),
		"an EC key that is none":           parse(`{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + `,"d":"` + encoded + `"}`),
	}
	for name, err := range failures {
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		searchCanary(t, name, fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)))
	}
}

func TestKeysPrintAsTheirKid(t *testing.T) {
	private := must(keystore.NewPrivateKey(ed25519.NewKeyFromSeed(canary))).WithKeyID("key-1")
	secret := must(keystore.NewSecretKey(canary, "key-2"))
	for got, want := range map[string]string{
		fmt.Sprint(private):          "private key key-1",
		fmt.Sprintf("%x", secret):    "secret key key-2",
		private.String():             "key-1",
		secret.String():              "key-2",
		fmt.Sprint(private.Public()): "key-1",
		private.LogValue().String():  "key-1",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
