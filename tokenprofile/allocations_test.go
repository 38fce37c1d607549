//go:build !race

package tokenprofile_test

import (
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// allocates fails if f needs more allocations than it may: each is work for
// whatever else the program does. (The race detector allocates for itself.)
func allocates(t *testing.T, most float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, f); got > most {
		t.Errorf("got %v allocations, want at most %v", got, most)
	}
}

// The map of the claims itself counts.
func TestSigningTakesFewAllocations(t *testing.T) {
	for algorithm, most := range map[tokenprofile.Algorithm]float64{"HS256": 6, "EdDSA": 7} {
		t.Run(string(algorithm), func(t *testing.T) {
			signer, _ := pair(t, profileOf(algorithm))
			allocates(t, most, func() {
				claims := map[string]any{"order": 4711, "scope": "orders:read orders:write", "tenant": "north"}
				if _, err := signer.Sign(t.Context(), claims); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
