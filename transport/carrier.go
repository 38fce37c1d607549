package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// maxDrain is how much of a refused response is read, in bytes, so that its
// connection can be used again. A longer one closes the connection.
const maxDrain = 4 << 10

// maxChain bounds the walk back through redirects. [http.Client] follows ten.
const maxChain = 100

// A carrier is a [Bearer] at work: its configuration, checked, and the tokens
// it keeps.
type carrier struct {
	base        http.RoundTripper
	origins     []string // canonical; nil: the first of the chain
	plainHTTP   bool
	header      string // canonical
	prefix      string // what stands before the token
	retryUnsafe bool
	claims      func(*http.Request) (any, error)
	reporter    *reporter
	shared      tokens
	byClaims    *claimsCache
	prover      *tokenprofile.Prover // nil: no DPoP
	nonces      nonces
}

// newCarrier checks the configuration of the Bearer, and reports every fault.
// Nothing is fetched yet.
func newCarrier(b *Bearer) (*carrier, error) {
	origins, originsErr := canonicalOrigins(b.Origins, b.PlainHTTP)
	prover, proverErr := b.prover()
	if err := errors.Join(b.checkFields(), originsErr, proverErr); err != nil {
		return nil, err
	}
	c := &carrier{
		base: b.baseOrDefault(), origins: origins, plainHTTP: b.PlainHTTP, retryUnsafe: b.RetryUnsafe,
		claims: b.Claims, prover: prover, reporter: newReporter(b),
	}
	c.header, c.prefix = headerAndPrefix(b, prover != nil)
	c.shared = newTokens(b, c, nil)
	c.byClaims = newClaimsCache(b.MaxClaims, func(claims any) tokens { return newTokens(b, c, claims) })
	return c, nil
}

// headerAndPrefix returns the canonical name of the header and what stands
// before the token in it.
func headerAndPrefix(b *Bearer, proved bool) (header, prefix string) {
	header = "Authorization"
	if b.Header != "" {
		header = textproto.CanonicalMIMEHeaderKey(b.Header)
	}
	switch {
	case b.Scheme != "":
		return header, b.Scheme + " "
	case header != "Authorization":
		return header, ""
	case proved:
		return header, oauth.SchemeDPoP + " "
	}
	return header, oauth.SchemeBearer + " "
}

// roundTrip carries out [Bearer.RoundTrip].
func (c *carrier) roundTrip(req *http.Request) (*http.Response, error) {
	meant, err := c.meant(req)
	if err != nil {
		return nil, refuse(req, err)
	}
	if !meant {
		return c.base.RoundTrip(req)
	}
	tokens, err := c.tokensFor(req)
	if err != nil {
		return nil, refuse(req, err)
	}
	header, err := tokens.header(req.Context())
	if err != nil {
		return nil, refuse(req, err)
	}
	resp, err := c.send(req, req.Body, header)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	resp, err = c.retry(req, resp, tokens, header)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		c.reporter.refused(req)
	}
	return resp, err
}

// meant reports whether the token is meant for the request.
//
// It is not if the caller set the header; nor on a redirect away from the
// origin that the caller named (RFC 9700 section 4.11 is about hosts that
// redirect where they should not), nor on any that follows, be it back to that
// origin: somebody else has chosen what it asks for. Only the caller's own
// choice of an origin that no token may travel to is an error, because sending
// the request without its token would hide the mistake behind a 401.
func (c *carrier) meant(req *http.Request) (bool, error) {
	if req.URL == nil {
		return false, errors.New("transport: the request has no URL")
	}
	first := firstOfChain(req)
	if first == nil || hasHeader(first, c.header) || hasHeader(req, c.header) {
		return false, nil
	}
	if c.origins == nil {
		if err := jwks.CheckURL(first.URL, c.plainHTTP); err != nil {
			return false, fmt.Errorf("transport: the request carries no token: %w", err)
		}
	}
	for hop := req; ; hop = hop.Response.Request {
		if !c.trusts(hop.URL, first.URL) {
			return false, nil
		}
		if hop == first {
			return true, nil
		}
	}
}

// firstOfChain returns the request that the caller made, of which req is
// perhaps a redirect: net/http sets Response on those it makes to follow one.
// It returns nil if the chain cannot be followed to its beginning.
func firstOfChain(req *http.Request) *http.Request {
	for range maxChain {
		if req.Response == nil {
			return req
		}
		req = req.Response.Request
		if req == nil || req.URL == nil {
			return nil
		}
	}
	return nil
}

// trusts reports whether the token may go to the URL, in a chain of redirects
// from the first.
func (c *carrier) trusts(u, first *url.URL) bool {
	if c.origins == nil {
		return u == first || origin(u) == origin(first)
	}
	return slices.Contains(c.origins, origin(u))
}

// tokensFor returns the tokens that have the claims of the request.
func (c *carrier) tokensFor(req *http.Request) (tokens, error) {
	if c.claims == nil {
		return c.shared, nil
	}
	claims, err := c.claims(req)
	if err != nil {
		return nil, fmt.Errorf("transport: claims of the request: %w", err)
	}
	if claims == nil {
		return c.shared, nil
	}
	return c.byClaims.tokens(claims)
}

// send sends a copy of the request that has the token. The response names the
// request itself: callers log response.Request, redirects are followed from it.
func (c *carrier) send(req *http.Request, body io.ReadCloser, header string) (*http.Response, error) {
	copied := &struct { // a shallow copy with the value that is added, in one allocation
		http.Request
		token [1]string
	}{*req, [1]string{header}}
	sent := &copied.Request
	sent.Body = body
	sent.Header = req.Header.Clone()
	if sent.Header == nil {
		sent.Header = make(http.Header, 1)
	}
	sent.Header[c.header] = copied.token[:]
	if c.prover != nil {
		if err := c.nonces.prove(sent, c.prover, header[len(c.prefix):]); err != nil {
			return nil, refuse(sent, fmt.Errorf("transport: DPoP proof: %w", err))
		}
	}
	resp, err := c.base.RoundTrip(sent)
	if err == nil && resp == nil {
		err = fmt.Errorf("transport: the Base, a %T, returned neither a response nor an error", c.base)
	}
	if err != nil {
		return nil, err
	}
	if c.prover != nil {
		c.nonces.learn(req.URL, resp.Header)
	}
	resp.Request = req
	return resp, nil
}

// retry answers a 401 to the token. A server that asks for a DPoP nonce gets
// the request again with the nonce; one that refuses the token gets it again
// with a new token. Each happens once.
func (c *carrier) retry(req *http.Request, resp *http.Response, tokens tokens, header string) (*http.Response, error) {
	if c.asksForNonce(resp) && replayable(req) {
		var err error
		resp, header, err = c.repeat(req, resp, tokens)
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
	}
	if c.asksForNonce(resp) { // not a word about the token
		return resp, nil
	}
	if !tokens.refused(header) || !c.harmless(req) || !replayable(req) {
		return resp, nil
	}
	resp, _, err := c.repeat(req, resp, tokens, header)
	return resp, err
}

// asksForNonce reports whether the lack of a nonce, which the response brings,
// was the reason for the 401 (RFC 9449 section 9).
func (c *carrier) asksForNonce(resp *http.Response) bool {
	return c.prover != nil && resp.Header.Get(oauth.HeaderNonce) != "" &&
		strings.Contains(strings.Join(resp.Header["Www-Authenticate"], ","), oauth.CodeUseNonce)
}

// repeat sends the request again with the token that is now current. If that
// is not possible, or the token is one that was refused, it returns the
// response as it came.
func (c *carrier) repeat(req *http.Request, resp *http.Response, tokens tokens, refused ...string) (*http.Response, string, error) {
	header, err := tokens.header(req.Context())
	if err != nil || slices.Contains(refused, header) {
		return resp, header, nil
	}
	body := req.Body
	if hasBody(req) {
		if body, err = req.GetBody(); err != nil {
			return resp, header, nil
		}
	}
	io.CopyN(io.Discard, resp.Body, maxDrain)
	resp.Body.Close()
	repeated, err := c.send(req, body, header)
	return repeated, header, err
}

// harmless reports whether repeating the request does no harm, even if it had
// an effect although it was refused.
func (c *carrier) harmless(req *http.Request) bool {
	if c.retryUnsafe || hasHeader(req, "Idempotency-Key") {
		return true
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// status carries out [Bearer.Status].
func (c *carrier) status() Status {
	s := c.shared.status(time.Now())
	s.Claims = c.byClaims.count()
	if last := c.reporter.last.Load(); last != nil {
		s.Last = *last
	}
	return s
}

// refuse closes the request's body, as a RoundTripper must on errors too.
func refuse(req *http.Request, err error) error {
	if req.Body != nil {
		req.Body.Close()
	}
	return err
}

// replayable reports whether the request can be sent a second time.
func replayable(req *http.Request) bool { return !hasBody(req) || req.GetBody != nil }

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// hasHeader reports whether the header is set, even to nothing.
func hasHeader(req *http.Request, name string) bool {
	_, ok := req.Header[name]
	return ok
}
