package keystore_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Under a point of small order anybody can sign: that is shown first, by a
// signature of the point R = 1 and S = 0, which needs no private key.
func TestPointsOfSmallOrderAreNoKeys(t *testing.T) {
	for _, encoded := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		point := ed25519.PublicKey(must(hex.DecodeString(encoded)))
		signature := make([]byte, ed25519.SignatureSize)
		signature[0] = 1
		forged := 0
		for n := range 100 {
			if ed25519.Verify(point, fmt.Append(nil, n), signature) {
				forged++
			}
		}
		if forged == 0 {
			t.Errorf("%s: none of 100 messages verifies: this row checks nothing", encoded)
		}
		key := must(keystore.NewPublicKey(point))
		for _, a := range []keystore.Algorithm{"EdDSA", "Ed25519"} {
			if err := key.Fits(a); err == nil || !strings.Contains(err.Error(), "small order") {
				t.Errorf("%s fits %s: %v", encoded, a, err)
			}
		}
	}
	if err := generate(t, "EdDSA", "CN=a").Public().Fits("EdDSA"); err != nil {
		t.Errorf("a sound key: %v", err)
	}
}
