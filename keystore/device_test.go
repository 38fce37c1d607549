package keystore_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"io"
	"math/big"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

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
