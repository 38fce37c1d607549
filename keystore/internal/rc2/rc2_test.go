package rc2_test

import (
	"encoding/hex"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/rc2"
)

// The vectors of RFC 2268 section 5.
func TestRFC2268(t *testing.T) {
	for _, v := range []struct {
		key       string
		effective int
		plain     string
		cipher    string
	}{
		{"0000000000000000", 63, "0000000000000000", "ebb773f993278eff"},
		{"ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"},
		{"88", 64, "0000000000000000", "61a8a244adacccf0"},
		{"88bca90e90875a", 64, "0000000000000000", "6ccf4308974c267f"},
		{"88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"},
		{"88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"},
		{"88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e", 129, "0000000000000000", "5b78d3a43dfff1f1"},
	} {
		key, _ := hex.DecodeString(v.key)
		block, err := rc2.New(key, v.effective)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := hex.DecodeString(v.plain)
		block.Encrypt(data, data)
		if got := hex.EncodeToString(data); got != v.cipher {
			t.Errorf("key %s, %d bits: encrypted: got %s, want %s", v.key, v.effective, got, v.cipher)
		}
		block.Decrypt(data, data)
		if got := hex.EncodeToString(data); got != v.plain {
			t.Errorf("key %s, %d bits: decrypted: got %s, want %s", v.key, v.effective, got, v.plain)
		}
	}
}

func TestKeysOfNoSizeAreRefused(t *testing.T) {
	for _, v := range []struct{ bytes, bits int }{{0, 64}, {129, 64}, {8, 0}, {8, 1025}} {
		if _, err := rc2.New(make([]byte, v.bytes), v.bits); err == nil {
			t.Errorf("%d bytes, %d bits: accepted", v.bytes, v.bits)
		}
	}
}

func TestKeysOfAnySizeAreTaken(t *testing.T) {
	for _, v := range []struct{ bytes, bits int }{{1, 64}, {128, 64}, {8, 1}, {8, 1024}} {
		if _, err := rc2.New(make([]byte, v.bytes), v.bits); err != nil {
			t.Errorf("%d bytes, %d bits: %v", v.bytes, v.bits, err)
		}
	}
}
