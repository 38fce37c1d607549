package transport_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// An endpointStage is a token endpoint whose client publishes its keys at a server
// that misbehaves.
type endpointStage struct {
	client   *jwkstest.Issuer
	profile  tokenprofile.Profile
	endpoint *transport.TokenEndpoint
}

func newEndpointStage(t *testing.T) *endpointStage {
	s := &endpointStage{client: jwkstest.NewIssuer(keystore.ES256)}
	t.Cleanup(s.client.Close)
	s.profile = tokenprofile.Profile{
		Algorithm: tokenprofile.ES256, Issuer: "billing", Subject: "billing", OneUse: true,
		Audience: []string{"https://as.example"}, SoleAudience: true, Header: tokenprofile.Header{Type: "client-authentication+jwt"},
	}
	s.cold(t)
	return s
}

// cold lets the endpoint forget the keys.
func (s *endpointStage) cold(t *testing.T) {
	keys := &jwks.Client{URL: s.client.KeysURL(), HTTPClient: &http.Client{Timeout: time.Second}}
	s.endpoint = newEndpoint(t)
	s.endpoint.Clients = transport.Registrations{"billing": {Assertions: must[*tokenprofile.Verifier](t)(s.profile.Verifier(keys))}}
}

// ask asks for a token with an assertion that the key signs.
func (s *endpointStage) ask(t *testing.T, key keystore.PrivateKey) *httptest.ResponseRecorder {
	t.Helper()
	signer := must[*tokenprofile.Signer](t)(s.profile.Signer(keystore.New(key)))
	w := httptest.NewRecorder()
	s.endpoint.ServeHTTP(w, newPost(byAssertion(must[string](t)(signer.Sign(t.Context(), nil)))))
	return w
}

// Whatever the server of a client's keys does: with warm keys every request is
// granted, and a key that nobody knows costs none of them; with cold keys the
// answer is 503, soon, and never that the client is wrong.
func TestTokenEndpointWhileKeysMisbehave(t *testing.T) {
	faults := map[string]http.HandlerFunc{
		"500":                       jwkstest.Status(500),
		"503 with Retry-After":      jwkstest.RetryAfter(time.Second),
		"404":                       jwkstest.Status(404),
		"HTML":                      jwkstest.Body("text/html", "<html>sign in</html>"),
		"an empty answer":           jwkstest.Body("application/json", ""),
		"an empty object":           jwkstest.Body("application/json", "{}"),
		"no keys":                   jwkstest.Body("application/json", `{"keys":[]}`),
		"a secret key":              jwkstest.Body("application/json", `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`),
		"truncated":                 jwkstest.Truncated,
		"a slow drip":               jwkstest.Drip,
		"a hang":                    jwkstest.Hang,
		"a reset":                   jwkstest.Reset,
		"huge":                      jwkstest.Huge,
		"a gzip bomb":               jwkstest.GzipBomb,
		"a redirect loop":           jwkstest.Redirect("/jwks.json"),
		"a redirect to another one": jwkstest.Redirect("https://other.example/jwks.json"),
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newEndpointStage(t)
			good, unknown := must[[]keystore.PrivateKey](t)(s.client.PrivateKeys(t.Context()))[0], jwkstest.NewKey(keystore.ES256)
			checkGranted(t, s.ask(t, good), "Bearer")
			s.client.Break(fault)
			for range 10 {
				checkGranted(t, s.ask(t, good), "Bearer")
				if w := s.ask(t, unknown); w.Code != http.StatusUnauthorized && w.Code != http.StatusServiceUnavailable {
					t.Errorf("with a key that nobody knows: got %d, want 401 or 503", w.Code)
				}
			}
			s.cold(t)
			start := time.Now()
			checkTokenError(t, s.ask(t, good), http.StatusServiceUnavailable, "temporarily_unavailable")
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("with cold keys: the answer took %v", took)
			}
			s.client.Mend()
			s.cold(t)
			checkGranted(t, s.ask(t, good), "Bearer")
		})
	}
}
