package transport

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// A presentation is what the client of a token request presents: its
// authentication, and the tokens that the grant needs.
type presentation struct {
	endpoint *TokenEndpoint
	request  *http.Request
	form     form
}

// verify authenticates the client and verifies its tokens.
func (p presentation) verify() (*AccessRequest, *Refusal) {
	grantType, scope := p.form.get(oauth.ParamGrantType), p.form.get(oauth.ParamScope)
	offered := slices.Contains(p.endpoint.grants(), grantType)
	client := clientAuthentication{clients: p.endpoint.Clients, request: p.request, form: p.form}
	clientID, refusal := client.authenticate(offered && grantType == oauth.GrantJWTBearer && p.endpoint.AssertionAlone)
	switch {
	case refusal != nil:
		return nil, refusal
	case grantType == "":
		return nil, refuseRequest(errors.New("no grant_type"))
	case !offered:
		return nil, newRefusal(http.StatusBadRequest, oauth.CodeUnsupportedGrant, errors.New("a grant_type that is not offered"))
	case scope != "" && !isScope(scope):
		return nil, newRefusal(http.StatusBadRequest, oauth.CodeInvalidScope, errors.New("the scope is not a list of scope tokens"))
	}
	request := &AccessRequest{
		ClientID: clientID, Scope: strings.Fields(scope),
		Resource: p.form[oauth.ParamResource], Audience: p.form[oauth.ParamAudience],
	}
	switch grantType {
	case oauth.GrantJWTBearer:
		request.Assertion, refusal = p.assertion()
	case oauth.GrantTokenExchange:
		refusal = p.exchange(request)
	}
	return request, refusal
}

func (p presentation) assertion() (*tokenprofile.Token, *Refusal) {
	token, refusal := p.token(oauth.ParamAssertion, p.endpoint.Assertions)
	switch {
	case refusal != nil && errors.Is(refusal, tokenprofile.ErrInvalid):
		refusal.Code = oauth.CodeInvalidGrant // RFC 7523 section 3.1
	case refusal == nil && len(token.Audience) > 1 && !p.endpoint.AllowManyAudiences:
		refusal = newRefusal(http.StatusBadRequest, oauth.CodeInvalidGrant, errors.New("assertion: several audiences, and the token endpoint does not AllowManyAudiences"))
	}
	return token, refusal
}

// exchange verifies the tokens of RFC 8693 section 2.1.
func (p presentation) exchange(request *AccessRequest) (refusal *Refusal) {
	switch wanted := p.form.get(oauth.ParamRequestedTokenType); wanted {
	case "", TokenTypeAccess:
	default:
		return refuseRequest(errors.New("a requested_token_type that is not offered"))
	}
	request.SubjectToken, refusal = p.token(oauth.ParamSubjectToken, p.endpoint.SubjectTokens[p.form.get(oauth.ParamSubjectTokenType)])
	if refusal != nil {
		return refusal
	}
	actorType := p.form.get(oauth.ParamActorTokenType)
	if p.form.get(oauth.ParamActorToken) == "" && actorType == "" {
		return nil
	}
	request.ActorToken, refusal = p.token(oauth.ParamActorToken, p.endpoint.ActorTokens[actorType])
	return refusal
}

// token verifies the token in a parameter. Without a verifier, its type is not
// offered.
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

// What a token request may be at most.
const (
	maxTokenRequest = 64 << 10 // bytes of the body
	maxParameters   = 64
)

// A form holds the parameters of a token request: none empty, and of each name
// one (RFC 6749 section 3.2) but for those that RFC 8707 section 2 lets repeat.
type form map[string][]string

// get returns the one value of the parameter, or "".
func (f form) get(name string) string {
	if values := f[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// mayRepeat reports whether a request may name several: a token can be for
// several servers.
func mayRepeat(name string) bool { return name == oauth.ParamResource || name == oauth.ParamAudience }

// readForm reads the body. The URL's query is never read, because it ends in
// logs (RFC 6749 section 2.3.1).
func readForm(w http.ResponseWriter, r *http.Request) (form, *Refusal) {
	if r.Method != http.MethodPost {
		refusal := newRefusal(http.StatusMethodNotAllowed, oauth.CodeInvalidRequest, errors.New("a method other than POST"))
		refusal.Header.Set("Allow", http.MethodPost)
		return nil, refusal
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" || len(r.Header["Content-Encoding"]) > 0 {
		return nil, newRefusal(http.StatusUnsupportedMediaType, oauth.CodeInvalidRequest, errors.New("the body is not a plain form"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTokenRequest))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, newRefusal(http.StatusRequestEntityTooLarge, oauth.CodeInvalidRequest, err)
	case err != nil:
		return nil, refuseRequest(fmt.Errorf("reading the body: %w", err))
	}
	form, err := parseForm(string(body))
	if err != nil {
		return nil, refuseRequest(err)
	}
	return form, nil
}

func parseForm(body string) (form, error) {
	if strings.Count(body, "&") >= maxParameters {
		return nil, fmt.Errorf("more than %d parameters", maxParameters)
	}
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, errors.New("the form is malformed") // err would quote a part of it
	}
	form := make(form, len(values))
	for name, value := range values {
		if len(value) > 1 && !mayRepeat(name) {
			return nil, errors.New("a parameter that occurs twice")
		}
		form[name] = slices.DeleteFunc(value, func(v string) bool { return v == "" }) // RFC 6749 section 3.2: as if it were omitted
	}
	return form, nil
}
