package transport

import (
	"maps"
	"net/url"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// A DeclaredGrant is the token endpoint of a [ClientProfile], and what it is
// told: the fields of [Grant] and [Exchange], which say what they mean. What
// is exchanged is the profile's token.
type DeclaredGrant struct {
	TokenURL     string          `json:"tokenURL"`
	ClientID     string          `json:"clientID,omitempty"`
	ClientSecret *DeclaredSecret `json:"clientSecret,omitempty"`
	SecretInBody bool            `json:"secretInBody,omitempty"`

	// ClientAssertion is the profile of what the client authenticates with,
	// where the profile's token is something else. The keystore signs it.
	ClientAssertion     *DeclaredToken `json:"clientAssertion,omitempty"`
	ClientAssertionType string         `json:"clientAssertionType,omitempty"`

	GrantType string   `json:"grantType,omitempty"`
	Scopes    []string `json:"scopes,omitempty"`
	Resources []string `json:"resources,omitempty"`
	Audiences []string `json:"audiences,omitempty"`
	IDToken   bool     `json:"idToken,omitempty"`

	// Params are further parameters, none of them secret.
	Params map[string]string `json:"params,omitempty"`

	// Of a token exchange: the types, and the profile of the actor token, which
	// the keystore signs.
	SubjectType   string         `json:"subjectType,omitempty"`
	RequestedType string         `json:"requestedType,omitempty"`
	Actor         *DeclaredToken `json:"actor,omitempty"`
	ActorType     string         `json:"actorType,omitempty"`
}

// params returns the parameters, at every exchange.
func (d *DeclaredGrant) params() url.Values {
	values := make(url.Values, len(d.Params))
	for name, value := range d.Params {
		values.Set(name, value)
	}
	return values
}

// check looks at the grant of a use that asks a token endpoint.
func (g *DeclaredGrant) check(f *documentFaults, p *ClientProfile) {
	if g == nil {
		f.add("grant", "is missing: nothing says which token endpoint to ask")
		return
	}
	if g.TokenURL == "" {
		f.add("grant.tokenURL", "is missing")
	}
	f.checkURL("grant.tokenURL", g.TokenURL, p.PlainHTTP)
	g.ClientSecret.check(f, "grant.clientSecret")
	p.checkToken(f, "grant.clientAssertion", g.ClientAssertion)
	if g.ClientSecret != nil && g.ClientAssertion != nil {
		f.add("grant.clientSecret", "contradicts clientAssertion: one of them authenticates the client")
	}
	if g.ClientSecret != nil && g.ClientID == "" {
		f.add("grant.clientID", "is missing: it goes with the secret")
	}
	if g.IDToken && p.DPoP != nil {
		f.add("grant.idToken", "contradicts dpop, which binds access tokens only")
	}
	for _, name := range slices.Sorted(maps.Keys(g.Params)) {
		if slices.Contains(oauth.CredentialParams, name) {
			f.add("grant.params."+name, "has a field of its own")
		}
	}
	p.checkToken(f, "grant.actor", g.Actor)
}
