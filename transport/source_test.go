package transport_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// fakeSource yields token-1, token-2, ... and counts who asks.
type fakeSource struct {
	lifetime time.Duration                             // zero: an hour
	answer   func(ctx context.Context, call int) error // nil: no error
	oneUse   bool

	mu     sync.Mutex
	calls  int
	active int
	peak   int   // most calls at a time
	claims []any // of each call of TokenWith
}

func (s *fakeSource) Token(ctx context.Context) (string, time.Time, error) {
	return s.TokenWith(ctx, nil)
}

func (s *fakeSource) TokenWith(ctx context.Context, claims any) (string, time.Time, error) {
	s.mu.Lock()
	s.calls++
	call := s.calls
	s.active++
	s.peak = max(s.peak, s.active)
	s.claims = append(s.claims, claims)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.active--
		s.mu.Unlock()
	}()
	if s.answer != nil {
		if err := s.answer(ctx, call); err != nil {
			return "", time.Time{}, err
		}
	}
	lifetime := s.lifetime
	if lifetime == 0 {
		lifetime = time.Hour
	}
	return fmt.Sprintf("token-%d", call), time.Now().Add(lifetime), nil
}

func (s *fakeSource) OneUse() bool { return s.oneUse }

func (s *fakeSource) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// tokenOnly hides TokenWith and OneUse.
type tokenOnly struct{ source transport.TokenSource }

func (s tokenOnly) Token(ctx context.Context) (string, time.Time, error) { return s.source.Token(ctx) }

// roundTrip is an http.RoundTripper in memory.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func respond(req *http.Request, status int) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: req}
}

// recorder answers 200 and remembers the Authorization header of each request.
type recorder struct {
	mu   sync.Mutex
	seen []string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, req.Header.Get("Authorization"))
	return respond(req, http.StatusOK), nil
}

// last is the Authorization header of the last request.
func (r *recorder) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) == 0 {
		return ""
	}
	return r.seen[len(r.seen)-1]
}

// do makes a request and returns its error, after closing the response.
func do(t testing.TB, rt http.RoundTripper, method, url string, body io.Reader) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err == nil {
		resp.Body.Close()
	}
	return resp, err
}

func get(t testing.TB, rt http.RoundTripper) (*http.Response, error) {
	t.Helper()
	return do(t, rt, http.MethodGet, "https://api.example/things", nil)
}

// A signer that was never built makes for an error, not for a panic in the
// client of whoever ignored the first one.
func TestASignerThatWasNotBuilt(t *testing.T) {
	for name, signer := range map[string]*tokenprofile.Signer{"zero": {}, "nil": nil} {
		if _, err := get(t, &transport.Bearer{Source: signer, Base: &recorder{}}); err == nil || !strings.Contains(err.Error(), "was not made by Profile.Signer") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
