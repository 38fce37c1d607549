package tokenprofile_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// The sources of keys these tests use: fixed, in this order.
type (
	publicKeys  []keystore.PublicKey
	privateKeys []keystore.PrivateKey
)

func (k publicKeys) PublicKeys(_ context.Context, kid string) (found []keystore.PublicKey, err error) {
	for _, key := range k {
		if kid == "" || kid == key.KeyID() {
			found = append(found, key)
		}
	}
	return found, nil
}

func (k privateKeys) PrivateKeys(context.Context) ([]keystore.PrivateKey, error) { return k, nil }

func (k privateKeys) DecryptionKeys(context.Context) ([]keystore.PrivateKey, error) { return k, nil }

type keyPair = interface{ Public() crypto.PublicKey }

var rsaPair = sync.OnceValue(func() keyPair {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func ecPair(t testing.TB, curve elliptic.Curve) keyPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func x25519Pair(t testing.TB) keyPair {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func privateKey(t testing.TB, pair keyPair) keystore.PrivateKey {
	t.Helper()
	key, err := keystore.NewPrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// ends are the keys of the two ends of one encryption.
type ends struct {
	name    string
	encrypt tokenprofile.EncryptionKeys
	decrypt tokenprofile.DecryptionKeys
}

func keyPairEnds(t testing.TB, name string, pair keyPair) ends {
	t.Helper()
	key := privateKey(t, pair)
	return ends{name, tokenprofile.EncryptTo(publicKeys{key.Public()}), tokenprofile.DecryptWith(privateKeys{key})}
}

func secretEnds(t testing.TB, size int) ends {
	t.Helper()
	keys := secrets{secretFor(t, "shared", size)}
	return ends{"secret", tokenprofile.EncryptWithSecret(keys), tokenprofile.DecryptWithSecret(keys)}
}

var secretSizes = map[tokenprofile.KeyAlgorithm]int{
	tokenprofile.A128KW: 16, tokenprofile.A192KW: 24, tokenprofile.A256KW: 32,
	tokenprofile.A128GCMKW: 16, tokenprofile.A192GCMKW: 24, tokenprofile.A256GCMKW: 32,
}

var contentKeySizes = map[tokenprofile.ContentAlgorithm]int{
	tokenprofile.A128GCM: 16, tokenprofile.A192GCM: 24, tokenprofile.A256GCM: 32,
	tokenprofile.A128CBCHS256: 32, tokenprofile.A192CBCHS384: 48, tokenprofile.A256CBCHS512: 64,
}

// allEnds are a pair of ends for each type of key that e works with.
func allEnds(t testing.TB, e tokenprofile.Encryption) []ends {
	t.Helper()
	if size, ok := secretSizes[e.KeyAlgorithm]; ok {
		return []ends{secretEnds(t, size)}
	}
	switch e.KeyAlgorithm {
	case tokenprofile.Direct:
		return []ends{secretEnds(t, contentKeySizes[e.ContentAlgorithm])}
	case tokenprofile.RSAOAEP, tokenprofile.RSAOAEP256:
		return []ends{keyPairEnds(t, "RSA", rsaPair())}
	}
	return []ends{
		keyPairEnds(t, "P-256", ecPair(t, elliptic.P256())), keyPairEnds(t, "P-384", ecPair(t, elliptic.P384())),
		keyPairEnds(t, "P-521", ecPair(t, elliptic.P521())), keyPairEnds(t, "X25519", x25519Pair(t)),
	}
}

func TestEveryEncryptionDecrypts(t *testing.T) {
	for _, e := range encryptions() {
		for _, ends := range allEnds(t, e) {
			t.Run(fmt.Sprintf("%s %s %s", e.KeyAlgorithm, e.ContentAlgorithm, ends.name), func(t *testing.T) {
				token, err := ends.encrypt.Encrypt(t.Context(), e, "", "JWT", []byte("inner"))
				if err != nil {
					t.Fatal(err)
				}
				header, payload, err := ends.decrypt.Decrypt(t.Context(), e, token)
				if err != nil {
					t.Fatal(err)
				}
				if string(payload) != "inner" || !strings.Contains(string(header), `"cty":"JWT"`) {
					t.Errorf("got %s and payload %q, want cty JWT and %q", header, payload, "inner")
				}
			})
		}
	}
}

func TestAlgorithmsThatAreNotOffered(t *testing.T) {
	tests := []struct {
		name       string
		encryption tokenprofile.Encryption
		want       string
	}{
		{"RSA1_5", tokenprofile.Encryption{KeyAlgorithm: "RSA1_5", ContentAlgorithm: tokenprofile.A256GCM}, "encryption.keyAlgorithm"},
		{"PBES2", tokenprofile.Encryption{KeyAlgorithm: "PBES2-HS256+A128KW", ContentAlgorithm: tokenprofile.A256GCM}, "encryption.keyAlgorithm"},
		{"RSA-OAEP-512", tokenprofile.Encryption{KeyAlgorithm: "RSA-OAEP-512", ContentAlgorithm: tokenprofile.A256GCM}, "encryption.keyAlgorithm"},
		{"another case", tokenprofile.Encryption{KeyAlgorithm: "rsa-oaep", ContentAlgorithm: tokenprofile.A256GCM}, "encryption.keyAlgorithm"},
		{"no key algorithm", tokenprofile.Encryption{ContentAlgorithm: tokenprofile.A256GCM}, "encryption.keyAlgorithm"},
		{"an unauthenticated content algorithm", tokenprofile.Encryption{KeyAlgorithm: tokenprofile.Direct, ContentAlgorithm: "A128CBC"}, "encryption.contentAlgorithm"},
		{"no content algorithm", tokenprofile.Encryption{KeyAlgorithm: tokenprofile.Direct}, "encryption.contentAlgorithm"},
		{"an endless recipient", tokenprofile.Encryption{KeyAlgorithm: tokenprofile.Direct, ContentAlgorithm: tokenprofile.A256GCM, Recipient: strings.Repeat("k", 257)}, "encryption.recipient"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := encryptedOnlyProfile(test.encryption)
			if err := p.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error about %s", err, test.want)
			}
		})
	}
}

func encryptedOnlyProfile(e tokenprofile.Encryption) tokenprofile.Profile {
	return tokenprofile.Profile{
		Issuer: "https://consumer.example", Audience: []string{"https://producer.example"}, Subject: "billing", Encryption: &e,
	}
}

func TestEncryptionKeyIsChosen(t *testing.T) {
	p256 := func() keystore.PublicKey { return privateKey(t, ecPair(t, elliptic.P256())).Public() }
	unmarked, other := p256(), p256()
	first, second := marked(t, p256(), `"use":"enc"`), marked(t, p256(), `"use":"enc"`)
	bound := marked(t, p256(), `"alg":"ECDH-ES+A256KW"`)
	signing, elsewhere := marked(t, p256(), `"use":"sig"`), marked(t, p256(), `"alg":"ECDH-ES"`)
	operations := marked(t, p256(), `"key_ops":["verify"]`)
	rsaKey := privateKey(t, rsaPair()).Public()

	tests := []struct {
		name      string
		keys      publicKeys
		recipient string
		want      string // kid; "" for an error
		err       error
	}{
		{"the only one", publicKeys{unmarked}, "", unmarked.KeyID(), nil},
		{"the only one that fits", publicKeys{rsaKey, signing, elsewhere, operations, unmarked}, "", unmarked.KeyID(), nil},
		{"one marked for encryption before another", publicKeys{unmarked, first}, "", first.KeyID(), nil},
		{"the first marked for encryption, while the recipient rotates", publicKeys{first, second}, "", first.KeyID(), nil},
		{"one bound to the algorithm", publicKeys{unmarked, bound}, "", bound.KeyID(), nil},
		{"several that are not marked", publicKeys{unmarked, other}, "", "", keystore.ErrAmbiguous},
		{"the one that the profile names", publicKeys{unmarked, other}, other.KeyID(), other.KeyID(), nil},
		{"none of the name", publicKeys{unmarked}, "nobody", "", keystore.ErrNoKey},
		{"one named that does not fit", publicKeys{unmarked, signing}, signing.KeyID(), "", keystore.ErrNoKey},
		{"none that fits", publicKeys{rsaKey, signing}, "", "", keystore.ErrNoKey},
		{"none at all", nil, "", "", keystore.ErrNoKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.ECDHESA256KW, ContentAlgorithm: tokenprofile.A256GCM, Recipient: test.recipient}
			token, err := tokenprofile.EncryptTo(test.keys).Encrypt(t.Context(), e, "", "", []byte("x"))
			if !errors.Is(err, test.err) || (test.err == nil) != (err == nil) {
				t.Fatalf("got %v, want %v", err, test.err)
			}
			if errors.Is(err, tokenprofile.ErrInvalid) {
				t.Error("the error blames a token")
			}
			if _, err := encryptedOnlyProfile(e).EncryptedOnlySigner(tokenprofile.EncryptTo(test.keys)); !errors.Is(err, test.err) {
				t.Errorf("of a signer: got %v, want %v", err, test.err)
			}
			if test.want != "" && headerOf(t, token)["kid"] != test.want {
				t.Errorf("got kid %v, want %s", headerOf(t, token)["kid"], test.want)
			}
		})
	}
}

// marked is the key as a JWK with a further member says it is.
func marked(t testing.TB, key keystore.PublicKey, member string) (made keystore.PublicKey) {
	t.Helper()
	text, err := key.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := made.UnmarshalJSON([]byte("{" + member + "," + string(text[1:]))); err != nil {
		t.Fatal(err)
	}
	return made
}

func TestARecipientWithoutAKeyIsNamed(t *testing.T) {
	keys := publicKeys{privateKey(t, ecPair(t, elliptic.P256())).Public()}
	e := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.ECDHES, ContentAlgorithm: tokenprofile.A256GCM, Recipient: "nobody"}
	_, err := tokenprofile.EncryptTo(keys).Encrypt(t.Context(), e, "", "", []byte("x"))
	mentions(t, err, `encryption keys for the recipient "nobody"`)
}

func TestSecretKeyMustFitExactly(t *testing.T) {
	kw := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.A256KW, ContentAlgorithm: tokenprofile.A128GCM}
	direct := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.Direct, ContentAlgorithm: tokenprofile.A256CBCHS512}
	tests := []struct {
		name string
		e    tokenprofile.Encryption
		jwk  string
		ok   bool
	}{
		{"32 bytes for A256KW", kw, `{"kty":"oct","kid":"k","k":"` + b64(32) + `"}`, true},
		{"bound to A256KW", kw, `{"kty":"oct","kid":"k","alg":"A256KW","use":"enc","k":"` + b64(32) + `"}`, true},
		{"16 bytes for A256KW", kw, `{"kty":"oct","kid":"k","k":"` + b64(16) + `"}`, false},
		{"33 bytes for A256KW", kw, `{"kty":"oct","kid":"k","k":"` + b64(33) + `"}`, false},
		{"an HMAC key", kw, `{"kty":"oct","kid":"k","alg":"HS256","k":"` + b64(32) + `"}`, false},
		{"a key for AES-GCM key wrap", kw, `{"kty":"oct","kid":"k","alg":"A256GCMKW","k":"` + b64(32) + `"}`, false},
		{"a key for signatures", kw, `{"kty":"oct","kid":"k","use":"sig","k":"` + b64(32) + `"}`, false},
		{"a key to wrap keys", kw, `{"kty":"oct","kid":"k","key_ops":["wrapKey"],"k":"` + b64(32) + `"}`, true},
		{"a key to encrypt content", kw, `{"kty":"oct","kid":"k","key_ops":["encrypt"],"k":"` + b64(32) + `"}`, false},
		{"a key to encrypt content, directly", direct, `{"kty":"oct","kid":"k","key_ops":["encrypt"],"k":"` + b64(64) + `"}`, true},
		{"a key to wrap keys, directly", direct, `{"kty":"oct","kid":"k","key_ops":["wrapKey"],"k":"` + b64(64) + `"}`, false},
		{"64 bytes for A256CBC-HS512", direct, `{"kty":"oct","kid":"k","k":"` + b64(64) + `"}`, true},
		{"bound to the content algorithm", direct, `{"kty":"oct","kid":"k","alg":"A256CBC-HS512","k":"` + b64(64) + `"}`, true},
		{"bound to dir", direct, `{"kty":"oct","kid":"k","alg":"dir","k":"` + b64(64) + `"}`, true},
		{"32 bytes for A256CBC-HS512", direct, `{"kty":"oct","kid":"k","k":"` + b64(32) + `"}`, false},
		{"bound to another content algorithm", direct, `{"kty":"oct","kid":"k","alg":"A256GCM","k":"` + b64(64) + `"}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := tokenprofile.EncryptWithSecret(parseKey(t, []byte(test.jwk))).Encrypt(t.Context(), test.e, "", "", []byte("x"))
			if (err == nil) != test.ok {
				t.Errorf("got %v, want it to fit: %t", err, test.ok)
			}
			if err != nil && !errors.Is(err, keystore.ErrNoKey) {
				t.Errorf("got %v, want %v", err, keystore.ErrNoKey)
			}
		})
	}
}

// b64 is n zero bytes and a one, in base64url.
func b64(n int) string { return segment(append(make([]byte, n-1), 1)) }

func TestRSAKeyMustBeSound(t *testing.T) {
	e := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.RSAOAEP256, ContentAlgorithm: tokenprofile.A256GCM}
	sound := rsaPair().Public().(*rsa.PublicKey)
	tests := map[string]*rsa.PublicKey{
		"exponent 3": {N: sound.N, E: 3},
		"even":       {N: sound.N, E: 65538},
		"1024 bits":  {N: newModulus(1024), E: 65537},
		"16384 bits": {N: newModulus(16384), E: 65537},
	}
	for name, key := range tests {
		t.Run(name, func(t *testing.T) {
			public, err := keystore.NewPublicKey(key)
			if err != nil {
				return // refused even earlier
			}
			if _, err := tokenprofile.EncryptTo(publicKeys{public}).Encrypt(t.Context(), e, "", "", []byte("x")); !errors.Is(err, keystore.ErrNoKey) {
				t.Errorf("got %v, want %v", err, keystore.ErrNoKey)
			}
		})
	}
}

func TestKindOfKeysMustFitTheAlgorithm(t *testing.T) {
	secret := secrets{secretFor(t, "", 32)}
	pair := privateKey(t, rsaPair())
	tests := []struct {
		name    string
		e       tokenprofile.Encryption
		encrypt tokenprofile.EncryptionKeys
		decrypt tokenprofile.DecryptionKeys
	}{
		{"a secret for RSA-OAEP", tokenprofile.Encryption{KeyAlgorithm: tokenprofile.RSAOAEP, ContentAlgorithm: tokenprofile.A256GCM},
			tokenprofile.EncryptWithSecret(secret), tokenprofile.DecryptWithSecret(secret)},
		{"a key pair for dir", tokenprofile.Encryption{KeyAlgorithm: tokenprofile.Direct, ContentAlgorithm: tokenprofile.A256GCM},
			tokenprofile.EncryptTo(publicKeys{pair.Public()}), tokenprofile.DecryptWith(privateKeys{pair})},
		{"no keys", tokenprofile.Encryption{KeyAlgorithm: tokenprofile.Direct, ContentAlgorithm: tokenprofile.A256GCM},
			tokenprofile.EncryptionKeys{}, tokenprofile.DecryptionKeys{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := encryptedOnlyProfile(test.e).EncryptedOnlySigner(test.encrypt); err == nil {
				t.Error("a signer is built")
			}
			if _, err := encryptedOnlyProfile(test.e).EncryptedOnlyVerifier(test.decrypt); err == nil {
				t.Error("a verifier is built")
			}
		})
	}
}

func TestRSAKeyOfAFaultyChipIsRefused(t *testing.T) {
	e := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.RSAOAEP256, ContentAlgorithm: tokenprofile.A256GCM}
	key, err := keystore.NewPublicKey(&rsa.PublicKey{N: rocaModulus(), E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	_, err = tokenprofile.EncryptTo(publicKeys{key}).Encrypt(t.Context(), e, "", "", []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "CVE-2017-15361") {
		t.Errorf("got %v, want an error that names CVE-2017-15361", err)
	}
}

// newModulus is an odd number of the size and no more: nothing is computed with it.
func newModulus(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.Add(n, big.NewInt(0x10001*3))
}

// rocaModulus has the fingerprint: it is 65537^2 modulo the product of the
// primes that make it up.
func rocaModulus() *big.Int {
	product := big.NewInt(1)
	for _, p := range []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		product.Mul(product, big.NewInt(p))
	}
	even := new(big.Int).Lsh(newModulus(1950), 1)
	n := new(big.Int).Mul(product, even)
	return n.Add(n, big.NewInt(65537*65537))
}

func TestTokenThatIsOnlyEncryptedHasNoHeaderOfASignature(t *testing.T) {
	tests := map[string]tokenprofile.Header{
		"kid":   {KeyID: "k"},
		"noKid": {NoKeyID: true},
		"x5t":   {X5T: true},
		"extra": {Extra: map[string]any{"x": 1}},
	}
	for name, header := range tests {
		t.Run(name, func(t *testing.T) {
			p := encryptedOnlyProfile(direct)
			p.Header = header
			if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "header") {
				t.Errorf("got %v, want an error about the header", err)
			}
		})
	}
}

// A truststore may hold the certificates of several partners. That their use
// is encryption does not say for whom a token is.
func TestPartnersAreNotMixedUp(t *testing.T) {
	e := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.RSAOAEP, ContentAlgorithm: tokenprofile.A256GCM}
	north, south := certified(t, "north"), certified(t, "south")
	if _, err := tokenprofile.EncryptTo(publicKeys{north, south}).Encrypt(t.Context(), e, "", "", []byte("x")); !errors.Is(err, keystore.ErrAmbiguous) {
		t.Errorf("two partners: got %v, want %v", err, keystore.ErrAmbiguous)
	}
	e.Recipient = south.KeyID()
	token, err := tokenprofile.EncryptTo(publicKeys{north, south}).Encrypt(t.Context(), e, "", "", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if got := headerOf(t, token)["kid"]; got != south.KeyID() {
		t.Errorf("got kid %v, want %s", got, south.KeyID())
	}
	e.Recipient = ""
	renewed := certified(t, "north")
	if _, err := tokenprofile.EncryptTo(publicKeys{north, renewed}).Encrypt(t.Context(), e, "", "", []byte("x")); err != nil {
		t.Errorf("one partner with a renewed certificate: %v", err)
	}
}

// certified is a key with a certificate of its own that is for encipherment.
func certified(t testing.TB, name string) keystore.PublicKey {
	t.Helper()
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pair.Public(), pair)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keystore.NewPublicKey(pair.Public(), certificate)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// heldElsewhere hides what a key can do.
type heldElsewhere struct{ keyPair }

type decryptsElsewhere struct{ heldElsewhere }

func (decryptsElsewhere) Decrypt(io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error) {
	return nil, errors.New("out of reach")
}

// Keys that a source has in memory are judged when the signer or the verifier
// is built; those that would have to be fetched are not.
func TestKeysThatDoNotFitAreRefusedWhenBuilt(t *testing.T) {
	agreement := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.ECDHES, ContentAlgorithm: tokenprofile.A256GCM}
	pair := privateKey(t, rsaPair())
	short := secrets{secretFor(t, "short", 16)}
	build := map[string]func() error{
		"an RSA key to encrypt to with ECDH-ES": func() error {
			_, err := encryptedOnlyProfile(agreement).EncryptedOnlySigner(tokenprofile.EncryptTo(publicKeys{pair.Public()}))
			return err
		},
		"an RSA key to decrypt with by ECDH-ES": func() error {
			_, err := encryptedOnlyProfile(agreement).EncryptedOnlyVerifier(tokenprofile.DecryptWith(privateKeys{pair}))
			return err
		},
		"a key held elsewhere that only signs, to decrypt with by RSA-OAEP": func() error {
			rsaOnly := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.RSAOAEP, ContentAlgorithm: tokenprofile.A256GCM}
			_, err := encryptedOnlyProfile(rsaOnly).EncryptedOnlyVerifier(tokenprofile.DecryptWith(privateKeys{privateKey(t, heldElsewhere{rsaPair()})}))
			return err
		},
		"a key held elsewhere to decrypt with by ECDH-ES": func() error {
			_, err := encryptedOnlyProfile(agreement).EncryptedOnlyVerifier(tokenprofile.DecryptWith(privateKeys{privateKey(t, heldElsewhere{ecPair(t, elliptic.P256())})}))
			return err
		},
		"a key held elsewhere that decrypts, to decrypt with by ECDH-ES": func() error {
			_, err := encryptedOnlyProfile(agreement).EncryptedOnlyVerifier(tokenprofile.DecryptWith(privateKeys{privateKey(t, decryptsElsewhere{heldElsewhere{ecPair(t, elliptic.P256())}})}))
			return err
		},
		"a secret of 16 bytes to encrypt with by A256GCM": func() error {
			_, err := encryptedOnlyProfile(direct).EncryptedOnlySigner(tokenprofile.EncryptWithSecret(short))
			return err
		},
		"a secret of 16 bytes to decrypt with by A256GCM": func() error {
			_, err := encryptedOnlyProfile(direct).EncryptedOnlyVerifier(tokenprofile.DecryptWithSecret(short))
			return err
		},
	}
	for name, build := range build {
		t.Run(name, func(t *testing.T) {
			if err := build(); err == nil || !strings.Contains(err.Error(), "needs") && !strings.Contains(err.Error(), "does not work with") {
				t.Errorf("got %v, want an error that says what does not fit", err)
			}
		})
	}
	fits := privateKey(t, ecPair(t, elliptic.P256()))
	for name, keys := range map[string]privateKeys{"one of two that fits": {pair, fits}, "no key yet": {}} {
		if _, err := encryptedOnlyProfile(agreement).EncryptedOnlyVerifier(tokenprofile.DecryptWith(keys)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	oaep := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.RSAOAEP, ContentAlgorithm: tokenprofile.A256GCM}
	if _, err := encryptedOnlyProfile(oaep).EncryptedOnlyVerifier(tokenprofile.DecryptWith(privateKeys{privateKey(t, decryptsElsewhere{heldElsewhere{rsaPair()}})})); err != nil {
		t.Errorf("an RSA key held elsewhere that decrypts: %v", err)
	}
	if _, err := encryptedOnlyProfile(agreement).EncryptedOnlySigner(tokenprofile.EncryptTo(unavailable{})); err != nil {
		t.Errorf("keys that cannot be had now: %v", err)
	}
	if _, err := encryptedOnlyProfile(agreement).EncryptedOnlyVerifier(tokenprofile.DecryptWith(unavailable{})); err != nil {
		t.Errorf("keys that cannot be had now: %v", err)
	}
}

func TestEncryptionInAProfileDocument(t *testing.T) {
	const document = `{"issuer":"https://consumer.example","audience":["https://producer.example"],"algorithm":"ES256",` +
		`"encryption":{"keyAlgorithm":"ECDH-ES+A256KW","contentAlgorithm":"A256CBC-HS512","recipient":"producer"}}`
	p, err := tokenprofile.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	want := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.ECDHESA256KW, ContentAlgorithm: tokenprofile.A256CBCHS512, Recipient: "producer"}
	if *p.Encryption != want {
		t.Errorf("got %v, want %v", *p.Encryption, want)
	}
	text, err := p.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := tokenprofile.Parse(text); err != nil || *again.Encryption != want {
		t.Errorf("written and read again: got %v and %v, want %v", again.Encryption, err, want)
	}
	_, err = tokenprofile.Parse([]byte(strings.Replace(document, "A256CBC-HS512", "A256CBC", 1)))
	if err == nil || !strings.Contains(err.Error(), "encryption.contentAlgorithm") {
		t.Errorf("got %v, want an error about encryption.contentAlgorithm", err)
	}
}
