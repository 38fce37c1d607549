package transport_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// moody is a token endpoint that is well, fails, hangs and answers 429 by
// turns, and notes when it was asked.
type moody struct {
	mu     sync.Mutex
	turn   int
	active int
	peak   int
	asked  []asking
}

type asking struct {
	from, to time.Time
	pause    time.Duration // the least that must follow
}

const moodyPause = 20 * time.Second

func (m *moody) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Body.Close()
	m.mu.Lock()
	turn := m.turn
	m.turn++
	m.active++
	m.peak = max(m.peak, m.active)
	m.mu.Unlock()
	start := time.Now()
	pause := 500 * time.Millisecond // half of the first pause, which is spread
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.active--
		m.asked = append(m.asked, asking{start, time.Now(), pause})
	}()
	time.Sleep(300 * time.Millisecond)
	switch turn % 5 {
	case 1:
		return says(500, "").RoundTrip(req)
	case 2:
		<-req.Context().Done()
		return nil, req.Context().Err()
	case 3:
		pause = moodyPause
		return says(429, "", "Retry-After", "20").RoundTrip(req)
	}
	pause = 0
	return says(200, `{"access_token":"access","token_type":"Bearer","expires_in":15}`).RoundTrip(req)
}

func TestLoadWithAMoodyTokenEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := &moody{}
		grant := &transport.Grant{TokenURL: tokenURL, Assertion: &fakeSource{}, HTTPClient: &http.Client{Transport: endpoint}}
		bearer := &transport.Bearer{Source: grant, Base: &recorder{}}
		end := time.Now().Add(4 * time.Minute)
		var sent, refused, left atomic.Int64
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for time.Now().Before(end) {
					patience := time.Duration(1+rand.IntN(2000)) * time.Millisecond
					took, err := requestWithin(t, bearer, patience)
					if took > patience {
						t.Errorf("a request waited %v, %v longer than its context", took, took-patience)
					}
					var refusal *transport.GrantError
					switch {
					case err == nil:
						sent.Add(1)
					case errors.As(err, &refusal):
						refused.Add(1)
					case errors.Is(err, context.DeadlineExceeded):
						left.Add(1)
					default:
						t.Errorf("got %v", err)
					}
					time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		time.Sleep(time.Minute) // for a fetch under way
		endpoint.check(t)
		if sent.Load() == 0 || refused.Load() == 0 || left.Load() == 0 {
			t.Errorf("%d sent, %d refused, %d left: the test has not seen it all", sent.Load(), refused.Load(), left.Load())
		}
	})
}

func requestWithin(t *testing.T, rt http.RoundTripper, patience time.Duration) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	start := time.Now()
	resp, err := rt.RoundTrip(newRequest(t, http.MethodGet).WithContext(ctx))
	if err == nil {
		resp.Body.Close()
	}
	return time.Since(start), err
}

func (m *moody) check(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.peak != 1 {
		t.Errorf("up to %d token requests at a time, want one", m.peak)
	}
	if len(m.asked) < 10 {
		t.Errorf("only %d token requests", len(m.asked))
	}
	for i := 1; i < len(m.asked); i++ {
		before, now := m.asked[i-1], m.asked[i]
		if pause := now.from.Sub(before.to); pause < before.pause {
			t.Errorf("token request %d came %v after the failure before it, want at least %v", i, pause, before.pause)
		}
	}
}
