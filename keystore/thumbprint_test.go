package keystore_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// The numbers of a key keep their leading zeros, as its curve wants.
func TestThumbprintsAreThoseOfTheJWK(t *testing.T) {
	keys := map[string]crypto.PublicKey{"X25519": must(ecdh.X25519().NewPrivateKey(make([]byte, 32))).PublicKey()}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		keys[curve.Params().Name] = shortKey(t, curve)
	}
	for name, key := range keys {
		public := must(keystore.NewPublicKey(key))
		if got, want := public.KeyID(), thumbprintOf(t, must(json.Marshal(public.WithKeyID("")))); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// shortKey returns a key whose x begins with a byte of zeros.
func shortKey(t *testing.T, curve elliptic.Curve) *ecdsa.PublicKey {
	size := (curve.Params().BitSize + 7) / 8
	for d := uint32(1); d < 10_000; d++ {
		scalar := make([]byte, size)
		binary.BigEndian.PutUint32(scalar[size-4:], d)
		key := must(ecdsa.ParseRawPrivateKey(curve, scalar)).Public().(*ecdsa.PublicKey)
		if point := must(key.Bytes()); point[1] == 0 && (size != 66 || point[2] == 0) { // of P-521 most begin with 0
			return key
		}
	}
	t.Fatal("no such key")
	return nil
}

// thumbprintOf hashes the members of a JWK that RFC 7638 section 3.2 names.
func thumbprintOf(t testing.TB, document []byte) string {
	var members map[string]any
	if err := json.Unmarshal(document, &members); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(members, func(name string, _ any) bool {
		return !slices.Contains([]string{"crv", "e", "kty", "n", "x", "y"}, name)
	})
	sum := sha256.Sum256(must(json.Marshal(members))) // in the order of their names
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
