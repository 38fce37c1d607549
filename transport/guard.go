package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// A TokenVerifier says whether a token is valid, and what it says.
// [*tokenprofile.Verifier] and [*tokenprofile.Issuers] are two. An error that
// wraps [tokenprofile.ErrInvalid] is the token's fault; any other means that
// the token could not be judged.
type TokenVerifier interface {
	Verify(ctx context.Context, token string) (*tokenprofile.Token, error)
}

var _, _ TokenVerifier = (*tokenprofile.Verifier)(nil), (*tokenprofile.Issuers)(nil)

// verify returns a token or an error, never neither.
func verify(ctx context.Context, verifier TokenVerifier, text string) (*tokenprofile.Token, error) {
	token, err := verifier.Verify(ctx, text)
	if token == nil && err == nil {
		return nil, errors.New("the verifier returned neither a token nor an error")
	}
	return token, err
}

// A Guard admits requests with a valid token in their Authorization header (RFC
// 6750 section 2.1), and refuses all others. [Guard.Check] decides;
// [Guard.Handler] puts it in front of a handler.
//
// The zero Guard refuses everything. A Guard is safe for concurrent use; its
// fields must not change once it is in use.
type Guard struct {
	// Verifier says which tokens are valid. Without one the guard refuses every
	// request with 503.
	Verifier TokenVerifier

	// Authorize, if set, decides on requests whose token is valid, and is the
	// place for identity mapping: it returns the context of the request, derived
	// from r.Context(), with the application's own principal in it. A nil context
	// stands for r.Context().
	//
	// An error is a refusal: 403; with insufficient_scope if it is or wraps a
	// [*ScopeError]; 503 if it wraps ErrUnavailable of package keystore, for an
	// application that could not decide.
	Authorize func(r *http.Request, token *tokenprofile.Token) (context.Context, error)

	// OnReject, if set, is called for every request that is refused, with the
	// [*Refusal], before the answer is written and in the goroutine of the
	// request. The client never sees the error's text. The error may be logged;
	// the headers of the request may not, because they hold the token.
	OnReject func(r *http.Request, err error)

	// Logger, if not nil, is told why each request was refused: at the level Info
	// for what a client did wrong, Warn for what could not be judged, and Debug
	// for a request without credentials, one that needs a nonce, and a client that
	// has left. Of warnings it gets at most 10 lines in 10 seconds, and as many of
	// the others; the next one says how many were dropped. Nil: nothing is logged.
	Logger *slog.Logger

	// Header carries the token, alone or after its scheme: proxies that
	// authenticate the user put their own token into X-Goog-IAP-JWT-Assertion,
	// Cf-Access-Jwt-Assertion or X-Amzn-Oidc-Data. No other header is read. Empty:
	// Authorization, where the scheme is required.
	Header string

	// Realm names the protected space in challenges. Empty: "protected".
	Realm string

	// Scope is demanded of every token, all of it if there is more than one,
	// separated by spaces: see [Scopes]. Challenges name it. Empty: none.
	Scope string

	// ResourceMetadata, if set, is named in challenges, so that clients find
	// where tokens for this server come from (RFC 9728 section 5.1). It is the
	// handler of that document, too.
	ResourceMetadata *ResourceMetadata

	// DPoP, if set, demands tokens that are bound to a key of the client, sent
	// with the scheme DPoP and a proof (RFC 9449 section 7). BaseURL must be
	// set too.
	DPoP *tokenprofile.ProofVerifier

	// BaseURL is how clients name this server: "https://api.example", and the path
	// that a proxy strips, if one does. DPoP proofs must be for this URL with the
	// path of the request. The Host header and forwarding headers are not used for
	// it: whoever has caught a proof for another server could set them to that
	// server's name.
	BaseURL string

	// MutualTLS demands tokens that are bound to the certificate with which
	// the client opened the TLS connection (RFC 8705 section 3). The server's
	// tls.Config asks for it: ClientAuth at least [tls.RequestClientCert].
	MutualTLS bool

	// AllowUnbound admits tokens that are bound to nothing where DPoP or MutualTLS
	// is set. The binding of a bound token is checked all the same. With both set
	// and this not, a token must be bound in at least one way.
	AllowUnbound bool

	log refusalLog
}

// Check returns the context of an admitted request: the one that Authorize has
// returned, with the token in it ([tokenprofile.FromContext]). The error of any
// other request is a [*Refusal], and OnReject and Logger have been told of it.
func (g *Guard) Check(r *http.Request) (context.Context, error) {
	ctx, refusal := g.check(r)
	if refusal != nil {
		return nil, refusal
	}
	return ctx, nil
}

// Handler returns a handler that passes requests on to next if [Guard.Check]
// admits them, with the context it returns, and answers the others with their
// [Refusal].
func (g *Guard) Handler(next http.Handler) http.Handler {
	if next == nil {
		panic("transport: Guard.Handler of a nil handler")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, refusal := g.check(r)
		if refusal != nil {
			refusal.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// check admits or refuses a request, and reports what it refuses.
func (g *Guard) check(r *http.Request) (context.Context, *Refusal) {
	if err := g.usable(); err != nil {
		return nil, g.report(r, unavailable(r, err))
	}
	ctx, refusal := g.admit(r)
	return ctx, g.report(r, refusal)
}

func (g *Guard) report(r *http.Request, refusal *Refusal) *Refusal {
	if refusal == nil || g == nil {
		return refusal
	}
	if g.OnReject != nil {
		g.OnReject(r, refusal)
	}
	g.log.write(g.Logger, "request refused", r, refusal)
	return refusal
}

var errNoCredentials = errors.New("no credentials")

// unspoken returns why credentials of that scheme count as none. The most common
// mistake of a client is a token without its scheme.
func unspoken(header http.Header, name, scheme string) error {
	switch {
	case header.Get(name) == "":
		return errNoCredentials
	case scheme != "":
		return fmt.Errorf("the header %s has the scheme %s, and the guard has no %[2]s", name, scheme)
	}
	return fmt.Errorf("the header %s does not begin with the scheme Bearer, or another that the guard accepts", name)
}

func (g *Guard) admit(r *http.Request) (context.Context, *Refusal) {
	name := cmp.Or(g.Header, "Authorization")
	sent, err := credentialsOf(r.Header, name)
	switch {
	case err != nil:
		return nil, g.challenge(sent, newRefusal(http.StatusBadRequest, oauth.CodeInvalidRequest, err))
	case !g.speaks(sent.scheme):
		return nil, g.challenge(sent, newRefusal(http.StatusUnauthorized, "", unspoken(r.Header, name, sent.scheme)))
	}
	token, refusal := g.verify(r, sent)
	if refusal == nil {
		refusal = g.binding().confirm(r, g.BaseURL, sent, token.Claims)
	}
	if refusal != nil {
		return nil, g.challenge(sent, refusal)
	}
	if missing := lacking(token, g.Scope); missing != nil {
		return nil, g.insufficient(sent, missing.Scope, missing)
	}
	ctx, refusal := g.authorize(r, sent, token)
	if refusal != nil {
		return nil, refusal
	}
	return tokenprofile.NewContext(ctx, token), nil
}

// usable returns everything that keeps the guard from admitting anyone.
func (g *Guard) usable() error {
	if g == nil {
		return errors.New("there is no guard")
	}
	var faults []error
	if g.Verifier == nil {
		faults = append(faults, errors.New("the guard has no Verifier"))
	}
	if g.DPoP != nil && g.BaseURL == "" {
		faults = append(faults, errors.New("the guard has DPoP and no BaseURL"))
	}
	if g.ResourceMetadata != nil {
		if _, err := g.ResourceMetadata.resource(); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

func (g *Guard) binding() binding {
	return binding{dpop: g.DPoP, mutualTLS: g.MutualTLS, allowUnbound: g.AllowUnbound}
}

// speaks reports whether credentials of the scheme are accepted.
func (g *Guard) speaks(scheme string) bool {
	return scheme == oauth.SchemeBearer || scheme == oauth.SchemeDPoP && g.DPoP != nil
}

func (g *Guard) verify(r *http.Request, sent credentials) (*tokenprofile.Token, *Refusal) {
	token, err := verify(r.Context(), g.Verifier, sent.token)
	switch {
	case errors.Is(err, tokenprofile.ErrInvalid):
		return nil, newRefusal(http.StatusUnauthorized, oauth.CodeInvalidToken, err)
	case err != nil:
		return nil, unavailable(r, err)
	}
	return token, nil
}

func (g *Guard) authorize(r *http.Request, sent credentials, token *tokenprofile.Token) (context.Context, *Refusal) {
	if g.Authorize == nil {
		return r.Context(), nil
	}
	ctx, err := g.Authorize(r, token)
	var scope *ScopeError
	switch {
	case err == nil && ctx == nil:
		return r.Context(), nil
	case err == nil:
		return ctx, nil
	case errors.As(err, &scope):
		return nil, g.insufficient(sent, scope.Scope, err)
	case undecided(r, err):
		return nil, unavailable(r, err)
	}
	return nil, newRefusal(http.StatusForbidden, "", err)
}

// challenge adds to a refusal what would be accepted.
func (g *Guard) challenge(sent credentials, refusal *Refusal) *Refusal {
	if refusal.StatusCode != http.StatusServiceUnavailable {
		refusal.Header["Www-Authenticate"] = g.challenger().challenges(sent.scheme, refusal.Code, g.Scope)
	}
	return refusal
}

// insufficient refuses a token that lacks scope.
func (g *Guard) insufficient(sent credentials, scope string, err error) *Refusal {
	refusal := newRefusal(http.StatusForbidden, oauth.CodeInsufficientScope, err)
	refusal.Header["Www-Authenticate"] = g.challenger().challenges(sent.scheme, refusal.Code, scope)
	return refusal
}

func (g *Guard) challenger() challenger {
	c := challenger{realm: g.Realm, scope: g.Scope, dpop: g.DPoP != nil}
	if g.ResourceMetadata != nil {
		c.metadata = g.ResourceMetadata.URL()
	}
	if c.dpop {
		c.algorithms = g.DPoP.Accepts()
	}
	c.bearer = !c.dpop || g.MutualTLS || g.AllowUnbound
	return c
}

// lacking returns an error if the token has not all of the scope.
func lacking(token *tokenprofile.Token, scope string) *ScopeError {
	if scope == "" {
		return nil // the claims are not decoded once more
	}
	has := Scopes(token)
	for wanted := range strings.FieldsSeq(scope) {
		if !slices.Contains(has, wanted) {
			return &ScopeError{Scope: scope}
		}
	}
	return nil
}
