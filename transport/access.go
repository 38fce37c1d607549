package transport

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// An AccessRequest is what [TokenEndpoint.Authorize] decides on. Whatever it
// holds has been authenticated or verified, but for Scope, which is a wish.
type AccessRequest struct {
	ClientID  string              // "" if an assertion has come alone
	Assertion *tokenprofile.Token // nil for client credentials
	Scope     []string
}

// LogValue is the client and the scope it wants: a log in JSON would write the
// claims of the assertion, too.
func (r AccessRequest) LogValue() slog.Value {
	return slog.GroupValue(slog.String("client", r.ClientID), slog.Any("scope", r.Scope))
}

// Access is what a client gets.
type Access struct {
	Subject string         // sub; "": the client itself, and an error if an assertion has come alone
	Scope   []string       // what is granted of the scope, or instead of it
	Claims  map[string]any // more claims; never sub, client_id, scope or cnf, except client_id if an assertion has come alone
}

// Format prints the name of the type whatever the verb, because Claims may
// hold anything.
func (a Access) Format(f fmt.State, _ rune) { io.WriteString(f, "transport.Access") }

// LogValue is as Format.
func (a Access) LogValue() slog.Value { return slog.StringValue("transport.Access") }

// claims are those of the access token (RFC 9068 section 2.2).
func (a *Access) claims(request *AccessRequest, cnf confirmation) (map[string]any, error) {
	own := map[string]any{"sub": a.Subject}
	if a.Subject == "" {
		own["sub"] = request.ClientID
	}
	if own["sub"] == "" {
		return nil, errors.New("the Authorize function returned no Subject for an assertion that has come alone")
	}
	if request.ClientID != "" {
		own["client_id"] = request.ClientID
	}
	if len(a.Scope) > 0 {
		own["scope"] = strings.Join(a.Scope, " ")
	}
	if cnf.binds() {
		own["cnf"] = cnf.claim()
	}
	claims := maps.Clone(own)
	for name, value := range a.Claims {
		// Even where the endpoint has no value for these: the absence of scope
		// or cnf says something too.
		if _, taken := own[name]; taken || name == "scope" || name == "cnf" {
			return nil, fmt.Errorf("the Authorize function returned the claim %q, which is the token endpoint's", name)
		}
		claims[name] = value
	}
	return claims, nil
}
