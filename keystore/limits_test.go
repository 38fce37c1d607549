package keystore_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

// Every private key of a set is checked before it signs. What that takes is
// bounded for the whole file: the few keys here took minutes.
func TestAKeySetIsCountedByWhatItCosts(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	whole := func(k *rsa.PrivateKey) map[string]any {
		return map[string]any{"dp": b64(k.Precomputed.Dp.Bytes()), "dq": b64(k.Precomputed.Dq.Bytes()), "qi": b64(k.Precomputed.Qinv.Bytes()), "p": b64(k.Primes[0].Bytes()), "q": b64(k.Primes[1].Bytes())}
	}
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	set := func(n int, more map[string]any) []byte {
		keys := make([]map[string]any, n)
		for i := range keys {
			keys[i] = map[string]any{"kty": "RSA", "kid": fmt.Sprint(i), "n": b64(key.N.Bytes()), "e": "AQAB", "d": b64(key.D.Bytes())}
			maps.Copy(keys[i], more)
		}
		return must(json.Marshal(map[string]any{"keys": keys}))
	}
	for name, row := range map[string]struct {
		more map[string]any
		most int
	}{
		"whole":                    {whole(key), 1000}, // as many as a set may have
		"without CRT coefficients": {nil, 10_000 / (9 + 63)},
	} {
		if _, err := keystore.Parse(set(row.most, row.more), nil); err != nil {
			t.Errorf("%s: %d keys are refused: %v", name, row.most, err)
		}
		if _, err := keystore.Parse(set(row.most+1, row.more), nil); !errors.Is(err, keystore.ErrLimit) {
			t.Errorf("%s: %d keys: got %v, want %v", name, row.most+1, err, keystore.ErrLimit)
		}
	}
	for _, name := range []string{"dp", "dq", "qi"} { // which RFC 7518 wants, and some leave out
		some := whole(key)
		delete(some, name)
		if _, err := keystore.Parse(set(1, some), nil); err != nil {
			t.Errorf("without %s: %v", name, err)
		}
	}
	wrong := whole(key)
	wrong["qi"] = wrong["dp"]
	if _, err := keystore.Parse(set(1, wrong), nil); !errors.Is(err, keystore.ErrDamaged) {
		t.Errorf("a coefficient of another key: got %v, want %v", err, keystore.ErrDamaged)
	}
}

func TestTheCertificatesOfAKeySetAreCounted(t *testing.T) {
	cert := base64.StdEncoding.EncodeToString(selfSigned(t, newEd25519("a"), "CN=a", time.Unix(0, 0), time.Unix(4e9, 0)).Raw)
	key := `{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + `,"x5c":["` + strings.Repeat(cert+`","`, 29) + cert + `"]}`
	for n, want := range map[int]int{333: 0, 334: 1} {
		refused := 0
		for _, e := range must(keystore.Parse([]byte(`{"keys":[`+key+strings.Repeat(","+key, n-1)+`]}`), nil)).Entries() {
			if errors.Is(e.Err, keystore.ErrLimit) {
				refused++
			} else if e.Err != nil {
				t.Errorf("%d keys of 30 certificates: %v", n, e.Err)
			}
		}
		if refused != want {
			t.Errorf("%d keys of 30 certificates: got %d refused, want %d", n, refused, want)
		}
	}
}

// Values that say nothing take a few bytes in a file and many times that in
// memory: they are counted before anything is decoded.
func TestNoJSONTakesMuchMemory(t *testing.T) {
	const size = 7 << 20
	many := func(begin, value, end string) []byte {
		return []byte(begin + strings.Repeat(value, size/len(value)) + end)
	}
	var names strings.Builder
	for i := 0; names.Len() < size; i++ {
		fmt.Fprintf(&names, `,"%x":1`, i)
	}
	ops := `{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + `,"key_ops":[` + strings.Repeat(`1,`, 60_000) + `""]},`
	for name, data := range map[string][]byte{
		"members beside PEM":      []byte(`{"a":"-----BEGIN "` + names.String() + `}`),
		"members":                 []byte(`{"a":1` + names.String() + `}`),
		"one member, often":       many(`{"-----BEGIN ":1`, `,"a":1`, `}`),
		"keys that are numbers":   many(`{"keys":[0`, `,0`, `]}`),
		"keys of nothing":         many(`{"keys":[{}`, `,{}`, `]}`),
		"keys of many operations": many(`{"keys":[`, ops, `{}]}`),
		"recipients of nothing":   many(`{"ciphertext":"AA","protected":"e30","recipients":[{}`, `,{}`, `]}`),
		"a long text":             many(`{"a":"`, `[`, `"}`),
	} {
		var err error
		if got := bytesOf(func() { _, err = keystore.Parse(data, nil) }); got > float64(8*len(data)) {
			t.Errorf("%s: %.1f MB were allocated for %.1f MB (%v)", name, got/1e6, float64(len(data))/1e6, err)
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	values := func(n int) error {
		_, err := keystore.Parse([]byte(`{"kid":["a"`+strings.Repeat(`,0`, n-4)+`],"b":1}`), nil)
		return err
	}
	if errors.Is(values(100_000), keystore.ErrLimit) || !errors.Is(values(100_001), keystore.ErrLimit) {
		t.Errorf("100,000 values: got %v, and one more %v", values(100_000), values(100_001))
	}
}

func TestTheSizeOfJSONIsLimited(t *testing.T) {
	cert := string(must(json.Marshal(pemOf(certificates(t, 1)))))
	for name, text := range map[string]string{
		"a JWK Set":           `{"keys":[{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + `}]`,
		"certificates by kid": `{"kid":` + cert,
	} {
		read := func(size int) error {
			_, err := keystore.Parse([]byte(text+strings.Repeat(" ", size-len(text)-1)+"}"), nil)
			return err
		}
		if err := read(8 << 20); err != nil {
			t.Errorf("%s of 8 MiB: %v", name, err)
		}
		if err := read(8<<20 + 1); !errors.Is(err, keystore.ErrLimit) {
			t.Errorf("%s of a byte more: got %v, want %v", name, err, keystore.ErrLimit)
		}
	}
}
