package jwks_test

import (
	"bytes"
	"context"
	"crypto/fips140"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

const issuerURL = "https://issuer.example"

// inBubble runs a test in which time passes only while everybody waits, with
// an issuer in memory and a client of it. A goroutine left behind once the
// client has come to rest fails it.
func inBubble(t *testing.T, test func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client)) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		issuer := jwkstest.NewUnstartedIssuer("ES256", issuerURL)
		test(t, issuer, &jwks.Client{URL: issuer.KeysURL(), HTTPClient: issuer.Client()})
		time.Sleep(72 * time.Hour)
	})
}

// bubble is synctest.Test, but for FIPS mode: there Go's random numbers are
// seeded from the jitter of the clock, and panic where it stands still.
func bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	if fips140.Enabled() {
		t.Skip("in FIPS mode there are no random numbers in a bubble")
	}
	synctest.Test(t, test)
}

// wantKey looks a kid up and demands its key.
func wantKey(t *testing.T, client *jwks.Client, kid string) {
	t.Helper()
	keys, err := client.PublicKeys(context.Background(), kid)
	if err != nil || len(keys) != 1 || keys[0].KeyID() != kid {
		t.Errorf("PublicKeys(%q): got %v, %v, want the key", kid, keys, err)
	}
}

// wantNoKey looks a kid up and demands that it is unknown.
func wantNoKey(t *testing.T, client *jwks.Client, kid string) {
	t.Helper()
	keys, err := client.PublicKeys(context.Background(), kid)
	if err != nil || len(keys) != 0 {
		t.Errorf("PublicKeys(%q): got %v, %v, want no key and no error", kid, keys, err)
	}
}

func wantUnavailable(t *testing.T, client *jwks.Client, kid string) {
	t.Helper()
	keys, err := client.PublicKeys(context.Background(), kid)
	if !errors.Is(err, keystore.ErrUnavailable) || keys != nil {
		t.Errorf("PublicKeys(%q): got %v, %v, want ErrUnavailable", kid, keys, err)
	}
}

func wantRequests(t *testing.T, issuer *jwkstest.Issuer, want int) {
	t.Helper()
	synctest.Wait() // for fetches nobody waits for
	if got := issuer.Requests(); got != want {
		t.Errorf("requests for the key set: got %d, want %d", got, want)
	}
}

// wantWait demands that f takes exactly as long: in a bubble, time passes
// only where somebody waits.
func wantWait(t *testing.T, want time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if waited := time.Since(start); waited != want {
		t.Errorf("waited %v, want %v", waited, want)
	}
}

func TestClientFetchesAtFirstUseAndOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		wantRequests(t, issuer, 0)
		wantKey(t, client, issuer.KeyID())
		wantKey(t, client, issuer.KeyID())
		keys, err := client.PublicKeys(context.Background(), "")
		if err != nil || len(keys) != 1 {
			t.Fatalf(`PublicKeys(""): got %v, %v, want one key`, keys, err)
		}
		wantRequests(t, issuer, 1)
	})
}

func TestOneFetchForAllColdCallers(t *testing.T) {
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

func TestCancelledCallerLeavesAtOnceAndTheOthersGetTheirKey(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		kid := issuer.KeyID()
		issuer.Break(slow(issuer, 2*time.Second))
		ctx, cancel := context.WithCancel(context.Background())
		var group sync.WaitGroup
		group.Go(func() { // the one whose call began the fetch
			wantWait(t, time.Second, func() {
				_, err := client.PublicKeys(ctx, kid)
				if !errors.Is(err, context.Canceled) || !errors.Is(err, keystore.ErrUnavailable) {
					t.Errorf("got %v, want context.Canceled and ErrUnavailable", err)
				}
			})
		})
		synctest.Wait()
		for range 50 {
			group.Go(func() { wantWait(t, 2*time.Second, func() { wantKey(t, client, kid) }) })
		}
		time.Sleep(time.Second)
		cancel()
		group.Wait()
		wantRequests(t, issuer, 1)
	})
}

func TestWarmCallerIsAnsweredEvenIfItsContextIsDone(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		done, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := client.PublicKeys(done, issuer.KeyID()); !errors.Is(err, context.Canceled) {
			t.Errorf("cold: got %v, want context.Canceled", err)
		}
		wantRequests(t, issuer, 0)
		wantKey(t, client, issuer.KeyID())
		if keys, err := client.PublicKeys(done, issuer.KeyID()); err != nil || len(keys) != 1 {
			t.Errorf("warm: got %v, %v, want the key", keys, err)
		}
		if keys, err := client.PublicKeys(done, "unknown"); err != nil || len(keys) != 0 {
			t.Errorf("unknown kid: got %v, %v, want no key", keys, err)
		}
		wantRequests(t, issuer, 1)
	})
}

func TestURLsThatAreNotFetched(t *testing.T) {
	for _, url := range []string{
		"", "jwks.json", "http://issuer.example/jwks.json", "http://127.0.0.1.example/", "http://localhost.example/",
		"ftp://issuer.example/", "file:///etc/passwd", "https://", "https:///jwks.json", "://",
	} {
		transport := roundTrip(func(*http.Request) (*http.Response, error) {
			t.Errorf("%q was fetched", url)
			return nil, errors.New("fetched")
		})
		client := &jwks.Client{URL: url, HTTPClient: &http.Client{Transport: transport}}
		done, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := client.PublicKeys(done, "kid") // as a constructor asks that only wants to know about mistakes
		if !errors.Is(err, keystore.ErrUnavailable) || errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "URL") {
			t.Errorf("%q: got %v, want ErrUnavailable and the mistake in the URL", url, err)
		}
		if err := client.Refresh(context.Background()); !errors.Is(err, keystore.ErrUnavailable) {
			t.Errorf("Refresh of %q: got %v, want ErrUnavailable", url, err)
		}
	}
}

func TestNegativeDurations(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		client.MaxAge, client.MinInterval = -1, -1
		for range 2 {
			_, err := client.PublicKeys(context.Background(), "kid")
			for _, want := range []string{"MaxAge is negative", "MinInterval is negative"} {
				if !errors.Is(err, keystore.ErrUnavailable) || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want ErrUnavailable and %q", err, want)
				}
			}
		}
		wantRequests(t, issuer, 0)
	})
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		client.MaxStale = -1
		wantKey(t, client, issuer.KeyID())
		issuer.Break(jwkstest.Reset)
		time.Sleep(5*time.Minute - time.Nanosecond)
		wantKey(t, client, issuer.KeyID())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		wantUnavailable(t, client, issuer.KeyID())
	})
}

func TestNoClient(t *testing.T) {
	var client *jwks.Client
	wantUnavailable(t, client, "kid")
	if err := client.Refresh(t.Context()); !errors.Is(err, keystore.ErrUnavailable) {
		t.Errorf("Refresh: got %v, want ErrUnavailable", err)
	}
	if got := client.Status(); got.Available || got.Err == nil {
		t.Errorf("Status: got %+v, want an error", got)
	}
}

func TestErrorsDoNotNameWhatMayBeSecretInTheURL(t *testing.T) {
	transport := roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })
	client := &jwks.Client{URL: "https://user:canary@issuer.example/jwks.json?key=canary#canary", HTTPClient: &http.Client{Transport: transport}}
	_, err := client.PublicKeys(t.Context(), "kid")
	if got, want := err.Error(), "jwks: https://issuer.example/jwks.json: keys unavailable: no route"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := client.Status().Err.Error(); strings.Contains(got, "canary") {
		t.Errorf("the status says %q", got)
	}
}

func TestClientShowsNothingSecret(t *testing.T) {
	client := &jwks.Client{URL: "https://user:canary@issuer.example/jwks.json?key=canary#canary"}
	type holder struct {
		Exported   *jwks.Client
		unexported *jwks.Client
	}
	var text, structured bytes.Buffer
	var texts []string
	within := []any{[]any{client}, map[string]*jwks.Client{"a": client}, holder{Exported: client}, &holder{Exported: client}}
	for _, value := range append(within, client) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			texts = append(texts, fmt.Sprintf(verb, value))
		}
		slog.New(slog.NewTextHandler(&text, nil)).Info("keys", "client", value)
		slog.New(slog.NewJSONHandler(&structured, nil)).Info("keys", "client", value)
		data, err := json.Marshal(value)
		texts = append(texts, string(data), fmt.Sprint(err))
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} { // others print what stands behind a pointer, and ask it nothing
		texts = append(texts, fmt.Sprintf(verb, holder{unexported: client}))
	}
	for _, got := range append(texts, text.String(), structured.String()) {
		if strings.Contains(got, "canary") || strings.Contains(got, fmt.Sprintf("%x", "canary")) {
			t.Errorf("got %s", got)
		}
	}
	if got, want := fmt.Sprint(client), "key set at https://issuer.example/jwks.json"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := structured.String(), `"client":"key set at https://issuer.example/jwks.json"`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s in it", got, want)
	}
	if got, want := fmt.Sprint(&jwks.Client{URL: "://canary"}), "key set at a malformed URL"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHTTPClientOfTheCallerIsNotChanged(t *testing.T) {
	issuer := jwkstest.NewIssuer("ES256")
	defer issuer.Close()
	own := &http.Client{}
	client := &jwks.Client{URL: issuer.KeysURL(), HTTPClient: own}
	wantKey(t, client, issuer.KeyID())
	if own.CheckRedirect != nil || own.Timeout != 0 || own.Transport != nil || http.DefaultClient.CheckRedirect != nil {
		t.Error("the http.Client was changed")
	}
}

func TestRedirectRuleOfTheCallerHoldsToo(t *testing.T) {
	issuer := jwkstest.NewIssuer("ES256")
	defer issuer.Close()
	refused := errors.New("no redirects in this house")
	own := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return refused }}
	client := &jwks.Client{URL: issuer.KeysURL(), HTTPClient: own}
	issuer.Break(jwkstest.Redirect("/jwks.json?again"))
	if err := client.Refresh(t.Context()); !errors.Is(err, refused) {
		t.Errorf("got %v, want %v", err, refused)
	}
}

func TestReturnedKeysCannotBeOverwrittenByAppending(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		old := issuer.KeyID()
		issuer.Rotate()
		keys, err := client.PublicKeys(context.Background(), issuer.KeyID())
		if err != nil || len(keys) != 1 {
			t.Fatalf("got %v, %v, want the key", keys, err)
		}
		_ = append(keys, keystore.PublicKey{})
		wantKey(t, client, old)
	})
}

// Goroutines look keys up, refresh and ask for the status while the issuer
// rotates: for the race detector.
func TestClientIsSafeForConcurrentUse(t *testing.T) {
	issuer := jwkstest.NewIssuer("ES256")
	defer issuer.Close()
	client := &jwks.Client{URL: issuer.KeysURL(), MinInterval: time.Millisecond, MaxAge: 2 * time.Millisecond}
	first := issuer.KeyID()
	var group sync.WaitGroup
	for n := range 16 {
		group.Go(func() {
			for range 200 {
				wantKey(t, client, first)
				client.Status()
				if n == 0 {
					old := issuer.KeyID()
					issuer.Rotate()
					if old != first {
						issuer.Withdraw(old)
					}
				}
				if n == 1 {
					client.Refresh(t.Context())
				}
				if n == 2 {
					client.PublicKeys(t.Context(), issuer.KeyID())
				}
			}
		})
	}
	group.Wait()
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// slow answers rightly after a while, with the keys of the moment it was asked.
func slow(issuer *jwkstest.Issuer, d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		keys, _ := issuer.PublishedKeys(r.Context())
		set := &jwks.Handler{Source: published(keys)}
		time.Sleep(d)
		set.ServeHTTP(w, r)
	}
}

// published are fixed keys to publish.
type published []keystore.PublicKey

func (p published) PublishedKeys(context.Context) ([]keystore.PublicKey, error) { return p, nil }
