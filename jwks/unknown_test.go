package jwks_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
)

const pause = 30 * time.Second // the default MinInterval

func TestUnknownKidIsFetchedForAndFound(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantKey(t, client, issuer.KeyID())
		issuer.Rotate()
		wantKey(t, client, issuer.KeyID())
		wantRequests(t, issuer, 2)
	})
}

func TestAllCallersOfARotatedKeyWaitForTheOneFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantKey(t, client, issuer.KeyID())
		issuer.Rotate()
		issuer.Break(slow(issuer, time.Second))
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { wantWait(t, time.Second, func() { wantKey(t, client, issuer.KeyID()) }) })
		}
		group.Wait()
		wantRequests(t, issuer, 2)
	})
}

func TestUnknownKidsCauseOneFetchPerPause(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantKey(t, client, issuer.KeyID())
		for round := 1; round <= 3; round++ {
			flood(t, client, 10_000, round)
			wantRequests(t, issuer, 1+round)
			time.Sleep(pause - time.Nanosecond)
			wantWait(t, 0, func() { flood(t, client, 100, -round) })
			wantRequests(t, issuer, 1+round)
			time.Sleep(time.Nanosecond)
		}
	})
}

// A cold client knows nothing, so that it may have to ask once more for the
// first unknown kid after it: two fetches at most.
func TestUnknownKidsOfAColdClient(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		flood(t, client, 10_000, 1)
		synctest.Wait()
		if got := issuer.Requests(); got > 2 {
			t.Errorf("requests: got %d, want at most 2", got)
		}
	})
}

// flood looks up n different unknown kids at once.
func flood(t *testing.T, client *jwks.Client, n, round int) {
	t.Helper()
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			keys, err := client.PublicKeys(context.Background(), fmt.Sprintf("junk %d %d", round, i))
			if err != nil || len(keys) != 0 {
				t.Errorf("got %v, %v, want no key", keys, err)
			}
		})
	}
	group.Wait()
}

func TestRotationGetsThroughAFloodOfJunkWithinOnePause(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantKey(t, client, issuer.KeyID())
		for second := range 3600 { // an hour of junk, each kid another
			wantNoKey(t, client, fmt.Sprintf("junk %d", second))
			time.Sleep(time.Second)
		}
		before := issuer.Requests()
		issuer.Rotate()
		for second := 0; ; second++ {
			wantNoKey(t, client, fmt.Sprintf("more junk %d", second))
			keys, err := client.PublicKeys(context.Background(), issuer.KeyID())
			if err != nil {
				t.Fatal(err)
			}
			if len(keys) == 1 {
				break
			}
			time.Sleep(time.Second)
			if second == 30 {
				t.Fatal("the new key is unknown after a whole pause")
			}
		}
		if got := issuer.Requests() - before; got != 1 {
			t.Errorf("requests until then: got %d, want 1", got)
		}
	})
}

// The same wrong kid over and over, of a client nobody has told of a rotation,
// must leave the fetch to the right one.
func TestKnownJunkDoesNotUseUpTheAllowance(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		client.MaxAge = 24 * time.Hour // no refresh meanwhile
		wantKey(t, client, issuer.KeyID())
		for range 3600 {
			wantNoKey(t, client, "the same wrong one")
			time.Sleep(time.Second)
		}
		// After 0, 1, 3, 7, 15 minutes and every 8 from then on: 1 + 5 + 5.
		if got := issuer.Requests(); got > 11 {
			t.Errorf("requests in an hour: got %d, want at most 11", got)
		}
		time.Sleep(pause)
		wantNoKey(t, client, "the same wrong one")
		issuer.Rotate()
		time.Sleep(pause)
		wantKey(t, client, issuer.KeyID())
	})
}

func TestMemoryOfJunkIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantKey(t, client, issuer.KeyID())
		for i := range 1000 { // each of them costs a fetch
			wantNoKey(t, client, fmt.Sprintf("junk %d", i))
			time.Sleep(pause)
		}
		if got, want := client.JunkKids(), 256; got != want {
			t.Errorf("kids remembered: got %d, want %d", got, want)
		}
	})
}

// A token can come before its key is published everywhere.
func TestKidThatWasJunkIsFoundOnceItIsPublished(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		client.MaxAge = 24 * time.Hour
		wantKey(t, client, issuer.KeyID())
		next := jwkstest.NewKey("ES256")
		wantNoKey(t, client, next.KeyID())
		issuer.Use(next)
		time.Sleep(2 * pause)
		wantKey(t, client, next.KeyID())
	})
}

func TestKidLongerThanAnyIsNotFetchedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantKey(t, client, issuer.KeyID())
		wantNoKey(t, client, fmt.Sprintf("%0257d", 0))
		wantRequests(t, issuer, 1)
		wantNoKey(t, client, fmt.Sprintf("%0256d", 0))
		wantRequests(t, issuer, 2)
	})
}

// The key of a token may be published while the answer to a fetch that began
// before is still on its way.
func TestRotationInTheMiddleOfAFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantKey(t, client, issuer.KeyID())
		issuer.Break(slow(issuer, 2*time.Second))
		go client.Refresh(context.Background())
		time.Sleep(time.Second)
		issuer.Rotate()
		issuer.Mend()
		wantWait(t, time.Second, func() { wantKey(t, client, issuer.KeyID()) })
		wantRequests(t, issuer, 3)
	})
}

func TestFailedFetchDoesNotUseUpTheAllowance(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		old := issuer.KeyID()
		wantKey(t, client, old)
		issuer.Rotate()
		issuer.Break(jwkstest.Status(http.StatusInternalServerError))
		wantUnavailable(t, client, issuer.KeyID()) // nobody can say that the key is unknown
		wantKey(t, client, old)
		issuer.Mend()
		wantWait(t, 0, func() { wantUnavailable(t, client, issuer.KeyID()) }) // back-off: refused at once
		wantRequests(t, issuer, 2)
		time.Sleep(time.Second) // far less than the pause
		wantKey(t, client, issuer.KeyID())
		wantNoKey(t, client, "junk") // that one had no fetch yet
	})
}

func TestUnknownKidWaitsNoLongerThanItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantKey(t, client, issuer.KeyID())
		issuer.Break(jwkstest.Hang)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		wantWait(t, 10*time.Millisecond, func() {
			if _, err := client.PublicKeys(ctx, "unknown"); err == nil {
				t.Error("got no error, want the context's")
			}
		})
		wantWait(t, 5*time.Second-10*time.Millisecond, func() { wantUnavailable(t, client, "unknown") })
	})
}
