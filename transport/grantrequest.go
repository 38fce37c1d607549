package transport

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// attempt is one request and its answer.
func (g *Grant) attempt(ctx context.Context, endpoint *url.URL, claims any) (*grantedToken, error) {
	form, err := g.form(ctx, claims)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint.String(), nil)
	if err != nil {
		return nil, err
	}
	secrets, err := g.authenticate(req, form)
	if err != nil {
		return nil, err
	}
	body := form.Encode()
	req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if err := g.nonces.prove(req, g.DPoP, ""); err != nil {
		return nil, fmt.Errorf("DPoP proof: %w", err)
	}
	start := time.Now() // expires_in counts from a moment not before this one
	resp, err := g.client().Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	g.nonces.learn(req.URL, resp.Header)
	return readGrant(resp, start, g.DPoP != nil, append(secrets, sentSecrets(form)...))
}

// form returns the parameters of the request.
func (g *Grant) form(ctx context.Context, claims any) (url.Values, error) {
	form := url.Values{}
	err := g.grantForm(ctx, form, claims)
	if err == nil && g.ClientAssertion != nil {
		form.Set(paramClientAssertionType, assertionJWTBearer)
		err = setToken(ctx, form, paramClientAssertion, g.ClientAssertion, nil)
	}
	if err != nil {
		return nil, err
	}
	if len(g.Scopes) > 0 {
		form.Set(paramScope, strings.Join(g.Scopes, " "))
	}
	setAll(form, paramResource, g.Resources)
	setAll(form, paramAudience, g.Audiences)
	for name, values := range g.Params {
		if form.Has(name) || name == paramClientID || slices.Contains(credentialParams, name) {
			return nil, fmt.Errorf("parameter %q is not for Params", name)
		}
		setAll(form, name, values)
	}
	return form, nil
}

// grantForm sets the parameters that the kind of grant asks for.
func (g *Grant) grantForm(ctx context.Context, form url.Values, claims any) error {
	switch {
	case g.Assertion != nil:
		form.Set(paramGrantType, grantJWTBearer)
		return setToken(ctx, form, paramAssertion, g.Assertion, claims)
	case g.Exchange != nil:
		form.Set(paramGrantType, grantTokenExchange)
		return g.Exchange.set(ctx, form, claims)
	case claims != nil:
		return errors.New("claims for a request, but no Assertion or Exchange to put them in")
	}
	form.Set(paramGrantType, grantClientCredentials)
	return nil
}

// authenticate says who the client is, and returns the secrets it used.
func (g *Grant) authenticate(req *http.Request, form url.Values) ([]string, error) {
	if g.ClientSecret == nil {
		if g.ClientID != "" {
			form.Set(paramClientID, g.ClientID)
		}
		return nil, nil
	}
	secret, err := g.ClientSecret()
	if err != nil {
		return nil, fmt.Errorf("client secret: %w", err)
	}
	if g.SecretInBody {
		form.Set(paramClientID, g.ClientID)
		form.Set(paramClientSecret, secret)
		return []string{secret}, nil
	}
	// Both parts are form-encoded first: RFC 6749 section 2.3.1.
	pair := url.QueryEscape(g.ClientID) + ":" + url.QueryEscape(secret)
	basic := base64.StdEncoding.EncodeToString([]byte(pair))
	req.Header.Set("Authorization", "Basic "+basic)
	return []string{secret, basic}, nil
}

// client returns the client, but one that hands a redirect back instead of
// sending the credentials where it points.
func (g *Grant) client() *http.Client {
	var client http.Client
	if g.HTTPClient != nil {
		client = *g.HTTPClient
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// setToken sets a parameter to a token of the source, with the claims if there are any.
func setToken(ctx context.Context, form url.Values, name string, source TokenSource, claims any) error {
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
	form.Set(name, token)
	return nil
}

func setAll(form url.Values, name string, values []string) {
	for _, value := range values {
		form.Add(name, value)
	}
}

// credentialParams are the parameters that hold a secret.
var credentialParams = []string{paramAssertion, paramClientAssertion, paramClientSecret, paramSubjectToken, paramActorToken}

// sentSecrets returns the secrets that are sent, so that no answer can bring
// them into an error.
func sentSecrets(form url.Values) []string {
	var secrets []string
	for _, name := range credentialParams {
		secrets = append(secrets, form.Get(name))
	}
	return secrets
}

// withoutURL drops the URL that net/http puts into its errors: the endpoint is
// named already, and a query may hold what is nobody's business.
func withoutURL(err error) error {
	var urlError *url.Error
	if errors.As(err, &urlError) {
		return urlError.Err
	}
	return err
}
