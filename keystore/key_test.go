package keystore_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
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

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/x25519"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Another implementation encodes private keys, and we read them.
func TestPrivateJWKsOfAnotherImplementation(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x := must(ecdh.X25519().GenerateKey(rand.Reader))
	tests := []struct {
		key  any // as the other implementation takes it
		want crypto.PublicKey
	}{
		{generatedRSA().CryptoKey(), generatedRSA().Public().CryptoKey()},
		{ed, ed.Public()},
		{must(x25519.NewKeyFromSeed(x.Bytes())), x.PublicKey()},
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key := newEC(curve)
		tests = append(tests, struct {
			key  any
			want crypto.PublicKey
		}{key, key.Public()})
	}
	for _, tt := range tests {
		want := must(keystore.NewPublicKey(tt.want))
		t.Run(want.Describe(), func(t *testing.T) {
			text := must(json.Marshal(must(jwk.FromRaw(tt.key))))
			key := must(must(keystore.Parse(text, nil)).PrivateKeys(t.Context()))[0]
			if !key.Public().Equal(want) || key.KeyID() != want.KeyID() {
				t.Errorf("got another key: %s", key.Public().Describe())
			}
			if _, err := json.Marshal(key.Public()); err != nil {
				t.Error(err)
			}
		})
	}
}

// The private exponent alone is enough, by whichever of the two moduli it was
// computed.
func TestRSAPrivateJWKsWithoutPrimes(t *testing.T) {
	key := generatedRSA().CryptoKey().(*rsa.PrivateKey)
	one := big.NewInt(1)
	p, q := new(big.Int).Sub(key.Primes[0], one), new(big.Int).Sub(key.Primes[1], one)
	product := new(big.Int).Mul(p, q)
	least := new(big.Int).Div(product, new(big.Int).GCD(nil, nil, p, q))
	encode := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	for name, modulus := range map[string]*big.Int{"Euler's": product, "Carmichael's": least} {
		d := new(big.Int).ModInverse(big.NewInt(int64(key.E)), modulus)
		members := map[string]string{"kty": "RSA", "n": encode(key.N), "e": "AQAB", "d": encode(d)}
		for _, prime := range []string{"", encode(key.Primes[0])} {
			if prime != "" {
				members["p"] = prime
			}
			store := must(keystore.Parse(must(json.Marshal(members)), nil))
			got := must(store.PrivateKeys(t.Context()))[0].CryptoKey().(*rsa.PrivateKey)
			if !got.PublicKey.Equal(&key.PublicKey) || len(got.Primes) != 2 || new(big.Int).Mul(got.Primes[0], got.Primes[1]).Cmp(key.N) != 0 {
				t.Errorf("%s: got another key", name)
			}
		}
	}
}

func TestPrivateJWKsThatAreRefused(t *testing.T) {
	rsaJWK := map[string]any{}
	if err := json.Unmarshal(must(json.Marshal(must(jwk.FromRaw(generatedRSA().CryptoKey())))), &rsaJWK); err != nil {
		t.Fatal(err)
	}
	changed := func(name string, value any) string {
		other := map[string]any{}
		for n, v := range rsaJWK {
			other[n] = v
		}
		if other[name] = value; value == nil {
			delete(other, name)
		}
		return string(must(json.Marshal(other)))
	}
	without := func(missing, name string, value any) string {
		other := maps.Clone(rsaJWK)
		other[name] = value
		delete(other, missing)
		return string(must(json.Marshal(other)))
	}
	ec := `{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + `,"d":`
	tests := []struct {
		name, jwk string
		want      error
	}{
		{"an RSA key with another prime", changed("p", rsaJWK["q"]), keystore.ErrDamaged},
		{"an RSA key with another private exponent", changed("d", rsaJWK["dp"]), keystore.ErrDamaged},
		{"an RSA key with more primes", changed("oth", []any{map[string]any{"r": "AQ"}}), keystore.ErrUnsupported},
		{"an RSA key without primes, with another private exponent", without("p", "d", rsaJWK["dq"]), keystore.ErrDamaged},
		{"an RSA key without primes, with a private exponent of 1", without("p", "d", "AQ"), keystore.ErrDamaged},
		{"an EC key with another private part", ec + `"` + strings.Repeat("A", 42) + `Q"}`, keystore.ErrDamaged},
		{"an EC key with a private part of zero", ec + `"` + strings.Repeat("A", 43) + `"}`, keystore.ErrDamaged},
		{"an EC key with a private part beyond the curve", ec + `"` + strings.Repeat("_", 42) + `8"}`, keystore.ErrDamaged},
		{"an EC key with a private part cut short", ec + `"AQ"}`, keystore.ErrDamaged},
		{"an Ed25519 key with another private part", `{"kty":"OKP","crv":"Ed25519",` + edX + `,"d":"` + strings.Repeat("A", 43) + `"}`, keystore.ErrDamaged},
		{"an X25519 key with another private part", `{"kty":"OKP","crv":"X25519",` + edX + `,` + edD + `}`, keystore.ErrDamaged},
		{"an empty secret", `{"kty":"oct","k":""}`, keystore.ErrDamaged},
		{"a secret without a secret", `{"kty":"oct"}`, keystore.ErrDamaged},
		{"a secret beyond measure", `{"kty":"oct","k":"` + strings.Repeat("AAAA", 2000) + `"}`, keystore.ErrLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := keystore.Parse([]byte(tt.jwk), nil); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestJWKsOfRFC7520(t *testing.T) {
	files := must(filepath.Glob(filepath.Join(dir(t, "TOKENPROFILE_VECTORS"), "ietf-jose-cookbook", "jwk", "*.json")))
	if len(files) < 6 {
		t.Fatalf("got %d files, want 6 or more", len(files))
	}
	for _, file := range files {
		store, err := keystore.Parse(must(os.ReadFile(file)), nil)
		if err != nil || len(store.Entries()) != 1 {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestKeysThatAreNone(t *testing.T) {
	good, other := newEC(elliptic.P256()), newEC(elliptic.P256())
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	_, otherEd, _ := ed25519.GenerateKey(rand.Reader)
	cert := partner(t, "partner")
	pair := must(rsa.GenerateKey(rand.Reader, 2048))
	mismatched := new(ecdsa.PrivateKey)
	*mismatched = *good
	mismatched.PublicKey = other.PublicKey
	private := map[string]struct {
		key   interface{ Public() crypto.PublicKey }
		chain []*x509.Certificate
	}{
		"nil":                               {nil, nil},
		"an EC key with another's point":    {mismatched, nil},
		"an EC key of a curve nobody uses":  {newEC(elliptic.P224()), nil},
		"an Ed25519 key with another's":     {ed25519.PrivateKey(append(ed.Seed(), otherEd.Public().(ed25519.PublicKey)...)), nil},
		"an RSA key without anything":       {&rsa.PrivateKey{}, nil},
		"an RSA key without its exponent":   {&rsa.PrivateKey{PublicKey: pair.PublicKey, Primes: pair.Primes}, nil},
		"an RSA key that lost its modulus":  {&rsa.PrivateKey{D: pair.D, Primes: pair.Primes, Precomputed: pair.Precomputed}, nil},
		"an RSA key that lost its exponent": {&rsa.PrivateKey{PublicKey: pair.PublicKey, Primes: pair.Primes, Precomputed: pair.Precomputed}, nil},
		"an RSA key without its modulus":    {&rsa.PrivateKey{PublicKey: rsa.PublicKey{E: 65537}, D: pair.D, Primes: pair.Primes}, nil},
		"a key with another's certificate":  {good, []*x509.Certificate{cert}},
		"an ECDH key of a curve for ECDSA":  {must(ecdh.P256().GenerateKey(rand.Reader)), nil},
		"an EC key without a curve":         {&ecdsa.PrivateKey{}, nil},
		"a signer whose public key is none": {nothing{good}, nil},
	}
	for name, tt := range private {
		if key, err := keystore.NewPrivateKey(tt.key, tt.chain...); err == nil {
			t.Errorf("%s: got %s", name, key.Public().Describe())
		}
	}
	modulus := new(big.Int).Lsh(big.NewInt(1), 2047)
	odd := new(big.Int).Add(modulus, big.NewInt(1))
	public := map[string]crypto.PublicKey{
		"nil":                          nil,
		"a type nobody knows":          struct{}{},
		"RSA with an even modulus":     &rsa.PublicKey{N: modulus, E: 65537},
		"RSA with exponent 1":          &rsa.PublicKey{N: odd, E: 1},
		"RSA with exponent 2":          &rsa.PublicKey{N: odd, E: 2},
		"RSA with exponent 0":          &rsa.PublicKey{N: odd},
		"RSA with a negative exponent": &rsa.PublicKey{N: odd, E: -3},
		"RSA without a modulus":        &rsa.PublicKey{E: 65537},
		"RSA of 16385 bits":            &rsa.PublicKey{N: new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 16384), big.NewInt(1)), E: 65537},
		"no RSA key":                   (*rsa.PublicKey)(nil),
		"no EC key":                    (*ecdsa.PublicKey)(nil),
		"no X25519 key":                (*ecdh.PublicKey)(nil),
		//lint:ignore SA1019 nothing else makes a key that is none
		"a point off the curve": &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)},
		//lint:ignore SA1019 likewise
		"the point at infinity":         &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int), Y: new(big.Int)},
		"a point of nothing":            &ecdsa.PublicKey{Curve: elliptic.P256()},
		"an Ed25519 key of 31 bytes":    ed25519.PublicKey(make([]byte, 31)),
		"a P-256 point of another type": must(ecdh.P256().GenerateKey(rand.Reader)).PublicKey(),
	}
	for name, key := range public {
		if key, err := keystore.NewPublicKey(key); err == nil {
			t.Errorf("%s: got %s", name, key.Describe())
		}
	}
	if _, err := keystore.NewSecretKey(nil, ""); err == nil {
		t.Error("an empty secret key is accepted")
	}
}

// nothing is a signer without a public key.
type nothing struct{ crypto.Signer }

func (nothing) Public() crypto.PublicKey { return nil }

// RSA keys that are too weak to use are read, so that they can be listed.
func TestWeakKeysAreRead(t *testing.T) {
	modulus := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 1023), big.NewInt(1))
	if key, err := keystore.NewPublicKey(&rsa.PublicKey{N: modulus, E: 3}); err != nil || key.Describe() != "RSA 1024" {
		t.Errorf("got %s, %v", key.Describe(), err)
	}
}

func TestThumbprintsOfCertificates(t *testing.T) {
	key := generate(t, "ES256", "CN=a").Public()
	cert := key.Certificates()[0]
	one, two := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw)
	if got, want := key.X5T(), base64.RawURLEncoding.EncodeToString(one[:]); got != want {
		t.Errorf("x5t: got %s, want %s", got, want)
	}
	if got, want := key.X5TS256(), base64.RawURLEncoding.EncodeToString(two[:]); got != want {
		t.Errorf("x5t#S256: got %s, want %s", got, want)
	}
	var bare keystore.PublicKey
	if bare.X5T() != "" || bare.X5TS256() != "" {
		t.Error("a key without certificate has a thumbprint")
	}
	text := strings.TrimSuffix(string(must(json.Marshal(key))), "}")
	x5c := `,"x5c":["` + base64.StdEncoding.EncodeToString(cert.Raw) + `"]`
	other := base64.StdEncoding.EncodeToString(partner(t, "b").Raw)
	for more, accepted := range map[string]bool{
		x5c: true,
		x5c + `,"x5t":"` + key.X5T() + `","x5t#S256":"` + key.X5TS256() + `"`: true,
		x5c + `,"x5t":"` + key.X5TS256() + `"`:                                false,
		x5c + `,"x5t#S256":"AAAA"`:                                            false,
		x5c + `,"x5t#S256":1`:                                                 false,
		`,"x5c":["` + other + `"]`:                                            false,
		`,"x5c":[` + strings.Repeat(`"`+other+`",`, 40) + `"AA=="]`:           false,
	} {
		var read keystore.PublicKey
		err := read.UnmarshalJSON([]byte(text + more + "}"))
		if (err == nil) != accepted {
			t.Errorf("%.60s: got %v, want accepted %v", more, err, accepted)
		}
		if err == nil && len(read.Certificates()) != 1 {
			t.Errorf("got %d certificates, want 1", len(read.Certificates()))
		}
	}
	for range 20 { // faults come in one order
		var read keystore.PublicKey
		err := read.UnmarshalJSON([]byte(text + x5c + `,"x5t":"AAAA","x5t#S256":"AAAA"}`))
		if err == nil || !strings.Contains(err.Error(), "x5t is not") {
			t.Fatalf("two wrong thumbprints: got %v, want the fault of x5t", err)
		}
	}
}

func TestPermits(t *testing.T) {
	operations := []string{"sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"}
	jwkWith := func(more string) keystore.PublicKey {
		var key keystore.PublicKey
		if err := key.UnmarshalJSON([]byte(`{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + more + `}`)); err != nil {
			t.Fatal(err)
		}
		return key
	}
	certified := func(usage x509.KeyUsage) keystore.PublicKey {
		key := newEC(elliptic.P256())
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0), KeyUsage: usage}
		cert := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))))
		return must(keystore.NewPublicKey(key.Public(), cert))
	}
	tests := []struct {
		name string
		key  interface{ Permits(string) error }
		want string
	}{
		{"nothing said", jwkWith(""), "sign verify encrypt decrypt wrapKey unwrapKey deriveKey deriveBits"},
		{"use sig", jwkWith(`,"use":"sig"`), "sign verify"},
		{"use enc", jwkWith(`,"use":"enc"`), "encrypt decrypt wrapKey unwrapKey deriveKey deriveBits"},
		{"a use of others", jwkWith(`,"use":"tls"`), ""},
		{"an operation of others beside ours", jwkWith(`,"key_ops":["attest","verify"]`), "verify"},
		{"key_ops", jwkWith(`,"key_ops":["verify","wrapKey"]`), "verify wrapKey"},
		{"use and key_ops", jwkWith(`,"use":"sig","key_ops":["verify","wrapKey"]`), "verify"},
		{"a certificate for signatures", certified(x509.KeyUsageDigitalSignature), "sign verify"},
		{"a certificate for documents", certified(x509.KeyUsageContentCommitment), "sign verify"},
		{"a certificate for encipherment", certified(x509.KeyUsageKeyEncipherment), "encrypt decrypt wrapKey unwrapKey"},
		{"a certificate for agreement", certified(x509.KeyUsageKeyAgreement), "deriveKey deriveBits"},
		{"a certificate for certificates", certified(x509.KeyUsageCertSign), ""},
		{"a secret key for signatures", must(must(keystore.Parse([]byte(`{"kty":"oct","use":"sig","k":"AyM1SysPpbyDfgZl"}`), nil)).SecretKeys(t.Context(), ""))[0], "sign verify"},
		{"a private key that signs", must(must(keystore.Parse([]byte(`{"kty":"OKP","crv":"Ed25519","key_ops":["sign"],`+edX+`,`+edD+`}`), nil)).PrivateKeys(t.Context()))[0], "sign"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, operation := range operations {
				if tt.key.Permits(operation) == nil {
					got = append(got, operation)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", strings.Join(got, " "), tt.want)
			}
		})
	}
}

// slow is a key in another house.
type slow struct {
	crypto.Signer
	asked *context.Context
}

func (s slow) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	*s.asked = ctx
	return s.Sign(rand.Reader, digest, opts)
}

func TestSigningHandsOnTheContext(t *testing.T) {
	var asked context.Context
	key := newEC(elliptic.P256())
	elsewhere := must(keystore.NewPrivateKey(slow{key, &asked}))
	digest := sha256.Sum256([]byte("message"))
	for name, k := range map[string]keystore.PrivateKey{"a key elsewhere": elsewhere, "a key here": must(keystore.NewPrivateKey(key))} {
		signature, err := k.Sign(t.Context(), digest[:], crypto.SHA256)
		if err != nil || !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked != t.Context() {
		t.Error("the signer was not handed the caller's context")
	}
	x := must(keystore.NewPrivateKey(must(ecdh.X25519().GenerateKey(rand.Reader))))
	if _, err := x.Sign(t.Context(), digest[:], crypto.SHA256); !errors.Is(err, keystore.ErrUnsupported) {
		t.Errorf("X25519: got %v, want %v", err, keystore.ErrUnsupported)
	}
}

func TestLongTextOfOthersIsCutInErrors(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for name, text := range map[string]string{
		"kty":    fmt.Sprintf(`{"kty":%q}`, long),
		"crv":    fmt.Sprintf(`{"kty":"EC","crv":%q}`, long),
		"member": fmt.Sprintf(`{"kty":"EC",%q:1,%q:2}`, long[:50_000], long[:50_000]),
	} {
		if _, err := keystore.Parse([]byte(text), nil); err == nil || len(err.Error()) > 300 {
			t.Errorf("%s: got %.400v", name, err)
		}
	}
}

// A kid that somebody gave a key is its name, which no kid is not.
func TestKeyIDThatIsNamed(t *testing.T) {
	key := must(keystore.NewPublicKey(newEC(elliptic.P256()).Public()))
	if key.KeyIDNamed() || !key.WithKeyID("a").KeyIDNamed() || key.WithKeyID("a").WithKeyID("").KeyIDNamed() {
		t.Errorf("got %t, %t and %t for no kid, one and none, want the second alone to be named", key.KeyIDNamed(), key.WithKeyID("a").KeyIDNamed(), key.WithKeyID("a").WithKeyID("").KeyIDNamed())
	}
}
