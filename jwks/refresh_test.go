package jwks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// use looks the key up every second for a while, and demands that it never waits.
func use(t *testing.T, client *jwks.Client, kid string, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
		wantWait(t, 0, func() { wantKey(t, client, kid) })
		if t.Failed() {
			t.FailNow()
		}
	}
}

func TestKeysInUseAreRefreshedAheadAndNobodyWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantKey(t, client, issuer.KeyID())
		issuer.Break(slow(issuer, 3*time.Second))
		use(t, client, issuer.KeyID(), time.Hour)
		// Every 5 minutes less 5 to 15 %.
		if got := issuer.Requests(); got < 13 || got > 16 {
			t.Errorf("requests in an hour: got %d, want 13 to 16", got)
		}
	})
}

func TestRefreshAheadAtFourFifthsOfMaxAge(t *testing.T) {
	tests := []struct {
		name, cacheControl, age string
		want                    time.Duration
	}{
		{"an hour", "public, max-age=3600", "", 48 * time.Minute},
		{"an hour, quoted and in capitals", `Public, Max-Age="3600"`, "", 48 * time.Minute},
		{"an hour, half of it spent in a cache", "max-age=3600", "1800", 24 * time.Minute},
		{"spent in a cache for ever", "max-age=3600", "99999999", 5 * time.Minute},
		{"a minute", "max-age=60", "", 5 * time.Minute},
		{"a year", "max-age=31536000", "", 24 * time.Hour},
		{"nothing", "", "", 5 * time.Minute},
		{"not to be stored", "no-store, max-age=3600", "", 5 * time.Minute},
		{"nonsense", "max-age=-1", "", 5 * time.Minute},
		{"more than a number holds", "max-age=99999999999999999999", "", 5 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
				issuer.Break(withHeaders(issuer, "Cache-Control", tt.cacheControl, "Age", tt.age))
				wantKey(t, client, issuer.KeyID())
				if got := client.Status(); !got.Expires.Equal(got.Fetched.Add(tt.want + 24*time.Hour)) { // MaxStale
					t.Errorf("fetched %v: got an end at %v, want %v and 24 h later", got.Fetched, got.Expires, tt.want)
				}
				time.Sleep(tt.want*85/100 - time.Nanosecond)
				wantRequests(t, issuer, 1)
				time.Sleep(tt.want*10/100 + time.Nanosecond)
				wantRequests(t, issuer, 2)
				runtime.KeepAlive(client) // one that nobody has any more fetches nothing
			})
		})
	}
}

// withHeaders answers with the keys and these headers instead of the handler's.
func withHeaders(issuer *jwkstest.Issuer, pairs ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		keys, _ := issuer.PublishedKeys(r.Context())
		(&jwks.Handler{Source: published(keys)}).ServeHTTP(headers{w, pairs}, r)
	}
}

type headers struct {
	http.ResponseWriter
	pairs []string
}

func (h headers) WriteHeader(code int) {
	for i := 0; i < len(h.pairs); i += 2 {
		h.Header().Set(h.pairs[i], h.pairs[i+1])
	}
	h.ResponseWriter.WriteHeader(code)
}

func TestFleetDoesNotRefreshAtTheSameMoment(t *testing.T) {
	bubble(t, func(t *testing.T) {
		issuer := jwkstest.NewUnstartedIssuer("ES256", issuerURL)
		var mu sync.Mutex
		seconds := map[time.Time]bool{}
		fleet := make([]*jwks.Client, 20)
		for i := range fleet {
			client := &jwks.Client{URL: issuer.KeysURL(), HTTPClient: issuer.Client()}
			client.OnFetch = func(jwks.Fetch) {
				mu.Lock()
				defer mu.Unlock()
				seconds[time.Now().Truncate(time.Second)] = true
			}
			wantKey(t, client, issuer.KeyID())
			fleet[i] = client
		}
		time.Sleep(5 * time.Minute)
		runtime.KeepAlive(fleet)
		mu.Lock()
		defer mu.Unlock()
		if got := len(seconds) - 1; got < 5 {
			t.Errorf("20 clients refreshed in %d different seconds, want them scattered over half a minute", got)
		}
	})
}

func TestRemovedKeyStopsVerifyingWithinMaxAge(t *testing.T) {
	for name, idle := range map[string]time.Duration{"in use": 0, "idle for a while": 30 * time.Minute, "idle for a day": 23 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
				old := issuer.KeyID()
				wantKey(t, client, old)
				issuer.Rotate()
				issuer.Withdraw(old)
				if idle == 0 {
					use(t, client, old, 4*time.Minute)
					time.Sleep(time.Minute) // with the default Handler.MaxAge
				} else {
					time.Sleep(idle)
				}
				wantNoKey(t, client, old)
			})
		})
	}
}

func TestSameKidWithANewKeyIsTakenOverWithinMaxAge(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		kid := issuer.KeyID()
		wantKey(t, client, kid)
		next := jwkstest.NewKey("ES256").WithKeyID(kid)
		issuer.Use(next)
		use(t, client, kid, 5*time.Minute)
		keys, err := client.PublicKeys(context.Background(), kid)
		if err != nil || len(keys) != 1 || !keys[0].Equal(next.Public()) {
			t.Errorf("got %v, %v, want the new key", keys, err)
		}
	})
}

func TestClientNobodyUsesComesToRest(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantKey(t, client, issuer.KeyID())
		time.Sleep(80 * time.Minute)
		synctest.Wait()
		requests := issuer.Requests() // one each 5 minutes for an hour after the last use
		if requests < 12 || requests > 17 {
			t.Errorf("requests: got %d, want 12 to 17", requests)
		}
		time.Sleep(20 * time.Hour)
		wantRequests(t, issuer, requests)
		issuer.Break(slow(issuer, time.Second))
		wantWait(t, time.Second, func() { wantKey(t, client, issuer.KeyID()) }) // the old answer is too old to be taken at its word
		wantRequests(t, issuer, requests+1)
		wantWait(t, 0, func() { wantKey(t, client, issuer.KeyID()) })
	})
}

func TestLapsedKeysServeIfTheIssuerIsDown(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		kid := issuer.KeyID()
		wantKey(t, client, kid)
		time.Sleep(20 * time.Hour)
		issuer.Break(jwkstest.Hang)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		wantWait(t, time.Second, func() { // its own context ends before the fetch
			if keys, err := client.PublicKeys(ctx, kid); err != nil || len(keys) != 1 {
				t.Errorf("got %v, %v, want the old key", keys, err)
			}
		})
		wantWait(t, 4*time.Second, func() { wantKey(t, client, kid) })
		use(t, client, kid, time.Hour)
	})
}

func TestKeysServeWithoutAWaitWhileTheIssuerIsDownAndThenFailClosed(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{"hangs": jwkstest.Hang, "is down": jwkstest.Reset} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
				kid := issuer.KeyID()
				wantKey(t, client, kid)
				issuer.Break(fault)
				use(t, client, kid, 24*time.Hour+5*time.Minute)
				synctest.Wait()
				wantUnavailable(t, client, kid)
				if status := client.Status(); status.Available || status.Err == nil {
					t.Errorf("got %+v, want it unavailable", status)
				}
				issuer.Mend()
				time.Sleep(pause)
				wantKey(t, client, kid)
			})
		})
	}
}

// Now and then a look-up comes, never two in one hour.
func TestSparseCallersDoNotWaitForAnIssuerThatIsDown(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		kid := issuer.KeyID()
		wantKey(t, client, kid)
		issuer.Break(jwkstest.Hang)
		time.Sleep(5*time.Minute + 10*time.Second)
		for range 10 {
			wantWait(t, 0, func() { wantKey(t, client, kid) })
			time.Sleep(2 * time.Hour)
		}
		issuer.Mend()
		wantKey(t, client, kid)
		time.Sleep(pause)
		synctest.Wait()
		if status := client.Status(); status.Failures != 0 {
			t.Errorf("got %+v, want it recovered", status)
		}
	})
}

func TestIssuerThatIsDownIsNotHammered(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		issuer.Break(jwkstest.Status(http.StatusBadGateway))
		for range 3600 * 10 {
			wantWait(t, 0, func() { wantUnavailable(t, client, "kid") })
			time.Sleep(time.Second / 10)
		}
		// After 1, 2, 4, 8, 16 and every 30 seconds, less a tenth: 5 + 119 to 133.
		synctest.Wait()
		if got := issuer.Requests(); got < 100 || got > 140 {
			t.Errorf("requests in an hour: got %d, want about 125", got)
		}
	})
}

func TestStartUpWithTheIssuerDown(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		issuer.Break(jwkstest.Reset)
		wantUnavailable(t, client, issuer.KeyID())
		wantUnavailable(t, client, issuer.KeyID())
		wantRequests(t, issuer, 1)
		issuer.Mend()
		time.Sleep(time.Second)
		wantKey(t, client, issuer.KeyID())
	})
}

func TestRetryAfterIsHonouredUpToFiveMinutes(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{2 * time.Minute: 2 * time.Minute, 0: time.Second, 24 * time.Hour: 5 * time.Minute} {
		t.Run(after.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
				issuer.Break(jwkstest.RetryAfter(after))
				wantUnavailable(t, client, issuer.KeyID())
				issuer.Mend()
				time.Sleep(want - time.Nanosecond)
				wantUnavailable(t, client, issuer.KeyID())
				time.Sleep(time.Nanosecond)
				wantKey(t, client, issuer.KeyID())
			})
		})
	}
}

func TestUnchangedSetIsNotSentAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		var mu sync.Mutex
		var fetches []jwks.Fetch
		client.OnFetch = func(f jwks.Fetch) {
			mu.Lock()
			defer mu.Unlock()
			fetches = append(fetches, f)
		}
		refresh := func() {
			if err := client.Refresh(context.Background()); err != nil {
				t.Error(err)
			}
			wantKey(t, client, issuer.KeyID())
		}
		refresh()
		refresh()
		issuer.Rotate()
		refresh()
		mu.Lock()
		defer mu.Unlock()
		want := []jwks.Fetch{{Keys: 1}, {Keys: 1, NotModified: true}, {Keys: 2}}
		for i, f := range fetches {
			if f != want[i] {
				t.Errorf("fetch %d: got %+v, want %+v", i, f, want[i])
			}
		}
	})
}

func TestNotModifiedWithoutAnETagIsNoAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		issuer.Break(jwkstest.Status(http.StatusNotModified))
		wantUnavailable(t, client, issuer.KeyID())
	})
}

func TestETagBeyondMeasureIsNotSentBack(t *testing.T) {
	for length, want := range map[int]bool{2: true, 256: true, 257: false} {
		inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
			etag := `"` + strings.Repeat("e", length-2) + `"`
			issuer.Break(withHeaders(issuer, "ETag", etag))
			wantKey(t, client, issuer.KeyID())
			issuer.Break(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("If-None-Match") == etag; got != want {
					t.Errorf("an ETag of %d bytes: sent back %t, want %t", length, got, want)
				}
				issuer.Mend()
				issuer.ServeHTTP(w, r)
			})
			if err := client.Refresh(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefreshAsksAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		issuer.Break(jwkstest.Status(http.StatusBadGateway))
		for range 3 { // whatever the back-off
			if err := client.Refresh(context.Background()); !errors.Is(err, keystore.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
		}
		wantRequests(t, issuer, 3)
		issuer.Break(jwkstest.Hang)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		wantWait(t, time.Second, func() {
			if err := client.Refresh(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want context.DeadlineExceeded", err)
			}
		})
		cancel()
		if err := client.Refresh(ctx); err == nil {
			t.Error("got no error with a context that is done")
		}
		wantRequests(t, issuer, 4)
		wantWait(t, 4*time.Second, func() { wantUnavailable(t, client, "kid") })
	})
}

// A hanging issuer is given up after 5 seconds; that is not the caller's
// deadline, and must not look like it.
func TestTimeoutOfAFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		issuer.Break(jwkstest.Hang)
		wantWait(t, 5*time.Second, func() {
			_, err := client.PublicKeys(context.Background(), "kid")
			if !errors.Is(err, keystore.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want ErrUnavailable and no deadline", err)
			}
		})
	})
}

func TestStatus(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		if got := client.Status(); got != (jwks.Status{}) {
			t.Errorf("cold: got %+v, want nothing", got)
		}
		wantKey(t, client, issuer.KeyID())
		fetched := time.Now()
		want := jwks.Status{Available: true, Keys: 1, Fetched: fetched, Expires: fetched.Add(24*time.Hour + 5*time.Minute)}
		if got := client.Status(); !sameStatus(got, want) {
			t.Errorf("warm: got %+v, want %+v", got, want)
		}
		time.Sleep(time.Minute)
		issuer.Break(jwkstest.Status(http.StatusNotFound))
		err := client.Refresh(context.Background())
		got := client.Status()
		if got.Err == nil || !errors.Is(err, got.Err) || got.Failures != 1 {
			t.Errorf("down: got %+v, want one failure: %v", got, err)
		}
		got.Err, got.Failures = nil, 0
		if !sameStatus(got, want) {
			t.Errorf("down: got %+v, want %+v", got, want)
		}
	})
}

func sameStatus(a, b jwks.Status) bool {
	same := a.Fetched.Equal(b.Fetched) && a.Expires.Equal(b.Expires)
	a.Fetched, a.Expires, b.Fetched, b.Expires = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return same && a == b
}

func TestRefreshDoesNotContentItselfWithAnEarlierFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		leaked := issuer.KeyID()
		issuer.Break(slow(issuer, 2*time.Second))
		go client.Refresh(context.Background())
		time.Sleep(time.Second)
		issuer.Rotate()
		issuer.Withdraw(leaked)
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				wantWait(t, 3*time.Second, func() {
					if err := client.Refresh(context.Background()); err != nil {
						t.Error(err)
					}
				})
			})
		}
		group.Wait()
		wantRequests(t, issuer, 2)
		wantNoKey(t, client, leaked)
	})
}

func TestDroppedClientStops(t *testing.T) {
	bubble(t, func(t *testing.T) {
		issuer := jwkstest.NewUnstartedIssuer("ES256", issuerURL)
		wantKey(t, &jwks.Client{URL: issuer.KeysURL(), HTTPClient: issuer.Client()}, issuer.KeyID())
		synctest.Wait() // until the goroutine of the fetch is gone
		runtime.GC()
		time.Sleep(time.Hour)
		wantRequests(t, issuer, 1)
	})
}

func TestLogOfFetches(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		var log lines
		client.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		client.URL = strings.Replace(client.URL, "https://", "https://user:canary@", 1) + "?canary"
		refresh := func(want string) {
			t.Helper()
			log.take()
			client.Refresh(context.Background())
			var line map[string]any
			if err := json.Unmarshal(log.take(), &line); err != nil {
				t.Fatal(err)
			}
			delete(line, "time")
			if got, _ := json.Marshal(line); string(got) != want {
				t.Errorf("got\n%s, want\n%s", got, want)
			}
		}
		const url = `"url":"https://issuer.example/jwks.json"}`
		refresh(`{"fetch":{"duration":0,"keys":1},"level":"INFO","msg":"key set fetched",` + url)
		refresh(`{"fetch":{"duration":0,"keys":1,"not_modified":true},"level":"DEBUG","msg":"key set fetched",` + url)
		issuer.Break(jwkstest.Status(500))
		refresh(`{"fetch":{"duration":0,"error":"HTTP status 500 Internal Server Error","keys":1,"next_retry":"2000-01-01T00:00:01Z"},"level":"WARN","msg":"key set not fetched",` + url)
		issuer.Mend()
		refresh(`{"fetch":{"duration":0,"keys":1,"not_modified":true},"level":"INFO","msg":"key set fetched",` + url)
		issuer.Rotate()
		refresh(`{"fetch":{"duration":0,"keys":2},"level":"INFO","msg":"key set fetched",` + url)
		issuer.Break(jwkstest.Body("application/json", `{"keys":[{},`+publicJWK+`]}`))
		refresh(`{"fetch":{"duration":0,"keys":1,"skip_error":"key 1 of 2: keystore: JWK: member \"kty\" is missing","skipped":1},"level":"INFO","msg":"key set fetched",` + url)
		refresh(`{"fetch":{"duration":0,"keys":1,"skip_error":"key 1 of 2: keystore: JWK: member \"kty\" is missing","skipped":1},"level":"DEBUG","msg":"key set fetched",` + url)
	})
}

// lines are written by one goroutine and taken by another.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) take() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return bytes.Clone(l.text.Bytes())
}

func TestStatusInALog(t *testing.T) {
	status := jwks.Status{Keys: 1, Skipped: 1, SkipErr: errors.New("odd"), Failures: 2, Err: errors.New("down"), Expires: time.Unix(0, 0).UTC()}
	for want, status := range map[string]jwks.Status{
		`{"available":false,"keys":1,"skipped":1,"skip_error":"odd","expires":"1970-01-01T00:00:00Z","failures":2,"error":"down"}`: status,
		`{"available":false,"keys":0}`: {},
	} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("", "status", status)
		if !strings.Contains(log.String(), want) {
			t.Errorf("got %s, want %s", log.String(), want)
		}
	}
}

func TestStatusInJSON(t *testing.T) {
	status := jwks.Status{Keys: 1, Skipped: 1, SkipErr: errors.New("odd"), Failures: 2, Err: errors.New("down")}
	for _, test := range []struct {
		status any
		want   string
	}{
		{status, `"Keys":1,"Skipped":1,"Fetched":"0001-01-01T00:00:00Z","Expires":"0001-01-01T00:00:00Z","Failures":2,"SkipErr":"odd","Err":"down"}`},
		{jwks.Status{}, `"SkipErr":"","Err":""}`},
	} {
		if got, err := json.Marshal(test.status); err != nil || !strings.Contains(string(got), test.want) {
			t.Errorf("got %s, %v, want %s", got, err, test.want)
		}
	}
}
