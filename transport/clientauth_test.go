package transport_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A party signs assertions with a key of its own.
type party struct {
	profile tokenprofile.Profile
	keys    *keystore.Store
}

// newParty signs as the issuer, for the token endpoint at https://as.example.
func newParty(t *testing.T, issuer string) *party {
	return &party{keys: newStore(t), profile: tokenprofile.Profile{
		Algorithm: tokenprofile.ES256, Issuer: issuer, OneUse: true,
		Audience: []string{"https://as.example"}, Header: tokenprofile.Header{Type: "client-authentication+jwt"},
	}}
}

// sign signs the claims, after changes to the profile.
func (p *party) sign(t *testing.T, claims any, changes ...func(*tokenprofile.Profile)) string {
	t.Helper()
	profile := p.profile
	for _, change := range changes {
		change(&profile)
	}
	return must[string](t)(must[*tokenprofile.Signer](t)(profile.Signer(p.keys)).Sign(t.Context(), claims))
}

// byIssuer verifies the assertions of all the parties.
func byIssuer(t *testing.T, parties ...*party) *tokenprofile.Issuers {
	t.Helper()
	var verifiers []*tokenprofile.Verifier
	for _, p := range parties {
		verifiers = append(verifiers, must[*tokenprofile.Verifier](t)(p.profile.Verifier(p.keys)))
	}
	return must[*tokenprofile.Issuers](t)(tokenprofile.ByIssuer(verifiers...))
}

func twoAudiences(p *tokenprofile.Profile) {
	p.Audience = []string{"https://as.example", "https://evil.example"}
}

func otherAudience(p *tokenprofile.Profile) { p.Audience = []string{"https://evil.example"} }

func typed(typ string) func(*tokenprofile.Profile) {
	return func(p *tokenprofile.Profile) { p.Header.Type = typ }
}

func TestTokenEndpointKnowsWhoseAssertionItIs(t *testing.T) {
	a, b, issuer := newParty(t, "a"), newParty(t, "b"), newParty(t, "https://workloads.example")
	all := byIssuer(t, a, b, issuer) // one verifier for every client
	endpoint := newEndpoint(t)
	endpoint.Clients = transport.Registrations{
		"a":        {Assertions: all},
		"b":        {Assertions: all},
		"workload": {Assertions: all, AssertionIssuer: "https://workloads.example"},
	}
	sub := func(subject string) map[string]any { return map[string]any{"sub": subject} }
	tests := []struct {
		name      string
		assertion string
		clientID  string
		status    int
	}{
		{"a client's own assertion", a.sign(t, sub("a")), "a", 200},
		{"a client's own assertion, and no client id", a.sign(t, sub("a")), "", 200},
		{"another client that says it is this one", b.sign(t, sub("a")), "a", 401},
		{"another client that says it is this one, and no client id", b.sign(t, sub("a")), "", 401},
		{"another client's own assertion", b.sign(t, sub("b")), "a", 401},
		{"an issuer that this client did not name", issuer.sign(t, sub("a")), "a", 401},
		{"the issuer that the client named", issuer.sign(t, sub("workload")), "workload", 200},
		{"the issuer that the client named, of another subject", issuer.sign(t, sub("a")), "workload", 401},
		{"a client with another issuer cannot speak for itself", a.sign(t, sub("workload")), "workload", 401},
		{"no subject", a.sign(t, nil), "a", 401},
		{"a second audience", a.sign(t, sub("a"), twoAudiences), "a", 401},
		{"another audience", a.sign(t, sub("a"), otherAudience), "a", 401},
		{"an array of the one audience", a.sign(t, sub("a"), func(p *tokenprofile.Profile) { p.AudienceArray = true }), "a", 200},
		{"an access token", a.sign(t, sub("a"), typed("at+jwt")), "a", 401},
		{"a plain JWT", a.sign(t, sub("a"), typed("JWT")), "a", 401},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			endpoint.ServeHTTP(w, newPost(byAssertion(test.assertion), set("client_id", test.clientID)))
			if test.status != 200 {
				checkTokenError(t, w, test.status, "invalid_client")
				return
			}
			checkGranted(t, w, "Bearer")
		})
	}
}

// An audience beside the endpoint could use the assertion here itself, in the
// name of whoever signed it (RFC 7523bis).
func TestTokenEndpointWantsAnAssertionForItAlone(t *testing.T) {
	idp := newParty(t, "https://idp.example")
	claims := map[string]any{"sub": "ann"}
	tests := []struct {
		name   string
		many   bool
		change func(*tokenprofile.Profile)
		status int
	}{
		{"one audience", false, func(*tokenprofile.Profile) {}, 200},
		{"two audiences", false, twoAudiences, 400},
		{"two audiences where that is allowed", true, twoAudiences, 200},
		{"another audience where several are allowed", true, otherAudience, 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			endpoint := newEndpoint(t)
			endpoint.Assertions, endpoint.AllowManyAudiences = byIssuer(t, idp), test.many
			w := httptest.NewRecorder()
			endpoint.ServeHTTP(w, newPost(assertion(idp.sign(t, claims, test.change))))
			if test.status != 200 {
				checkTokenError(t, w, test.status, "invalid_grant")
				return
			}
			checkGranted(t, w, "Bearer")
		})
	}
}

// A verifier may not tell the audience of a client's assertion: then it is not
// for this endpoint.
func TestTokenEndpointWantsAnAudience(t *testing.T) {
	endpoint := newEndpoint(t)
	endpoint.Clients = transport.Registrations{"signer": {Assertions: verifyFunc(func(context.Context, string) (*tokenprofile.Token, error) {
		return &tokenprofile.Token{Issuer: "signer", Subject: "signer"}, nil
	})}}
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, newPost(byAssertion(clientAssertion("signer"))))
	checkTokenError(t, w, 401, "invalid_client")
}
