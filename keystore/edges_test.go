package keystore_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Each limit is met exactly: what reaches it passes, one more does not.
func TestLimitsOfAJWKAreExact(t *testing.T) {
	ec := func(more string) string { return `{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + more + `}` }
	nested := func(n int) string { return ec(`,"a":` + strings.Repeat("[", n) + strings.Repeat("]", n)) }
	members := func(n int) string {
		var more strings.Builder
		for i := range n - 4 {
			fmt.Fprintf(&more, `,"%d":0`, i)
		}
		return ec(more.String())
	}
	sized := func(n int) string { return ec(`,"a":"` + strings.Repeat("a", n-len(ec(`,"a":""`))) + `"`) }
	modulus := func(n int) string {
		return `{"kty":"RSA","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, n)) + `"}`
	}
	for name, row := range map[string]struct{ within, beyond string }{
		"the kid":     {ec(`,"kid":"` + strings.Repeat("k", 256) + `"`), ec(`,"kid":"` + strings.Repeat("k", 257) + `"`)},
		"use":         {ec(`,"use":"` + strings.Repeat("u", 256) + `"`), ec(`,"use":"` + strings.Repeat("u", 257) + `"`)},
		"the depth":   {nested(15), nested(16)},
		"the members": {members(256), members(257)},
		"the size":    {sized(128 << 10), sized(128<<10 + 1)},
		"the modulus": {modulus(2048), modulus(2049)},
	} {
		var key keystore.PublicKey
		if err := key.UnmarshalJSON([]byte(row.within)); err != nil {
			t.Errorf("%s: the most is refused: %v", name, err)
		}
		if err := key.UnmarshalJSON([]byte(row.beyond)); !errors.Is(err, keystore.ErrLimit) {
			t.Errorf("%s: got %v for one more, want %v", name, err, keystore.ErrLimit)
		}
	}
	for _, more := range []string{`,"a":"` + strings.Repeat("[", 20) + `"`, `,"a":[` + strings.Repeat("{},", 20) + `{}]`, `,"a":"\"[[[[[[[[[[[[[[[[[[[["`} {
		var key keystore.PublicKey
		if err := key.UnmarshalJSON([]byte(ec(more))); err != nil {
			t.Errorf("%s: got %v, though nothing is deep", more, err)
		}
	}
	secret := func(n int) error {
		_, err := keystore.Parse([]byte(`{"keys":[{"kty":"oct","kid":"k","alg":"HS256","k":"`+base64.RawURLEncoding.EncodeToString(make([]byte, n))+`"}]}`), nil)
		return err
	}
	if secret(4096) != nil || !errors.Is(secret(4097), keystore.ErrLimit) {
		t.Errorf("a secret of 4096 bytes: got %v, and of one more %v", secret(4096), secret(4097))
	}
}

// What stands for nothing in a key is a mistake, not an absence.
func TestNullInAKey(t *testing.T) {
	var key keystore.PublicKey
	for member, want := range map[string]string{"use": "is not a string", "key_ops": "is not an array"} {
		err := key.UnmarshalJSON([]byte(`{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + `,"` + member + `":null}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", member, err, want)
		}
	}
}

func TestErrorsNameTheKey(t *testing.T) {
	for kid, want := range map[string]string{
		`"kid":"one",`: `JWK "one": `, `"kid":"",`: `JWK: `, ``: `JWK: `,
		`"kid":"` + strings.Repeat("k", 64) + `",`: `JWK "` + strings.Repeat("k", 64) + `": `,
		`"kid":"` + strings.Repeat("k", 65) + `",`: `JWK "` + strings.Repeat("k", 64) + `...": `,
	} {
		_, err := keystore.Parse([]byte(`{"keys":[{`+kid+`"kty":"OKP","crv":"Ed25519","d":"AA",`+edX+`}]}`), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", kid, err, want)
		}
	}
}

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
		"certificates beside a text":      {`{"a":"` + cert + `","b":"x"}`, keystore.ErrUnknownFormat, "take the PEM out"},
		"as many members as there may be": {crowd(1000), keystore.ErrUnknownFormat, "take the PEM out"},
		"one more":                        {crowd(1001), keystore.ErrLimit, "more than 1000"},
	} {
		if _, err := keystore.Parse([]byte(row.text), nil); !errors.Is(err, row.want) || row.want != nil && (err == nil || !strings.Contains(err.Error(), row.says)) {
			t.Errorf("%s: got %v, want %v, %q", name, err, row.want, row.says)
		}
	}
}

func TestPasswordsAreLimited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	for size, want := range map[int]error{4096: keystore.ErrPassword, 4097: keystore.ErrLimit} {
		text := strings.Repeat("p", size)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, password := range map[string]keystore.Password{"in a file": keystore.FilePassword(path), "in the program": keystore.StaticPassword(text)} {
			_, err := keystore.File{Path: own("keytool-p256.p12"), Password: password}.Open()
			if !errors.Is(err, want) {
				t.Errorf("%d bytes %s: got %v, want %v", size, name, err, want)
			}
		}
	}
	for _, text := range []string{changeit + "\n", changeit + "\r\n"} {
		if _, err := (keystore.File{Path: own("keytool-p256.p12"), Password: keystore.StaticPassword(text)}).Open(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What RSA keys may be used with: exactly so many bits, and none of a faulty
// chip, which are powers of 65537 modulo small primes (CVE-2017-15361).
func TestRSAKeysThatFit(t *testing.T) {
	odd := func(bits int) *big.Int {
		n := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1))))
		return n.SetBit(n, bits-1, 1).SetBit(n, 0, 1)
	}
	product := big.NewInt(1)
	for _, p := range []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		product.Mul(product, big.NewInt(p))
	}
	faulty := new(big.Int).Lsh(product, uint(2048-product.BitLen()))
	faulty.Add(faulty, new(big.Int).Exp(big.NewInt(65537), big.NewInt(5), nil))
	for name, row := range map[string]struct {
		modulus *big.Int
		want    string
	}{
		"2047 bits": {odd(2047), "2048 to 8192 bits"}, "2048 bits": {odd(2048), ""},
		"8192 bits": {odd(8192), ""}, "8193 bits": {odd(8193), "2048 to 8192 bits"},
		"a faulty chip": {faulty, "CVE-2017-15361"},
	} {
		key := must(keystore.NewPublicKey(&rsa.PublicKey{N: row.modulus, E: 65537}))
		if err := key.Fits("RS256"); (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", name, err, row.want)
		}
	}
}

func TestWhatOtherKeysFit(t *testing.T) {
	x25519 := must(keystore.NewPublicKey(must(ecdh.X25519().GenerateKey(rand.Reader)).PublicKey()))
	if err := x25519.Fits("ECDH-ES"); err != nil {
		t.Errorf("X25519: %v", err)
	}
	if err := x25519.Fits("Ed25519"); err == nil {
		t.Error("X25519 signs")
	}
	for _, row := range []struct{ bound, asked keystore.Algorithm }{{"EdDSA", "ES256"}, {"ES256", "EdDSA"}} {
		key := must(keystore.Generate(row.bound, "CN=a", time.Unix(0, 0), time.Unix(4e9, 0))).Public()
		if err := key.Fits(row.asked); err == nil || !strings.Contains(err.Error(), `bound to the algorithm "`+string(row.bound)+`"`) {
			t.Errorf("%s for %s: got %v, want that it is bound", row.bound, row.asked, err)
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
	if _, err := store.CertPool(); err == nil {
		t.Error("a certificate of our own is trusted")
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

func TestWhatASecretKeyIsFor(t *testing.T) {
	key := func(size int, alg string) keystore.SecretKey {
		text := `{"keys":[{"kty":"oct","kid":"k",` + alg + `"k":"` + base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{1}, size)) + `"}]}`
		return must(must(keystore.Parse([]byte(text), nil)).SecretKeys(t.Context(), ""))[0]
	}
	for name, row := range map[string]struct {
		key  keystore.SecretKey
		a    keystore.Algorithm
		want string
	}{
		"as long as the hash":    {key(32, ""), "HS256", ""},
		"shorter":                {key(31, ""), "HS256", "it needs at least 32 bytes"},
		"bound to it":            {key(64, `"alg":"HS512",`), "HS512", ""},
		"bound to another":       {key(64, `"alg":"HS256",`), "HS512", `it is bound to the algorithm "HS256"`},
		"for a pair's algorithm": {key(32, ""), "ES256", "it needs another type of key"},
	} {
		if err := row.key.FitsSigning(row.a); (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", name, err, row.want)
		}
	}
	named, nameless := key(32, ""), must(keystore.NewSecretKey([]byte("secret"), ""))
	for name, row := range map[string]struct {
		source keystore.SecretKey
		kid    string
		want   int
	}{
		"all": {named, "", 1}, "its own": {named, "k", 1}, "another": {named, "x", 0},
		"all of one without a kid": {nameless, "", 1}, "a kid of one without": {nameless, "x", 0},
		"of no key": {keystore.SecretKey{}, "", 0},
	} {
		if keys, err := row.source.SecretKeys(t.Context(), row.kid); err != nil || len(keys) != row.want {
			t.Errorf("%s: got %v, %v, want %d", name, keys, err, row.want)
		}
	}
}

// A list in an error is not without end, and names each key as well as it can.
func TestKeysInErrors(t *testing.T) {
	for count, want := range map[int]string{20: `"19" (EC P-256)`, 21: "and 1 more"} {
		var keys []keystore.PrivateKey
		for n := range count {
			keys = append(keys, must(keystore.NewPrivateKey(newEC(elliptic.P256()))).WithKeyID(fmt.Sprint(n)))
		}
		if _, err := keystore.Select(keys, keystore.Selection{}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%d keys: got %v, want %q at the end", count, err, want)
		}
	}
	if _, err := keystore.Select([]keystore.PrivateKey{{}, {}}, keystore.Selection{}); err == nil || strings.Contains(err.Error(), `""`) {
		t.Errorf("keys of no name: got %v", err)
	}
}

func TestKeysWithoutAPart(t *testing.T) {
	whole := newEC(elliptic.P256())
	for name, key := range map[string]*ecdsa.PublicKey{
		"the curve": {X: whole.X, Y: whole.Y}, "x": {Curve: whole.Curve, Y: whole.Y}, "y": {Curve: whole.Curve, X: whole.X},
	} {
		if _, err := keystore.NewPublicKey(key); err == nil {
			t.Errorf("without %s: accepted", name)
		}
	}
	for name, key := range map[string]*rsa.PublicKey{"zero": {N: new(big.Int), E: 65537}, "below zero": {N: big.NewInt(-5), E: 65537}} {
		if _, err := keystore.NewPublicKey(key); err == nil || !strings.Contains(err.Error(), "without a modulus") {
			t.Errorf("a modulus %s: got %v", name, err)
		}
	}
	n := new(big.Int).Lsh(big.NewInt(1), 16383)
	if _, err := keystore.NewPublicKey(&rsa.PublicKey{N: new(big.Int).SetBit(n, 0, 1), E: 65537}); err != nil {
		t.Errorf("a modulus of 16384 bits: got %v", err)
	}
	for name, key := range map[string]*rsa.PrivateKey{
		"the public part":  {D: big.NewInt(3)},
		"the private part": {PublicKey: rsa.PublicKey{N: big.NewInt(15), E: 3}},
	} {
		if _, err := keystore.NewPrivateKey(key); err == nil {
			t.Errorf("an RSA key without %s: accepted", name)
		}
	}
}

// elsewhere is a key that a device holds, which answers as it likes.
type elsewhere struct {
	key    *ecdsa.PrivateKey
	answer func(signature []byte) []byte
}

func (e elsewhere) Public() crypto.PublicKey { return e.key.Public() }

func (e elsewhere) Sign(random io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	signature, err := e.key.Sign(random, digest, options)
	return e.answer(signature), err
}

// What a device signs is looked at before it is sent.
func TestSignaturesOfADevice(t *testing.T) {
	key := newEC(elliptic.P256())
	other := func([]byte) []byte {
		return must(newEC(elliptic.P256()).Sign(rand.Reader, make([]byte, 32), crypto.SHA256))
	}
	numbers := func(n ...*big.Int) func([]byte) []byte {
		return func([]byte) []byte { return must(asn1.Marshal(n)) }
	}
	long := new(big.Int).Lsh(big.NewInt(1), 256)
	for name, row := range map[string]struct {
		answer func([]byte) []byte
		good   bool
	}{
		"as it should":       {func(s []byte) []byte { return s }, true},
		"a byte more":        {func(s []byte) []byte { return append(s, 0) }, false},
		"a byte less":        {func(s []byte) []byte { return s[:len(s)-1] }, false},
		"nothing":            {func([]byte) []byte { return nil }, false},
		"r and s bare":       {func([]byte) []byte { return make([]byte, 64) }, false},
		"another signature":  {other, false},
		"a number too long":  {numbers(long, big.NewInt(1)), false},
		"a number below one": {numbers(big.NewInt(-1), big.NewInt(1)), false},
		"one number":         {numbers(big.NewInt(1)), false},
		"three numbers":      {numbers(big.NewInt(1), big.NewInt(1), big.NewInt(1)), false},
	} {
		private := must(keystore.NewPrivateKey(elsewhere{key, row.answer}))
		signature, err := keystore.ES256.Sign(t.Context(), private, nil, []byte("input"))
		if (err == nil) != row.good || row.good && !keystore.ES256.Verify(private.Public(), []byte("input"), signature) {
			t.Errorf("%s: got %x, %v, want it signed: %t", name, signature, err, row.good)
		}
	}
}

func TestLimitsOfWhatAKeySaysOfItself(t *testing.T) {
	private := newEC(elliptic.P256())
	cert := selfSigned(t, private, "CN=a", time.Unix(0, 0), time.Unix(4e9, 0))
	text := strings.TrimSuffix(string(must(must(keystore.NewPublicKey(private.Public())).MarshalJSON())), "}")
	chain := func(n int) string {
		one := `"` + base64.StdEncoding.EncodeToString(cert.Raw) + `"`
		return text + `,"x5c":[` + strings.Repeat(one+",", n-1) + one + `]}`
	}
	operations := func(n int) string {
		var ops strings.Builder
		for i := range n - 1 {
			fmt.Fprintf(&ops, `"%d",`, i)
		}
		return text + `,"key_ops":[` + ops.String() + `"verify"]}`
	}
	algorithm := func(n int) string { return text + `,"alg":"` + strings.Repeat("a", n) + `"}` }
	for name, row := range map[string]struct{ within, beyond string }{
		"certificates": {chain(32), chain(33)}, "operations": {operations(256), operations(257)}, "an algorithm": {algorithm(256), algorithm(257)},
	} {
		var key keystore.PublicKey
		if err := key.UnmarshalJSON([]byte(row.within)); errors.Is(err, keystore.ErrLimit) {
			t.Errorf("%s: the most is refused: %v", name, err)
		}
		if err := key.UnmarshalJSON([]byte(row.beyond)); !errors.Is(err, keystore.ErrLimit) {
			t.Errorf("%s: got %v for one more, want %v", name, err, keystore.ErrLimit)
		}
	}
	for exponent, good := range map[string]bool{"QAAAAQ": true, "gAAAAQ": false} { // of 31 and of 32 bits
		var key keystore.PublicKey
		if err := key.UnmarshalJSON([]byte(strings.Replace(rfc7638, "AQAB", exponent, 1))); (err == nil) != good {
			t.Errorf("exponent %s: got %v, want it accepted: %t", exponent, err, good)
		}
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
	if pool := store.CertPool(); pool.Equal(x509.NewCertPool()) {
		t.Error("a certificate beside one that cannot be read is not trusted")
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
