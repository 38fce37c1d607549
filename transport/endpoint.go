package transport

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// A TokenEndpoint exchanges assertions and other tokens for access tokens: the
// server's half of RFC 7523 and RFC 8693, for a service that has no
// authorization server to ask. It authenticates the client, verifies the
// assertion, asks Authorize what the client may have, and signs the access
// token. It stores nothing.
//
// It answers as RFC 6749 sections 5.1 and 5.2 say, and accepts only a form by
// POST. Serve it over TLS only. The zero TokenEndpoint refuses everything. It
// is safe for concurrent use; its fields must not change once it is in use.
type TokenEndpoint struct {
	// Clients knows the clients. Required.
	Clients Registry

	// Signer writes the access tokens. Required; usually a
	// [*tokenprofile.Signer] whose profile is that of RFC 9068: the type
	// "at+jwt", TokenID, an Audience, and no Subject. The endpoint gives it
	// the claims sub, client_id, scope, cnf and act, and those of [Access]. The
	// client learns the lifetime by the Signer's clock, a method Now, if it has
	// one.
	Signer ClaimsSource

	// Authorize decides what a request gets, and is the place for identity
	// mapping: from the issuer and subject of an assertion to the subject of
	// the access token. Required. An error is a refusal, which the client
	// learns as invalid_grant, or as unauthorized_client if it has come for
	// itself, or as invalid_request in a token exchange (RFC 8693 section
	// 2.2.2); as invalid_scope if it is or wraps a [*ScopeError]; and as 503 if
	// it wraps ErrUnavailable of package keystore. A resource or an audience
	// that the client asks for is refused, as invalid_target, unless it is in
	// the profile of the Signer or [Access.Audience] has it.
	Authorize func(ctx context.Context, request *AccessRequest) (*Access, error)

	// Assertions verifies the assertions of the JWT bearer grant (RFC 7523
	// section 2.1). Its profile says who may issue them, which audience they
	// need (the issuer of this server, or the URL of this endpoint), and
	// should have OneUse. Nil: the grant is not offered.
	Assertions TokenVerifier

	// AllowManyAudiences takes assertions of that grant that name further
	// audiences. Each of those could use the assertion here, in the name of
	// its subject (RFC 7523bis).
	AllowManyAudiences bool

	// AssertionAlone lets the JWT bearer grant do without client
	// authentication (RFC 7523 section 3.1): the assertion speaks for itself.
	AssertionAlone bool

	// ClientCredentials offers that grant (RFC 6749 section 4.4).
	ClientCredentials bool

	// SubjectTokens offers the token exchange (RFC 8693), by the
	// subject_token_type: each type ([TokenTypeAccess], for instance) has the
	// verifier of such tokens. Nil: the grant is not offered.
	//
	// The binding of a bound token is not checked here, because the client has the
	// token from somebody else. Authorize decides which client may exchange whose
	// token.
	SubjectTokens map[string]TokenVerifier

	// ActorTokens are the same for the actor_token. Nil: none may be sent.
	ActorTokens map[string]TokenVerifier

	// DPoP binds access tokens to the key of a DPoP proof (RFC 9449 section
	// 5), which every request must have, unless AllowUnbound is set. URL must
	// be set too.
	DPoP *tokenprofile.ProofVerifier

	// URL is how clients name this endpoint, for the htu of proofs.
	URL string

	// MutualTLS binds access tokens to the certificate with which the client
	// opened the TLS connection (RFC 8705 section 3), which every request must
	// have, unless AllowUnbound is set.
	MutualTLS bool

	// AllowUnbound gives tokens that are bound to nothing to clients that come
	// without a proof or a certificate, where DPoP or MutualTLS is set.
	AllowUnbound bool

	// OnReject, if set, is called for every request that is refused, with the
	// [*Refusal]. The client never sees the error's text. The error may be logged;
	// the request may not.
	OnReject func(r *http.Request, err error)

	// Logger, if not nil, is told why each request was refused, as [Guard.Logger]
	// is. Nil: nothing is logged.
	Logger *slog.Logger

	log refusalLog
}

var _ http.Handler = (*TokenEndpoint)(nil)

// Describe adds to the metadata of an issuer what the endpoint offers, so that
// a [jwks.MetadataHandler] says what is so: the URL, the grants, how clients
// authenticate, and what tokens are bound to. Nothing that the metadata has is
// taken away.
//
// The endpoint can list the clients of [Registrations] only, and knows the
// algorithms of verifiers with a method Profile or Profiles only. The metadata
// has to say the rest.
func (e *TokenEndpoint) Describe(m jwks.Metadata) jwks.Metadata {
	if e == nil {
		return m
	}
	m.TokenEndpoint = cmp.Or(e.URL, m.TokenEndpoint)
	m.GrantTypes = union(m.GrantTypes, e.grants())
	if e.Assertions != nil && e.AssertionAlone {
		m.TokenEndpointAuthMethods = union(m.TokenEndpointAuthMethods, []string{oauth.AuthNone})
	}
	clients, _ := e.Clients.(Registrations)
	for _, id := range slices.Sorted(maps.Keys(clients)) {
		methods, algorithms := clients[id].methods()
		m.TokenEndpointAuthMethods = union(m.TokenEndpointAuthMethods, methods)
		m.TokenEndpointAuthAlgorithms = union(m.TokenEndpointAuthAlgorithms, algorithms)
	}
	if e.DPoP != nil {
		m.DPoPAlgorithms = union(m.DPoPAlgorithms, e.DPoP.Accepts())
	}
	m.CertificateBoundTokens = m.CertificateBoundTokens || e.MutualTLS
	return m
}

// union returns a new list of both, each element once.
func union[T comparable](list, more []T) []T {
	all := slices.Clone(list)
	for _, element := range more {
		if !slices.Contains(all, element) {
			all = append(all, element)
		}
	}
	return all
}

// grants returns the grant types that the endpoint offers.
func (e *TokenEndpoint) grants() (grants []string) {
	if e.ClientCredentials {
		grants = append(grants, oauth.GrantClientCredentials)
	}
	if e.Assertions != nil {
		grants = append(grants, oauth.GrantJWTBearer)
	}
	if len(e.SubjectTokens) > 0 {
		grants = append(grants, oauth.GrantTokenExchange)
	}
	return grants
}

// ServeHTTP answers a token request.
func (e *TokenEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, refusal := e.answer(w, r)
	if refusal == nil {
		writeJSON(w, http.StatusOK, response)
		return
	}
	refusal.json = true
	if refusal.Code == "" {
		refusal.Code = oauth.CodeUnavailable
	}
	e.report(r, refusal)
	refusal.ServeHTTP(w, r)
}

func (e *TokenEndpoint) report(r *http.Request, refusal *Refusal) {
	if e == nil {
		return
	}
	if e.OnReject != nil {
		e.OnReject(r, refusal)
	}
	e.log.write(e.Logger, "token request refused", r, refusal)
}

func (e *TokenEndpoint) answer(w http.ResponseWriter, r *http.Request) (*tokenResponse, *Refusal) {
	if err := e.usable(); err != nil {
		return nil, unavailable(r, err)
	}
	form, refusal := readForm(w, r)
	if refusal != nil {
		return nil, refusal
	}
	request, refusal := presentation{endpoint: e, request: r, form: form}.verify()
	if refusal != nil {
		return nil, refusal
	}
	binding := binding{dpop: e.DPoP, mutualTLS: e.MutualTLS, allowUnbound: e.AllowUnbound}
	cnf, refusal := binding.bind(r, e.URL)
	if refusal != nil {
		return nil, refusal
	}
	access, refusal := e.authorize(r, request)
	if refusal != nil {
		return nil, refusal
	}
	if err := access.target(request, e.Signer); err != nil {
		return nil, newRefusal(http.StatusBadRequest, oauth.CodeInvalidTarget, err)
	}
	claims, err := access.claims(request, cnf)
	if err != nil {
		return nil, unavailable(r, err)
	}
	token, expiry, err := e.Signer.TokenWith(r.Context(), claims)
	if err != nil {
		return nil, unavailable(r, err)
	}
	response := newTokenResponse(e.Signer, token, expiry, cnf, access)
	if request.SubjectToken != nil {
		response.IssuedType = TokenTypeAccess // RFC 8693 section 2.2.1
	}
	return response, nil
}

// usable returns everything that keeps the endpoint from answering anyone.
func (e *TokenEndpoint) usable() error {
	if e == nil {
		return errors.New("there is no token endpoint")
	}
	var missing []error
	if e.Clients == nil {
		missing = append(missing, errors.New("the token endpoint has no Clients"))
	}
	if e.Signer == nil {
		missing = append(missing, errors.New("the token endpoint has no Signer"))
	}
	if e.Authorize == nil {
		missing = append(missing, errors.New("the token endpoint has no Authorize"))
	}
	if e.DPoP != nil && e.URL == "" {
		missing = append(missing, errors.New("the token endpoint has DPoP and no URL"))
	}
	return errors.Join(missing...)
}

func (e *TokenEndpoint) authorize(r *http.Request, request *AccessRequest) (*Access, *Refusal) {
	access, err := e.Authorize(r.Context(), request)
	var scope *ScopeError
	switch {
	case err == nil && access == nil:
		return nil, unavailable(r, errors.New("the Authorize function returned neither access nor an error"))
	case err == nil:
		return access, nil
	case undecided(r, err):
		return nil, unavailable(r, err)
	case errors.As(err, &scope):
		return nil, newRefusal(http.StatusBadRequest, oauth.CodeInvalidScope, err)
	case request.SubjectToken != nil:
		return nil, refuseRequest(err)
	case request.Assertion == nil:
		return nil, newRefusal(http.StatusBadRequest, oauth.CodeUnauthorizedClient, err)
	}
	return nil, newRefusal(http.StatusBadRequest, oauth.CodeInvalidGrant, err)
}

// writeJSON writes an answer that nobody keeps (RFC 6749 section 5.1).
func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value) // an error means that the client has left
}
