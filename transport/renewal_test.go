package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

var errOutOfOrder = errors.New("out of order")

// slow answers after a while, or when the context ends.
func slow(d time.Duration) func(context.Context, int) error {
	return func(ctx context.Context, _ int) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestColdStartFetchesOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{answer: slow(time.Second)}
		bearer := &transport.Bearer{Source: source, Base: &recorder{}}
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				if _, err := get(t, bearer); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := source.count(); got != 1 {
			t.Errorf("got %d fetches, want 1", got)
		}
	})
}

func TestOneFailureAnswersAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{answer: func(context.Context, int) error { time.Sleep(time.Second); return errOutOfOrder }}
		bearer := &transport.Bearer{Source: source, Base: &recorder{}}
		var failed atomic.Int32
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				if _, err := get(t, bearer); errors.Is(err, errOutOfOrder) {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if got := failed.Load(); got != 200 {
			t.Errorf("%d requests got the error, want 200", got)
		}
		if got := source.count(); got != 1 {
			t.Errorf("got %d fetches, want 1", got)
		}
	})
}

func TestAWaiterLeavesOnItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{answer: slow(10 * time.Second)}
		base := &recorder{}
		bearer := &transport.Bearer{Source: source, Base: base}
		patient := make(chan error, 1)

		// The first, who sets off the fetch, leaves after a second.
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			synctest.Wait()
			_, err := get(t, bearer)
			patient <- err
		}()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = bearer.RoundTrip(req)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a deadline exceeded", err)
		}
		if want := "transport: waiting for a token: context deadline exceeded"; err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		if timeout, ok := err.(interface{ Timeout() bool }); !ok || !timeout.Timeout() {
			t.Errorf("%v does not count as a timeout", err)
		}
		if got := time.Since(start); got != time.Second {
			t.Errorf("left after %v, want 1s", got)
		}
		if err := <-patient; err != nil {
			t.Errorf("the one who stayed got %v", err)
		}
		if got := source.count(); got != 1 {
			t.Errorf("got %d fetches, want 1", got)
		}
	})
}

func TestAWaiterThatIsCalledOffHasNotTimedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		bearer := &transport.Bearer{Source: &fakeSource{answer: slow(time.Second)}, Base: &recorder{}}
		_, err := bearer.RoundTrip(newRequest(t, "GET").WithContext(ctx))
		if timeout, ok := err.(interface{ Timeout() bool }); !ok || timeout.Timeout() || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the end of the context, and no timeout", err)
		}
		time.Sleep(time.Second) // for the fetch
	})
}

func TestTheTimeoutOfTheClientEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := transport.Wrap(&http.Client{Transport: &recorder{}, Timeout: time.Second}, &fakeSource{answer: slow(10 * time.Second)})
		start := time.Now()
		_, err := client.Get("https://api.example")
		var failed *url.Error
		if !errors.As(err, &failed) || !failed.Timeout() || time.Since(start) != time.Second {
			t.Errorf("got %v after %v, want a timeout after 1s", err, time.Since(start))
		}
		time.Sleep(10 * time.Second) // for the fetch, which others might wait for
	})
}

func TestAFetchThatHangsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bearer := &transport.Bearer{Source: &fakeSource{answer: slow(time.Hour)}, Base: &recorder{}}
		start := time.Now()
		_, err := get(t, bearer)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a deadline exceeded", err)
		}
		if got := time.Since(start); got != 30*time.Second {
			t.Errorf("gave up after %v, want 30s", got)
		}
	})
}

func TestTheTokenIsRenewedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{}
		base := &recorder{}
		bearer := &transport.Bearer{Source: source, Base: base}
		request := func() string {
			t.Helper()
			if _, err := get(t, bearer); err != nil {
				t.Fatal(err)
			}
			return base.last()
		}
		request()
		time.Sleep(time.Hour - 5*time.Minute - time.Second) // 0.15 of an hour is more than the 5 minutes allowed
		if got := request(); got != "Bearer token-1" || source.count() != 1 {
			t.Fatalf("before the margin: got %q and %d fetches", got, source.count())
		}
		time.Sleep(2 * time.Second)
		source.answer = slow(3 * time.Second)
		for range 3 { // nobody waits, and one renews
			start := time.Now()
			if got := request(); got != "Bearer token-1" || time.Since(start) != 0 {
				t.Errorf("while renewing: got %q after %v", got, time.Since(start))
			}
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if got := request(); got != "Bearer token-2" {
			t.Errorf("after renewing: got %q", got)
		}
		if got := source.count(); got != 2 {
			t.Errorf("got %d fetches, want 2", got)
		}
	})
}

// TestWhenATokenIsRenewed looks for the second in which the second fetch happens.
func TestWhenATokenIsRenewed(t *testing.T) {
	for _, test := range []struct {
		name        string
		lifetime    time.Duration
		share       float64
		most, least time.Duration // before the end of the token
	}{
		{"a tenth to a fifth of the lifetime", 20 * time.Minute, 0, 4 * time.Minute, 2 * time.Minute},
		{"at most five minutes", 24 * time.Hour, 0, 5 * time.Minute, 5 * time.Minute},
		{"at least ten seconds", 40 * time.Second, 0, 10 * time.Second, 10 * time.Second},
		{"never more than half the lifetime", 10 * time.Second, 0, 5 * time.Second, 5 * time.Second},
		{"another share", 20 * time.Minute, 0.03, 48 * time.Second, 24 * time.Second},
		{"not ahead", 20 * time.Minute, -1, 2 * time.Second, 2 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &fakeSource{lifetime: test.lifetime}
				bearer := &transport.Bearer{Source: source, Base: &recorder{}, EarlyRefresh: test.share}
				start := time.Now()
				if _, err := get(t, bearer); err != nil {
					t.Fatal(err)
				}
				time.Sleep(max(0, test.lifetime-10*time.Minute)) // no renewal before, which the bounds below would show
				for source.count() < 2 {
					if _, err := get(t, bearer); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					synctest.Wait()
				}
				before := test.lifetime - time.Since(start.Add(time.Second))
				if before > test.most || before < test.least-time.Second {
					t.Errorf("renewed %v before the end, want between %v and %v", before, test.most, test.least)
				}
			})
		})
	}
}

func TestATokenIsNotSentAsItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{lifetime: time.Minute}
		base := &recorder{}
		bearer := &transport.Bearer{Source: source, Base: base}
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		source.answer = slow(time.Second)
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		if got, want := base.last(), "Bearer token-2"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestAFailedRenewalLeavesTheOldToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{lifetime: time.Hour}
		base := &recorder{}
		bearer := &transport.Bearer{Source: source, Base: base}
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		source.answer = func(context.Context, int) error { return errOutOfOrder }
		time.Sleep(56 * time.Minute)
		for range 230 {
			if _, err := get(t, bearer); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if got, want := base.last(), "Bearer token-1"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		// 230 seconds of doubling pauses, each between half and all of 1, 2, 4, ... 60 s.
		if got := source.count(); got < 6 || got > 15 {
			t.Errorf("got %d fetches, want a few", got)
		}
		time.Sleep(time.Minute)
		if _, err := get(t, bearer); !errors.Is(err, errOutOfOrder) {
			t.Errorf("after the end of the token: got %v, want %v", err, errOutOfOrder)
		}
	})
}

func TestPauseAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{answer: func(_ context.Context, call int) error {
			if call <= 8 {
				return fmt.Errorf("call %d: %w", call, errOutOfOrder)
			}
			return nil
		}}
		bearer := &transport.Bearer{Source: source, Base: &recorder{}}
		for failures := 1; failures <= 8; failures++ {
			before := source.count()
			start := time.Now()
			for source.count() == before {
				_, err := get(t, bearer)
				if !errors.Is(err, errOutOfOrder) {
					t.Fatalf("got %v, want %v", err, errOutOfOrder)
				}
				time.Sleep(100 * time.Millisecond)
			}
			if failures == 1 {
				continue
			}
			most := min(time.Second<<(failures-2), time.Minute)
			if got := time.Since(start); got < most/2-200*time.Millisecond || got > most+200*time.Millisecond {
				t.Errorf("fetch %d came after %v, want between %v and %v", failures, got, most/2, most)
			}
		}
		time.Sleep(time.Minute)
		if _, err := get(t, bearer); err != nil {
			t.Errorf("after the pause: %v", err)
		}
	})
}

func TestASuccessEndsThePauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Six failures, a token of a minute, and failures again.
		source := &fakeSource{lifetime: time.Minute, answer: func(_ context.Context, call int) error {
			if call == 7 {
				return nil
			}
			return errOutOfOrder
		}}
		bearer := &transport.Bearer{Source: source, Base: &recorder{}}
		for source.count() < 7 {
			get(t, bearer)
			time.Sleep(time.Second)
		}
		for source.count() < 8 {
			get(t, bearer)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		get(t, bearer)
		synctest.Wait()
		if got := source.count(); got != 9 {
			t.Errorf("got %d fetches, want 9: the pause after one failure is as long as after seven", got)
		}
	})
}

func TestPauseHonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{answer: func(_ context.Context, call int) error {
			if call == 1 {
				return fmt.Errorf("wrapped: %w", &transport.GrantError{StatusCode: 429, RetryAfter: 10 * time.Minute})
			}
			return nil
		}}
		bearer := &transport.Bearer{Source: source, Base: &recorder{}}
		start := time.Now()
		for {
			if _, err := get(t, bearer); err == nil {
				break
			}
			time.Sleep(time.Second)
		}
		if got := time.Since(start); got < 10*time.Minute || got > 10*time.Minute+time.Second {
			t.Errorf("asked again after %v, want 10m", got)
		}
		if got := source.count(); got != 2 {
			t.Errorf("got %d fetches, want 2", got)
		}
	})
}

func TestATokenOfUnknownExpiryIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls int
		source := tokenFunc(func(context.Context) (string, time.Time, error) { calls++; return "opaque", time.Time{}, nil })
		bearer := &transport.Bearer{Source: source, Base: &recorder{}}
		for range 3 {
			if _, err := get(t, bearer); err != nil {
				t.Fatal(err)
			}
			time.Sleep(1000 * time.Hour)
		}
		if calls != 1 {
			t.Errorf("got %d fetches, want 1", calls)
		}
	})
}

type tokenFunc func(context.Context) (string, time.Time, error)

func (f tokenFunc) Token(ctx context.Context) (string, time.Time, error) { return f(ctx) }

func TestATokenThatNoHeaderMayHave(t *testing.T) {
	for _, token := range []string{"", "a b", "a\r\nX-Admin: 1", "t\u00f6ken", "\x00"} {
		source := tokenFunc(func(context.Context) (string, time.Time, error) { return token, time.Time{}, nil })
		base := &recorder{}
		if _, err := get(t, &transport.Bearer{Source: source, Base: base}); err == nil {
			t.Errorf("the token %q was sent as %q", token, base.last())
		}
	}
}

type key struct{}

func TestASharedFetchSeesNoValuesOfARequest(t *testing.T) {
	var seen any
	source := tokenFunc(func(ctx context.Context) (string, time.Time, error) {
		seen = ctx.Value(key{})
		return "token", time.Time{}, nil
	})
	bearer := &transport.Bearer{Source: source, Base: &recorder{}}
	req, err := http.NewRequestWithContext(context.WithValue(t.Context(), key{}, "alice"), http.MethodGet, "https://api.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bearer.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if seen != nil {
		t.Errorf("the fetch that others share saw the value %v", seen)
	}
}

func TestOneUseTokensAreFetchedForEveryRequest(t *testing.T) {
	source, base := &fakeSource{oneUse: true}, &recorder{}
	bearer := &transport.Bearer{Source: source, Base: base}
	for i := range 3 {
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		if got, want := base.last(), fmt.Sprintf("Bearer token-%d", i+1); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAClientThatWaitsForItself(t *testing.T) {
	bearer := &transport.Bearer{Base: &recorder{}}
	bearer.Source = tokenFunc(func(ctx context.Context) (string, time.Time, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://auth.example/token", nil)
		if err != nil {
			return "", time.Time{}, err
		}
		_, err = bearer.RoundTrip(req)
		return "", time.Time{}, err
	})
	_, err := get(t, bearer)
	if want := "transport: no token: transport: the token is fetched with a client that waits for that very token"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOnRefreshHearsOfEveryFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []transport.Refresh
		source := &fakeSource{answer: func(ctx context.Context, call int) error {
			time.Sleep(time.Duration(call) * time.Second)
			if call == 1 {
				return errOutOfOrder
			}
			return nil
		}}
		bearer := &transport.Bearer{Source: source, Base: &recorder{}, OnRefresh: func(r transport.Refresh) { heard = append(heard, r) }}
		get(t, bearer)
		synctest.Wait()
		time.Sleep(time.Second)
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(heard) != 2 {
			t.Fatalf("heard of %d fetches, want 2", len(heard))
		}
		if got := heard[0]; !errors.Is(got.Err, errOutOfOrder) || got.Duration != time.Second || got.NextRetry.IsZero() || !got.Expiry.IsZero() {
			t.Errorf("of the first: %+v", got)
		}
		if got := heard[1]; got.Err != nil || got.Duration != 2*time.Second || !got.Expiry.Equal(time.Now().Add(time.Hour)) || !got.NextRetry.IsZero() {
			t.Errorf("of the second: %+v", got)
		}
	})
}
