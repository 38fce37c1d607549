package transport

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// A grantRequest is one request to a token endpoint.
type grantRequest struct {
	form    url.Values
	header  http.Header
	secrets []string // kept out of every error
}

// newGrantRequest asks the sources of the grant for their tokens.
func newGrantRequest(ctx context.Context, g *Grant, claims any) (*grantRequest, error) {
	r := &grantRequest{form: url.Values{}, header: http.Header{}}
	r.header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.header.Set("Accept", "application/json")
	if err := r.setGrant(ctx, g, claims); err != nil {
		return nil, err
	}
	if err := r.setClient(ctx, g); err != nil {
		return nil, err
	}
	if len(g.Scopes) > 0 {
		r.form.Set(oauth.ParamScope, strings.Join(g.Scopes, " "))
	}
	r.add(oauth.ParamResource, g.Resources)
	r.add(oauth.ParamAudience, g.Audiences)
	return r, r.addParams(g)
}

// setGrant sets the parameters that the kind of grant asks for.
func (r *grantRequest) setGrant(ctx context.Context, g *Grant, claims any) error {
	switch {
	case g.Assertion != nil:
		r.form.Set(oauth.ParamGrantType, cmp.Or(g.GrantType, oauth.GrantJWTBearer))
		return r.setToken(ctx, oauth.ParamAssertion, g.Assertion, claims)
	case g.Exchange != nil:
		r.form.Set(oauth.ParamGrantType, cmp.Or(g.GrantType, oauth.GrantTokenExchange))
		return r.setExchange(ctx, g.Exchange, claims)
	case claims != nil:
		return errors.New("claims for a request, but no Assertion or Exchange to put them in")
	}
	r.form.Set(oauth.ParamGrantType, cmp.Or(g.GrantType, oauth.GrantClientCredentials))
	return nil
}

// setExchange sets the parameters of RFC 8693. The claims are the subject's.
func (r *grantRequest) setExchange(ctx context.Context, e *Exchange, claims any) error {
	r.form.Set(oauth.ParamSubjectTokenType, cmp.Or(e.SubjectType, TokenTypeJWT))
	if err := r.setToken(ctx, oauth.ParamSubjectToken, e.Subject, claims); err != nil {
		return err
	}
	if e.RequestedType != "" {
		r.form.Set(oauth.ParamRequestedTokenType, e.RequestedType)
	}
	if e.Actor == nil {
		return nil
	}
	r.form.Set(oauth.ParamActorTokenType, cmp.Or(e.ActorType, TokenTypeJWT))
	return r.setToken(ctx, oauth.ParamActorToken, e.Actor, nil)
}

// setClient says who the client is, and proves it.
func (r *grantRequest) setClient(ctx context.Context, g *Grant) error {
	if g.ClientSecret != nil {
		return r.setSecret(g)
	}
	if g.ClientID != "" {
		r.form.Set(oauth.ParamClientID, g.ClientID)
	}
	if g.ClientAssertion == nil {
		return nil
	}
	r.form.Set(oauth.ParamClientAssertionType, cmp.Or(g.ClientAssertionType, oauth.AssertionJWTBearer))
	return r.setToken(ctx, oauth.ParamClientAssertion, g.ClientAssertion, nil)
}

func (r *grantRequest) setSecret(g *Grant) error {
	secret, err := g.ClientSecret()
	if err != nil {
		return fmt.Errorf("client secret: %w", err)
	}
	r.secrets = append(r.secrets, secret, url.QueryEscape(secret))
	if g.SecretInBody {
		r.form.Set(oauth.ParamClientID, g.ClientID)
		r.form.Set(oauth.ParamClientSecret, secret)
		return nil
	}
	// Both parts are form-encoded first: RFC 6749 section 2.3.1.
	pair := url.QueryEscape(g.ClientID) + ":" + url.QueryEscape(secret)
	basic := base64.StdEncoding.EncodeToString([]byte(pair))
	r.header.Set("Authorization", "Basic "+basic)
	r.secrets = append(r.secrets, basic)
	return nil
}

// setToken sets a parameter to a token of the source, with the claims if there are any.
func (r *grantRequest) setToken(ctx context.Context, name string, source TokenSource, claims any) error {
	var token string
	var err error
	if claims == nil {
		token, _, err = source.Token(ctx)
	} else if withClaims, ok := source.(ClaimsSource); ok {
		token, _, err = withClaims.TokenWith(ctx, claims)
	} else {
		err = fmt.Errorf("a %T has no TokenWith method to take the claims of a request", source)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.form.Set(name, token)
	r.secrets = append(r.secrets, token)
	return nil
}

// addParams adds the caller's parameters, except those that another field sets.
func (r *grantRequest) addParams(g *Grant) error {
	if g.Params == nil {
		return nil
	}
	for name, values := range g.Params() {
		if r.form.Has(name) || slices.Contains(oauth.CredentialParams, name) {
			return fmt.Errorf("parameter %q is not for Params", name)
		}
		r.add(name, values)
		for _, value := range values {
			if len(value) >= minRedacted { // a shorter one is a flag or a number
				r.secrets = append(r.secrets, value)
			}
		}
	}
	return nil
}

func (r *grantRequest) add(name string, values []string) {
	for _, value := range values {
		r.form.Add(name, value)
	}
}

// http returns the request. Its body can be sent again, as [net/http] does
// where a server closes a connection without having looked at the request.
func (r *grantRequest) http(ctx context.Context, endpoint *url.URL) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint.String(), strings.NewReader(r.form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header = r.header
	return req, nil
}

// The types of tokens of RFC 8693 section 3 that an [Exchange] usually names.
const (
	TokenTypeJWT     = "urn:ietf:params:oauth:token-type:jwt"
	TokenTypeAccess  = "urn:ietf:params:oauth:token-type:access_token"
	TokenTypeIDToken = "urn:ietf:params:oauth:token-type:id_token"
)

// Exchange is the token that a [Grant] exchanges for an access token (RFC 8693
// section 2.1).
type Exchange struct {
	Subject       TokenSource // the token of the party on whose behalf it is asked; required
	SubjectType   string      // empty means [TokenTypeJWT]
	Actor         TokenSource // the token of the acting party, if it is another
	ActorType     string      // empty means [TokenTypeJWT]
	RequestedType string      // empty leaves it to the endpoint
}
