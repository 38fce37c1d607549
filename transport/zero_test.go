package transport_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

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
