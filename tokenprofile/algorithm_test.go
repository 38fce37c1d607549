package tokenprofile_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func TestEveryAlgorithmSignsAndVerifies(t *testing.T) {
	for _, algorithm := range append(asymmetric, hmacs...) {
		t.Run(string(algorithm), func(t *testing.T) {
			signer, verifier := pair(t, profileOf(algorithm))
			token := ok(signer.Sign(t.Context(), map[string]any{"role": "user"}))(t)
			for range 2 { // the second time from the cache
				verified := ok(verifier.Verify(t.Context(), token))(t)
				if verified.Issuer != "https://consumer.example" || verified.Subject != "billing" {
					t.Errorf("got issuer %q and subject %q", verified.Issuer, verified.Subject)
				}
			}
			_, other := pair(t, profileOf(algorithm))
			if strings.HasPrefix(string(algorithm), "RS") || strings.HasPrefix(string(algorithm), "PS") {
				return // all RSA tests share one key
			}
			if _, err := other.Verify(t.Context(), token); err == nil {
				t.Error("another key verifies the token")
			}
		})
	}
}

// Every bit of a token matters.
func TestATamperedTokenIsRefused(t *testing.T) {
	for _, algorithm := range append(asymmetric, hmacs...) {
		t.Run(string(algorithm), func(t *testing.T) {
			p := profileOf(algorithm)
			p.CacheSize = -1
			signer, verifier := pair(t, p)
			token := ok(signer.Sign(t.Context(), nil))(t)
			for at := 0; at < len(token); at += 7 {
				tampered := []byte(token)
				tampered[at] ^= 1
				if _, err := verifier.Verify(t.Context(), string(tampered)); err == nil {
					t.Errorf("accepted with byte %d changed", at)
				}
			}
		})
	}
}

// A signature has exactly one length and one form.
func TestSignaturesOfAnotherLength(t *testing.T) {
	for _, algorithm := range append(asymmetric, "HS256") {
		signer, verifier := pair(t, profileOf(algorithm))
		token := ok(signer.Sign(t.Context(), nil))(t)
		input, signature := token[:strings.LastIndexByte(token, '.')+1], decodeSegment(t, token[strings.LastIndexByte(token, '.')+1:])
		for name, changed := range map[string][]byte{
			"empty":                {},
			"a byte short":         signature[:len(signature)-1],
			"a byte long":          append(append([]byte{}, signature...), 0),
			"a zero byte in front": append([]byte{0}, signature...),
			"all zeros":            make([]byte, len(signature)),
			"all ones":             []byte(strings.Repeat("\xff", len(signature))),
			"twice":                append(append([]byte{}, signature...), signature...),
		} {
			t.Run(fmt.Sprintf("%s %s", algorithm, name), func(t *testing.T) {
				_, err := verifier.Verify(t.Context(), input+textSegment(string(changed)))
				refuses(t, err, tokenprofile.ErrSignature)
			})
		}
	}
}

// The ECDSA signature of other protocols, in ASN.1, is not that of a JWS.
func TestASN1SignatureIsRefused(t *testing.T) {
	key := cryptoKey(t, "ES256").(*ecdsa.PrivateKey)
	store := keystore.New(ok(keystore.NewPrivateKey(key))(t))
	p := profileOf("ES256")
	token := ok(ok(p.Signer(store))(t).Sign(t.Context(), nil))(t)
	signature := decodeSegment(t, token[strings.LastIndexByte(token, '.')+1:])
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	der := ok(asn1Signature(r, s))(t)
	_, err := ok(p.Verifier(store))(t).Verify(t.Context(), token[:strings.LastIndexByte(token, '.')+1]+textSegment(string(der)))
	refuses(t, err, tokenprofile.ErrSignature)
}

// A PSS salt is as long as the hash, exactly.
func TestPSSSaltOfAnotherLengthIsRefused(t *testing.T) {
	key := ok(generateRSA())(t)
	store := keystore.New(ok(keystore.NewPrivateKey(key))(t))
	p := profileOf("PS256")
	signer, verifier := ok(p.Signer(store))(t), ok(p.Verifier(store))(t)
	token := ok(signer.Sign(t.Context(), nil))(t)
	input := token[:strings.LastIndexByte(token, '.')]
	for _, length := range []int{1, 20, 31, 33, 48} {
		t.Run(fmt.Sprint(length), func(t *testing.T) {
			signature := ok(rsa.SignPSS(rand.Reader, key, sha256Hash, sum256(input), &rsa.PSSOptions{SaltLength: length}))(t)
			_, err := verifier.Verify(t.Context(), input+"."+textSegment(string(signature)))
			refuses(t, err, tokenprofile.ErrSignature)
		})
	}
}

// A key that does not fit is refused when the signer, and when the verifier,
// is built, and the error names both.
func TestKeysThatDoNotFit(t *testing.T) {
	weak := ok(rsa.GenerateKey(rand.Reader, 1024))(t)
	strong := ok(generateRSA())(t)
	p256, p384 := cryptoKey(t, "ES256"), cryptoKey(t, "ES384")
	for _, test := range []struct {
		name      string
		algorithm tokenprofile.Algorithm
		key       signingKey
		chain     []*x509.Certificate
		want      string
	}{
		{"RSA of 1024 bits", "RS256", weak, nil, "2048"},
		{"RSA of 1024 bits for PSS", "PS256", weak, nil, "2048"},
		{"P-384 for ES256", "ES256", p384, nil, "P-256"},
		{"P-256 for ES384", "ES384", p256, nil, "P-384"},
		{"P-256 for ES512", "ES512", p256, nil, "P-521"},
		{"P-256 for RS256", "RS256", p256, nil, "EC P-256"},
		{"RSA for ES256", "ES256", strong, nil, "RSA 2048"},
		{"RSA for EdDSA", "EdDSA", strong, nil, "RSA 2048"},
		{"P-256 for EdDSA", "EdDSA", p256, nil, "EC P-256"},
		{"Ed25519 for RS256", "RS256", cryptoKey(t, "EdDSA"), nil, "Ed25519"},
		{"a certificate for encipherment", "RS256", strong, []*x509.Certificate{certify(t, strong, x509.KeyUsageKeyEncipherment)}, "key usage"},
		{"a certificate for key agreement", "ES256", p256, []*x509.Certificate{certify(t, p256, x509.KeyUsageKeyAgreement)}, "key usage"},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := ok(keystore.NewPrivateKey(test.key, test.chain...))(t)
			p := profileOf(test.algorithm)
			_, signErr := p.Signer(keystore.New(key))
			_, verifyErr := p.Verifier(trusting(key))
			for _, err := range []error{signErr, verifyErr} {
				if err == nil || !strings.Contains(err.Error(), string(test.algorithm)) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want an error that names %s and %s", err, test.algorithm, test.want)
				}
			}
		})
	}
}

// What a JWK says of its own use is respected.
func TestRestrictedJWKs(t *testing.T) {
	key := ok(generateRSA())(t)
	plain := ok(json.Marshal(ok(keystore.NewPublicKey(key.Public()))(t)))(t)
	with := func(members string) keystore.PublicKey {
		var jwk keystore.PublicKey
		if err := json.Unmarshal([]byte("{"+members+","+string(plain[1:])), &jwk); err != nil {
			t.Fatal(err)
		}
		return jwk
	}
	for _, test := range []struct {
		name, members, want string
	}{
		{"bound to PS256", `"alg":"PS256"`, "PS256"},
		{"bound to a longer hash", `"alg":"RS512"`, "RS512"},
		{"bound to encryption", `"alg":"RSA-OAEP"`, "RSA-OAEP"},
		{"for encryption", `"use":"enc"`, "enc"},
		{"for signing only", `"key_ops":["sign"]`, "key_ops"},
		{"for wrapping keys", `"key_ops":["wrapKey"]`, "key_ops"},
		{"bound to RS256", `"alg":"RS256"`, ""},
		{"for signatures", `"use":"sig"`, ""},
		{"for verifying", `"key_ops":["verify"]`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := profileOf("RS256").Verifier(&trust{keys: []keystore.PublicKey{with(test.members)}})
			if test.want == "" && err != nil {
				t.Error(err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "RS256")) {
				t.Errorf("got %v, want an error that names RS256 and %s", err, test.want)
			}
		})
	}
}

// An RSA key with a small or even exponent does not verify.
func TestRSAExponents(t *testing.T) {
	n := ok(generateRSA())(t).N
	for _, test := range []struct {
		exponent int
		fits     bool
	}{{3, false}, {17, false}, {65535, false}, {65536, false}, {65537, true}, {65538, false}, {1<<31 - 1, true}} {
		key, err := keystore.NewPublicKey(&rsa.PublicKey{N: n, E: test.exponent})
		if err == nil {
			_, err = profileOf("RS256").Verifier(&trust{keys: []keystore.PublicKey{key}})
		}
		if (err == nil) != test.fits {
			t.Errorf("exponent %d: got %v, want it to fit: %t", test.exponent, err, test.fits)
		}
	}
}

func TestRSAKeysOf16384BitsDoNotVerify(t *testing.T) {
	n := new(big.Int).SetBit(big.NewInt(1), 16383, 1)
	key, err := keystore.NewPublicKey(&rsa.PublicKey{N: n, E: 65537})
	if err == nil {
		_, err = profileOf("RS256").Verifier(&trust{keys: []keystore.PublicKey{key}})
	}
	if err == nil || !strings.Contains(err.Error(), "8192") {
		t.Errorf("got %v, want an error that names 8192 bits", err)
	}
}

// An HMAC key has at least the length of the hash (RFC 7518 section 3.2).
func TestSecretKeysThatAreTooShort(t *testing.T) {
	for algorithm, length := range map[tokenprofile.Algorithm]int{"HS256": 32, "HS384": 48, "HS512": 64} {
		t.Run(string(algorithm), func(t *testing.T) {
			p := profileOf(algorithm)
			short, long := secrets{secretFor(t, "k", length-1)}, secrets{secretFor(t, "k", length)}
			_, signErr := p.SecretSigner(short)
			_, verifyErr := p.SecretVerifier(short)
			for _, err := range []error{signErr, verifyErr} {
				if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("(%d bytes) does not fit %s", length-1, algorithm)) {
					t.Errorf("got %v, want an error that names both", err)
				}
			}
			ok(p.SecretSigner(long))(t)
			ok(p.SecretVerifier(long))(t)
		})
	}
}

// Keys that come later are judged when they are used.
func TestAKeyThatComesLaterIsJudgedThen(t *testing.T) {
	p := profileOf("ES256")
	good, misfit := keyFor(t, "ES256"), keyFor(t, "ES384")
	source := trusting()
	verifier := ok(p.Verifier(source))(t)
	token := ok(ok(p.Signer(keystore.New(good)))(t).Sign(t.Context(), nil))(t)
	source.set([]keystore.PublicKey{misfit.Public().WithKeyID(good.KeyID())}, nil)
	_, err := verifier.Verify(t.Context(), token)
	refuses(t, err, tokenprofile.ErrUnknownKey)
	if !strings.Contains(err.Error(), "P-256") {
		t.Errorf("got %v, want an error that names P-256", err)
	}
	source.set([]keystore.PublicKey{good.Public()}, nil)
	if _, err := verifier.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func TestAlgorithmsAndKindsOfKeys(t *testing.T) {
	store, shared := keystore.New(keyFor(t, "ES256")), secrets{secretFor(t, "k", 64)}
	_, err := profileOf("HS256").Signer(store)
	mentions(t, err, "SecretSigner")
	_, err = profileOf("HS256").Verifier(store)
	mentions(t, err, "SecretVerifier")
	_, err = profileOf("ES256").SecretSigner(shared)
	mentions(t, err, "ES256 does not use secret keys")
	_, err = profileOf("ES256").SecretVerifier(shared)
	mentions(t, err, "ES256 does not use secret keys")
	_, err = profileOf("ES256").Signer(nil)
	mentions(t, err, "nil")
	_, err = profileOf("ES256").Verifier(nil)
	mentions(t, err, "nil")
	_, err = profileOf("HS256").SecretSigner(nil)
	mentions(t, err, "nil")
	_, err = profileOf("HS256").SecretVerifier(nil)
	mentions(t, err, "nil")
}

// mentions fails unless there is an error with the text.
func mentions(t testing.TB, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want an error with %q", err, text)
	}
}

// certify is a self-signed certificate, valid around the tests' time.
func certify(t testing.TB, key signingKey, usage x509.KeyUsage) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, KeyUsage: usage,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
	der := ok(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	return ok(x509.ParseCertificate(der))(t)
}
