package transport_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A logBook keeps the lines that a logger in JSON writes.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// lines are those that were written since the last call.
func (b *logBook) lines(t *testing.T) []map[string]any {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []map[string]any
	for line := range strings.Lines(b.text.String()) {
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, members)
	}
	b.text.Reset()
	return lines
}

func TestGuardLogsRefusals(t *testing.T) {
	tests := []struct {
		name   string
		guard  transport.Guard
		header string
		level  string
		status float64
		reason string
	}{
		{"no credentials", transport.Guard{Verifier: admits("{}")}, "", "DEBUG", 401, "no credentials"},
		{"a token without its scheme", transport.Guard{Verifier: admits("{}")}, canary, "INFO", 401, "the header Authorization does not begin with the scheme Bearer"},
		{"another scheme", transport.Guard{Verifier: admits("{}")}, "Basic " + canary, "INFO", 401, "the header Authorization does not begin with the scheme Bearer"},
		{"a proof that nobody asked for", transport.Guard{Verifier: admits("{}")}, "DPoP aaa", "INFO", 401, "the header Authorization has the scheme DPoP, and the guard has no DPoP"},
		{"what is no token", transport.Guard{Verifier: admits("{}")}, "Bearer a b", "INFO", 400, "the header Authorization is not a token"},
		{"a wrong token", transport.Guard{Verifier: refuses(invalid(tokenprofile.ErrExpired))}, "Bearer aaa", "INFO", 401, "expired"},
		{"a scope that lacks", transport.Guard{Verifier: admits("{}"), Scope: "read"}, "Bearer aaa", "INFO", 403, `needs scope "read"`},
		{"keys that cannot be had", transport.Guard{Verifier: refuses(keystore.ErrUnavailable)}, "Bearer aaa", "WARN", 503, "unavailable"},
		{"a client that has left", transport.Guard{Verifier: refuses(context.Canceled)}, "Bearer aaa", "DEBUG", 503, "canceled"},
		{"no verifier", transport.Guard{}, "Bearer aaa", "WARN", 503, "no Verifier"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var book logBook
			test.guard.Logger = book.logger()
			r := httptest.NewRequest("GET", "/secret?access_token="+canary, nil)
			if test.header != "" {
				r.Header.Set("Authorization", test.header)
			}
			test.guard.Handler(admitted).ServeHTTP(httptest.NewRecorder(), r)
			lines := book.lines(t)
			if len(lines) != 1 {
				t.Fatalf("got %d lines, want 1", len(lines))
			}
			line := lines[0]
			if line["level"] != test.level || line["status"] != test.status || line["method"] != "GET" || line["remote"] != r.RemoteAddr {
				t.Errorf("got %v, want level %s and status %v", line, test.level, test.status)
			}
			if reason, _ := line["reason"].(string); !strings.Contains(reason, test.reason) {
				t.Errorf("got reason %q, want %q in it", reason, test.reason)
			}
			if strings.Contains(fmt.Sprint(line), canary) {
				t.Errorf("the line tells the query: %v", line)
			}
		})
	}
}

// The answer to a wrong secret is the same, but its owner can find the mistake.
func TestTheLogTellsCredentialsThatAreNotFormEncoded(t *testing.T) {
	for _, credentials := range []string{"billing:%zz", "%zz:" + testSecret} {
		var book logBook
		endpoint := newEndpoint(t)
		endpoint.Logger = book.logger()
		r := newPost(without("client_id", "client_secret"))
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
		endpoint.ServeHTTP(httptest.NewRecorder(), r)
		if lines := book.lines(t); len(lines) != 1 || lines[0]["reason"] != "the Basic credentials are not form-encoded" {
			t.Errorf("%s: got %v", credentials, lines)
		}
	}
}

func TestAdmittedRequestsAreNotLogged(t *testing.T) {
	var book logBook
	ask(&transport.Guard{Verifier: admits("{}"), Logger: book.logger()}, bearer)
	endpoint := newEndpoint(t)
	endpoint.Logger = book.logger()
	endpoint.ServeHTTP(httptest.NewRecorder(), newPost())
	if lines := book.lines(t); len(lines) > 0 {
		t.Errorf("got %v", lines)
	}
}

// flood sends so many refused requests at once, with a canary in what the
// client writes.
func flood(handler http.Handler, n int) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := newPost(header("Authorization", "Bearer "+canary))
			r.Method, r.URL.RawQuery = strings.Repeat("POST", 1000), canary
			for range n / 8 { // neither looks at the body
				handler.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
	wg.Wait()
}

// TestAFloodOfRefusalsIsNotLogged sends 100,000 refused requests.
func TestAFloodOfRefusalsIsNotLogged(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	synctest.Test(t, func(t *testing.T) { // the time stands still
		var book logBook
		broken := &transport.Guard{Verifier: refuses(invalid(tokenprofile.ErrSignature)), Logger: book.logger()}
		endpoint := newEndpoint(t)
		endpoint.Logger = book.logger()
		for name, handler := range map[string]http.Handler{"guard": broken.Handler(admitted), "endpoint": endpoint} {
			flood(handler, n)
			text := book.text.String()
			if lines := book.lines(t); len(lines) != 10 {
				t.Errorf("%s: got %d lines of %d refusals, want 10", name, len(lines), n)
			}
			if len(text) > 10<<10 || strings.Contains(text, canary) {
				t.Errorf("%s: got %d bytes, want at most 10 KiB and no canary", name, len(text))
			}
			time.Sleep(10 * time.Second)
			flood(handler, 8)
			lines := book.lines(t)
			if len(lines) != 8 {
				t.Fatalf("%s: got %d lines after 10 seconds, want 8", name, len(lines))
			}
			var dropped []any // one line says it: the first that was let through, not the first that was written
			for _, line := range lines {
				if n, ok := line["dropped"]; ok {
					dropped = append(dropped, n)
				}
			}
			if len(dropped) != 1 || dropped[0] != float64(n-10) {
				t.Errorf("%s: got dropped %v, want %d once", name, dropped, n-10)
			}
		}
		// What could not be judged has lines of its own.
		broken.Verifier = verifyFunc(func(_ context.Context, token string) (*tokenprofile.Token, error) {
			if token == "unavailable" {
				return nil, keystore.ErrUnavailable
			}
			return nil, invalid(tokenprofile.ErrSignature)
		})
		flood(broken.Handler(admitted), 100)
		book.lines(t)
		ask(broken, "Authorization: Bearer unavailable")
		if lines := book.lines(t); len(lines) != 1 || lines[0]["level"] != "WARN" {
			t.Errorf("got %v, want the line of what could not be judged", lines)
		}
	})
}
