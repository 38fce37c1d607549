package jwks_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

const issuerURL = "https://issuer.example"

// inBubble runs a test where time stands still unless everybody sleeps, with an issuer in memory
// and a client of it.
func inBubble(t *testing.T, test func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		issuer := jwkstest.NewUnstartedIssuer("ES256", issuerURL)
		test(t, issuer, &jwks.Client{URL: issuer.KeysURL(), HTTPClient: issuer.Client()})
	})
}

// wantKey looks a kid up and demands its key.
func wantKey(t *testing.T, client *jwks.Client, kid string) {
	t.Helper()
	keys, err := client.PublicKeys(t.Context(), kid)
	if err != nil || len(keys) != 1 || keys[0].KeyID() != kid {
		t.Fatalf("PublicKeys(%q): got %v, %v, want the key", kid, keys, err)
	}
}

// wantNoKey looks a kid up and demands that it is unknown.
func wantNoKey(t *testing.T, client *jwks.Client, kid string) {
	t.Helper()
	keys, err := client.PublicKeys(t.Context(), kid)
	if err != nil || len(keys) != 0 {
		t.Fatalf("PublicKeys(%q): got %v, %v, want no key and no error", kid, keys, err)
	}
}

func wantUnavailable(t *testing.T, client *jwks.Client, kid string) {
	t.Helper()
	keys, err := client.PublicKeys(t.Context(), kid)
	if !errors.Is(err, keystore.ErrUnavailable) || keys != nil {
		t.Fatalf("PublicKeys(%q): got %v, %v, want ErrUnavailable", kid, keys, err)
	}
}

func wantRequests(t *testing.T, issuer *jwkstest.Issuer, want int) {
	t.Helper()
	if got := issuer.Requests(); got != want {
		t.Fatalf("requests for the key set: got %d, want %d", got, want)
	}
}

// wantAtOnce demands that f takes no time at all: in a bubble, time passes
// only where somebody waits.
func wantAtOnce(t *testing.T, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if waited := time.Since(start); waited != 0 {
		t.Fatalf("waited %v, want no wait", waited)
	}
}

func TestClientFetchesAtFirstUseAndOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantRequests(t, issuer, 0)
		wantKey(t, client, issuer.KeyID())
		wantKey(t, client, issuer.KeyID())
		keys, err := client.PublicKeys(t.Context(), "")
		if err != nil || len(keys) != 1 {
			t.Fatalf(`PublicKeys(""): got %v, %v, want one key`, keys, err)
		}
		wantRequests(t, issuer, 1)
	})
}

func TestOneFetchForColdCallers(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		var group sync.WaitGroup
		for range 200 {
			group.Go(func() {
				keys, err := client.PublicKeys(context.Background(), issuer.KeyID())
				if err != nil || len(keys) != 1 {
					t.Errorf("got %v, %v, want the key", keys, err)
				}
			})
		}
		group.Wait()
		wantRequests(t, issuer, 1)
	})
}
