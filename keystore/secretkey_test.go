package keystore_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

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
	other := *must(rsa.GenerateKey(rand.Reader, 2048))
	other.D = new(big.Int).Add(other.D, big.NewInt(2))
	for name, key := range map[string]*rsa.PrivateKey{
		"its own exponent": &other,
		"the public part":  {D: big.NewInt(3)},
		"the private part": {PublicKey: rsa.PublicKey{N: big.NewInt(15), E: 3}},
	} {
		if _, err := keystore.NewPrivateKey(key); err == nil {
			t.Errorf("an RSA key without %s: accepted", name)
		}
	}
}
