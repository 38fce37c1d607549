package transport_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A scenario is a consumer and a producer over real connections: the
// consumer's key set, the producer's token endpoint and its API.
type scenario struct {
	keys               *keystore.Store // the consumer's
	endpoint           *transport.TokenEndpoint
	guard              *transport.Guard
	server             *httptest.Server // the producer
	clientID           string
	toEndpoint, toUser tokenprofile.Profile
	rejected           []error
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func newStore(t *testing.T) *keystore.Store {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return keystore.New(must[keystore.PrivateKey](t)(keystore.NewPrivateKey(key)))
}

func newScenario(t *testing.T) *scenario {
	s := &scenario{keys: newStore(t), clientID: "consumer"}
	published := httptest.NewServer(&jwks.Handler{Source: s.keys})
	t.Cleanup(published.Close)
	set := &jwks.Client{URL: published.URL}

	s.toEndpoint = tokenprofile.Profile{
		Algorithm: tokenprofile.ES256, Issuer: s.clientID, Subject: s.clientID, OneUse: true,
		Audience: []string{"https://producer.example"}, Header: tokenprofile.Header{Type: "client-authentication+jwt"},
	}
	s.toUser = tokenprofile.Profile{
		Algorithm: tokenprofile.ES256, Issuer: "https://consumer.example", OneUse: true,
		Audience: []string{"https://producer.example"},
	}
	access := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256, Issuer: "https://producer.example", TokenID: true,
		Audience: []string{"https://producer.example/cases"}, Header: tokenprofile.Header{Type: "at+jwt"},
	}
	own := newStore(t)
	onReject := func(_ *http.Request, err error) { s.rejected = append(s.rejected, err) }
	s.endpoint = &transport.TokenEndpoint{
		Clients: transport.Registrations{
			s.clientID: {Assertions: must[*tokenprofile.Verifier](t)(s.toEndpoint.Verifier(set))},
		},
		Assertions:        must[*tokenprofile.Verifier](t)(s.toUser.Verifier(set)),
		ClientCredentials: true,
		Signer:            must[*tokenprofile.Signer](t)(access.Signer(own)),
		Authorize: func(_ context.Context, request *transport.AccessRequest) (*transport.Access, error) {
			if request.Assertion == nil {
				return &transport.Access{Scope: request.Scope}, nil
			}
			return &transport.Access{Subject: "operator " + request.Assertion.Subject, Scope: request.Scope}, nil
		},
		OnReject: onReject,
	}
	s.guard = &transport.Guard{
		Verifier: must[*tokenprofile.Verifier](t)(access.Verifier(own)),
		OnReject: onReject,
	}
	mux := http.NewServeMux()
	mux.Handle("/token", s.endpoint)
	mux.Handle("/cases/", s.guard.Handler(admitted))
	s.server = httptest.NewUnstartedServer(mux)
	s.server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	s.endpoint.URL = s.server.URL + "/token"
	s.guard.BaseURL = s.server.URL
	return s
}

// grant is a Grant with private_key_jwt over client.
func (s *scenario) grant(t *testing.T, client *http.Client) *transport.Grant {
	return &transport.Grant{
		TokenURL:        s.endpoint.URL,
		ClientAssertion: must[*tokenprofile.Signer](t)(s.toEndpoint.Signer(s.keys)),
		HTTPClient:      client,
	}
}

// getThrice asks the API three times and returns its answer.
func getThrice(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	var answer string
	for range 3 {
		response, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		answer = fmt.Sprint(response.StatusCode, " ", string(body))
	}
	return answer
}

func TestScenarioClientCredentials(t *testing.T) {
	s := newScenario(t)
	client := &http.Client{Transport: &transport.Bearer{Source: s.grant(t, s.server.Client()), Base: s.server.Client().Transport}}
	if got, want := getThrice(t, client, s.server.URL+"/cases/1"), "200 consumer"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, err := range s.rejected {
		t.Errorf("rejected: %v", err)
	}
}

func TestScenarioAssertion(t *testing.T) {
	s := newScenario(t)
	grant := s.grant(t, s.server.Client())
	grant.Assertion = must[*tokenprofile.Signer](t)(s.toUser.Signer(s.keys))
	client := &http.Client{Transport: &transport.Bearer{
		Source: grant,
		Base:   s.server.Client().Transport,
		Claims: func(*http.Request) (any, error) { return map[string]any{"sub": "ann"}, nil },
	}}
	if got, want := getThrice(t, client, s.server.URL+"/cases/1"), "200 operator ann"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestScenarioDPoP(t *testing.T) {
	s := newScenario(t)
	s.endpoint.DPoP = &tokenprofile.ProofVerifier{Nonces: &tokenprofile.ProofNonces{}}
	s.guard.DPoP = &tokenprofile.ProofVerifier{Nonces: &tokenprofile.ProofNonces{}}
	grant := s.grant(t, s.server.Client())
	grant.DPoP = newProver(t)
	client := &http.Client{Transport: &transport.Bearer{Source: grant, Base: s.server.Client().Transport}}
	if got, want := getThrice(t, client, s.server.URL+"/cases/1?a=b"), "200 consumer"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// One refusal at each server tells the client the nonce it then uses.
	if len(s.rejected) != 2 {
		t.Errorf("got %d refusals, want 2", len(s.rejected))
	}
	for _, err := range s.rejected {
		if !errors.Is(err, tokenprofile.ErrNonce) {
			t.Errorf("rejected: %v, want %v", err, tokenprofile.ErrNonce)
		}
	}

	// Who catches the token has nothing of it.
	token, _, err := grant.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"Bearer", "DPoP"} {
		request := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), "GET", s.server.URL+"/cases/1", nil))
		request.Header.Set("Authorization", scheme+" "+token)
		response := must[*http.Response](t)(s.server.Client().Do(request))
		response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("a caught token with the scheme %s: got status %d, want 401", scheme, response.StatusCode)
		}
	}
}

func TestScenarioMutualTLS(t *testing.T) {
	s := newScenario(t)
	s.endpoint.MutualTLS, s.guard.MutualTLS = true, true
	certificate, _ := newCertificate(t)
	base := s.server.Client().Transport.(*http.Transport).Clone()
	base.TLSClientConfig.Certificates = []tls.Certificate{certificate}
	defer base.CloseIdleConnections()
	grant := s.grant(t, &http.Client{Transport: base})
	client := &http.Client{Transport: &transport.Bearer{Source: grant, Base: base}}
	if got, want := getThrice(t, client, s.server.URL+"/cases/1"), "200 consumer"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	stolen := &http.Client{Transport: &transport.Bearer{Source: grant, Base: s.server.Client().Transport}}
	if got, want := getThrice(t, stolen, s.server.URL+"/cases/1"), "401 Unauthorized\n"; got != want {
		t.Errorf("got %q over another connection, want %q", got, want)
	}
}

func TestScenarioReplayedAssertion(t *testing.T) {
	s := newScenario(t)
	signer := must[*tokenprofile.Signer](t)(s.toEndpoint.Signer(s.keys))
	assertion := must[string](t)(signer.Sign(t.Context(), nil))
	request := func() *http.Request { return newPost(byAssertion(assertion)) }
	w := httptest.NewRecorder()
	s.endpoint.ServeHTTP(w, request())
	if w.Code != http.StatusOK {
		t.Fatalf("got status %d, want 200", w.Code)
	}
	w = httptest.NewRecorder()
	s.endpoint.ServeHTTP(w, request())
	checkTokenError(t, w, http.StatusUnauthorized, "invalid_client")
	if err := s.rejected[0]; !errors.Is(err, tokenprofile.ErrReplayed) {
		t.Errorf("rejected: %v, want %v", err, tokenprofile.ErrReplayed)
	}
}

func TestGuardWithSeveralIssuers(t *testing.T) {
	var verifiers []*tokenprofile.Verifier
	tokens := map[string]string{}
	for _, issuer := range []string{"https://one.example", "https://two.example", "https://three.example"} {
		profile := tokenprofile.Profile{Algorithm: tokenprofile.ES256, Issuer: issuer, Subject: issuer, Audience: []string{"https://producer.example"}}
		keys := newStore(t)
		tokens[issuer] = must[string](t)(must[*tokenprofile.Signer](t)(profile.Signer(keys)).Sign(t.Context(), nil))
		if issuer != "https://three.example" {
			verifiers = append(verifiers, must[*tokenprofile.Verifier](t)(profile.Verifier(keys)))
		}
	}
	guard := &transport.Guard{Verifier: must[*tokenprofile.Issuers](t)(tokenprofile.ByIssuer(verifiers...))}
	for _, issuer := range []string{"https://one.example", "https://two.example"} {
		if w := ask(guard, "Authorization: Bearer "+tokens[issuer]); w.Code != http.StatusOK || w.Body.String() != issuer {
			t.Errorf("got %d %q, want 200 %q", w.Code, w.Body, issuer)
		}
	}
	checkRefusal(t, ask(guard, "Authorization: Bearer "+tokens["https://three.example"]), http.StatusUnauthorized, "invalid_token")
}

func TestGuardWhileTheKeysCannotBeHad(t *testing.T) {
	profile := tokenprofile.Profile{Algorithm: tokenprofile.ES256, Issuer: "https://consumer.example", Audience: []string{"https://producer.example"}}
	keys := newStore(t)
	token := must[string](t)(must[*tokenprofile.Signer](t)(profile.Signer(keys)).Sign(t.Context(), map[string]any{"sub": "billing"}))
	up := false
	published := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		(&jwks.Handler{Source: keys}).ServeHTTP(w, r)
	}))
	defer published.Close()
	verify := func() *transport.Guard {
		return &transport.Guard{Verifier: must[*tokenprofile.Verifier](t)(profile.Verifier(&jwks.Client{URL: published.URL}))}
	}
	checkRefusal(t, ask(verify(), "Authorization: Bearer "+token), http.StatusServiceUnavailable, "")
	checkRefusal(t, ask(verify(), "Authorization: Bearer forged"), http.StatusUnauthorized, "invalid_token") // that takes no key
	up = true
	if w := ask(verify(), "Authorization: Bearer "+token); w.Code != http.StatusOK {
		t.Errorf("got status %d, want 200", w.Code)
	}
}
