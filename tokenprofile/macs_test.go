package tokenprofile_test

import (
	"runtime"
	"sync"
	"testing"
)

// Keys that are used at the same time share a pool, and no MAC.
func TestSecretKeysAtTheSameTime(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(16))
	p := profileOf("HS256")
	p.CacheSize = -1
	var all sync.WaitGroup
	defer all.Wait()
	for range 4 {
		signer, verifier := pair(t, p)
		for range 4 {
			all.Go(func() {
				for range 500 {
					token, err := signer.Sign(t.Context(), nil)
					if err == nil {
						_, err = verifier.Verify(t.Context(), token)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}
