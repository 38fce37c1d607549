// Package oauthservers_test lets authorization servers of others grant tokens
// to this library's clients.
package oauthservers_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
	"golang.org/x/crypto/bcrypt"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

const clientID = "a client: 100 % ours" // has what must be encoded in Basic credentials

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func newStore() *keystore.Store {
	return keystore.New(must(keystore.Generate(keystore.RS256, "CN=client", time.Now().Add(-time.Minute), time.Now().Add(time.Hour))))
}

// published are the store's public keys as others read them.
func published(store *keystore.Store) *jose.JSONWebKeySet {
	document := must((&jwks.Handler{Source: store}).KeySet(context.Background()))
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(document, &set); err != nil {
		panic(err)
	}
	return &set
}

// An ory is an authorization server of fosite's, with the client's secret and
// keys, and those of an issuer of assertions about ann.
type ory struct {
	url             string
	secret          string
	keys, assertion *keystore.Store
}

func newOry(t *testing.T) *ory {
	t.Helper()
	o := &ory{secret: rand.Text(), keys: newStore(), assertion: newStore()}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	o.url = server.URL + "/token"

	memory := storage.NewMemoryStore()
	client := &fosite.DefaultClient{
		ID: clientID, Secret: must(bcrypt.GenerateFromPassword([]byte(o.secret), bcrypt.MinCost)),
		GrantTypes: []string{"client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, Scopes: []string{"orders"},
	}
	memory.Clients[clientID] = client
	memory.Clients["by key"] = &fosite.DefaultOpenIDConnectClient{
		DefaultClient: &fosite.DefaultClient{ID: "by key", GrantTypes: client.GrantTypes, Scopes: client.Scopes},
		JSONWebKeys:   published(o.keys), TokenEndpointAuthMethod: "private_key_jwt", TokenEndpointAuthSigningAlgorithm: "RS256",
	}
	subject := storage.SubjectPublicKeys{Subject: "ann", Keys: map[string]storage.PublicKeyScopes{}}
	for _, key := range published(o.assertion).Keys {
		subject.Keys[key.KeyID] = storage.PublicKeyScopes{Key: &key, Scopes: []string{"orders"}}
	}
	memory.IssuerPublicKeys["https://idp.example"] = storage.IssuerPublicKeys{Issuer: "https://idp.example", KeysBySub: map[string]storage.SubjectPublicKeys{"ann": subject}}

	config := &fosite.Config{GlobalSecret: []byte(rand.Text() + rand.Text()), TokenURL: o.url, AccessTokenLifespan: time.Hour}
	strategy := compose.NewOAuth2HMACStrategy(config)
	provider := compose.Compose(config, memory, strategy, compose.OAuth2ClientCredentialsGrantFactory, compose.RFC7523AssertionGrantFactory)
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		session := &oauth2.JWTSession{JWTClaims: &jwt.JWTClaims{}, JWTHeader: &jwt.Headers{}}
		request, err := provider.NewAccessRequest(r.Context(), r, session)
		if err != nil {
			t.Log(fosite.ErrorToRFC6749Error(err).WithExposeDebug(true).GetDescription())
			provider.WriteAccessError(r.Context(), w, request, err)
			return
		}
		for _, scope := range request.GetRequestedScopes() {
			request.GrantScope(scope)
		}
		response, err := provider.NewAccessResponse(r.Context(), request)
		if err != nil {
			t.Log(fosite.ErrorToRFC6749Error(err).WithExposeDebug(true).GetDescription())
			provider.WriteAccessError(r.Context(), w, request, err)
			return
		}
		provider.WriteAccessResponse(r.Context(), w, request, response)
	})
	return o
}

// about is a profile of tokens for the server.
func (o *ory) about(issuer, subject string) tokenprofile.Profile {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256, Issuer: issuer, Subject: subject, Audience: []string{o.url}, AudienceArray: true,
		TokenID: true, Lifetime: time.Minute,
	}
}

func (o *ory) signer(issuer, subject string, keys *keystore.Store) *tokenprofile.Signer {
	return must(o.about(issuer, subject).Signer(keys))
}

func TestFositeGrantsOurClients(t *testing.T) {
	o := newOry(t)
	secret := keystore.StaticPassword(o.secret)
	stranger := newStore()
	elsewhere := func(issuer, subject string, keys *keystore.Store) *tokenprofile.Signer {
		profile := o.about(issuer, subject)
		profile.Audience = []string{"https://elsewhere.example"}
		return must(profile.Signer(keys))
	}
	again := constant{must(o.signer("https://idp.example", "ann", o.assertion).Sign(t.Context(), nil))}
	clientAgain := constant{must(o.signer("by key", "by key", o.keys).Sign(t.Context(), nil))}
	for _, test := range []struct {
		name  string
		grant *transport.Grant
		want  string // the code of the refusal, which is the server's to choose, or ""
		says  string // and of its text what tells the reason
	}{
		{"a secret in Basic", &transport.Grant{ClientID: clientID, ClientSecret: secret}, "", ""},
		{"a secret in the body", &transport.Grant{ClientID: clientID, ClientSecret: secret, SecretInBody: true}, "", ""},
		{"a wrong secret", &transport.Grant{ClientID: clientID, ClientSecret: keystore.StaticPassword("not the secret")}, "invalid_client", "Client authentication failed"},
		{"a client assertion", &transport.Grant{ClientID: "by key", ClientAssertion: o.signer("by key", "by key", o.keys)}, "", ""},
		{"a client assertion by another key", &transport.Grant{ClientID: "by key", ClientAssertion: o.signer("by key", "by key", stranger)}, "invalid_request", "which could not be found"},
		{"a client assertion for another server", &transport.Grant{ClientID: "by key", ClientAssertion: elsewhere("by key", "by key", o.keys)}, "invalid_client", "Claim 'audience' from 'client_assertion' must match the authorization server's token endpoint"},
		{"a client assertion to be used twice", &transport.Grant{ClientID: "by key", ClientAssertion: clientAgain}, "", ""},
		{"the same client assertion again", &transport.Grant{ClientID: "by key", ClientAssertion: clientAgain}, "jti_known", "The jti was already used."},
		{"an assertion", &transport.Grant{ClientID: clientID, ClientSecret: secret, Assertion: o.signer("https://idp.example", "ann", o.assertion)}, "", ""},
		{"an assertion by another key", &transport.Grant{ClientID: clientID, ClientSecret: secret, Assertion: o.signer("https://idp.example", "ann", stranger)}, "invalid_grant", "No public JWK was registered for issuer 'https://idp.example' and subject 'ann'"},
		{"an assertion for another server", &transport.Grant{ClientID: clientID, ClientSecret: secret, Assertion: elsewhere("https://idp.example", "ann", o.assertion)}, "invalid_grant", "MUST contain an 'aud' (audience) claim"},
		{"an assertion to be used twice", &transport.Grant{ClientID: clientID, ClientSecret: secret, Assertion: again}, "", ""},
		{"the same assertion again", &transport.Grant{ClientID: clientID, ClientSecret: secret, Assertion: again}, "jti_known", "The jti was already used."},
	} {
		test.grant.TokenURL, test.grant.Scopes = o.url, []string{"orders"}
		token, expiry, err := test.grant.Token(t.Context())
		var refused *transport.GrantError
		switch {
		case test.want == "" && (err != nil || token == "" || time.Until(expiry) < 50*time.Minute):
			t.Errorf("%s: got %v, a token until %s", test.name, err, expiry)
		case test.want != "" && (!errors.As(err, &refused) || refused.Code != test.want || !strings.Contains(refused.Description, test.says)):
			t.Errorf("%s: got %v, want %s and %q", test.name, err, test.want, test.says)
		}
	}
}

// constant is a source of one token.
type constant struct{ token string }

func (c constant) Token(context.Context) (string, time.Time, error) { return c.token, time.Time{}, nil }
