package transport_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// What nobody filled in refuses, and does not break.
func TestZeroAndNilServersRefuse(t *testing.T) {
	var (
		guard    *transport.Guard
		endpoint *transport.TokenEndpoint
		refusal  *transport.Refusal
	)
	for name, handler := range map[string]http.Handler{
		"a nil guard":        guard.Handler(admitted),
		"a zero guard":       new(transport.Guard).Handler(admitted),
		"a nil endpoint":     endpoint,
		"a zero endpoint":    new(transport.TokenEndpoint),
		"a nil refusal":      refusal,
		"a zero refusal":     new(transport.Refusal),
		"a refusal's status": &transport.Refusal{StatusCode: http.StatusServiceUnavailable},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, newPost())
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: got status %d, want 503", name, w.Code)
		}
	}
	if _, err := guard.Check(newPost()); err == nil {
		t.Error("a nil guard admits a request")
	}
	for _, empty := range []*transport.Refusal{nil, {}} {
		if got, want := empty.Error(), "transport: refused"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if err := empty.Unwrap(); err != nil {
			t.Errorf("got %v behind a refusal without a cause", err)
		}
	}
	var registrations transport.Registrations
	if _, err := registrations.Registration(t.Context(), "a"); err != transport.ErrUnknownClient {
		t.Errorf("got %v of no registrations, want %v", err, transport.ErrUnknownClient)
	}
}

// What keeps a server from answering anyone is said all at once.
func TestServersSayAllThatTheyLack(t *testing.T) {
	for name, test := range map[string]struct {
		handler func(onReject func(*http.Request, error)) http.Handler
		want    string
	}{
		"a guard": {func(onReject func(*http.Request, error)) http.Handler {
			return (&transport.Guard{DPoP: new(tokenprofile.ProofVerifier), OnReject: onReject}).Handler(admitted)
		}, "the guard has no Verifier\nthe guard has DPoP and no BaseURL"},
		"a token endpoint": {func(onReject func(*http.Request, error)) http.Handler {
			return &transport.TokenEndpoint{DPoP: new(tokenprofile.ProofVerifier), OnReject: onReject}
		}, "the token endpoint has no Clients\nthe token endpoint has no Signer\nthe token endpoint has no Authorize\nthe token endpoint has DPoP and no URL"},
	} {
		var got error
		handler := test.handler(func(_ *http.Request, err error) { got = err })
		handler.ServeHTTP(httptest.NewRecorder(), newPost())
		if got == nil || !strings.HasSuffix(got.Error(), test.want) {
			t.Errorf("%s: got %v, want %q at the end", name, got, test.want)
		}
	}
}
