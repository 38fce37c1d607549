package transport

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A presentation is what the client of a token request has come with: its
// authentication, and the tokens that the grant asks for.
type presentation struct {
	endpoint *TokenEndpoint
	request  *http.Request
	form     form
}

// verify authenticates the client and verifies what it has come with.
func (p presentation) verify() (*AccessRequest, *Refusal) {
	grantType, scope := p.form.get(paramGrantType), p.form.get(paramScope)
	offered := map[string]bool{
		grantClientCredentials: p.endpoint.ClientCredentials,
		grantJWTBearer:         p.endpoint.Assertions != nil,
		grantTokenExchange:     len(p.endpoint.SubjectTokens) > 0,
	}[grantType]
	client := clientAuthentication{clients: p.endpoint.Clients, request: p.request, form: p.form}
	clientID, refusal := client.authenticate(offered && grantType == grantJWTBearer && p.endpoint.AssertionAlone)
	switch {
	case refusal != nil:
		return nil, refusal
	case grantType == "":
		return nil, refuseRequest(errors.New("no grant_type"))
	case !offered:
		return nil, newRefusal(http.StatusBadRequest, codeUnsupportedGrant, errors.New("a grant_type that is not offered"))
	case scope != "" && !isScope(scope):
		return nil, newRefusal(http.StatusBadRequest, codeInvalidScope, errors.New("the scope is not a list of scope tokens"))
	}
	request := &AccessRequest{
		ClientID: clientID, Scope: strings.Fields(scope),
		Resource: p.form[paramResource], Audience: p.form[paramAudience],
	}
	switch grantType {
	case grantJWTBearer:
		request.Assertion, refusal = p.assertion()
	case grantTokenExchange:
		refusal = p.exchange(request)
	}
	return request, refusal
}

func (p presentation) assertion() (*tokenprofile.Token, *Refusal) {
	token, refusal := p.token(paramAssertion, p.endpoint.Assertions)
	switch {
	case refusal != nil && errors.Is(refusal, tokenprofile.ErrInvalid):
		refusal.Code = codeInvalidGrant // RFC 7523 section 3.1
	case refusal == nil && len(token.Audience) > 1 && !p.endpoint.AllowManyAudiences:
		refusal = newRefusal(http.StatusBadRequest, codeInvalidGrant, errors.New("assertion: several audiences, and the token endpoint does not AllowManyAudiences"))
	}
	return token, refusal
}

// exchange verifies the tokens of RFC 8693 section 2.1.
func (p presentation) exchange(request *AccessRequest) (refusal *Refusal) {
	switch wanted := p.form.get(paramRequestedTokenType); wanted {
	case "", TokenTypeAccess:
	default:
		return refuseRequest(errors.New("a requested_token_type that is not offered"))
	}
	request.SubjectToken, refusal = p.token(paramSubjectToken, p.endpoint.SubjectTokens[p.form.get(paramSubjectTokenType)])
	if refusal != nil {
		return refusal
	}
	actorType := p.form.get(paramActorTokenType)
	if p.form.get(paramActorToken) == "" && actorType == "" {
		return nil
	}
	request.ActorToken, refusal = p.token(paramActorToken, p.endpoint.ActorTokens[actorType])
	return refusal
}

// token verifies the token that a parameter holds. Without a
// verifier it is of a type that is not offered.
func (p presentation) token(name string, verifier TokenVerifier) (*tokenprofile.Token, *Refusal) {
	text := p.form.get(name)
	switch {
	case text == "":
		return nil, refuseRequest(errors.New("no " + name))
	case verifier == nil:
		return nil, refuseRequest(errors.New(name + " of a type that is not offered"))
	}
	token, err := verify(p.request.Context(), verifier, text)
	switch {
	case errors.Is(err, tokenprofile.ErrInvalid):
		return nil, refuseRequest(fmt.Errorf("%s: %w", name, err))
	case err != nil:
		return nil, unavailable(p.request, fmt.Errorf("%s: %w", name, err))
	}
	return token, nil
}
