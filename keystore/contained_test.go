package keystore_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

func TestJSONWithPEMInIt(t *testing.T) {
	key := strings.ReplaceAll(pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(newEC(elliptic.P256())))), "\n", `\n`)
	account := func(key, kid string) string {
		return `{"type":"service_account","private_key":"` + key + `","private_key_id":"` + kid + `","note":"-----BEGIN "}`
	}
	cert := `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`
	crowd := func(n int) string {
		var members strings.Builder
		for i := range n - 1 {
			fmt.Fprintf(&members, `"%d":"x",`, i)
		}
		return `{` + members.String() + `"a":"-----BEGIN "}`
	}
	for name, row := range map[string]struct {
		text string
		want error
		says string
	}{
		"a set":                           {strings.Replace(jwkSet("one"), `{"keys"`, `{"note":"-----BEGIN ","keys"`, 1), nil, ""},
		"a key":                           {`{"note":"-----BEGIN ","kty":"EC","crv":"P-256",` + ecX + `,` + ecY + `}`, nil, ""},
		"an account":                      {account(key, "k"), nil, ""},
		"an account without a kid":        {account(key, ""), keystore.ErrDamaged, "without private_key or private_key_id"},
		"an account without a key":        {account("", "k"), keystore.ErrDamaged, "without private_key or private_key_id"},
		"an account with two keys":        {account(key+key, "k"), keystore.ErrDamaged, "is not a private key"},
		"an account with a certificate":   {account(cert, "k"), keystore.ErrDamaged, "is not a private key"},
		"an answer of cfssl":              {`{"cert":"` + cert + `","key":"x"}`, keystore.ErrUnknownFormat, "cfssl"},
		"a certificate by that name":      {`{"cert":"` + cert + `","other":"x"}`, keystore.ErrUnknownFormat, "take the PEM out"},
		"certificates beside a number":    {`{"a":"` + cert + `","b":1}`, keystore.ErrUnknownFormat, "take the PEM out"},
		"a private key behind one":        {`{"a":"` + cert + key + `"}`, keystore.ErrUnknownFormat, "take the PEM out"},
		"certificates beside a text":      {`{"a":"` + cert + `","b":"x"}`, keystore.ErrUnknownFormat, "take the PEM out"},
		"as many members as there may be": {crowd(1000), keystore.ErrUnknownFormat, "take the PEM out"},
		"one more":                        {crowd(1001), keystore.ErrLimit, "more than 1000"},
	} {
		if _, err := keystore.Parse([]byte(row.text), nil); !errors.Is(err, row.want) || row.want != nil && (err == nil || !strings.Contains(err.Error(), row.says)) {
			t.Errorf("%s: got %v, want %v, %q", name, err, row.want, row.says)
		}
	}
}

// Only what a truststore trusts is trusted, not the chain of a key of our own.
func TestOwnChainsAreNotTrusted(t *testing.T) {
	entry := pemEntry(t, "one", "one", time.Unix(0, 0), time.Unix(4e9, 0))
	store := must(keystore.Parse([]byte(entry), nil))
	if len(must(store.PrivateKeys(t.Context()))) != 1 {
		t.Fatal("the entry has no key")
	}
	if pool, err := store.CertPool(); pool != nil || !errors.Is(err, keystore.ErrNoKey) {
		t.Errorf("got %v and error %v, want that there is no trusted certificate", pool, err)
	}
	trust := must(keystore.Parse([]byte(pemBlock("CERTIFICATE", partner(t, "a").Raw)), nil))
	if keys, err := trust.SecretKeys(t.Context(), ""); err != nil || len(keys) != 0 {
		t.Errorf("got secret keys %v, %v, of a truststore", keys, err)
	}
}

func TestSubjectsThatAreOdd(t *testing.T) {
	generate := func(subject string) error {
		_, err := keystore.Generate("Ed25519", subject, time.Unix(0, 0), time.Unix(4e9, 0))
		return err
	}
	for _, subject := range []string{"CN", "X=a", "CN=", "=a", ""} {
		if err := generate(subject); err == nil || !strings.Contains(err.Error(), "is not like CN=name") {
			t.Errorf("%q: got %v", subject, err)
		}
	}
	if err := generate(`CN=a\`); err != nil {
		t.Errorf("a backslash at the end: %v", err)
	}
}

func TestFilesThatSayLittle(t *testing.T) {
	now := []time.Time{time.Unix(0, 0), time.Unix(4e9, 0)}
	kinds := func(n int) string {
		var text strings.Builder
		for _, kind := range []string{"A", "B", "C", "D", "E", "F"}[:n] {
			text.WriteString(pemBlock(kind, []byte{1}))
		}
		_, err := keystore.Parse([]byte(text.String()), nil)
		return fmt.Sprint(err)
	}
	for n := 5; n <= 6; n++ {
		if got := kinds(n); !strings.HasSuffix(got, "only A, B, C, D, E") {
			t.Errorf("%d kinds: got %s", n, got)
		}
	}
	der := must(keystore.Parse(must(x509.MarshalPKCS8PrivateKey(newEC(elliptic.P256()))), nil))
	if keys, err := der.PrivateKeys(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("a key in DER: got %v, %v", keys, err)
	}
	twice := pemEntry(t, "a", "same", now[0], now[1]) + pemEntry(t, "b", "same", now[0], now[1])
	if store := must(keystore.Parse([]byte(twice), nil)); len(store.Entries()) != 2 {
		t.Errorf("two entries of one name: got %d", len(store.Entries()))
	}
	good := pemBlock("CERTIFICATE", partner(t, "a").Raw)
	store, err := keystore.Parse([]byte(good+pemBlock("CERTIFICATE", []byte{0x30, 0})), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.CertPool(); err != nil {
		t.Errorf("a certificate beside one that cannot be read is not trusted: %v", err)
	}
}

func TestKeysOfASetSayWhatTheyAreFor(t *testing.T) {
	sign := strings.Replace(jwkSet("one"), `"kty"`, `"key_ops":["sign","verify"],"kty"`, 1)
	private := must(must(keystore.Parse([]byte(sign), nil)).PrivateKeys(t.Context()))
	if public := private[0].Public(); public.Permits("verify") != nil || public.Permits("encrypt") == nil {
		t.Error("the public part is not for verifying alone")
	}
	weak := `{"keys":[{"kty":"RSA","kid":"weak","alg":"PS256","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 128)) + `"},` + rfc7638 + `]}`
	entry := must(keystore.Parse([]byte(weak), nil)).Entries()[0]
	if err := entry.Err; err == nil || !strings.Contains(err.Error(), "does not fit PS256") || strings.Contains(err.Error(), "%!") {
		t.Errorf("a weak key: got %v, want why it does not fit its algorithm", err)
	}
}

// A log leaves out the states that no key is in.
func TestStatusInALogLeavesOutWhatThereIsNot(t *testing.T) {
	store := must(keystore.Parse([]byte(jwkSet("one")), nil))
	text := store.Status().LogValue().String()
	if strings.Count(text, "one") == 0 || strings.Contains(text, "[]") {
		t.Errorf("got %s", text)
	}
}
