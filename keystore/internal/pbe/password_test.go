package pbe_test

import (
	"encoding/hex"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

func TestUTF16(t *testing.T) {
	for password, want := range map[string]string{
		"":     "",
		"ab":   "00610062",
		"ä世":   "00e44e16",
		"😀":    "d83dde00",
		"\xff": "fffd",
	} {
		if got := hex.EncodeToString(pbe.UTF16([]byte(password))); got != want {
			t.Errorf("%q: got %s, want %s", password, got, want)
		}
	}
}
