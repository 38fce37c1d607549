//go:build !race

package tokenprofile_test

import (
	"context"
	"strings"
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
	for algorithm, most := range map[tokenprofile.Algorithm]float64{"HS256": 6, "EdDSA": 6} {
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

// The token that the caller gets, and its documents.
func TestARememberedTokenTakesTwoAllocations(t *testing.T) {
	for _, algorithm := range []tokenprofile.Algorithm{"RS256", "ES256", "EdDSA"} {
		t.Run(string(algorithm), func(t *testing.T) {
			signer, verifier := pair(t, profileOf(algorithm))
			issuers := ok(tokenprofile.ByIssuer(verifier))(t)
			text := ok(signer.Sign(t.Context(), nil))(t)
			for _, verify := range []func(context.Context, string) (*tokenprofile.Token, error){verifier.Verify, issuers.Verify} {
				ok(verify(t.Context(), text))(t)
				allocates(t, 2, func() {
					if _, err := verify(t.Context(), text); err != nil {
						t.Fatal(err)
					}
				})
			}
		})
	}
}

// Beside what the standard library takes for the signature.
func TestATokenThatIsNewTakesFewAllocations(t *testing.T) {
	for _, algorithm := range benchmarked {
		t.Run(string(algorithm), func(t *testing.T) {
			p := profileOf(algorithm)
			p.CacheSize = -1
			party := newParty(t, p)
			text := ok(party.signer.Sign(t.Context(), nil))(t)
			last := strings.LastIndexByte(text, '.')
			input, signature := []byte(text[:last]), decodeSegment(t, text[last+1:])
			bare := testing.AllocsPerRun(100, func() { party.oracle.verify(input, signature) })
			allocates(t, bare+10, func() {
				if _, err := party.verifier.Verify(t.Context(), text); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
