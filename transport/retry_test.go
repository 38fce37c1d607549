package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// api admits the tokens of a set, and answers 401 to all others.
type api struct {
	mu       sync.Mutex
	admitted map[string]bool
	requests []string // method, body and token of each
	closed   int      // response bodies closed
	before   func()   // runs in each request, without the lock
}

func newAPI(tokens ...string) *api {
	a := &api{}
	a.admit(tokens...)
	return a
}

func (a *api) admit(tokens ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.admitted = map[string]bool{}
	for _, token := range tokens {
		a.admitted["Bearer "+token] = true
	}
}

func (a *api) RoundTrip(req *http.Request) (*http.Response, error) {
	body := ""
	if req.Body != nil {
		data, err := io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
		body = string(data)
	}
	if a.before != nil {
		a.before()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	token := req.Header.Get("Authorization")
	a.requests = append(a.requests, req.Method+" "+body+" "+strings.TrimPrefix(token, "Bearer "))
	resp := respond(req, http.StatusOK)
	if !a.admitted[token] {
		resp.StatusCode = http.StatusUnauthorized
	}
	resp.Body = closeFunc{strings.NewReader(resp.Status + "body"), func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.closed++
	}}
	return resp, nil
}

type closeFunc struct {
	io.Reader
	close func()
}

func (c closeFunc) Close() error { c.close(); return nil }

func TestRetryAfter401(t *testing.T) {
	getBody := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("body")), nil }
	noBody := func() (io.ReadCloser, error) { return nil, errors.New("gone") }
	for _, test := range []struct {
		name    string
		method  string
		body    bool
		getBody func() (io.ReadCloser, error)
		header  string
		unsafe  bool
		status  int
		sent    string // requests that reach the server
	}{
		{"GET", "GET", false, nil, "", false, 200, "GET  token-1, GET  token-2"},
		{"the empty method, which is GET", "", false, nil, "", false, 200, "  token-1,   token-2"},
		{"HEAD", "HEAD", false, nil, "", false, 200, "HEAD  token-1, HEAD  token-2"},
		{"DELETE", "DELETE", false, nil, "", false, 200, "DELETE  token-1, DELETE  token-2"},
		{"PUT with the body intact", "PUT", true, getBody, "", false, 200, "PUT body token-1, PUT body token-2"},
		{"PUT with a body that cannot be had again", "PUT", true, nil, "", false, 401, "PUT body token-1"},
		{"PUT with a body that fails to come again", "PUT", true, noBody, "", false, 401, "PUT body token-1"},
		{"POST is not idempotent", "POST", true, getBody, "", false, 401, "POST body token-1"},
		{"POST without a body neither", "POST", false, nil, "", false, 401, "POST  token-1"},
		{"PATCH is not idempotent", "PATCH", true, getBody, "", false, 401, "PATCH body token-1"},
		{"POST on request", "POST", true, getBody, "", true, 200, "POST body token-1, POST body token-2"},
		{"POST with an Idempotency-Key", "POST", true, getBody, "Idempotency-Key", false, 200, "POST body token-1, POST body token-2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := newAPI("token-2")
			bearer := &transport.Bearer{Source: &fakeSource{}, Base: server, RetryUnsafe: test.unsafe}
			req := newRequest(t, test.method)
			if test.body {
				req.Body, req.GetBody = io.NopCloser(strings.NewReader("body")), test.getBody
			}
			if test.header != "" {
				req.Header.Set(test.header, "1")
			}
			resp, err := bearer.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != test.status {
				t.Errorf("got %d, want %d", resp.StatusCode, test.status)
			}
			if got := strings.Join(server.requests, ", "); got != test.sent {
				t.Errorf("sent %q, want %q", got, test.sent)
			}
			if got, want := server.closed, len(server.requests)-1; got != want {
				t.Errorf("%d responses closed, want %d", got, want)
			}
			if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "body" {
				t.Errorf("the caller's response says %q, %v", text, err)
			}
		})
	}
}

func newRequest(t testing.TB, method string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://api.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Method = method
	return req
}

func TestARefusedTokenIsRenewedEvenIfTheRequestIsNotRepeated(t *testing.T) {
	server := newAPI("token-2")
	bearer := &transport.Bearer{Source: &fakeSource{}, Base: server}
	for i, want := range []int{401, 200} {
		resp, err := do(t, bearer, http.MethodPost, "https://api.example", strings.NewReader("body"))
		if err != nil || resp.StatusCode != want {
			t.Errorf("request %d: got %v, %v, want %d", i+1, resp, err, want)
		}
	}
}

func TestManyRefusalsCauseOneRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI("token-1")
		source := &fakeSource{}
		bearer := &transport.Bearer{Source: source, Base: server}
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		server.admit("token-2")
		server.before = func() { time.Sleep(time.Second) } // so that all are under way with token-1
		source.answer = slow(5 * time.Second)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if resp, err := get(t, bearer); err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("got %v, %v", resp, err)
				}
			})
		}
		wg.Wait()
		if got := source.count(); got != 2 {
			t.Errorf("got %d fetches, want 2", got)
		}
		if got := len(server.requests); got != 201 {
			t.Errorf("got %d requests, want 201", got)
		}
	})
}

func TestALateRefusalOfAnOldTokenRenewsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI("token-2")
		source := &fakeSource{}
		bearer := &transport.Bearer{Source: source, Base: server}
		held := make(chan struct{})
		late := make(chan int)
		server.before = func() { <-held }
		go func() {
			resp, err := get(t, bearer)
			if err != nil {
				t.Error(err)
			}
			late <- resp.StatusCode
		}()
		synctest.Wait()
		server.before = nil
		if resp, err := get(t, bearer); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("got %v, %v", resp, err)
		}
		close(held)
		if got := <-late; got != http.StatusOK {
			t.Errorf("the late one got %d, want 200", got)
		}
		if got := source.count(); got != 2 {
			t.Errorf("got %d fetches, want 2", got)
		}
	})
}

func TestAServerThatRefusesEveryToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, source := newAPI(), &fakeSource{}
		bearer := &transport.Bearer{Source: source, Base: server}
		for range 100 {
			if resp, err := get(t, bearer); err != nil || resp.StatusCode != http.StatusUnauthorized {
				t.Fatalf("got %v, %v, want 401", resp, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if got := source.count(); got > 11 {
			t.Errorf("got %d fetches in ten seconds, want one a second", got)
		}
	})
}

func TestARefusalWhenNoNewTokenCanBeHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		source := &fakeSource{answer: func(_ context.Context, call int) error {
			if call > 1 {
				return errOutOfOrder
			}
			return nil
		}}
		bearer := &transport.Bearer{Source: source, Base: server}
		resp, err := get(t, bearer)
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("got %v, %v, want the 401", resp, err)
		}
		server.admit("token-1") // the refusal was a passing fault of the server
		if resp, err := get(t, bearer); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("got %v, %v, want 200", resp, err)
		}
	})
}

// Who waits for the renewal that another's 401 has set off goes on with the
// old token if it fails: it may have been refused for a passing fault.
func TestAFailedRenewalAfterA401LeavesTheOldTokenToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI("token-1")
		source := &fakeSource{}
		bearer := &transport.Bearer{Source: source, Base: server}
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		source.answer = func(context.Context, int) error { time.Sleep(5 * time.Second); return errOutOfOrder }
		server.admit("nobody")
		var refused sync.WaitGroup
		refused.Go(func() { bearer.RoundTrip(newRequest(t, "GET")) })
		synctest.Wait()
		server.admit("token-1")
		if resp, err := get(t, bearer); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("got %v, %v, want 200", resp, err)
		}
		refused.Wait()
	})
}

func TestARefusalInThePauseAfterAFailureFetchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI("token-1")
		source := &fakeSource{lifetime: time.Hour, answer: func(_ context.Context, call int) error {
			if call > 1 {
				return &transport.GrantError{StatusCode: 503, RetryAfter: time.Minute}
			}
			return nil
		}}
		bearer := &transport.Bearer{Source: source, Base: server}
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		time.Sleep(56 * time.Minute) // the renewal ahead is due, and fails
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		server.admit()
		for range 50 {
			if resp, err := get(t, bearer); err != nil || resp.StatusCode != http.StatusUnauthorized {
				t.Fatalf("got %v, %v, want the 401", resp, err)
			}
			time.Sleep(time.Second)
		}
		if got := source.count(); got != 2 {
			t.Errorf("got %d fetches, want none in the minute asked for", got-2)
		}
	})
}

func TestARefusedTokenIsNotSentTwice(t *testing.T) {
	server := newAPI()
	source := tokenFunc(func(context.Context) (string, time.Time, error) { return "same", time.Now().Add(time.Hour), nil })
	if _, err := get(t, &transport.Bearer{Source: source, Base: server}); err != nil {
		t.Fatal(err)
	}
	if got := len(server.requests); got != 1 {
		t.Errorf("got %d requests, want 1", got)
	}
}

func TestARetryHasItsOwnOneUseToken(t *testing.T) {
	server := newAPI("token-2")
	bearer := &transport.Bearer{Source: &fakeSource{oneUse: true}, Base: server}
	resp, err := get(t, bearer)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("got %v, %v, want 200", resp, err)
	}
	if got, want := strings.Join(server.requests, ", "), "GET  token-1, GET  token-2"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestAWaiterForARenewalKeepsIts401(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI("token-1")
		source := &fakeSource{}
		bearer := &transport.Bearer{Source: source, Base: server}
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		server.admit("token-2")
		source.answer = slow(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		resp, err := bearer.RoundTrip(newRequest(t, "GET").WithContext(ctx))
		if err != nil || resp.StatusCode != http.StatusUnauthorized || time.Since(start) != time.Second {
			t.Errorf("got %v, %v after %v, want the 401 after 1s", resp, err, time.Since(start))
		}
		time.Sleep(10 * time.Second) // the renewal goes on for those who come next
		if resp, err := get(t, bearer); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("got %v, %v, want 200", resp, err)
		}
	})
}

func TestALongRefusalIsNotRead(t *testing.T) {
	body := &countingReader{}
	base := roundTrip(func(req *http.Request) (*http.Response, error) {
		resp := respond(req, http.StatusOK)
		if req.Header.Get("Authorization") == "Bearer token-1" {
			resp.StatusCode, resp.Body = http.StatusUnauthorized, body
		}
		return resp, nil
	})
	if resp, err := get(t, &transport.Bearer{Source: &fakeSource{}, Base: base}); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v", resp, err)
	}
	if body.read > 64<<10 || !body.closed {
		t.Errorf("%d bytes of an endless body read, closed: %t", body.read, body.closed)
	}
}

// countingReader never ends.
type countingReader struct {
	read   int
	closed bool
}

func (r *countingReader) Read(p []byte) (int, error) {
	r.read += len(p)
	return copy(p, bytes.Repeat([]byte("x"), len(p))), nil
}

func (r *countingReader) Close() error { r.closed = true; return nil }

// Only the server of one that sends proofs can ask for a nonce, by saying so
// and giving it; any other 401 is about the token.
func TestA401ThatAsksForNoNonce(t *testing.T) {
	for _, test := range []struct {
		name             string
		prover           *tokenprofile.Prover
		nonce, challenge string
	}{
		{"from one without proofs", nil, "n1", `DPoP error="use_dpop_nonce"`},
		{"but brings the next one", newProver(t), "n1", `DPoP error="invalid_token"`},
		{"that it has", newProver(t), "", `DPoP error="use_dpop_nonce"`},
	} {
		var sent []string
		server := roundTrip(func(req *http.Request) (*http.Response, error) {
			_, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
			sent = append(sent, token)
			resp := respond(req, http.StatusOK)
			if token == "token-1" {
				resp.StatusCode = http.StatusUnauthorized
				resp.Header.Set("WWW-Authenticate", test.challenge)
				resp.Header.Set("DPoP-Nonce", test.nonce)
			}
			return resp, nil
		})
		if _, err := get(t, &transport.Bearer{Source: &fakeSource{}, DPoP: test.prover, Base: server}); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(sent, ", "), "token-1, token-2"; got != want {
			t.Errorf("%s: got %q, want %q", test.name, got, want)
		}
	}
}

// endlessBody counts what is read of it.
type endlessBody int

func (b *endlessBody) Read(p []byte) (int, error) { *b += endlessBody(len(p)); return len(p), nil }
func (b *endlessBody) Close() error               { return nil }

func TestARefusalIsReadFor4KiB(t *testing.T) {
	var body endlessBody
	refused := false
	bearer := &transport.Bearer{Source: &fakeSource{}, Base: roundTrip(func(req *http.Request) (*http.Response, error) {
		resp := respond(req, http.StatusOK)
		if !refused {
			refused = true
			resp.StatusCode, resp.Body = http.StatusUnauthorized, &body
		}
		return resp, nil
	})}
	log := bearerLog(bearer, slog.LevelInfo)
	if _, err := get(t, bearer); err != nil || body != 4096 {
		t.Errorf("got %v after %d bytes, want 4096", err, body)
	}
	if log.Len() > 0 {
		t.Errorf("the next token was admitted: got %s", log)
	}
}
