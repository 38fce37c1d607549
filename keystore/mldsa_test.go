//go:build go1.27

package keystore_test

import (
	"crypto/mldsa"
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

const mldsaReason = "without its seed"

// An ML-DSA key goes through a PKCS #12 file and a JWK, and signs at both ends.
func TestMLDSAKeys(t *testing.T) {
	for a, size := range map[keystore.Algorithm]int{"ML-DSA-44": 2420, "ML-DSA-65": 3309, "ML-DSA-87": 4627} { // FIPS 204 table 2
		path := filepath.Join(t.TempDir(), "pq.p12")
		key := generate(t, a, "CN=pq")
		if err := keystore.WriteFile(path, keystore.StaticPassword(changeit), keystore.Entry{Alias: "pq", PrivateKey: key}); err != nil {
			t.Fatal(err)
		}
		store := must(keystore.Open(path, keystore.StaticPassword(changeit)))
		if e := store.Entries()[0]; e.Algorithm != "ML-DSA" || e.Err != nil || len(e.Chain) != 1 {
			t.Errorf("%s: got %q, %v, %d certificates", a, e.Algorithm, e.Err, len(e.Chain))
		}
		read := must(store.PrivateKeys(t.Context()))[0]
		signature := must(a.Sign(t.Context(), read, nil, []byte("input")))
		if len(signature) != size {
			t.Errorf("%s: a signature of %d bytes, want %d", a, len(signature), size)
		}
		var public keystore.PublicKey
		if err := public.UnmarshalJSON(must(read.Public().MarshalJSON())); err != nil {
			t.Fatal(err)
		}
		if !a.Verify(public, []byte("input"), signature) || a.Verify(public, []byte("other"), signature) {
			t.Errorf("%s: the signature does not verify under the JWK, or another does", a)
		}
		if public.KeyID() != key.KeyID() || !public.Equal(key.Public()) {
			t.Errorf("%s: the JWK is another key", a)
		}
	}
}

// The example of RFC 9964 is long; what is checked here is its form: alg says
// what the key is, pub has it, priv is the seed of 32 bytes.
func TestMLDSAJWK(t *testing.T) {
	seed := []byte(strings.Repeat("s", mldsa.PrivateKeySize))
	made, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), seed)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	members := map[string]any{"kty": "AKP", "alg": "ML-DSA-44", "kid": "pq", "pub": encode(made.PublicKey().Bytes()), "priv": encode(seed)}
	store := must(keystore.Parse(must(json.Marshal(members)), nil))
	key := must(store.PrivateKeys(t.Context()))[0]
	if got := key.CryptoKey().(*mldsa.PrivateKey); !got.Equal(made) {
		t.Error("another key was read")
	}
	var document map[string]string
	if err := json.Unmarshal(must(key.Public().MarshalJSON()), &document); err != nil {
		t.Fatal(err)
	}
	delete(members, "priv")
	for name, want := range members {
		if document[name] != want {
			t.Errorf("%s: got %.20q, want %.20q", name, document[name], want)
		}
	}
	for name, change := range map[string]map[string]any{
		"a seed that is short":    {"priv": encode(seed[1:])},
		"a seed of another key":   {"priv": encode([]byte(strings.Repeat("t", 32)))},
		"pub of another set":      {"alg": "ML-DSA-65"},
		"no alg":                  {"alg": nil},
		"an alg of another kind":  {"alg": "ES256"},
		"an alg nobody knows yet": {"alg": "ML-DSA-128"},
	} {
		changed := map[string]any{"kty": "AKP", "alg": "ML-DSA-44", "kid": "pq", "pub": encode(made.PublicKey().Bytes()), "priv": encode(seed)}
		for member, value := range change {
			changed[member] = value
		}
		store, err := keystore.Parse(must(json.Marshal(changed)), nil)
		if err == nil && store.Entries()[0].Err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
