package transport_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// profiled is a signer that says whom its tokens are for.
type profiled struct {
	signed
	audience []string
}

func (p profiled) Profile() tokenprofile.Profile {
	return tokenprofile.Profile{Audience: p.audience}
}

func TestTokenEndpointTargets(t *testing.T) {
	const api, other = "https://api.example", "https://other.example"
	tests := []struct {
		name    string
		profile []string // audiences of the signer
		access  []string // and those that Authorize returns
		wanted  []func(*post)
		status  int
	}{
		{"nothing", []string{api}, nil, nil, 200},
		{"a resource of the profile", []string{api}, nil, []func(*post){set("resource", api)}, 200},
		{"an audience of the profile", []string{api}, nil, []func(*post){set("audience", api)}, 200},
		{"two of the profile", []string{api, other}, nil, []func(*post){set("resource", api, other)}, 200},
		{"one of the profile and one besides", []string{api}, nil, []func(*post){set("resource", api, other)}, 400},
		{"a resource of the profile, and an audience besides", []string{api}, nil, []func(*post){set("resource", api), set("audience", other)}, 400},
		{"a slash more", []string{api}, nil, []func(*post){set("resource", api+"/")}, 400},
		{"what nobody grants", nil, nil, []func(*post){set("resource", api)}, 400},
		{"what Authorize grants", nil, []string{other}, []func(*post){set("resource", other)}, 200},
		{"what Authorize grants, and one besides", nil, []string{other}, []func(*post){set("audience", other, api)}, 400},
		{"an empty resource", nil, nil, []func(*post){set("resource", "", "")}, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			endpoint := newEndpoint(t)
			endpoint.Signer = profiled{audience: test.profile}
			var seen *transport.AccessRequest
			endpoint.Authorize = func(_ context.Context, request *transport.AccessRequest) (*transport.Access, error) {
				seen = request
				return &transport.Access{Audience: test.access}, nil
			}
			w := httptest.NewRecorder()
			request := newPost(test.wanted...)
			endpoint.ServeHTTP(w, request)
			if test.status != 200 {
				checkTokenError(t, w, test.status, "invalid_target")
				return
			}
			claims := checkGranted(t, w, "Bearer")
			if got, want := claims["aud"] != nil, test.access != nil; got != want {
				t.Errorf("got aud %v, want that of Authorize: %q", claims["aud"], test.access)
			}
			if seen == nil {
				t.Error("Authorize was not asked")
			}
		})
	}
}

func TestAuthorizeSeesTheTargets(t *testing.T) {
	endpoint := newEndpoint(t)
	var seen *transport.AccessRequest
	endpoint.Authorize = func(_ context.Context, request *transport.AccessRequest) (*transport.Access, error) {
		seen = request
		return nil, errors.New("no")
	}
	endpoint.ServeHTTP(httptest.NewRecorder(), newPost(set("resource", "https://a.example", "https://b.example"), set("audience", "c")))
	want := &transport.AccessRequest{ClientID: "billing", Scope: []string{}, Resource: []string{"https://a.example", "https://b.example"}, Audience: []string{"c"}}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("got %+v, want %+v", seen, want)
	}
}

// exchanges is a request for a token exchange, right in every point.
func exchanges(changes ...func(*post)) []func(*post) {
	return append([]func(*post){
		set("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
		set("subject_token", "good idp ann"),
		set("subject_token_type", transport.TokenTypeAccess),
	}, changes...)
}

func TestTokenExchange(t *testing.T) {
	alone := map[string]any{"sub": "account of ann", "client_id": "billing"}
	actor := map[string]any{"sub": "account of ann", "client_id": "billing", "act": map[string]any{"iss": "idp", "sub": "robot"}}
	actorIs := func(text, typ string) func(*post) {
		return func(p *post) { set("actor_token", text)(p); set("actor_token_type", typ)(p) }
	}
	tests := []struct {
		name   string
		change []func(*post)
		claims map[string]any // nil: refused
		status int
		code   string
	}{
		{"a subject", nil, alone, 200, ""},
		{"an access token by name", []func(*post){set("requested_token_type", transport.TokenTypeAccess)}, alone, 200, ""},
		{"a subject and who acts for it", []func(*post){actorIs("good idp robot", transport.TokenTypeJWT)}, actor, 200, ""},
		{"another requested type", []func(*post){set("requested_token_type", transport.TokenTypeIDToken)}, nil, 400, "invalid_request"},
		{"no subject", []func(*post){without("subject_token")}, nil, 400, "invalid_request"},
		{"no type of the subject", []func(*post){without("subject_token_type")}, nil, 400, "invalid_request"},
		{"a type of the subject that is not offered", []func(*post){set("subject_token_type", transport.TokenTypeIDToken)}, nil, 400, "invalid_request"},
		{"a subject that does not verify", []func(*post){set("subject_token", "bad")}, nil, 400, "invalid_request"},
		{"a subject that cannot be judged", []func(*post){set("subject_token", "unavailable")}, nil, 503, "temporarily_unavailable"},
		{"an actor that does not verify", []func(*post){actorIs("bad", transport.TokenTypeJWT)}, nil, 400, "invalid_request"},
		{"an actor of a type that is not offered", []func(*post){actorIs("good idp robot", transport.TokenTypeAccess)}, nil, 400, "invalid_request"},
		{"an actor without a type", []func(*post){set("actor_token", "good idp robot")}, nil, 400, "invalid_request"},
		{"a type without an actor", []func(*post){set("actor_token_type", transport.TokenTypeJWT)}, nil, 400, "invalid_request"},
		{"a client that is not authenticated", []func(*post){without("client_secret")}, nil, 401, "invalid_client"},
		{"a subject that Authorize refuses", []func(*post){set("subject_token", "good idp eve")}, nil, 400, "invalid_request"},
		{"a subject that Authorize does not map", []func(*post){set("subject_token", "good idp nobody")}, nil, 503, "temporarily_unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			endpoint := newEndpoint(t)
			endpoint.AssertionAlone = true // is for another grant
			endpoint.SubjectTokens = map[string]transport.TokenVerifier{transport.TokenTypeAccess: assertions}
			endpoint.ActorTokens = map[string]transport.TokenVerifier{transport.TokenTypeJWT: assertions}
			endpoint.Authorize = func(_ context.Context, request *transport.AccessRequest) (*transport.Access, error) {
				switch subject := request.SubjectToken.Subject; subject {
				case "eve":
					return nil, errors.New("no account")
				case "nobody":
					return &transport.Access{}, nil
				default:
					return &transport.Access{Subject: "account of " + subject}, nil
				}
			}
			w := httptest.NewRecorder()
			endpoint.ServeHTTP(w, newPost(exchanges(test.change...)...))
			if test.claims == nil {
				checkTokenError(t, w, test.status, test.code)
				return
			}
			if claims := checkGranted(t, w, "Bearer"); !reflect.DeepEqual(claims, test.claims) {
				t.Errorf("got claims %v, want %v", claims, test.claims)
			}
			var answer map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer["issued_token_type"] != transport.TokenTypeAccess {
				t.Errorf("got issued_token_type %v, want %q", answer["issued_token_type"], transport.TokenTypeAccess)
			}
		})
	}
	w := httptest.NewRecorder()
	newEndpoint(t).ServeHTTP(w, newPost(exchanges()...))
	checkTokenError(t, w, 400, "unsupported_grant_type")
}

func TestClientSecretJWT(t *testing.T) {
	secret := []byte(rand.Text() + rand.Text())
	key := must[keystore.SecretKey](t)(keystore.NewSecretKey(secret, ""))
	profile := tokenprofile.Profile{Algorithm: tokenprofile.HS256, Issuer: "mac", Subject: "mac", Audience: []string{"https://as.example"}, OneUse: true}
	endpoint := newEndpoint(t)
	endpoint.Clients = transport.Registrations{"mac": {Assertions: must[*tokenprofile.Verifier](t)(profile.SecretVerifier(key))}}
	signer := must[*tokenprofile.Signer](t)(profile.SecretSigner(key))
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, newPost(byAssertion(must[string](t)(signer.Sign(t.Context(), nil)))))
	if got := checkGranted(t, w, "Bearer")["client_id"]; got != "mac" {
		t.Errorf("got client %v, want mac", got)
	}
	other := must[keystore.SecretKey](t)(keystore.NewSecretKey([]byte(rand.Text()+rand.Text()), ""))
	forger := must[*tokenprofile.Signer](t)(profile.SecretSigner(other))
	w = httptest.NewRecorder()
	endpoint.ServeHTTP(w, newPost(byAssertion(must[string](t)(forger.Sign(t.Context(), nil)))))
	checkTokenError(t, w, 401, "invalid_client")
}

func TestMutualTLSAuthenticatesClients(t *testing.T) {
	own, thumbprint := newCertificate(t)
	other, _ := newCertificate(t)
	spiffe, err := url.Parse("spiffe://example.org/billing")
	if err != nil {
		t.Fatal(err)
	}
	own.Leaf.Subject = pkix.Name{CommonName: "client", Organization: []string{"Example"}}
	own.Leaf.DNSNames, own.Leaf.URIs = []string{"client.example"}, []*url.URL{spiffe}
	verified := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{own.Leaf}, VerifiedChains: [][]*x509.Certificate{{own.Leaf}}}
	unverified := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{own.Leaf}}
	another := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{other.Leaf, own.Leaf}, VerifiedChains: [][]*x509.Certificate{{other.Leaf, own.Leaf}}}
	type known = transport.ClientCertificate
	byName := set("client_id", "tls")
	tests := []struct {
		name   string
		known  *known
		state  *tls.ConnectionState
		change func(*post)
		status int
	}{
		{"a certificate that nobody signed", &known{Thumbprints: []string{"x", thumbprint}}, unverified, byName, 200},
		{"another certificate", &known{Thumbprints: []string{thumbprint}}, another, byName, 401},
		{"a subject", &known{Subject: "CN=client,O=Example"}, verified, byName, 200},
		{"a subject that nobody verified", &known{Subject: "CN=client,O=Example"}, unverified, byName, 401},
		{"another subject", &known{Subject: "CN=client"}, verified, byName, 401},
		{"a DNS name", &known{DNS: "client.example"}, verified, byName, 200},
		{"another DNS name", &known{DNS: "example"}, verified, byName, 401},
		{"a DNS name that nobody verified", &known{DNS: "client.example"}, unverified, byName, 401},
		{"a URI", &known{URI: "spiffe://example.org/billing"}, verified, byName, 200},
		{"another URI", &known{URI: "spiffe://example.org/bill"}, verified, byName, 401},
		{"the client's name in its issuer's certificate", &known{DNS: "client.example"}, another, byName, 401},
		{"no certificate", &known{Thumbprints: []string{thumbprint}}, nil, byName, 401},
		{"a connection without a certificate", &known{Thumbprints: []string{thumbprint}}, &tls.ConnectionState{}, byName, 401},
		{"a client that is registered without one", nil, verified, byName, 401},
		{"a registration of none", &known{}, verified, byName, 401},
		{"a registration of two kinds", &known{Thumbprints: []string{thumbprint}, DNS: "client.example"}, verified, byName, 401},
		{"no client id", &known{Thumbprints: []string{thumbprint}}, verified, without("client_id"), 401},
		{"an unknown client", &known{Thumbprints: []string{thumbprint}}, verified, set("client_id", "nobody"), 401},
		{"a wrong secret beside it", &known{Thumbprints: []string{thumbprint}}, verified, func(p *post) { byName(p); set("client_secret", "x")(p) }, 401},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			endpoint := newEndpoint(t)
			endpoint.Clients = transport.Registrations{"tls": {Certificate: test.known}}
			request := newPost(without("client_secret"), test.change)
			request.TLS = test.state
			w := httptest.NewRecorder()
			endpoint.ServeHTTP(w, request)
			if test.status != 200 {
				checkTokenError(t, w, test.status, "invalid_client")
				return
			}
			if got := checkGranted(t, w, "Bearer")["client_id"]; got != "tls" {
				t.Errorf("got client %v, want tls", got)
			}
		})
	}
}

// A certificate to bind the token to is no client authentication.
func TestAnAssertionAloneMayShowACertificate(t *testing.T) {
	certificate, _ := newCertificate(t)
	endpoint := newEndpoint(t)
	endpoint.AssertionAlone, endpoint.MutualTLS = true, true
	request := newPost(assertion("good idp ann"), without("client_secret"))
	request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate.Leaf}}
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, request)
	claims := checkGranted(t, w, "Bearer")
	if claims["client_id"] != nil || claims["cnf"] == nil {
		t.Errorf("got claims %v, want cnf and no client_id", claims)
	}
}
