package transport

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// refuse refuses credentials of the scheme and says what would be accepted.
func (g *Guard) refuse(status int, scheme, code string, err error) *Refusal {
	refusal := &Refusal{StatusCode: status, Code: code, Header: http.Header{}, err: err}
	refusal.Header["Www-Authenticate"] = g.challenges(scheme, code, g.Scope)
	return refusal
}

func (g *Guard) insufficientScope(scheme, scope string, err error) *Refusal {
	refusal := g.refuse(http.StatusForbidden, scheme, codeInsufficientScope, err)
	refusal.Header["Www-Authenticate"] = g.challenges(scheme, codeInsufficientScope, scope)
	return refusal
}

// challenges is one challenge for each scheme the guard accepts (RFC 9449
// section 7.1). The code goes to the scheme that was used, or where that is
// none of them to the first.
func (g *Guard) challenges(scheme, code, scope string) []string {
	var schemes []string
	if g.DPoP != nil {
		schemes = append(schemes, schemeDPoP)
	}
	if g.DPoP == nil || g.MutualTLS || g.AllowUnbound {
		schemes = append(schemes, schemeBearer)
	}
	at := max(0, slices.Index(schemes, scheme))
	challenges := make([]string, len(schemes))
	for i, scheme := range schemes {
		if i == at {
			challenges[i] = g.challenge(scheme, code, scope)
		} else {
			challenges[i] = g.challenge(scheme, "", g.Scope)
		}
	}
	return challenges
}

// challenge is a WWW-Authenticate value (RFC 6750 section 3, RFC 9449 section 7.1).
func (g *Guard) challenge(scheme, code, scope string) string {
	realm := g.Realm
	if realm == "" {
		realm = "protected"
	}
	value := scheme + " realm=" + quote(realm)
	if code != "" {
		value += ", error=" + quote(code)
	}
	if isScope(scope) {
		value += ", scope=" + quote(scope)
	}
	if scheme == schemeDPoP {
		value += ", algs=" + quote(joinAlgorithms(g.DPoP.Accepts()))
	}
	return value
}

func joinAlgorithms(algorithms []tokenprofile.Algorithm) string {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = string(a)
	}
	return strings.Join(names, " ")
}

// quote is a quoted-string (RFC 9110 section 5.6.4), without the control
// characters that may not stand in one.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c >= ' ' && c != 0x7f:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isScope reports whether s is a scope of RFC 6749 section 3.3: tokens of
// printable ASCII but for the quote and the backslash, a space between them.
func isScope(s string) bool {
	for token := range strings.SplitSeq(s, " ") {
		if token == "" || strings.ContainsFunc(token, func(c rune) bool {
			return c <= ' ' || c >= 0x7f || c == '"' || c == '\\'
		}) {
			return false
		}
	}
	return true
}
