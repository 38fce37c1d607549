package jwks_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
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

// A cache on the way does not know of a new key either.
func TestWhoMissesAKeyAsksNoCache(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		var mu sync.Mutex // the client goes on refreshing until the bubble ends
		var got []string
		issuer.Break(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			got = append(got, r.Header.Get("Cache-Control"))
			mu.Unlock()
			(&jwks.Handler{Source: issuer}).ServeHTTP(w, r)
		})
		wantKey(t, client, issuer.KeyID())
		time.Sleep(5 * time.Minute) // refreshed ahead
		issuer.Rotate()
		wantKey(t, client, issuer.KeyID())
		if err := client.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if want := []string{"", "", "no-cache", "no-cache"}; !slices.Equal(got, want) {
			t.Errorf("Cache-Control of the requests: got %q, want %q", got, want)
		}
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
		wantNoKey(t, client, "junk")
		wantRequests(t, issuer, 1) // the first fetch says enough
	})
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
// takes from the right one no more than a pause.
func TestKnownJunkDoesNotUseUpTheAllowance(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		client.MaxAge = 24 * time.Hour // no refresh meanwhile
		wantKey(t, client, issuer.KeyID())
		for range 3600 {
			wantNoKey(t, client, "the same wrong one")
			time.Sleep(time.Second)
		}
		wantRequests(t, issuer, 1+120) // one for each pause
		wantNoKey(t, client, "the same wrong one")
		issuer.Rotate()
		time.Sleep(pause)
		wantKey(t, client, issuer.KeyID())
	})
}

// Somebody asks for the kid over and over long before it is published, by
// himself or among others.
func TestKidAskedForBeforeItIsPublished(t *testing.T) {
	for _, others := range []int{0, 1, 100} {
		t.Run(fmt.Sprint(others, " others"), func(t *testing.T) {
			inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
				client.MaxAge = 24 * time.Hour
				wantKey(t, client, issuer.KeyID())
				next := jwkstest.NewKey("ES256")
				flood := func() {
					for i := range others {
						wantNoKey(t, client, fmt.Sprintf("junk %d", i))
					}
				}
				for range 3600 {
					wantNoKey(t, client, next.KeyID())
					flood()
					time.Sleep(time.Second)
				}
				issuer.Use(next)
				for range int(pause / time.Second) {
					flood()
					if keys, _ := client.PublicKeys(context.Background(), next.KeyID()); len(keys) == 1 {
						return
					}
					time.Sleep(time.Second)
				}
				wantKey(t, client, next.KeyID())
			})
		})
	}
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

// The pause after a failure ends with the first good answer.
func TestUnknownKidAfterARefreshThatMadeUpForAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantKey(t, client, issuer.KeyID())
		issuer.Break(jwkstest.RetryAfter(time.Minute))
		wantUnavailable(t, client, "junk")
		issuer.Mend()
		if err := client.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		issuer.Rotate()
		wantKey(t, client, issuer.KeyID())
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

func TestAtMostAHundredCallersWaitForAHangingIssuer(t *testing.T) {
	tests := []struct {
		name  string
		begin func(*testing.T, *jwkstest.Issuer, *jwks.Client)
		after time.Duration // the begin of the fetch
		want  time.Duration // how long the callers beyond them wait
	}{
		{"cold, asking at once", func(*testing.T, *jwkstest.Issuer, *jwks.Client) {}, 0, 500 * time.Millisecond},
		{"cold, asking later", func(*testing.T, *jwkstest.Issuer, *jwks.Client) {}, time.Second, 0},
		{"warm, asking at once", func(t *testing.T, i *jwkstest.Issuer, c *jwks.Client) { wantKey(t, c, i.KeyID()) }, 0, 500 * time.Millisecond},
		{"warm, asking later", func(t *testing.T, i *jwkstest.Issuer, c *jwks.Client) { wantKey(t, c, i.KeyID()) }, time.Second, 0},
		{"failed before", func(t *testing.T, i *jwkstest.Issuer, c *jwks.Client) {
			i.Break(jwkstest.Status(http.StatusInternalServerError))
			wantUnavailable(t, c, i.KeyID())
			time.Sleep(time.Second)
		}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
				tt.begin(t, issuer, client)
				issuer.Break(jwkstest.Hang)
				go client.PublicKeys(context.Background(), "first")
				synctest.Wait()
				time.Sleep(tt.after)
				var mu sync.Mutex
				waits := map[time.Duration]int{}
				var group sync.WaitGroup
				for i := range 110 { // more timers at once than need be bring down the race detector
					group.Go(func() {
						start := time.Now()
						wantUnavailable(t, client, fmt.Sprintf("unknown %d", i))
						mu.Lock()
						defer mu.Unlock()
						waits[time.Since(start)]++
					})
				}
				group.Wait()
				if got := waits[5*time.Second-tt.after]; got != 99 || waits[tt.want] != 11 {
					t.Errorf("got waits %v, want 99 to the end and 11 of %v", waits, tt.want)
				}
			})
		})
	}
}
