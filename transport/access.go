package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// An AccessRequest is what [TokenEndpoint.Authorize] decides on. All of it has
// been authenticated or verified, except Scope, Resource and Audience, which
// are what the client asks for.
type AccessRequest struct {
	ClientID     string              // "" if an assertion has come alone
	Assertion    *tokenprofile.Token // of the JWT bearer grant, else nil
	SubjectToken *tokenprofile.Token // of the token exchange, else nil
	ActorToken   *tokenprofile.Token // of a token exchange that names who acts for the subject, else nil
	Scope        []string
	Resource     []string // URLs of the servers that the token is for (RFC 8707)
	Audience     []string // their names (RFC 8693 section 2.1)
}

// LogValue returns the client and what it asks for, without the claims of its
// tokens.
func (r AccessRequest) LogValue() slog.Value {
	return slog.GroupValue(slog.String("client", r.ClientID), slog.Any("scope", r.Scope),
		slog.Any("resource", r.Resource), slog.Any("audience", r.Audience))
}

// MarshalJSON writes what LogValue returns, for loggers that use encoding/json.
func (r AccessRequest) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"client": r.ClientID, "scope": r.Scope, "resource": r.Resource, "audience": r.Audience})
}

// GobEncode always fails, because gob would write the claims.
func (r AccessRequest) GobEncode() ([]byte, error) {
	return nil, errors.New("transport: an AccessRequest has no gob form")
}

// Access is what a client is granted. In an unexported field of another struct
// fmt prints its fields, because it calls no methods there.
type Access struct {
	// Subject is the sub claim. Empty: the client itself; an error in a token
	// exchange, and if an assertion has come alone.
	Subject string

	// Scope is the scope that is granted. It need not be what was asked for.
	Scope []string

	// Audience is the aud claim, if the profile of the Signer has none. A resource
	// or audience that the client asks for is refused unless it is here or in the
	// profile.
	Audience []string

	// Claims are more claims: never sub, client_id, scope, aud or cnf, except
	// client_id if an assertion has come alone. The claim act is that of the
	// ActorToken, if there is one, unless it is here.
	Claims map[string]any
}

// Format prints the name of the type whatever the verb, because Claims may
// hold anything.
func (a Access) Format(f fmt.State, _ rune) { io.WriteString(f, "transport.Access") }

// LogValue returns what Format prints.
func (a Access) LogValue() slog.Value { return slog.StringValue("transport.Access") }

// MarshalJSON writes what Format prints, for loggers that use encoding/json.
func (a Access) MarshalJSON() ([]byte, error) { return json.Marshal("transport.Access") }

// GobEncode always fails, because gob would write the claims.
func (a Access) GobEncode() ([]byte, error) {
	return nil, errors.New("transport: an Access has no gob form")
}

// claims returns those of the access token (RFC 9068 section 2.2).
func (a *Access) claims(request *AccessRequest, cnf confirmation) (map[string]any, error) {
	own := map[string]any{"sub": a.Subject}
	if a.Subject == "" && request.SubjectToken == nil {
		own["sub"] = request.ClientID
	}
	if own["sub"] == "" {
		return nil, errors.New("the Authorize function returned no Subject for a token that is not the client's own")
	}
	if request.ClientID != "" {
		own["client_id"] = request.ClientID
	}
	if len(a.Scope) > 0 {
		own["scope"] = strings.Join(a.Scope, " ")
	}
	if len(a.Audience) > 0 {
		own["aud"] = a.Audience
	}
	if cnf.binds() {
		own["cnf"] = cnf.claim()
	}
	claims := maps.Clone(own)
	if actor := request.ActorToken; actor != nil {
		claims["act"] = map[string]any{"iss": actor.Issuer, "sub": actor.Subject} // RFC 8693 section 4.1
	}
	for name, value := range a.Claims {
		// Even if the endpoint has no value for these: a missing scope or cnf means
		// something, too.
		if _, taken := own[name]; taken || slices.Contains([]string{"scope", "aud", "cnf"}, name) {
			return nil, fmt.Errorf("the Authorize function returned the claim %q, which is the token endpoint's", name)
		}
		claims[name] = value
	}
	return claims, nil
}

// target reports whether the access token is for all that the client wants it
// for (RFC 8707 section 2). The signer's profile is one half of the answer.
func (a *Access) target(request *AccessRequest, signer ClaimsSource) error {
	wanted := slices.Concat(request.Resource, request.Audience)
	if len(wanted) == 0 {
		return nil
	}
	audience := a.Audience
	if s, ok := signer.(interface{ Profile() tokenprofile.Profile }); ok {
		audience = slices.Concat(audience, s.Profile().Audience)
	}
	for _, w := range wanted {
		if !slices.Contains(audience, w) {
			return errors.New("a resource or an audience that the access token is not for")
		}
	}
	return nil
}
