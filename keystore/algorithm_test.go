package keystore_test

import (
	"crypto"
	"crypto/elliptic"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// The names, families and sizes of RFC 7518 sections 3.1, 4.1 and 5.1, RFC 8037
// and RFC 9864: they end up in tokens.
func TestTableOfAlgorithms(t *testing.T) {
	for _, row := range []struct {
		name   keystore.Algorithm
		family keystore.Family
		hash   crypto.Hash
		size   int
		signs  bool
		secret bool
	}{
		{"RS256", keystore.FamilyPKCS1, crypto.SHA256, 0, true, false},
		{"RS384", keystore.FamilyPKCS1, crypto.SHA384, 0, true, false},
		{"RS512", keystore.FamilyPKCS1, crypto.SHA512, 0, true, false},
		{"PS256", keystore.FamilyPSS, crypto.SHA256, 0, true, false},
		{"PS384", keystore.FamilyPSS, crypto.SHA384, 0, true, false},
		{"PS512", keystore.FamilyPSS, crypto.SHA512, 0, true, false},
		{"ES256", keystore.FamilyECDSA, crypto.SHA256, 0, true, false},
		{"ES384", keystore.FamilyECDSA, crypto.SHA384, 0, true, false},
		{"ES512", keystore.FamilyECDSA, crypto.SHA512, 0, true, false},
		{"EdDSA", keystore.FamilyEd25519, 0, 0, true, false},
		{"Ed25519", keystore.FamilyEd25519, 0, 0, true, false},
		{"HS256", keystore.FamilyHMAC, crypto.SHA256, 0, true, true},
		{"HS384", keystore.FamilyHMAC, crypto.SHA384, 0, true, true},
		{"HS512", keystore.FamilyHMAC, crypto.SHA512, 0, true, true},
		{"RSA-OAEP", keystore.FamilyOAEP, crypto.SHA1, 0, false, false},
		{"RSA-OAEP-256", keystore.FamilyOAEP, crypto.SHA256, 0, false, false},
		{"ECDH-ES", keystore.FamilyECDH, 0, 0, false, false},
		{"ECDH-ES+A128KW", keystore.FamilyECDH, 0, 16, false, false},
		{"ECDH-ES+A192KW", keystore.FamilyECDH, 0, 24, false, false},
		{"ECDH-ES+A256KW", keystore.FamilyECDH, 0, 32, false, false},
		{"A128KW", keystore.FamilyKeyWrap, 0, 16, false, true},
		{"A192KW", keystore.FamilyKeyWrap, 0, 24, false, true},
		{"A256KW", keystore.FamilyKeyWrap, 0, 32, false, true},
		{"A128GCMKW", keystore.FamilyGCMKeyWrap, 0, 16, false, true},
		{"A192GCMKW", keystore.FamilyGCMKeyWrap, 0, 24, false, true},
		{"A256GCMKW", keystore.FamilyGCMKeyWrap, 0, 32, false, true},
		{"dir", keystore.FamilyDirect, 0, 0, false, true},
	} {
		a := row.name
		if a.Family() != row.family || a.Hash() != row.hash || a.KeySize() != row.size || a.IsSignature() != row.signs || a.UsesSecret() != row.secret {
			t.Errorf("%s: got %q, %v, %d bytes, signs %v, secret %v", a, a.Family(), a.Hash(), a.KeySize(), a.IsSignature(), a.UsesSecret())
		}
		if err := a.Check(); err != nil {
			t.Errorf("%s: %v", a, err)
		}
		listed := keystore.KeyAlgorithms()
		if row.signs {
			listed = keystore.SignatureAlgorithms()
		}
		if !slices.Contains(listed, a) {
			t.Errorf("%s is not listed", a)
		}
	}
}

func TestTableOfContentAlgorithms(t *testing.T) {
	for _, row := range []struct {
		name         keystore.ContentAlgorithm
		key, iv, tag int
		gcm          bool
	}{
		{"A128GCM", 16, 12, 16, true},
		{"A192GCM", 24, 12, 16, true},
		{"A256GCM", 32, 12, 16, true},
		{"A128CBC-HS256", 32, 16, 16, false},
		{"A192CBC-HS384", 48, 16, 24, false},
		{"A256CBC-HS512", 64, 16, 32, false},
		{"A512CBC", 0, 0, 0, false},
		{"", 0, 0, 0, false},
	} {
		a := row.name
		if a.KeySize() != row.key || a.IVSize() != row.iv || a.TagSize() != row.tag || a.IsGCM() != row.gcm {
			t.Errorf("%q: got %d, %d, %d, %v", a, a.KeySize(), a.IVSize(), a.TagSize(), a.IsGCM())
		}
		if err := a.Check(); (err == nil) != (row.key > 0) || err != nil && !strings.Contains(err.Error(), "A256CBC-HS512") {
			t.Errorf("%q: got %v", a, err)
		}
	}
}

// Whoever writes a name that there is not learns which there are.
func TestUnknownAlgorithmsAreRefusedWhereTheyAreWritten(t *testing.T) {
	key := generate(t, "ES256", "CN=a")
	path := filepath.Join(t.TempDir(), "a.p12")
	if err := keystore.WriteFile(path, keystore.StaticPassword(changeit), keystore.Entry{Alias: "a", PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []keystore.Algorithm{"RS265", "rs256", "ES256K", "HMAC", " ES256"} {
		for place, err := range map[string]error{
			"Check":         wrong.Check(),
			"Generate":      second(keystore.Generate(wrong, "CN=a", time.Now(), time.Now().Add(time.Hour))),
			"WithAlgorithm": second(key.WithAlgorithm(wrong)),
			"Fits":          key.Fits(wrong),
			"File": second(keystore.File{Path: path, Password: keystore.StaticPassword(changeit),
				Algorithm: func(string, keystore.PublicKey) keystore.Algorithm { return wrong }}.Open()),
			"JWK": new(keystore.PublicKey).UnmarshalJSON(fmt.Appendf(nil, `{"kty":"EC","crv":"P-256",%s,%s,"alg":%q}`, ecX, ecY, wrong)),
		} {
			if !errors.Is(err, keystore.ErrUnsupported) || !strings.Contains(err.Error(), "ES256, ES384") {
				t.Errorf("%s of %q: got %v, want those there are", place, wrong, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAKeyIsBoundToOneAlgorithm(t *testing.T) {
	key := must(keystore.Generate("RS256", "CN=a", time.Now(), time.Now().Add(time.Hour)))
	if got := key.Public().Algorithm(); got != "RS256" {
		t.Errorf("a generated key is bound to %q, want RS256", got)
	}
	if err := key.Fits("PS256"); err == nil || !strings.Contains(err.Error(), `bound to the algorithm "RS256"`) {
		t.Errorf("got %v", err)
	}
	if data := must(key.Public().MarshalJSON()); !strings.Contains(string(data), `"alg":"RS256"`) {
		t.Errorf("the JWK does not say it: %s", data)
	}
	again := must(key.WithAlgorithm("PS384"))
	if err := again.Fits("PS384"); err != nil {
		t.Error(err)
	}
	if free := must(key.WithAlgorithm("")); free.Public().Algorithm() != "" || free.Fits("PS256") != nil {
		t.Error("the empty algorithm does not free the key")
	}
	if _, err := key.WithAlgorithm("ES256"); err == nil {
		t.Error("an RSA key is bound to ES256")
	}
	// Two names of one algorithm (RFC 9864).
	edwards := generate(t, "Ed25519", "CN=a")
	for _, name := range []keystore.Algorithm{"EdDSA", "Ed25519"} {
		if err := must(edwards.WithAlgorithm(name)).Fits("Ed25519"); err != nil {
			t.Errorf("bound to %s: %v", name, err)
		}
	}
}

func TestAFileNamesAlgorithmsByAlias(t *testing.T) {
	path := filepath.Join(t.TempDir(), "two.p12")
	rsa := must(generatedRSA().WithAlgorithm(""))
	entries := []keystore.Entry{{Alias: "one", PrivateKey: rsa}, {Alias: "two", PrivateKey: generate(t, "EdDSA", "CN=b")}}
	if err := keystore.WriteFile(path, keystore.StaticPassword(changeit), entries...); err != nil {
		t.Fatal(err)
	}
	wanted := map[string]keystore.Algorithm{"one": "PS256", "two": "Ed25519"}
	store := must(keystore.File{Path: path, Password: keystore.StaticPassword(changeit),
		Algorithm: func(alias string, _ keystore.PublicKey) keystore.Algorithm { return wanted[alias] }}.Open())
	for _, key := range must(store.PublishedKeys(t.Context())) {
		if got := key.Algorithm(); got != wanted[key.Alias()] {
			t.Errorf("%s: got %q, want %q", key.Alias(), got, wanted[key.Alias()])
		}
	}
	misfit := keystore.File{Path: path, Password: keystore.StaticPassword(changeit),
		Algorithm: func(string, keystore.PublicKey) keystore.Algorithm { return "ES256" }}
	if _, err := misfit.Open(); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), `"one"`) {
		t.Errorf("got %v, want the file and the alias", err)
	}
}

func TestDefaultAlgorithms(t *testing.T) {
	for algorithm, want := range map[keystore.Algorithm]keystore.Algorithm{
		"RS256": "", "ES256": "ES256", "ES384": "ES384", "ES512": "ES512", "Ed25519": "EdDSA",
	} {
		key := must(keystore.Generate(algorithm, "CN=a", time.Now(), time.Now().Add(time.Hour)))
		if got := must(key.WithAlgorithm("")).Public().DefaultAlgorithm(); got != want {
			t.Errorf("%s: got %q, want %q", algorithm, got, want)
		}
		if got := key.Public().DefaultAlgorithm(); got != algorithm {
			t.Errorf("%s: got %q for the bound key", algorithm, got)
		}
	}
}

// The signature of another algorithm, or by another type of key, never verifies.
func TestSignaturesVerifyUnderTheirOwnAlgorithmAlone(t *testing.T) {
	keys := map[keystore.Algorithm]keystore.PrivateKey{}
	for _, a := range keystore.SignatureAlgorithms() {
		if a.UsesSecret() {
			continue
		}
		key := generatedRSA()
		if a.Family() != keystore.FamilyPKCS1 && a.Family() != keystore.FamilyPSS {
			key = generate(t, a, "CN=a")
		}
		keys[a] = must(must(key.WithAlgorithm("")).WithAlgorithm(a))
	}
	input := []byte("header.payload")
	for a, key := range keys {
		signature := must(a.Sign(t.Context(), key, []byte("kept"), input))
		if string(signature[:4]) != "kept" {
			t.Fatalf("%s: what was in dst is gone", a)
		}
		for other := range keys {
			want := other == a || a.Family() == keystore.FamilyEd25519 && other.Family() == keystore.FamilyEd25519
			if got := other.Verify(key.Public(), input, signature[4:]); got != want {
				t.Errorf("a signature of %s under %s: got %v, want %v", a, other, got, want)
			}
		}
		if a.Verify(key.Public(), []byte("header.other"), signature[4:]) {
			t.Errorf("%s: another input verifies", a)
		}
	}
	for _, a := range []keystore.Algorithm{"HS256", "RSA-OAEP", "none", ""} {
		if _, err := a.Sign(t.Context(), generatedRSA(), nil, input); !errors.Is(err, keystore.ErrUnsupported) {
			t.Errorf("%q signs: %v", a, err)
		}
		if a.Verify(generatedRSA().Public(), input, nil) {
			t.Errorf("%q verifies", a)
		}
	}
}

func ExampleSignatureAlgorithms() {
	for _, a := range keystore.SignatureAlgorithms()[:3] {
		fmt.Println(a, a.Family(), a.Hash())
	}
	// Output:
	// ES256 ECDSA SHA-256
	// ES384 ECDSA SHA-384
	// ES512 ECDSA SHA-512
}

func ExampleKeyAlgorithms() {
	for _, a := range keystore.KeyAlgorithms()[:2] {
		fmt.Println(a, a.Family(), a.Hash())
	}
	// Output:
	// RSA-OAEP RSAES-OAEP SHA-1
	// RSA-OAEP-256 RSAES-OAEP SHA-256
}

func ExampleContentAlgorithms() {
	for _, a := range keystore.ContentAlgorithms()[2:4] {
		fmt.Println(a, a.KeySize(), a.IVSize(), a.TagSize())
	}
	// Output:
	// A256GCM 32 12 16
	// A128CBC-HS256 32 16 16
}

func TestMLDSAKeysOfTheJDKAreListed(t *testing.T) {
	store := must(keystore.Open("testdata/keytool-mldsa.p12", keystore.StaticPassword(changeit)))
	e := store.Entries()[0]
	if e.Algorithm != "ML-DSA" || len(e.RawChain) != 1 {
		t.Errorf("got %q with %d certificates", e.Algorithm, len(e.RawChain))
	}
	// Its JDK left the seed out, which the standard library needs.
	if !errors.Is(e.Err, keystore.ErrUnsupported) || !strings.Contains(e.Err.Error(), mldsaReason) {
		t.Errorf("got %v, want %q", e.Err, mldsaReason)
	}
}

// The first bit of a number in DER is its sign, and that of r is set in one
// signature of two: here by the smallest byte that has it.
func TestECDSASignatureWhoseFirstBitIsSet(t *testing.T) {
	key := must(keystore.NewPrivateKey(newEC(elliptic.P256())))
	for n := 0; ; n++ {
		input := fmt.Append(nil, n)
		if signature := must(keystore.ES256.Sign(t.Context(), key, nil, input)); signature[0] == 0x80 {
			if !keystore.ES256.Verify(key.Public(), input, signature) {
				t.Errorf("%x is refused", signature)
			}
			return
		}
	}
}
