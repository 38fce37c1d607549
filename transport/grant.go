package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// grantTimeout is for all of one answer of a token endpoint.
const grantTimeout = 10 * time.Second

// Grant is a [TokenSource] that gets access tokens from a token endpoint (RFC
// 6749 section 3.2).
//
// With an Assertion it sends that for a grant (RFC 7523 section 2.1, the JWT
// bearer grant), with an Exchange it trades one token for another (RFC 8693),
// and with neither it asks for a token of the client's own (RFC 6749 section
// 4.4, client credentials). One Grant can be the Assertion or the Subject of
// another, even if its token is not an access token. The client authenticates
// by a ClientAssertion (RFC 7523 section 2.2, private_key_jwt), by a
// ClientSecret, by the certificate of HTTPClient (RFC 8705), or, where the
// assertion says enough, not at all. What an assertion says, its aud and its
// typ, is its profile's matter: the endpoint's URL as ever, or the issuer and
// client-authentication+jwt as RFC 7523bis has it.
//
// Each call is one exchange, with newly signed assertions, so that their jti
// is never seen twice; a [Bearer] around the Grant keeps the tokens, and pauses
// after failures. A refusal is a [*GrantError].
//
// The endpoint must be https, or http on a loopback address; see PlainHTTP. A call takes at
// most 10 seconds, reads at most 1 MiB, and follows no redirect: what it sends
// is meant for this endpoint alone. It is safe for concurrent use.
//
// Unlike golang.org/x/oauth2, it keeps no context, so that the caller's
// deadline governs the fetch; it never follows a redirect with the client's
// credentials; and it knows DPoP and RFC 8693.
type Grant struct {
	// TokenURL is the token endpoint. It is required.
	TokenURL string

	// Assertion yields the assertion to exchange, usually a [tokenprofile.Signer].
	Assertion TokenSource

	// Exchange is the token to exchange.
	Exchange *Exchange

	// GrantType is the grant_type by name, for an endpoint that has its own.
	// Empty means the standard's: for an Assertion, an Exchange or neither.
	GrantType string

	// ClientAssertion yields what the client authenticates with, usually a
	// [tokenprofile.Signer] whose profile's issuer and subject are the client id.
	ClientAssertion TokenSource

	// ClientAssertionType is the client_assertion_type by name, like
	// "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe". Empty means that
	// of RFC 7523.
	ClientAssertionType string

	// ClientID is the client's id. It may be empty with an Assertion or a
	// ClientAssertion, which names the client itself.
	ClientID string

	// ClientSecret is called for every exchange, so that the secret is not kept
	// and may change. It is sent as HTTP Basic credentials.
	ClientSecret keystore.Password

	// SecretInBody sends the client secret as a parameter, for endpoints that
	// do not take HTTP Basic (RFC 6749 section 2.3.1).
	SecretInBody bool

	// Scopes are asked for. None leaves the scope to the endpoint.
	Scopes []string

	// Resources are where the token will be used, as absolute URIs (RFC 8707).
	Resources []string

	// Audiences name where the token will be used (RFC 8693 section 2.1), for
	// endpoints that take names instead of URIs.
	Audiences []string

	// Params, if not nil, yields further parameters. It is called for every
	// exchange. It is a function, so that no verb and no encoding prints them. No
	// parameter may have a name that another field has set, or that is for
	// credentials.
	Params func() url.Values

	// IDToken takes the id_token of the answer, where that is what the endpoint
	// was asked for, as Google's are with a target_audience. It is used for the
	// time between its iat and exp, or 5 minutes if it does not say.
	IDToken bool

	// DPoP, if not nil, proves possession of its key to the endpoint, which
	// binds the token to it (RFC 9449 section 5). A [Bearer] with this Grant
	// for a source then proves it to the resource too.
	DPoP *tokenprofile.Prover

	// PlainHTTP lets tokens travel over http to other machines, where something
	// else encrypts them: a service mesh, a tunnel, docker compose. Whoever can
	// read that network can use them, and the client's secret too.
	PlainHTTP bool

	// HTTPClient sends the request. Nil means a client with [http.DefaultTransport].
	HTTPClient *http.Client

	// Logger, if not nil, gets a line for each exchange: a warning if it failed,
	// with the reason, else a debug message. Of warnings it gets at most 10 in 10
	// seconds. A [Bearer] with a Logger needs none here.
	Logger *slog.Logger

	nonces   nonces
	throttle throttle
}

var (
	_ TokenSource  = (*Grant)(nil)
	_ ClaimsSource = (*Grant)(nil)
)

// Validate reports every fault of the fields at once, a URL that no token may
// come from for instance. Nothing is sent.
func (g *Grant) Validate() error {
	_, err := g.check()
	return err
}

// Token gets a token.
func (g *Grant) Token(ctx context.Context) (token string, expiry time.Time, err error) {
	return g.TokenWith(ctx, nil)
}

// TokenWith gets a token for an assertion, or for the subject token of an
// exchange, that has further claims. Its source must be a [ClaimsSource].
func (g *Grant) TokenWith(ctx context.Context, claims any) (token string, expiry time.Time, err error) {
	answer, err := g.Ask(ctx, claims)
	if err != nil {
		return "", time.Time{}, err
	}
	token, expiry = answer.Token()
	return token, expiry, nil
}

// Ask gets a token as [Grant.TokenWith] does, and returns all that the endpoint
// says with it. Claims may be nil.
func (g *Grant) Ask(ctx context.Context, claims any) (GrantAnswer, error) {
	endpoint, err := g.check()
	if err != nil {
		return GrantAnswer{}, err
	}
	start := time.Now()
	answer, err := g.exchange(ctx, endpoint, claims)
	if err != nil {
		err = fmt.Errorf("token endpoint %s: %w", endpoint.Host, err)
	}
	g.report(answer, time.Since(start), err)
	return answer, err
}

func (g *Grant) exchange(ctx context.Context, endpoint *url.URL, claims any) (GrantAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, grantTimeout)
	defer cancel()
	answer, err := g.attempt(ctx, endpoint, claims)
	var refusal *GrantError
	if g.DPoP != nil && errors.As(err, &refusal) && refusal.Code == oauth.CodeUseNonce {
		return g.attempt(ctx, endpoint, claims) // with the nonce the refusal brought: RFC 9449 section 8
	}
	return answer, err
}

// report logs an exchange.
func (g *Grant) report(answer GrantAnswer, took time.Duration, err error) {
	about := []slog.Attr{slog.String("source", g.String()), slog.Duration("duration", took)}
	if err != nil {
		g.throttle.log(context.Background(), g.Logger, slog.LevelWarn, "token not granted", append(about, fault(err)...)...)
	} else if g.Logger != nil {
		_, expiry := answer.Token()
		g.Logger.LogAttrs(context.Background(), slog.LevelDebug, "token granted", append(about, at("expiry", expiry)...)...)
	}
}

// String names the host of the token endpoint.
func (g *Grant) String() string {
	if g == nil {
		return "no grant"
	}
	endpoint, err := url.Parse(g.TokenURL)
	if err != nil {
		return "grant at a malformed URL"
	}
	return "grant at " + endpoint.Host
}

// Format prints what [Grant.String] returns, whatever the verb, because the
// fields are not for logs.
func (g *Grant) Format(f fmt.State, _ rune) { io.WriteString(f, g.String()) }

// LogValue returns what [Grant.String] returns.
func (g *Grant) LogValue() slog.Value { return slog.StringValue(g.String()) }

// attempt sends one request and reads the answer.
func (g *Grant) attempt(ctx context.Context, endpoint *url.URL, claims any) (GrantAnswer, error) {
	request, err := newGrantRequest(ctx, g, claims)
	if err != nil {
		return GrantAnswer{}, err
	}
	req, err := request.http(ctx, endpoint)
	if err != nil {
		return GrantAnswer{}, err
	}
	if g.DPoP != nil {
		if err := g.nonces.prove(req, g.DPoP, ""); err != nil {
			return GrantAnswer{}, fmt.Errorf("DPoP proof: %w", err)
		}
	}
	start := time.Now() // expires_in counts from a moment not before this one
	resp, err := g.client().Do(req)
	if err != nil {
		return GrantAnswer{}, withoutURL(err)
	}
	defer resp.Body.Close()
	g.nonces.learn(req.URL, resp.Header)
	return readAnswer(resp, g, start, request.secrets)
}

// client returns a copy of the client that follows no redirect, because the
// credentials must not be sent elsewhere.
func (g *Grant) client() *http.Client {
	var client http.Client
	if g.HTTPClient != nil {
		client = *g.HTTPClient
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// check is [Grant.Validate], and returns the TokenURL.
func (g *Grant) check() (*url.URL, error) {
	if g == nil {
		return nil, errors.New("transport: Grant is nil")
	}
	var faults []error
	fault := func(found bool, text string) {
		if found {
			faults = append(faults, errors.New(text))
		}
	}
	endpoint, err := url.Parse(g.TokenURL)
	switch {
	case g.TokenURL == "":
		faults = append(faults, errors.New("no TokenURL"))
	case err != nil || !isAddress(endpoint):
		faults = append(faults, errors.New("the TokenURL is not an absolute URL without user and fragment"))
	default:
		if err := jwks.CheckURL(endpoint, g.PlainHTTP); err != nil {
			faults = append(faults, fmt.Errorf("TokenURL: %w", err))
		}
	}
	fault(g.Assertion != nil && g.Exchange != nil, "both Assertion and Exchange, where one is the grant")
	fault(g.Exchange != nil && g.Exchange.Subject == nil, "Exchange has no Subject")
	fault(g.ClientAssertion != nil && g.ClientSecret != nil, "both ClientAssertion and ClientSecret, where one authenticates the client")
	fault(g.IDToken && g.DPoP != nil, "both IDToken and DPoP, which binds access tokens only")
	fault(g.ClientSecret != nil && g.ClientID == "", "a ClientSecret without a ClientID")
	fault(g.Assertion == nil && g.Exchange == nil && g.ClientAssertion == nil && g.ClientID == "" && g.GrantType == "", "nothing to ask with: no Assertion, Exchange, ClientAssertion or ClientID")
	faults = append(faults, g.faultsOfSources()...)
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("transport: Grant: %w", err)
	}
	return endpoint, nil
}

// faultsOfSources asks the sources that have a method Validate, as a Grant has.
func (g *Grant) faultsOfSources() (faults []error) {
	e := g.Exchange
	if e == nil {
		e = new(Exchange)
	}
	for _, s := range []struct {
		name   string
		source TokenSource
	}{{"Assertion", g.Assertion}, {"Subject", e.Subject}, {"Actor", e.Actor}, {"ClientAssertion", g.ClientAssertion}} {
		if err := validate(s.source); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return faults
}
