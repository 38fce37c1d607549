package transport

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Scopes returns the scope of a token: the claim scope (RFC 8693 section 4.2),
// or else the claim scp. Each may be a string with spaces or an array.
func Scopes(token *tokenprofile.Token) []string {
	var scopes []string
	for _, name := range []string{"scope", "scp"} {
		for _, value := range Values(token, name) {
			scopes = append(scopes, strings.Fields(value)...)
		}
		if scopes != nil {
			break
		}
	}
	return scopes
}

// Values returns what a claim lists: the strings of an array, or one string.
// The path leads into claims that are objects: Values(token, "realm_access",
// "roles"). Names are compared exactly. A claim that is missing or has another
// form yields nil, and so does an array with anything but strings.
//
//	slices.Contains(transport.Values(token, "roles"), "clerk")
func Values(token *tokenprofile.Token, path ...string) []string {
	if token == nil || len(path) == 0 {
		return nil
	}
	value := token.Claims
	for _, name := range path {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(value, &object); err != nil {
			return nil
		}
		value = object[name]
	}
	var one *string
	if err := json.Unmarshal(value, &one); err == nil && one != nil {
		return []string{*one}
	}
	var list []*string
	if err := json.Unmarshal(value, &list); err != nil || slices.Contains(list, nil) {
		return nil
	}
	values := make([]string, len(list))
	for i, element := range list {
		values[i] = *element
	}
	return values
}

// A ScopeError is what [Guard.Authorize] returns for a token that lacks scope.
// The client is told which scope the request needs (RFC 6750 section 3.1).
type ScopeError struct {
	Scope string // space-separated
}

// Error names the scope.
func (e *ScopeError) Error() string { return fmt.Sprintf("needs scope %q", e.Scope) }

// isScope reports whether s is a scope of RFC 6749 section 3.3: tokens of
// printable ASCII but for the quote and the backslash, a space between them.
func isScope(s string) bool {
	for token := range strings.SplitSeq(s, " ") {
		if token == "" || strings.ContainsFunc(token, func(c rune) bool {
			return c < '!' || c > '~' || c == '"' || c == '\\'
		}) {
			return false
		}
	}
	return true
}
