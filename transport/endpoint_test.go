package transport_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

const (
	jwtBearer  = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	clientJWT  = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	testSecret = "a secret of enough random characters"
)

// signed is a ClaimsSource that returns the claims it was given, in JSON, in
// place of a token.
type signed struct{ err error }

func (s signed) TokenWith(_ context.Context, claims any) (string, time.Time, error) {
	text, err := json.Marshal(claims)
	if s.err != nil {
		err = s.err
	}
	return string(text), time.Now().Add(5*time.Minute + 500*time.Millisecond), err
}

// assertions verifies "good <issuer> <subject>", finds every other text invalid, and
// cannot judge "unavailable".
var assertions = verifyFunc(func(_ context.Context, assertion string) (*tokenprofile.Token, error) {
	if assertion == "unavailable" {
		return nil, keystore.ErrUnavailable
	}
	words := strings.Fields(assertion)
	if len(words) != 3 || words[0] != "good" {
		return nil, invalid(tokenprofile.ErrSignature)
	}
	return &tokenprofile.Token{Issuer: words[1], Subject: words[2]}, nil
})

// clientAssertion looks like a JWT of the subject, and is right for [jwtClient] alone.
func clientAssertion(subject string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"`+subject+`"}`)) + ".AA"
}

var jwtClient = verifyFunc(func(_ context.Context, assertion string) (*tokenprofile.Token, error) {
	switch assertion {
	case clientAssertion("signer"):
		return &tokenprofile.Token{Issuer: "signer", Subject: "signer", Audience: []string{"as"}}, nil
	case clientAssertion("other"):
		return &tokenprofile.Token{Issuer: "signer", Subject: "other", Audience: []string{"as"}}, nil
	}
	return nil, invalid(tokenprofile.ErrSignature)
})

// longID is as long as the id of a client may be.
var longID = strings.Repeat("a", 256)

func newEndpoint(t testing.TB) *transport.TokenEndpoint {
	t.Helper()
	hash, err := transport.HashSecret(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	return &transport.TokenEndpoint{
		Clients: transport.Registrations{
			"billing":     {SecretHash: hash},
			"a b:c":       {SecretHash: hash},
			"signer":      {Assertions: jwtClient},
			"other":       {Assertions: jwtClient},
			"two ways":    {SecretHash: hash, Assertions: jwtClient},
			"no way":      {},
			"a clear one": {SecretHash: testSecret},
			longID:        {SecretHash: hash},
			longID + "a":  {SecretHash: hash},
		},
		Signer:            signed{},
		Assertions:        assertions,
		ClientCredentials: true,
		Authorize: func(_ context.Context, request *transport.AccessRequest) (*transport.Access, error) {
			access := &transport.Access{Scope: request.Scope}
			if request.Assertion != nil {
				access.Subject = "account of " + request.Assertion.Subject
			}
			return access, nil
		},
	}
}

// A post is a token request under construction.
type post struct {
	*http.Request
	form url.Values
}

// newPost is a request for the client's own token that is right in every point.
func newPost(changes ...func(*post)) *http.Request {
	p := &post{httptest.NewRequest("POST", "https://issuer.example/token", nil), url.Values{}}
	p.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	p.form.Set("grant_type", "client_credentials")
	p.form.Set("client_id", "billing")
	p.form.Set("client_secret", testSecret)
	for _, change := range changes {
		change(p)
	}
	if p.Body == http.NoBody {
		body := httptest.NewRequest("POST", "/", strings.NewReader(p.form.Encode()))
		p.Body, p.ContentLength = body.Body, body.ContentLength
	}
	return p.Request
}

func set(name string, values ...string) func(*post) {
	return func(p *post) { p.form[name] = values }
}

func without(names ...string) func(*post) {
	return func(p *post) {
		for _, name := range names {
			delete(p.form, name)
		}
	}
}

func header(name string, values ...string) func(*post) {
	return func(p *post) { p.Header[name] = values }
}

func body(text string) func(*post) {
	return func(p *post) { p.Body = httptest.NewRequest("POST", "/", strings.NewReader(text)).Body }
}

// parameters adds so many that are not known to the three there are.
func parameters(n int) func(*post) {
	return func(p *post) {
		for i := range n {
			set(fmt.Sprint("x", i), "1")(p)
		}
	}
}

// twice repeats the Authorization header, which is good as it is.
func twice(authenticate func(*post)) func(*post) {
	return func(p *post) {
		authenticate(p)
		p.Header["Authorization"] = append(p.Header["Authorization"], p.Header["Authorization"]...)
	}
}

// basic authenticates with the credentials as they stand in the header.
func basic(credentials string) func(*post) {
	return func(p *post) {
		without("client_id", "client_secret")(p)
		p.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
	}
}

func assertion(text string) func(*post) {
	return func(p *post) {
		set("grant_type", jwtBearer)(p)
		set("assertion", text)(p)
	}
}

// byAssertion authenticates with private_key_jwt.
func byAssertion(text string) func(*post) {
	return func(p *post) {
		without("client_id", "client_secret")(p)
		set("client_assertion_type", clientJWT)(p)
		set("client_assertion", text)(p)
	}
}

func TestTokenEndpointGrants(t *testing.T) {
	escaped := url.QueryEscape(testSecret)
	tests := []struct {
		name    string
		request *http.Request
		claims  map[string]any
	}{
		{"client credentials with a secret in the form", newPost(), map[string]any{"sub": "billing", "client_id": "billing"}},
		{"64 parameters", newPost(parameters(61)), map[string]any{"sub": "billing", "client_id": "billing"}},
		{"a client id of 256 bytes", newPost(set("client_id", longID)), map[string]any{"sub": longID, "client_id": longID}},
		{"client credentials with Basic", newPost(basic("billing:" + escaped)), map[string]any{"sub": "billing", "client_id": "billing"}},
		{"an id that needs form-encoding in Basic", newPost(basic("a+b%3Ac:" + escaped)), map[string]any{"sub": "a b:c", "client_id": "a b:c"}},
		{"the same id in Basic and in the form", newPost(basic("billing:"+escaped), set("client_id", "billing")), map[string]any{"sub": "billing", "client_id": "billing"}},
		{"client credentials with private_key_jwt", newPost(byAssertion(clientAssertion("signer"))), map[string]any{"sub": "signer", "client_id": "signer"}},
		{"private_key_jwt with a client id", newPost(byAssertion(clientAssertion("signer")), set("client_id", "signer")), map[string]any{"sub": "signer", "client_id": "signer"}},
		{"scope is granted", newPost(set("scope", "read write")), map[string]any{"sub": "billing", "client_id": "billing", "scope": "read write"}},
		{"a JWT bearer assertion", newPost(assertion("good idp ann")), map[string]any{"sub": "account of ann", "client_id": "billing"}},
		{"both kinds of assertion", newPost(assertion("good idp ann"), byAssertion(clientAssertion("signer"))), map[string]any{"sub": "account of ann", "client_id": "signer"}},
		{"a parameter that is not known is ignored", newPost(set("x", "1")), map[string]any{"sub": "billing", "client_id": "billing"}},
		{"an empty parameter is as good as none", newPost(set("scope", ""), set("client_assertion", "")), map[string]any{"sub": "billing", "client_id": "billing"}},
		{"a content type with a parameter", newPost(header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")), map[string]any{"sub": "billing", "client_id": "billing"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			newEndpoint(t).ServeHTTP(w, test.request)
			claims := checkGranted(t, w, "Bearer")
			if !reflect.DeepEqual(claims, test.claims) {
				t.Errorf("got claims %v, want %v", claims, test.claims)
			}
		})
	}
}

// checkGranted checks the answer against RFC 6749 section 5.1 and returns the
// claims that were signed.
func checkGranted(t *testing.T, w *httptest.ResponseRecorder, tokenType string) map[string]any {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("got status %d and %s, want 200", w.Code, w.Body)
	}
	checkJSON(t, w)
	var response struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
		Scope       string `json:"scope"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &response); err != nil {
		t.Fatal(err)
	}
	if response.TokenType != tokenType {
		t.Errorf("got token_type %q, want %q", response.TokenType, tokenType)
	}
	if response.ExpiresIn > 300 || response.ExpiresIn < 200 {
		t.Errorf("got expires_in %d, want 300", response.ExpiresIn)
	}
	var claims map[string]any
	if err := json.Unmarshal([]byte(response.AccessToken), &claims); err != nil {
		t.Fatal(err)
	}
	if scope, _ := claims["scope"].(string); scope != response.Scope {
		t.Errorf("got scope %q in the answer, %q in the token", response.Scope, scope)
	}
	return claims
}

func checkJSON(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
}

func TestTokenEndpointRefusals(t *testing.T) {
	escaped := url.QueryEscape(testSecret)
	get := newPost(func(p *post) { p.Method = "GET" })
	inQuery := newPost(without("client_id", "client_secret"))
	inQuery.URL.RawQuery = "client_id=billing&client_secret=" + escaped
	tests := []struct {
		name    string
		request *http.Request
		status  int
		code    string
	}{
		{"GET", get, 405, "invalid_request"},
		{"JSON", newPost(header("Content-Type", "application/json"), body(`{"grant_type":"client_credentials"}`)), 415, "invalid_request"},
		{"no content type", newPost(header("Content-Type")), 415, "invalid_request"},
		{"a multipart form", newPost(header("Content-Type", "multipart/form-data; boundary=x")), 415, "invalid_request"},
		{"a compressed body", newPost(header("Content-Encoding", "gzip")), 415, "invalid_request"},
		{"a body of more than 64 KiB", newPost(body(strings.Repeat("a", 64<<10+1))), 413, "invalid_request"},
		{"more than 64 parameters", newPost(parameters(62)), 400, "invalid_request"},
		{"an escape that is none", newPost(body("grant_type=%zz")), 400, "invalid_request"},
		{"a semicolon between parameters", newPost(body("grant_type=a;client_id=b")), 400, "invalid_request"},
		{"grant_type twice", newPost(set("grant_type", "client_credentials", "client_credentials")), 400, "invalid_request"},
		{"scope twice", newPost(set("scope", "a", "b")), 400, "invalid_request"},
		{"a parameter that is not known twice", newPost(set("x", "a", "b")), 400, "invalid_request"},
		{"a parameter once empty and once not", newPost(set("client_secret", "", testSecret)), 400, "invalid_request"},
		{"no grant_type", newPost(without("grant_type")), 400, "invalid_request"},
		{"a grant_type that is not known", newPost(set("grant_type", "password")), 400, "unsupported_grant_type"},
		{"a scope with two spaces", newPost(set("scope", "a  b")), 400, "invalid_scope"},
		{"a scope with a quote", newPost(set("scope", `a"b`)), 400, "invalid_scope"},
		{"a resource of the client's choice", newPost(set("resource", "https://api.example")), 400, "invalid_target"},
		{"an audience of the client's choice", newPost(set("audience", "api")), 400, "invalid_target"},

		{"no client authentication", newPost(without("client_secret")), 401, "invalid_client"},
		{"no client at all", newPost(without("client_id", "client_secret")), 401, "invalid_client"},
		{"a secret without an id", newPost(without("client_id")), 401, "invalid_client"},
		{"a secret in the query", inQuery, 401, "invalid_client"},
		{"an unknown client", newPost(set("client_id", "nobody")), 401, "invalid_client"},
		{"a client id of more than 256 bytes", newPost(set("client_id", longID+"a")), 401, "invalid_client"},
		{"another secret", newPost(set("client_secret", testSecret+"x")), 401, "invalid_client"},
		{"the hash instead of the secret", newPost(set("client_secret", hashOf(t, testSecret))), 401, "invalid_client"},
		{"a client without a secret", newPost(set("client_id", "no way")), 401, "invalid_client"},
		{"a client with a key and no secret", newPost(set("client_id", "signer")), 401, "invalid_client"},
		{"a registration with a secret in the clear", newPost(set("client_id", "a clear one")), 401, "invalid_client"},
		{"another secret in Basic", newPost(basic("billing:x")), 401, "invalid_client"},
		{"an unknown client in Basic", newPost(basic("nobody:" + escaped)), 401, "invalid_client"},
		{"Basic without a colon", newPost(basic("billing")), 401, "invalid_client"},
		{"Basic that is not form-encoded", newPost(basic("billing:%zz")), 401, "invalid_client"},
		{"another scheme than Basic", newPost(without("client_id", "client_secret"), header("Authorization", "Bearer aaa")), 401, "invalid_client"},
		{"two Authorization headers", newPost(without("client_id", "client_secret"), twice(basic("billing:"+escaped))), 401, "invalid_client"},
		{"another id in the form than in Basic", newPost(basic("billing:"+escaped), set("client_id", "signer")), 400, "invalid_request"},
		{"a secret in Basic and in the form", newPost(basic("billing:"+escaped), set("client_id", "billing"), set("client_secret", testSecret)), 400, "invalid_request"},
		{"a secret and an assertion", newPost(byAssertion(clientAssertion("signer")), set("client_secret", testSecret)), 400, "invalid_request"},
		{"Basic and an assertion", newPost(basic("billing:"+escaped), byAssertion(clientAssertion("signer"))), 400, "invalid_request"},
		{"a client assertion without a type", newPost(byAssertion(clientAssertion("signer")), without("client_assertion_type")), 400, "invalid_request"},
		{"a client assertion of another type", newPost(byAssertion(clientAssertion("signer")), set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")), 400, "invalid_request"},
		{"a client assertion that does not verify", newPost(byAssertion(clientAssertion("signer")+"A"), set("client_id", "signer")), 401, "invalid_client"},
		{"a client assertion of an unknown client", newPost(byAssertion(clientAssertion("nobody"))), 401, "invalid_client"},
		{"a client assertion of a client with a secret alone", newPost(byAssertion(clientAssertion("billing"))), 401, "invalid_client"},
		{"a client assertion for another client than is named", newPost(byAssertion(clientAssertion("signer")), set("client_id", "other")), 401, "invalid_client"},
		{"a client assertion that names another client", newPost(byAssertion(clientAssertion("other")), set("client_id", "signer")), 401, "invalid_client"},
		{"a client assertion that is no JWT", newPost(byAssertion("aaa")), 401, "invalid_client"},
		{"a client assertion without claims", newPost(byAssertion("a.!.c")), 401, "invalid_client"},
		{"a client assertion whose claims are no object", newPost(byAssertion("e30.W10.AA")), 401, "invalid_client"},

		{"a grant without an assertion", newPost(set("grant_type", jwtBearer)), 400, "invalid_request"},
		{"an assertion that does not verify", newPost(assertion("bad")), 400, "invalid_grant"},
		{"an assertion that cannot be judged", newPost(assertion("unavailable")), 503, "temporarily_unavailable"},
		{"an assertion of a client that is not authenticated", newPost(assertion("good idp ann"), without("client_id", "client_secret")), 401, "invalid_client"},
		{"a DPoP proof where DPoP is not offered", newPost(header("Dpop", "aaa")), 400, "invalid_request"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			endpoint := newEndpoint(t)
			var rejected error
			endpoint.OnReject = func(_ *http.Request, err error) { rejected = err }
			endpoint.ServeHTTP(w, test.request)
			checkTokenError(t, w, test.status, test.code)
			var refusal *transport.Refusal
			if !errors.As(rejected, &refusal) || refusal.Code != test.code {
				t.Errorf("OnReject got %v, want a refusal with code %q", rejected, test.code)
			}
		})
	}
}

func hashOf(t testing.TB, secret string) string {
	t.Helper()
	hash, err := transport.HashSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// checkTokenError checks the answer against RFC 6749 section 5.2.
func checkTokenError(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("got status %d, want %d", w.Code, status)
	}
	checkJSON(t, w)
	if got, want := w.Body.String(), `{"error":"`+code+`"}`+"\n"; got != want {
		t.Errorf("got body %q, want %q", got, want)
	}
	for name, at := range map[string]int{"WWW-Authenticate": 401, "Allow": 405, "Retry-After": 503} {
		if got, want := w.Header().Get(name) != "", status == at; got != want {
			t.Errorf("got a header %s: %t, want %t", name, got, want)
		}
	}
}

func TestTokenEndpointOffersWhatItIsSetUpFor(t *testing.T) {
	tests := []struct {
		name    string
		setUp   func(*transport.TokenEndpoint)
		request *http.Request
		status  int
		code    string
	}{
		{"nothing", func(e *transport.TokenEndpoint) { *e = transport.TokenEndpoint{} }, newPost(), 503, "temporarily_unavailable"},
		{"no clients", func(e *transport.TokenEndpoint) { e.Clients = nil }, newPost(), 503, "temporarily_unavailable"},
		{"no signer", func(e *transport.TokenEndpoint) { e.Signer = nil }, newPost(), 503, "temporarily_unavailable"},
		{"nobody who authorizes", func(e *transport.TokenEndpoint) { e.Authorize = nil }, newPost(), 503, "temporarily_unavailable"},
		{"DPoP without a URL", func(e *transport.TokenEndpoint) { e.DPoP = &tokenprofile.ProofVerifier{} }, newPost(), 503, "temporarily_unavailable"},
		{"no client credentials", func(e *transport.TokenEndpoint) { e.ClientCredentials = false }, newPost(), 400, "unsupported_grant_type"},
		{"no assertions", func(e *transport.TokenEndpoint) { e.Assertions = nil }, newPost(assertion("good idp ann")), 400, "unsupported_grant_type"},
		{"no assertions, even alone", func(e *transport.TokenEndpoint) { e.Assertions, e.AssertionAlone = nil, true }, newPost(assertion("good idp ann"), without("client_secret")), 401, "invalid_client"},
		{"client credentials are never without a client", func(e *transport.TokenEndpoint) { e.AssertionAlone = true }, newPost(without("client_id", "client_secret")), 401, "invalid_client"},
		{"a wrong secret is not forgiven where none is needed", func(e *transport.TokenEndpoint) { e.AssertionAlone = true }, newPost(assertion("good idp ann"), set("client_secret", "x")), 401, "invalid_client"},
		{"bound tokens without anything to bind to", func(e *transport.TokenEndpoint) { e.MutualTLS = true }, newPost(), 400, "invalid_request"},
		{"a registry that fails", func(e *transport.TokenEndpoint) { e.Clients = failingRegistry{} }, newPost(), 503, "temporarily_unavailable"},
		{"a registry that returns nothing", func(e *transport.TokenEndpoint) { e.Clients = emptyRegistry{} }, newPost(), 401, "invalid_client"},
		{"a verifier that returns nothing", func(e *transport.TokenEndpoint) { e.Assertions = refuses(nil) }, newPost(assertion("x")), 503, "temporarily_unavailable"},
		{"a signer that fails", func(e *transport.TokenEndpoint) { e.Signer = signed{errors.New("no key")} }, newPost(), 503, "temporarily_unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			endpoint := newEndpoint(t)
			test.setUp(endpoint)
			w := httptest.NewRecorder()
			endpoint.ServeHTTP(w, test.request)
			checkTokenError(t, w, test.status, test.code)
		})
	}
}

type failingRegistry struct{}

func (failingRegistry) Registration(context.Context, string) (*transport.Registration, error) {
	return nil, errors.New("database: connection refused")
}

type emptyRegistry struct{}

func (emptyRegistry) Registration(context.Context, string) (*transport.Registration, error) {
	return nil, nil
}

func TestTokenEndpointAuthorize(t *testing.T) {
	claims := func(claims map[string]any) *transport.Access {
		return &transport.Access{Subject: "s", Claims: claims}
	}
	tests := []struct {
		name    string
		request *http.Request
		access  *transport.Access
		err     error
		status  int
		code    string
	}{
		{"an assertion refused", newPost(assertion("good idp ann")), nil, errors.New("no account"), 400, "invalid_grant"},
		{"a client refused", newPost(), nil, errors.New("not allowed"), 400, "unauthorized_client"},
		{"a scope refused", newPost(set("scope", "a")), nil, fmt.Errorf("orders: %w", &transport.ScopeError{Scope: "a"}), 400, "invalid_scope"},
		{"no decision", newPost(), nil, keystore.ErrUnavailable, 503, "temporarily_unavailable"},
		{"neither access nor an error", newPost(), nil, nil, 503, "temporarily_unavailable"},
		{"a claim sub", newPost(), claims(map[string]any{"sub": "x"}), nil, 503, "temporarily_unavailable"},
		{"a claim client_id", newPost(), claims(map[string]any{"client_id": "x"}), nil, 503, "temporarily_unavailable"},
		{"a claim scope", newPost(), claims(map[string]any{"scope": "x"}), nil, 503, "temporarily_unavailable"},
		{"a claim aud", newPost(), claims(map[string]any{"aud": "x"}), nil, 503, "temporarily_unavailable"},
		{"a claim cnf", newPost(), claims(map[string]any{"cnf": "x"}), nil, 503, "temporarily_unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			endpoint := newEndpoint(t)
			endpoint.Authorize = func(context.Context, *transport.AccessRequest) (*transport.Access, error) {
				return test.access, test.err
			}
			w := httptest.NewRecorder()
			endpoint.ServeHTTP(w, test.request)
			checkTokenError(t, w, test.status, test.code)
		})
	}
}

// clocked is a ClaimsSource with a clock of its own, whose tokens live for a
// while by that clock, or for a time that it does not know.
type clocked struct {
	now  time.Time
	life time.Duration
}

func (c clocked) Now() time.Time { return c.now }

func (c clocked) TokenWith(context.Context, any) (string, time.Time, error) {
	if c.life == 0 {
		return "token", time.Time{}, nil
	}
	return "token", c.now.Add(c.life), nil
}

// The client counts from now, whatever time it is for the signer.
func TestTokenEndpointTellsTheLifetimeByTheClockOfTheSigner(t *testing.T) {
	for life, want := range map[time.Duration]any{5 * time.Minute: 300.0, 0: nil} {
		e := newEndpoint(t)
		e.Signer = clocked{time.Now().Add(20 * time.Minute), life}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, newPost())
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer["access_token"] != "token" || answer["expires_in"] != want {
			t.Errorf("life of %v: got %s, %v, want expires_in %v", life, w.Body, err, want)
		}
	}
}

func TestTokenEndpointAddsClaims(t *testing.T) {
	endpoint := newEndpoint(t)
	more := map[string]any{"roles": []any{"clerk"}}
	endpoint.Authorize = func(context.Context, *transport.AccessRequest) (*transport.Access, error) {
		return &transport.Access{Subject: "ann", Claims: more}, nil
	}
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, newPost())
	want := map[string]any{"sub": "ann", "client_id": "billing", "roles": []any{"clerk"}}
	if got := checkGranted(t, w, "Bearer"); !reflect.DeepEqual(got, want) {
		t.Errorf("got claims %v, want %v", got, want)
	}
	if len(more) != 1 {
		t.Errorf("the caller's map was changed to %v", more)
	}
}

func TestTokenEndpointAssertionAlone(t *testing.T) {
	endpoint := newEndpoint(t)
	endpoint.AssertionAlone = true
	w := httptest.NewRecorder()
	// A client id that nothing authenticates is not told to anyone.
	endpoint.ServeHTTP(w, newPost(assertion("good idp ann"), without("client_secret")))
	want := map[string]any{"sub": "account of ann"}
	if got := checkGranted(t, w, "Bearer"); !maps.Equal(got, want) {
		t.Errorf("got claims %v, want %v", got, want)
	}
	endpoint.Authorize = func(context.Context, *transport.AccessRequest) (*transport.Access, error) {
		return &transport.Access{}, nil
	}
	w = httptest.NewRecorder()
	endpoint.ServeHTTP(w, newPost(assertion("good idp ann"), without("client_secret")))
	checkTokenError(t, w, 503, "temporarily_unavailable")
}

func TestTokenEndpointBindsToTheCertificate(t *testing.T) {
	certificate, thumbprint := newCertificate(t)
	endpoint := newEndpoint(t)
	endpoint.MutualTLS = true
	request := newPost()
	request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate.Leaf}}
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, request)
	want := map[string]any{"x5t#S256": thumbprint}
	if got := checkGranted(t, w, "Bearer")["cnf"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got cnf %v, want %v", got, want)
	}
	endpoint.AllowUnbound = true
	w = httptest.NewRecorder()
	endpoint.ServeHTTP(w, newPost())
	if got, ok := checkGranted(t, w, "Bearer")["cnf"]; ok {
		t.Errorf("got cnf %v without a certificate, want none", got)
	}
}

func TestTokenEndpointTellsNothingSecret(t *testing.T) {
	var log bytes.Buffer
	endpoint := newEndpoint(t)
	endpoint.OnReject = func(_ *http.Request, err error) { fmt.Fprintf(&log, "%v %+v %#v\n", err, err, err) }
	for _, request := range []*http.Request{
		newPost(set("client_secret", canary)),
		newPost(set("client_id", canary)),
		newPost(basic(canary + ":" + canary)),
		newPost(basic("%zz" + canary)),
		newPost(body(canary + "=%zz" + canary)),
		newPost(set(canary, canary, canary)),
		newPost(set("scope", canary+`"`)),
		newPost(set("grant_type", canary)),
		newPost(assertion(canary)),
		newPost(byAssertion(canary)),
		newPost(byAssertion(clientAssertion(canary))),
		newPost(byAssertion(clientAssertion("signer") + canary)),
		newPost(byAssertion(canary), set("client_assertion_type", canary)),
	} {
		w := httptest.NewRecorder()
		endpoint.ServeHTTP(w, request)
		if w.Code == http.StatusOK {
			t.Error("a request was granted that should not be")
		}
		fmt.Fprintln(&log, w.Code, w.Header(), w.Body)
	}
	if strings.Contains(log.String(), canary) {
		t.Errorf("something secret was told:\n%s", &log)
	}
}

func TestHashSecret(t *testing.T) {
	if _, err := transport.HashSecret("hunter2"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v for a secret a person thought up, want an error without it", err)
	}
	// printf %s abcdefghijklmnopqrstuvwxyz | openssl dgst -sha256 -binary | basenc --base64url
	hash, err := transport.HashSecret("abcdefghijklmnopqrstuvwxyz")
	if want := "sha256:ccSA35PWri8e-tFEfGbJUl4xYhjPUfyNntgy8trxi3M"; err != nil || hash != want {
		t.Errorf("got %q and error %v, want %q", hash, err, want)
	}
	if _, err := transport.HashSecret("abcdefghijklmnopqrstu"); err == nil {
		t.Error("got no error for 21 bytes")
	}
	if _, err := transport.HashSecret("abcdefghijklmnopqrstuv"); err != nil {
		t.Errorf("got %v for 22 bytes", err)
	}
	if _, err := transport.HashSecret(rand.Text()); err != nil {
		t.Errorf("got %v for a random secret", err)
	}
}

func FuzzTokenEndpointForm(f *testing.F) {
	for _, seed := range []string{
		"grant_type=client_credentials&client_id=billing&client_secret=" + url.QueryEscape(testSecret),
		"grant_type=" + jwtBearer + "&assertion=good+idp+ann&client_id=billing&client_secret=" + url.QueryEscape(testSecret),
		"client_assertion_type=" + clientJWT + "&client_assertion=" + clientAssertion("signer") + "&grant_type=client_credentials",
		"a=1&a=2", "%zz", "a;b", "&&&", "scope=a++b",
	} {
		f.Add(seed)
	}
	endpoint := newEndpoint(f)
	f.Fuzz(func(t *testing.T, text string) {
		w := httptest.NewRecorder()
		endpoint.ServeHTTP(w, newPost(body(text)))
		if w.Code != http.StatusOK {
			return
		}
		// Whatever is granted has come with something that authenticates.
		if !strings.Contains(text, "client_secret") && !strings.Contains(text, "client_assertion") && !strings.Contains(text, "%") {
			t.Fatalf("granted without authentication: %q", text)
		}
	})
}
