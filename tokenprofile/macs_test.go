package tokenprofile_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"runtime"
	"sync"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
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
			all.Go(func() { signAndVerify(t, signer, verifier, 500) })
		}
	}
}

// A state of another key would make a MAC that nobody verifies, and one that two
// use at the same time would make any.
func TestNobodyComputesWithAForeignState(t *testing.T) {
	other, key := secretFor(t, "other", 32), secretFor(t, "key", 32)
	want := hmac.New(sha256.New, key.Bytes())
	want.Write([]byte("input"))
	for range 100 { // a pool forgets at times
		if got := tokenprofile.MACWithASpareOf("HS256", other, key, []byte("input")); !hmac.Equal(got, want.Sum(nil)) {
			t.Fatal("the MAC is not the key's")
		}
		if tokenprofile.SharesAState("HS256", key) {
			t.Fatal("two compute with one state")
		}
	}
}
