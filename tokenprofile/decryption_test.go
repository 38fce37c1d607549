package tokenprofile_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func segment(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func headerOf(t testing.TB, token string) (header map[string]any) {
	t.Helper()
	data, _ := firstSegment(token)
	decodeJSON(t, data, &header)
	return header
}

func firstSegment(token string) (data []byte, rest string) {
	first, rest, _ := strings.Cut(token, ".")
	data, _ = base64.RawURLEncoding.DecodeString(first)
	return data, rest
}

var direct = tokenprofile.Encryption{KeyAlgorithm: tokenprofile.Direct, ContentAlgorithm: tokenprofile.A256GCM}

// forge encrypts rightly under any header, so that what refuses the token is
// the header.
func forge(t testing.TB, key []byte, header, payload string) string {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, gcm.NonceSize())
	sealed := gcm.Seal(nil, iv, []byte(payload), []byte(segment([]byte(header))))
	at := len(sealed) - gcm.Overhead()
	return strings.Join([]string{segment([]byte(header)), "", segment(iv), segment(sealed[:at]), segment(sealed[at:])}, ".")
}

func TestHeaderOfAnEncryptedToken(t *testing.T) {
	key := secretFor(t, "shared", 32)
	keys := tokenprofile.DecryptWithSecret(secrets{key})
	tests := []struct {
		name   string
		header string
		want   error
	}{
		{"alg and enc", `{"alg":"dir","enc":"A256GCM"}`, nil},
		{"kid, typ and cty", `{"alg":"dir","enc":"A256GCM","kid":"shared","typ":"JWT","cty":"JWT"}`, nil},
		{"a parameter that nobody knows", `{"alg":"dir","enc":"A256GCM","x":{"y":1}}`, nil},
		{"alg of another family", `{"alg":"A256KW","enc":"A256GCM"}`, tokenprofile.ErrAlgorithm},
		{"RSA1_5", `{"alg":"RSA1_5","enc":"A256GCM"}`, tokenprofile.ErrAlgorithm},
		{"PBES2", `{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2s":"AAAAAAAAAAA","p2c":1000000000}`, tokenprofile.ErrAlgorithm},
		{"none", `{"alg":"none","enc":"A256GCM"}`, tokenprofile.ErrAlgorithm},
		{"alg in another case", `{"alg":"DIR","enc":"A256GCM"}`, tokenprofile.ErrAlgorithm},
		{"no alg", `{"enc":"A256GCM"}`, tokenprofile.ErrAlgorithm},
		{"alg that is no string", `{"alg":["dir"],"enc":"A256GCM"}`, tokenprofile.ErrAlgorithm},
		{"another enc", `{"alg":"dir","enc":"A128GCM"}`, tokenprofile.ErrAlgorithm},
		{"no enc", `{"alg":"dir"}`, tokenprofile.ErrAlgorithm},
		{"crit", `{"alg":"dir","enc":"A256GCM","crit":["exp"],"exp":1}`, tokenprofile.ErrCritical},
		{"an empty crit", `{"alg":"dir","enc":"A256GCM","crit":[]}`, tokenprofile.ErrCritical},
		{"zip", `{"alg":"dir","enc":"A256GCM","zip":"DEF"}`, tokenprofile.ErrMalformed},
		{"jku", `{"alg":"dir","enc":"A256GCM","jku":"https://attacker.example"}`, nil},
		{"jwk", `{"alg":"dir","enc":"A256GCM","jwk":{"kty":"oct","k":"AA"}}`, nil},
		{"x5u", `{"alg":"dir","enc":"A256GCM","x5u":"https://attacker.example"}`, nil},
		{"x5c", `{"alg":"dir","enc":"A256GCM","x5c":["AA=="]}`, nil},
		{"b64", `{"alg":"dir","enc":"A256GCM","b64":false}`, tokenprofile.ErrMalformed},
		{"p2c", `{"alg":"dir","enc":"A256GCM","p2c":1}`, tokenprofile.ErrMalformed},
		{"p2s", `{"alg":"dir","enc":"A256GCM","p2s":"AAAAAAAAAAA"}`, tokenprofile.ErrMalformed},
		{"epk without a key agreement", `{"alg":"dir","enc":"A256GCM","epk":{}}`, tokenprofile.ErrMalformed},
		{"apu without a key agreement", `{"alg":"dir","enc":"A256GCM","apu":"AA"}`, tokenprofile.ErrMalformed},
		{"iv without AES-GCM key wrap", `{"alg":"dir","enc":"A256GCM","iv":"AA"}`, tokenprofile.ErrMalformed},
		{"tag without AES-GCM key wrap", `{"alg":"dir","enc":"A256GCM","tag":"AA"}`, tokenprofile.ErrMalformed},
		{"an unknown kid", `{"alg":"dir","enc":"A256GCM","kid":"other"}`, tokenprofile.ErrUnknownKey},
		{"a kid that is a path", `{"alg":"dir","enc":"A256GCM","kid":"../shared"}`, tokenprofile.ErrUnknownKey},
		{"a kid that is no string", `{"alg":"dir","enc":"A256GCM","kid":1}`, tokenprofile.ErrUnknownKey},
		{"an empty kid", `{"alg":"dir","enc":"A256GCM","kid":""}`, tokenprofile.ErrUnknownKey},
		{"a kid of 257 bytes", `{"alg":"dir","enc":"A256GCM","kid":"` + strings.Repeat("k", 257) + `"}`, tokenprofile.ErrUnknownKey},
		{"alg twice", `{"alg":"dir","enc":"A256GCM","alg":"dir"}`, tokenprofile.ErrMalformed},
		{"alg twice, once escaped", `{"alg":"dir","enc":"A256GCM","\u0061lg":"dir"}`, tokenprofile.ErrMalformed},
		{"a twin of enc", `{"alg":"dir","enc":"A256GCM","ENC":"none"}`, tokenprofile.ErrMalformed},
		{"something after the object", `{"alg":"dir","enc":"A256GCM"} x`, tokenprofile.ErrMalformed},
		{"an array", `["dir","A256GCM"]`, tokenprofile.ErrMalformed},
		{"nothing", ``, tokenprofile.ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, payload, err := keys.Decrypt(t.Context(), direct, forge(t, key.Bytes(), test.header, "x"))
			if test.want == nil {
				if err != nil || string(payload) != "x" {
					t.Errorf("got %q and %v, want it decrypted", payload, err)
				}
				return
			}
			if !errors.Is(err, test.want) || !errors.Is(err, tokenprofile.ErrInvalid) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestSerializationOfAnEncryptedToken(t *testing.T) {
	key := secretFor(t, "", 32)
	keys := tokenprofile.DecryptWithSecret(secrets{key})
	good := forge(t, key.Bytes(), `{"alg":"dir","enc":"A256GCM"}`, "some text")
	parts := strings.Split(good, ".")
	tests := map[string]string{
		"nothing":               "",
		"three parts":           strings.Join(parts[:3], "."),
		"four parts":            strings.Join(parts[:4], "."),
		"six parts":             good + ".",
		"padding":               good + "=",
		"a line break":          good + "\n",
		"a line break inside":   strings.Replace(good, "..", "..\r\n", 1),
		"one after whole bytes": strings.Join([]string{parts[0], "", parts[2] + "\n", parts[3], parts[4]}, "."),
		"standard base64":       strings.Join([]string{parts[0], "", "++++////++++////", parts[3], parts[4]}, "."),
		"stray bits":            good[:len(good)-1] + "B",
		"space around":          " " + good,
		"a JSON serialization":  `{"protected":"` + parts[0] + `","iv":"` + parts[2] + `","ciphertext":"` + parts[3] + `","tag":"` + parts[4] + `"}`,
	}
	if _, _, err := keys.Decrypt(t.Context(), direct, good); err != nil {
		t.Fatal(err)
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			if _, _, err := keys.Decrypt(t.Context(), direct, token); !errors.Is(err, tokenprofile.ErrMalformed) {
				t.Errorf("got %v, want %v", err, tokenprofile.ErrMalformed)
			}
		})
	}
}

// part is the index of a part of the compact serialization.
const (
	encryptedKeyPart = 1
	ivPart           = 2
	ciphertextPart   = 3
	tagPart          = 4
)

var partNames = map[int]string{encryptedKeyPart: "encrypted key", ivPart: "iv", ciphertextPart: "ciphertext", tagPart: "tag"}

// alterations of a part. None leaves it as it was.
var alterations = map[string]func([]byte) []byte{
	"empty":           func(b []byte) []byte { return nil },
	"one bit":         func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
	"first bit":       func(b []byte) []byte { b[0] ^= 0x80; return b },
	"a byte less":     func(b []byte) []byte { return b[1:] },
	"a byte more":     func(b []byte) []byte { return append(b, 0) },
	"a block less":    func(b []byte) []byte { return b[:max(0, len(b)-16)] },
	"a block more":    func(b []byte) []byte { return append(b, make([]byte, 16)...) },
	"eight bytes":     func(b []byte) []byte { return make([]byte, 8) },
	"all zero":        func(b []byte) []byte { clear(b); return b },
	"ten thousand":    func(b []byte) []byte { return make([]byte, 10000) },
	"its half":        func(b []byte) []byte { return b[:len(b)/2] },
	"twice the bytes": func(b []byte) []byte { return append(b, b...) },
}

// Lengths are exact before the decoder sees a part. From outside nobody can
// tell, because whatever fails after that looks the same.
func TestLengthsOfThePartsAreExact(t *testing.T) {
	for _, e := range encryptions() {
		ends := allEnds(t, e)[0]
		token := ok(ends.encrypt.Encrypt(t.Context(), e, "", "JWT", []byte("inner")))(t)
		if err := ends.decrypt.CheckParts(t.Context(), e, token); err != nil {
			t.Errorf("%v, as it was: %v", e, err)
		}
		for part, name := range partNames {
			if part == ciphertextPart && !strings.Contains(string(e.ContentAlgorithm), "CBC") {
				continue // of any length
			}
			parts := strings.Split(token, ".")
			whole := decodeSegment(t, parts[part])
			for _, length := range []int{0, 1, len(whole) - 1, len(whole) + 1, len(whole) + 8, 10000} {
				if length < 0 || length == len(whole) || part == ciphertextPart && length%16 == 0 && length > 0 {
					continue
				}
				parts[part] = segment(append(bytes.Clone(whole), make([]byte, 10000)...)[:length])
				if err := ends.decrypt.CheckParts(t.Context(), e, strings.Join(parts, ".")); err == nil {
					t.Errorf("%v: %d bytes of %s pass, want %d", e, length, name, len(whole))
				}
			}
		}
	}
}

// A kid is bounded even where a key has a longer one.
func TestKidOfAnEncryptedTokenIsBounded(t *testing.T) {
	for length, want := range map[int]error{256: nil, 257: tokenprofile.ErrUnknownKey} {
		key := secretFor(t, strings.Repeat("k", length), 32)
		header := `{"alg":"dir","enc":"A256GCM","kid":"` + key.KeyID() + `"}`
		_, _, err := tokenprofile.DecryptWithSecret(secrets{key}).Decrypt(t.Context(), direct, forge(t, key.Bytes(), header, "x"))
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: got %v, want %v", length, err, want)
		}
	}
}

// Every alteration of every part, under every algorithm, ends in one error:
// the same text, whatever went wrong, and no panic on the way.
func TestEveryFailedDecryptionLooksTheSame(t *testing.T) {
	panics := tokenprofile.DecoderPanics()
	texts := map[string]bool{}
	for _, e := range encryptions() {
		ends := allEnds(t, e)[0]
		token, err := ends.encrypt.Encrypt(t.Context(), e, "", "", []byte("some longer text than one block holds"))
		if err != nil {
			t.Fatal(err)
		}
		for part, name := range partNames {
			for how, alter := range alterations {
				altered := alterPart(token, part, alter)
				if altered == token {
					continue // an encrypted key that has no bytes to alter
				}
				_, _, err := ends.decrypt.Decrypt(t.Context(), e, altered)
				if !errors.Is(err, tokenprofile.ErrDecryption) || !errors.Is(err, tokenprofile.ErrInvalid) {
					t.Errorf("%s %s, %s: %s: got %v, want %v", e.KeyAlgorithm, e.ContentAlgorithm, name, how, err, tokenprofile.ErrDecryption)
					continue
				}
				texts[err.Error()] = true
			}
		}
	}
	if len(texts) != 1 {
		t.Errorf("got %d different texts, want one: %v", len(texts), texts)
	}
	if got := tokenprofile.DecoderPanics() - panics; got != 0 {
		t.Errorf("the decoder panicked %d times: the gate let through what it should not", got)
	}
}

func alterPart(token string, part int, alter func([]byte) []byte) string {
	parts := strings.Split(token, ".")
	data, _ := base64.RawURLEncoding.DecodeString(parts[part])
	if len(data) == 0 {
		data = make([]byte, 0, 16)
		if altered := alter(append(data, 1)); len(altered) > 0 {
			parts[part] = segment(altered)
		}
		return strings.Join(parts, ".")
	}
	parts[part] = segment(alter(data))
	return strings.Join(parts, ".")
}

// replaceParameter puts another value into the header of a token.
func replaceParameter(t testing.TB, token, name, value string) string {
	t.Helper()
	data, rest := firstSegment(token)
	var header map[string]json.RawMessage
	decodeJSON(t, data, &header)
	header[name] = json.RawMessage(value)
	if value == "" {
		delete(header, name)
	}
	altered, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	return segment(altered) + "." + rest
}

func TestParametersOfAESGCMKeyWrap(t *testing.T) {
	e := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.A128GCMKW, ContentAlgorithm: tokenprofile.A128GCM}
	ends := secretEnds(t, 16)
	token, err := ends.encrypt.Encrypt(t.Context(), e, "", "", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"iv", "tag"} {
		for _, value := range []string{``, `""`, `1`, `null`, `{}`, `"AA"`, `"AAAAAAAAAAAAAAAAAAAAAAAA"`, `"not base64!"`, `"AAAAAAAAAAAAAAAA="`} {
			altered := replaceParameter(t, token, name, value)
			if _, _, err := ends.decrypt.Decrypt(t.Context(), e, altered); !errors.Is(err, tokenprofile.ErrDecryption) {
				t.Errorf("%s %s: got %v, want %v", name, value, err, tokenprofile.ErrDecryption)
			}
			if ends.decrypt.CheckParts(t.Context(), e, altered) == nil {
				t.Errorf("%s %s: the decoder sees it", name, value)
			}
		}
	}
}

func TestPartyInformationIsBounded(t *testing.T) {
	e := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.ECDHES, ContentAlgorithm: tokenprofile.A128GCM}
	ends := keyPairEnds(t, "P-256", ecPair(t, elliptic.P256()))
	token, err := ends.encrypt.Encrypt(t.Context(), e, "", "", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"apu", "apv"} {
		for _, value := range []string{`""`, `1`, `["QQ"]`, `"not base64!"`, `"` + b64(257) + `"`} {
			altered := replaceParameter(t, token, name, value)
			if _, _, err := ends.decrypt.Decrypt(t.Context(), e, altered); !errors.Is(err, tokenprofile.ErrDecryption) {
				t.Errorf("%s %.20s: got %v, want %v", name, value, err, tokenprofile.ErrDecryption)
			}
			if ends.decrypt.CheckParts(t.Context(), e, altered) == nil {
				t.Errorf("%s %.20s: the decoder sees it", name, value)
			}
		}
		most := replaceParameter(t, token, name, `"`+b64(256)+`"`)
		if err := ends.decrypt.CheckParts(t.Context(), e, most); err != nil {
			t.Errorf("%s of 256 bytes: got %v", name, err)
		}
	}
}

func TestEphemeralKeyMustBeOnTheRecipientsCurve(t *testing.T) {
	p256 := ecPair(t, elliptic.P256()).Public()
	x25519 := x25519Pair(t).Public()
	good := jwkOf(t, ecPair(t, elliptic.P256()))
	goodX := jwkOf(t, x25519Pair(t))
	p384 := jwkOf(t, ecPair(t, elliptic.P384()))
	zeros := segment(make([]byte, 32))
	tests := []struct {
		name      string
		epk       string
		recipient any
		ok        bool
	}{
		{"on P-256", good, p256, true},
		{"on X25519", goodX, x25519, true},
		{"on P-384 for P-256", p384, p256, false},
		{"on P-384, called P-256", strings.Replace(p384, "P-384", "P-256", 1), p256, false},
		{"on P-256, called P-384", strings.Replace(good, "P-256", "P-384", 1), p256, false},
		{"on X25519 with a private part", strings.Replace(goodX, "{", `{"d":"`+b64(32)+`",`, 1), x25519, false},
		{"on X25519 for P-256", goodX, p256, false},
		{"on P-256 for X25519", good, x25519, false},
		{"off the curve", `{"kty":"EC","crv":"P-256","x":"` + b64(32) + `","y":"` + b64(32) + `"}`, p256, false},
		{"at infinity", `{"kty":"EC","crv":"P-256","x":"` + zeros + `","y":"` + zeros + `"}`, p256, false},
		{"a coordinate too short", `{"kty":"EC","crv":"P-256","x":"` + b64(31) + `","y":"` + b64(32) + `"}`, p256, false},
		{"a coordinate too long", `{"kty":"EC","crv":"P-256","x":"` + b64(33) + `","y":"` + b64(32) + `"}`, p256, false},
		{"y too short", `{"kty":"EC","crv":"P-256","x":"` + b64(32) + `","y":"` + b64(31) + `"}`, p256, false},
		{"a coordinate divided otherwise", divided(t, good), p256, false},
		{"y that is no base64url", `{"kty":"EC","crv":"P-256","x":"` + b64(32) + `","y":"="}`, p256, false},
		{"x that is no base64url on X25519", `{"kty":"OKP","crv":"X25519","x":"="}`, x25519, false},
		{"no coordinates", `{"kty":"EC","crv":"P-256"}`, p256, false},
		{"31 bytes on X25519", `{"kty":"OKP","crv":"X25519","x":"` + b64(31) + `"}`, x25519, false},
		{"33 bytes on X25519", `{"kty":"OKP","crv":"X25519","x":"` + b64(33) + `"}`, x25519, false},
		{"Ed25519", strings.Replace(goodX, "X25519", "Ed25519", 1), x25519, false},
		{"another kty", strings.Replace(good, `"EC"`, `"OKP"`, 1), p256, false},
		{"with a private part", strings.Replace(good, "{", `{"d":"`+b64(32)+`",`, 1), p256, false},
		{"with another parameter", strings.Replace(good, "{", `{"kid":"x",`, 1), p256, false},
		{"a coordinate twice", strings.Replace(good, "{", `{"x":"`+b64(32)+`",`, 1), p256, false},
		{"an RSA key", jwkOf(t, rsaPair()), p256, false},
		{"a secret", `{"kty":"oct","k":"AA"}`, p256, false},
		{"null", `null`, p256, false},
		{"missing", ``, p256, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := tokenprofile.CheckEphemeralKey(test.epk, test.recipient); (err == nil) != test.ok {
				t.Errorf("got %v, want it accepted: %t", err, test.ok)
			}
		})
	}
}

// divided gives x a byte of y.
func divided(t testing.TB, jwk string) string {
	t.Helper()
	var members struct{ X, Y []byte }
	var texts struct{ X, Y string }
	decodeJSON(t, []byte(jwk), &texts)
	for text, to := range map[*string]*[]byte{&texts.X: &members.X, &texts.Y: &members.Y} {
		data, err := base64.RawURLEncoding.DecodeString(*text)
		if err != nil {
			t.Fatal(err)
		}
		*to = data
	}
	return `{"kty":"EC","crv":"P-256","x":"` + segment(append(members.X, members.Y[0])) + `","y":"` + segment(members.Y[1:]) + `"}`
}

// jwkOf has the parameters of an epk and no others.
func jwkOf(t testing.TB, pair keyPair) string {
	t.Helper()
	text, err := privateKey(t, pair).Public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	decodeJSON(t, text, &members)
	delete(members, "kid")
	text, err = json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A point of small order makes a shared secret of zeros, which everyone knows.
func TestSharedSecretMustNotBeZero(t *testing.T) {
	e := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.ECDHES, ContentAlgorithm: tokenprofile.A256GCM}
	ends := keyPairEnds(t, "X25519", x25519Pair(t))
	zero := make([]byte, 32)
	one := append([]byte{1}, make([]byte, 31)...)
	for name, point := range map[string][]byte{"zero": zero, "one": one} {
		header := `{"alg":"ECDH-ES","enc":"A256GCM","epk":{"kty":"OKP","crv":"X25519","x":"` + segment(point) + `"}}`
		token := forge(t, zeroAgreement(t), header, "x")
		if _, _, err := ends.decrypt.Decrypt(t.Context(), e, token); !errors.Is(err, tokenprofile.ErrDecryption) {
			t.Errorf("%s: got %v, want %v", name, err, tokenprofile.ErrDecryption)
		}
	}
	public, err := ecdh.X25519().NewPublicKey(zero)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keystore.NewPublicKey(public)
	if err != nil {
		return // refused even earlier
	}
	if _, err := tokenprofile.EncryptTo(publicKeys{key}).Encrypt(t.Context(), e, "", "", []byte("x")); err == nil {
		t.Error("encrypted to a point of small order")
	}
}

// A tag that is right does not make a padding right (RFC 7518 section 5.2.2.2
// step 4): PKCS #7 has 1 to 16 bytes, where TLS has up to 255.
func TestPaddingMustBeOfOneBlock(t *testing.T) {
	e := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.Direct, ContentAlgorithm: tokenprofile.A128CBCHS256}
	key := secretFor(t, "", 32)
	keys := tokenprofile.DecryptWithSecret(secrets{key})
	padded := func(length int, value byte) string {
		plaintext := append(make([]byte, 64-length), bytes.Repeat([]byte{value}, length)...)
		return forgeCBC(t, key.Bytes(), plaintext)
	}
	for n := 1; n <= 16; n++ {
		if _, payload, err := keys.Decrypt(t.Context(), e, padded(n, byte(n))); err != nil || len(payload) != 64-n {
			t.Errorf("%d bytes: got %d bytes and %v, want %d", n, len(payload), err, 64-n)
		}
	}
	tests := map[string]string{
		"none":                  padded(1, 0),
		"17 bytes":              padded(17, 17),
		"32 bytes":              padded(32, 32),
		"all bytes":             padded(64, 64),
		"more than there is":    padded(1, 65),
		"255":                   padded(1, 255),
		"one byte of it wrong":  padded(3, 4),
		"the first of it wrong": padded(15, 16),
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			if _, _, err := keys.Decrypt(t.Context(), e, token); !errors.Is(err, tokenprofile.ErrDecryption) {
				t.Errorf("got %v, want %v", err, tokenprofile.ErrDecryption)
			}
		})
	}
}

// forgeCBC encrypts whole blocks with A128CBC-HS256 under a right tag (RFC 7518
// section 5.2.2.1).
func forgeCBC(t testing.TB, key, blocks []byte) string {
	t.Helper()
	block, err := aes.NewCipher(key[16:])
	if err != nil {
		t.Fatal(err)
	}
	header, iv := segment([]byte(`{"alg":"dir","enc":"A128CBC-HS256"}`)), make([]byte, aes.BlockSize)
	ciphertext := make([]byte, len(blocks))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(ciphertext, blocks)
	mac := hmac.New(sha256.New, key[:16])
	for _, part := range [][]byte{[]byte(header), iv, ciphertext, binary.BigEndian.AppendUint64(nil, uint64(len(header)*8))} {
		mac.Write(part)
	}
	return strings.Join([]string{header, "", segment(iv), segment(ciphertext), segment(mac.Sum(nil)[:16])}, ".")
}

func TestAPanicIsContainedAndCounted(t *testing.T) {
	before := tokenprofile.DecoderPanics()
	_, err := tokenprofile.Contain(func() ([]byte, error) { panic("secret") })
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want an error without what the panic said", err)
	}
	if got := tokenprofile.DecoderPanics() - before; got != 1 {
		t.Errorf("got %d panics counted, want 1", got)
	}
}

func TestDecryptionKeyIsChosen(t *testing.T) {
	e := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.ECDHESA128KW, ContentAlgorithm: tokenprofile.A128GCM}
	first, second := privateKey(t, ecPair(t, elliptic.P256())), privateKey(t, ecPair(t, elliptic.P256()))
	rsaKey := privateKey(t, rsaPair())
	to := func(key keystore.PrivateKey) string {
		token, err := tokenprofile.EncryptTo(publicKeys{key.Public()}).Encrypt(t.Context(), e, "", "", []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	nameless := func(key keystore.PrivateKey) string { return to(key.WithKeyID("")) }
	tests := []struct {
		name  string
		keys  privateKeys
		token string
		want  error
	}{
		{"by kid", privateKeys{rsaKey, first, second}, to(second), nil},
		{"without kid, the only one that fits", privateKeys{rsaKey, first}, nameless(first), nil},
		{"without kid, several that fit", privateKeys{first, second}, nameless(first), tokenprofile.ErrUnknownKey},
		{"a kid nobody has", privateKeys{first}, to(second), tokenprofile.ErrUnknownKey},
		{"the kid of a key of another type", privateKeys{rsaKey.WithKeyID(first.KeyID())}, to(first), tokenprofile.ErrUnknownKey},
		{"the kid of another key", privateKeys{second.WithKeyID(first.KeyID())}, to(first), tokenprofile.ErrDecryption},
		{"no key at all", nil, to(first), tokenprofile.ErrUnknownKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := tokenprofile.DecryptWith(test.keys).Decrypt(t.Context(), e, test.token)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// unavailable is a source whose keys are not available.
type unavailable struct{}

func (unavailable) PublicKeys(context.Context, string) ([]keystore.PublicKey, error) {
	return nil, keystore.ErrUnavailable
}

func (unavailable) PrivateKeys(context.Context) ([]keystore.PrivateKey, error) {
	return nil, keystore.ErrUnavailable
}

func (unavailable) DecryptionKeys(context.Context) ([]keystore.PrivateKey, error) {
	return nil, keystore.ErrUnavailable
}

func (unavailable) SecretKeys(context.Context, string) ([]keystore.SecretKey, error) {
	return nil, keystore.ErrUnavailable
}

func TestUnavailableKeysAreNotTheTokensFault(t *testing.T) {
	e := tokenprofile.Encryption{KeyAlgorithm: tokenprofile.RSAOAEP, ContentAlgorithm: tokenprofile.A256GCM}
	token, err := keyPairEnds(t, "RSA", rsaPair()).encrypt.Encrypt(t.Context(), e, "", "", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = tokenprofile.DecryptWith(unavailable{}).Decrypt(t.Context(), e, token)
	checkUnavailable(t, err)
	_, err = tokenprofile.EncryptTo(unavailable{}).Encrypt(t.Context(), e, "", "", []byte("x"))
	checkUnavailable(t, err)
	_, _, err = tokenprofile.DecryptWithSecret(unavailable{}).Decrypt(t.Context(), direct, forge(t, make([]byte, 32), `{"alg":"dir","enc":"A256GCM"}`, "x"))
	checkUnavailable(t, err)
}

func checkUnavailable(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, keystore.ErrUnavailable) || errors.Is(err, tokenprofile.ErrInvalid) {
		t.Errorf("got %v, want %v alone", err, keystore.ErrUnavailable)
	}
}

// zeroAgreement is the key that a shared secret of zeros gives for A256GCM
// (RFC 7518 section 4.6.2).
func zeroAgreement(t testing.TB) []byte {
	t.Helper()
	return concatKDF(make([]byte, 32), "A256GCM", 256)
}

// concatKDF is one round of the Concat KDF without party information.
func concatKDF(z []byte, algorithm string, bits uint32) []byte {
	h := sha256.New()
	word := func(n uint32) { h.Write(binary.BigEndian.AppendUint32(nil, n)) }
	word(1)
	h.Write(z)
	word(uint32(len(algorithm)))
	h.Write([]byte(algorithm))
	word(0)
	word(0)
	word(bits)
	return h.Sum(nil)[:bits/8]
}
