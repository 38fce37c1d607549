package keystore_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Checking a signature by a large key takes long, and a small file can ask for
// thousands: they are counted by what they cost.
func TestSignaturesOfChainsAreCountedByTheirCost(t *testing.T) {
	rsaKey := func(bits, e int) crypto.PublicKey {
		return &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), bits-1, 1), E: e}
	}
	for _, tt := range []struct {
		name string
		key  crypto.PublicKey
		want int64
	}{
		{"RSA 2048", rsaKey(2048, 65537), 1},
		{"RSA 4096", rsaKey(4096, 65537), 4},
		{"RSA 16384 with a large exponent", rsaKey(16384, math.MaxInt32), 128},
		{"P-256", newEC(elliptic.P256()).Public(), 3},
		{"P-521", newEC(elliptic.P521()).Public(), 20},
		{"Ed25519", newEd25519("a").Public(), 3},
	} {
		if got := keystore.SignatureWork(tt.key); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
	key := newEd25519("a")
	chain := []*x509.Certificate{
		selfSigned(t, key, "CN=a", time.Unix(0, 0), time.Unix(4e9, 0)),
		selfSigned(t, key, "CN=b", time.Unix(0, 0), time.Unix(4e9, 0)),
	}
	if err := keystore.CheckChain(chain, 3); err != nil {
		t.Errorf("got %v for a signature that can be afforded", err)
	}
	if err := keystore.CheckChain(chain, 2); !errors.Is(err, keystore.ErrLimit) {
		t.Errorf("got %v for one that cannot, want %v", err, keystore.ErrLimit)
	}
}
