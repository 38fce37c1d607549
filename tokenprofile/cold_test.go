//go:build !race

package tokenprofile_test

import (
	"runtime"
	"testing"
)

// A refused token costs at most 64 KiB even if no buffer is at hand from an
// earlier one. (The race detector allocates for itself.)
func TestARefusedTokenTakesLittleMemoryFromAColdStart(t *testing.T) {
	_, verifier := pair(t, profileOf("HS256"))
	for name, token := range hostile() {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			runtime.GC() // the second empties the pools
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := verifier.Verify(t.Context(), token)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; err == nil || got > 64<<10 {
				t.Errorf("got %v and %d bytes, want a refusal and at most 64 KiB", err, got)
			}
		})
	}
}
