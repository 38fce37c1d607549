package transport

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// A challenger says what a guard would accept: one challenge for each scheme
// (RFC 9449 section 7.1).
type challenger struct {
	realm, scope string
	metadata     string                   // the URL of RFC 9728 section 5.1, or ""
	algorithms   []tokenprofile.Algorithm // of DPoP proofs
	dpop, bearer bool                     // the schemes
}

// challenges returns the values of WWW-Authenticate. The code, and the scope
// that would have been enough, go to the scheme that was used, or else to the
// first.
func (c challenger) challenges(scheme, code, scope string) []string {
	var schemes []string
	if c.dpop {
		schemes = append(schemes, oauth.SchemeDPoP)
	}
	if c.bearer {
		schemes = append(schemes, oauth.SchemeBearer)
	}
	at := max(0, slices.Index(schemes, scheme))
	challenges := make([]string, len(schemes))
	for i, scheme := range schemes {
		if i == at {
			challenges[i] = c.challenge(scheme, code, scope)
		} else {
			challenges[i] = c.challenge(scheme, "", c.scope)
		}
	}
	return challenges
}

// challenge returns the one for a scheme (RFC 6750 section 3, RFC 9449 section
// 7.1).
func (c challenger) challenge(scheme, code, scope string) string {
	value := scheme + " realm=" + quote(cmp.Or(c.realm, "protected"))
	if code != "" {
		value += ", error=" + quote(code)
	}
	if isScope(scope) {
		value += ", scope=" + quote(scope)
	}
	if c.metadata != "" {
		value += ", resource_metadata=" + quote(c.metadata)
	}
	if scheme == oauth.SchemeDPoP {
		value += ", algs=" + quote(joinAlgorithms(c.algorithms))
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

// quote returns a quoted-string (RFC 9110 section 5.6.4), without the control
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
