package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

func TestBearerHeader(t *testing.T) {
	for _, test := range []struct {
		name           string
		bearer         *transport.Bearer
		header, wanted string
	}{
		{"the zero value says Bearer in Authorization", &transport.Bearer{}, "Authorization", "Bearer token-1"},
		{"another scheme", &transport.Bearer{Scheme: "JWT"}, "Authorization", "JWT token-1"},
		{"another header has the token alone", &transport.Bearer{Header: "x-token"}, "X-Token", "token-1"},
		{"another header with a scheme", &transport.Bearer{Header: "X-Token", Scheme: "Bearer"}, "X-Token", "Bearer token-1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			test.bearer.Source = &fakeSource{}
			test.bearer.Base = roundTrip(func(req *http.Request) (*http.Response, error) {
				got = req.Header[test.header]
				return respond(req, http.StatusOK), nil
			})
			if _, err := get(t, test.bearer); err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || got[0] != test.wanted {
				t.Errorf("%s: got %q, want %q", test.header, got, test.wanted)
			}
		})
	}
}

func TestBearerReusesTheToken(t *testing.T) {
	source, base := &fakeSource{}, &recorder{}
	bearer := &transport.Bearer{Source: source, Base: base}
	for range 3 {
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
	}
	if got := source.count(); got != 1 {
		t.Errorf("got %d fetches, want 1", got)
	}
	if got, want := base.last(), "Bearer token-1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBearerLeavesTheRequestAlone(t *testing.T) {
	bearer := &transport.Bearer{Source: &fakeSource{}, Base: &recorder{}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/plain")
	resp, err := bearer.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if len(req.Header) != 1 {
		t.Errorf("the request's header became %v", req.Header)
	}
	if resp.Request != req {
		t.Error("the response names the request with the token, which callers log")
	}
}

func TestBearerTakesARequestWithoutHeader(t *testing.T) {
	base := &recorder{}
	bearer := &transport.Bearer{Source: &fakeSource{}, Base: base}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = nil
	if _, err := bearer.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if got, want := base.last(), "Bearer token-1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBearerLeavesTheCallersHeaderAlone(t *testing.T) {
	source, base := &fakeSource{}, &recorder{}
	bearer := &transport.Bearer{Source: source, Base: base}
	for _, header := range [][]string{{"Basic dTpw"}, {""}, nil} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://plain.example", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header["Authorization"] = header
		if _, err := bearer.RoundTrip(req); err != nil {
			t.Fatalf("with %q: %v", header, err)
		}
		want := ""
		if len(header) > 0 {
			want = header[0]
		}
		if got := base.last(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := source.count(); got != 0 {
		t.Errorf("got %d fetches, want none", got)
	}
}

// closable notes that it was closed.
type closable struct {
	io.Reader
	closed int
}

func (c *closable) Close() error { c.closed++; return nil }

func TestBearerClosesTheBodyOnEveryPath(t *testing.T) {
	failing := &fakeSource{answer: func(context.Context, int) error { return errors.New("out of order") }}
	ok := &fakeSource{}
	for _, test := range []struct {
		name   string
		url    string
		bearer *transport.Bearer
		fails  bool
	}{
		{"sent", "https://api.example", &transport.Bearer{Source: ok}, false},
		{"sent without a token", "https://other.example", &transport.Bearer{Source: ok, Origins: []string{"https://api.example"}}, false},
		{"no source", "https://api.example", &transport.Bearer{}, true},
		{"the source fails", "https://api.example", &transport.Bearer{Source: failing}, true},
		{"plain http", "http://api.example", &transport.Bearer{Source: ok}, true},
		{"bad origins", "https://api.example", &transport.Bearer{Source: ok, Origins: []string{"api.example"}}, true},
		{"the claims fail", "https://api.example", &transport.Bearer{Source: ok, Claims: func(*http.Request) (any, error) { return nil, errors.New("nobody is signed in") }}, true},
		{"the claims have no JSON", "https://api.example", &transport.Bearer{Source: ok, Claims: func(*http.Request) (any, error) { return func() {}, nil }}, true},
		{"the source takes no claims", "https://api.example", &transport.Bearer{Source: tokenOnly{ok}, Claims: func(*http.Request) (any, error) { return nil, nil }}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := &closable{Reader: strings.NewReader("body")}
			test.bearer.Base = &recorder{}
			_, err := do(t, test.bearer, http.MethodPost, test.url, body)
			if (err != nil) != test.fails {
				t.Errorf("got error %v, want one: %t", err, test.fails)
			}
			if body.closed != 1 {
				t.Errorf("body closed %d times, want once", body.closed)
			}
		})
	}
}

func TestBearerErrorsSayWhatIsWrong(t *testing.T) {
	ok := &fakeSource{}
	for _, test := range []struct {
		name   string
		bearer *transport.Bearer
		url    string
		wanted string
	}{
		{"no Bearer", nil, "https://api.example", "transport: Bearer is nil"},
		{"another scheme, where plain http is fine", &transport.Bearer{Source: ok, PlainHTTP: true}, "ftp://api.example", `transport: the request carries no token: scheme "ftp" is not https`},
		{"room for fewer than no claims", &transport.Bearer{Source: ok, MaxClaims: -1}, "https://api.example", "transport: Bearer has a negative MaxClaims"},
		{"no source", &transport.Bearer{}, "https://api.example", "transport: Bearer has no Source"},
		{"plain http", &transport.Bearer{Source: ok}, "http://api.example:81/x", "transport: the request carries no token: http://api.example:81 is not https, and api.example:81 is not a loopback address: if something else encrypts, set PlainHTTP"},
		{"another scheme", &transport.Bearer{Source: ok}, "ftp://api.example", `transport: the request carries no token: scheme "ftp" is not https`},
		{"an origin without a scheme", &transport.Bearer{Source: ok, Origins: []string{"api.example"}}, "https://api.example", `transport: Origins: "api.example" is not an origin like https://api.example`},
		{"an origin with a password", &transport.Bearer{Source: ok, Origins: []string{"https://me:canary@api.example/?key=canary"}}, "https://api.example", `transport: Origins: "https://api.example/" is not an origin like https://api.example`},
		{"an origin that is no URL", &transport.Bearer{Source: ok, Origins: []string{"https://me:canary@api example"}}, "https://api.example", "transport: Origins: a malformed URL, not an origin like https://api.example"},
		{"an origin with a path", &transport.Bearer{Source: ok, Origins: []string{"https://api.example/v1"}}, "https://api.example", `transport: Origins: "https://api.example/v1" is not an origin like https://api.example`},
		{"an origin with a query", &transport.Bearer{Source: ok, Origins: []string{"https://api.example?canary"}}, "https://api.example", `transport: Origins: "https://api.example" is not an origin like https://api.example`},
		{"an origin with a fragment", &transport.Bearer{Source: ok, Origins: []string{"https://api.example#canary"}}, "https://api.example", `transport: Origins: "https://api.example" is not an origin like https://api.example`},
		{"an origin with a user", &transport.Bearer{Source: ok, Origins: []string{"https://canary@api.example"}}, "https://api.example", `transport: Origins: "https://api.example" is not an origin like https://api.example`},
		{"an origin without a host", &transport.Bearer{Source: ok, Origins: []string{"https://"}}, "https://api.example", `transport: Origins: "https:" is not an origin like https://api.example`},
		{"an origin over http", &transport.Bearer{Source: ok, Origins: []string{"http://api.example"}}, "https://api.example", "transport: Origins: http://api.example is not https, and api.example is not a loopback address: if something else encrypts, set PlainHTTP"},
		{"a source without TokenWith", &transport.Bearer{Source: tokenOnly{ok}, Claims: func(*http.Request) (any, error) { return nil, nil }}, "https://api.example", "transport: Bearer has Claims, but its Source, a transport_test.tokenOnly, has no TokenWith method to take them"},
		{"a base that gives nothing", &transport.Bearer{Source: ok, Base: roundTrip(func(*http.Request) (*http.Response, error) { return nil, nil })}, "https://api.example", "transport: the Base, a transport_test.roundTrip, returned neither a response nor an error"},
		{"a source that fails", &transport.Bearer{Source: &fakeSource{answer: func(context.Context, int) error { return errors.New("out of order") }}}, "https://api.example", "transport: no token: out of order"},
		{"a token that ends now", &transport.Bearer{Source: ending(time.Unix(2e9, 0))}, "https://api.example", "transport: no token: the source returned one that expired at "},
		{"an expired token", &transport.Bearer{Source: &fakeSource{lifetime: -time.Second}}, "https://api.example", "transport: no token: the source returned one that expired at "},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.bearer != nil && test.bearer.Base == nil {
				test.bearer.Base = &recorder{}
			}
			_, err := do(t, test.bearer, http.MethodGet, test.url, nil)
			if err == nil || !strings.HasPrefix(err.Error(), test.wanted) {
				t.Errorf("got %v, want %s", err, test.wanted)
			}
		})
	}
}

// ending yields a token that ends when it is made.
type ending time.Time

func (e ending) Token(context.Context) (string, time.Time, error) { return "token", time.Time(e), nil }
func (e ending) Now() time.Time                                   { return time.Time(e) }

func TestBearerValidates(t *testing.T) {
	claims := func(*http.Request) (any, error) { return nil, nil }
	for _, test := range []struct {
		name   string
		bearer *transport.Bearer
		want   string
	}{
		{"nothing wrong", &transport.Bearer{Source: &transport.Grant{TokenURL: tokenURL, ClientID: "me"}}, ""},
		{"no Bearer", nil, "transport: Bearer is nil"},
		{"everything wrong", &transport.Bearer{Source: tokenOnly{&fakeSource{}}, MaxClaims: -1, Claims: claims, Origins: []string{"http://api.example"}},
			"transport: Bearer has a negative MaxClaims\ntransport: Bearer has Claims, but its Source, a transport_test.tokenOnly, has no TokenWith method to take them\n" +
				"transport: Origins: http://api.example is not https, and api.example is not a loopback address: if something else encrypts, set PlainHTTP"},
		{"a grant over plain http", &transport.Bearer{Source: &transport.Grant{TokenURL: "http://auth.example", ClientID: "me"}},
			"transport: Grant: TokenURL: http://auth.example is not https, and auth.example is not a loopback address: if something else encrypts, set PlainHTTP"},
		{"a grant at a port of no host", &transport.Bearer{Source: &transport.Grant{TokenURL: "https://:443/token", ClientID: "me"}},
			"transport: Grant: the TokenURL is not an absolute URL without user and fragment"},
		{"no grant", &transport.Bearer{Source: (*transport.Grant)(nil)}, "transport: Grant is nil"},
	} {
		t.Run(test.name, func(t *testing.T) {
			base := &recorder{}
			if test.bearer != nil {
				test.bearer.Base = base
			}
			err := test.bearer.Validate()
			if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if got := test.bearer.Status().Last.Err; (got == nil) != (err == nil) {
				t.Errorf("Status: got %v, want %v", got, err)
			}
			if len(base.seen) > 0 {
				t.Error("a request was sent")
			}
		})
	}
}

func TestBearerPassesOnCloseIdleConnections(t *testing.T) {
	base := &idleCloser{}
	client := transport.Wrap(&http.Client{Transport: base}, &fakeSource{})
	client.CloseIdleConnections()
	if base.closed != 1 {
		t.Errorf("closed %d times, want once", base.closed)
	}
	(*transport.Bearer)(nil).CloseIdleConnections()
	if !(*transport.Bearer)(nil).RequireTransportSecurity() {
		t.Error("a nil Bearer lets gRPC use any connection")
	}
	(&transport.Bearer{Base: &recorder{}}).CloseIdleConnections() // a base that has none
}

type idleCloser struct {
	recorder
	closed int
}

func (c *idleCloser) CloseIdleConnections() { c.closed++ }

func TestWrapCopiesTheClient(t *testing.T) {
	base := &recorder{}
	client := &http.Client{Transport: base, Timeout: time.Minute}
	wrapped := transport.Wrap(client, &fakeSource{})
	resp, err := wrapped.Get("https://api.example")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got, want := base.last(), "Bearer token-1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if client.Transport != http.RoundTripper(base) || wrapped.Timeout != client.Timeout {
		t.Error("the client given was changed, or the copy is not one")
	}
}
