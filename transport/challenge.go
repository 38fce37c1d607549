package transport

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// The error codes of RFC 6750 section 3.1 and RFC 9449 section 7.1.
const (
	codeInvalidRequest    = "invalid_request"
	codeInvalidToken      = "invalid_token"
	codeInsufficientScope = "insufficient_scope"
	codeInvalidProof      = "invalid_dpop_proof"
)

// retryAfter is what a client is told to wait before it asks again for what
// cannot be judged now.
const retryAfter = 5 * time.Second

// A Refusal is why a [Guard] does not admit a request, or a [TokenEndpoint]
// does not grant one, and the answer to it. Its text is for the server's own
// logs: it names the cause, and nothing of it reaches the client.
type Refusal struct {
	StatusCode int         // 4xx, or 503 if the request could not be judged
	Code       string      // the error code of RFC 6750 section 3.1, RFC 9449 or RFC 6749 section 5.2, or ""
	Header     http.Header // WWW-Authenticate, Retry-After, DPoP-Nonce and Allow, as far as they apply

	json bool // the answer is that of RFC 6749 section 5.2
	err  error
}

var _ http.Handler = (*Refusal)(nil)

// Error names the status, the code and the cause.
func (e *Refusal) Error() string {
	code := ""
	if e.Code != "" {
		code = " " + e.Code
	}
	return fmt.Sprintf("transport: %d%s: %v", e.StatusCode, code, e.err)
}

// Unwrap is the cause: ErrInvalid of package tokenprofile and its reasons are behind
// a 401 for a token, [context.Canceled] behind a request whose client has left.
func (e *Refusal) Unwrap() error { return e.err }

// ServeHTTP writes the answer: status, headers and a fixed text, or for a
// token endpoint the code.
func (e *Refusal) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	maps.Copy(w.Header(), e.Header)
	if e.json {
		writeJSON(w, e.StatusCode, map[string]string{"error": e.Code})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(e.StatusCode), e.StatusCode)
}

// A ScopeError is what [Guard.Authorize] returns for a token that lacks scope.
// The client is told which scope the request needs (RFC 6750 section 3.1).
type ScopeError struct {
	Scope string // space-separated
}

// Error names the scope.
func (e *ScopeError) Error() string { return fmt.Sprintf("needs scope %q", e.Scope) }

// unavailable refuses a request that cannot be judged. A client that has left
// is told apart by its context's error.
func unavailable(r *http.Request, err error) *Refusal {
	refusal := &Refusal{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, err: err}
	if ended := r.Context().Err(); ended != nil && !errors.Is(err, ended) {
		refusal.err = fmt.Errorf("%w: %w", ended, err)
	}
	refusal.Header.Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	return refusal
}

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
	value := "Bearer"
	if scheme == schemeDPoP {
		value = dpopScheme
	}
	value += " realm=" + quote(realm)
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
