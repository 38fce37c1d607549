package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// bearerState is a Bearer's configuration, checked, and the tokens it keeps.
type bearerState struct {
	base        http.RoundTripper
	origins     []string // canonical; nil: the first of the chain
	header      string   // canonical
	prefix      string   // what stands before the token
	retryUnsafe bool
	claims      func(*http.Request) (any, error)
	shared      tokens
	byClaims    *claimsCache         // nil without Bearer.Claims
	prover      *tokenprofile.Prover // nil: no DPoP
	nonces      nonces
}

// tokens yields the token to send next, as the value of its header, scheme
// included, and is told when one was refused.
type tokens interface {
	header(ctx context.Context) (string, error)
	// refused reports whether asking for a token again can yield another.
	refused(header string) bool
}

// ready returns the state, which the first request builds. Building it twice
// at the same time does no harm: one of the two wins, and neither has done
// anything yet.
func (b *Bearer) ready() (*bearerState, error) {
	if state := b.state.Load(); state != nil {
		return state, nil
	}
	state, err := b.build()
	if err != nil {
		return nil, err
	}
	b.state.CompareAndSwap(nil, state)
	return b.state.Load(), nil
}

func (b *Bearer) build() (*bearerState, error) {
	if b.Source == nil {
		return nil, errors.New("transport: Bearer has no Source")
	}
	origins, err := canonicalOrigins(b.Origins)
	if err != nil {
		return nil, err
	}
	prover, err := b.prover()
	if err != nil {
		return nil, err
	}
	s := &bearerState{
		base:        b.baseOrDefault(),
		origins:     origins,
		retryUnsafe: b.RetryUnsafe,
		claims:      b.Claims,
		prover:      prover,
	}
	s.header, s.prefix = b.headerAndPrefix(prover != nil)
	s.shared = b.keep(s.prefix, b.Source.Token)
	if b.Claims == nil {
		return s, nil
	}
	source, ok := b.Source.(ClaimsSource)
	if !ok {
		return nil, fmt.Errorf("transport: Bearer has Claims, but its Source, a %T, has no TokenWith method to take them", b.Source)
	}
	s.byClaims = newClaimsCache(func(claims any) tokens {
		return b.keep(s.prefix, func(ctx context.Context) (string, time.Time, error) { return source.TokenWith(ctx, claims) })
	})
	return s, nil
}

// prover returns the prover of the proofs that go with the token.
func (b *Bearer) prover() (*tokenprofile.Prover, error) {
	grant, ok := b.Source.(*Grant)
	if !ok || grant == nil || grant.DPoP == nil {
		return b.DPoP, nil
	}
	if b.DPoP != nil && b.DPoP != grant.DPoP {
		return nil, errors.New("transport: Bearer and its Grant have different DPoP keys, but a token is bound to one")
	}
	return grant.DPoP, nil
}

// headerAndPrefix returns the canonical name of the header and what stands
// before the token in it.
func (b *Bearer) headerAndPrefix(proved bool) (header, prefix string) {
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
		return header, schemeDPoP + " "
	}
	return header, schemeBearer + " "
}

// keep returns the tokens of fetch: kept and renewed, or one for each request.
func (b *Bearer) keep(prefix string, fetch fetchFunc) tokens {
	if source, ok := b.Source.(interface{ OneUse() bool }); ok && source.OneUse() {
		return &oneUse{fetch: fetch, prefix: prefix, onRefresh: b.OnRefresh}
	}
	return &renewal{fetch: fetch, prefix: prefix, early: b.EarlyRefresh, onRefresh: b.OnRefresh}
}

// tokensFor returns the tokens that have the claims of the request.
func (s *bearerState) tokensFor(req *http.Request) (tokens, error) {
	if s.claims == nil {
		return s.shared, nil
	}
	claims, err := s.claims(req)
	if err != nil {
		return nil, fmt.Errorf("transport: claims of the request: %w", err)
	}
	if claims == nil {
		return s.shared, nil
	}
	return s.byClaims.tokens(claims)
}

// send sends a copy of the request that has the token. The response names the
// request itself: callers log response.Request, redirects are followed from it.
func (s *bearerState) send(req *http.Request, body io.ReadCloser, header string) (*http.Response, error) {
	carrier := req.WithContext(req.Context()) // a shallow copy
	carrier.Body = body
	carrier.Header = req.Header.Clone()
	if carrier.Header == nil {
		carrier.Header = make(http.Header, 1)
	}
	carrier.Header[s.header] = []string{header}
	if err := s.nonces.prove(carrier, s.prover, header[len(s.prefix):]); err != nil {
		return nil, refuse(carrier, fmt.Errorf("transport: DPoP proof: %w", err))
	}
	resp, err := s.base.RoundTrip(carrier)
	if err == nil && resp == nil {
		err = fmt.Errorf("transport: the Base, a %T, returned neither a response nor an error", s.base)
	}
	if err != nil {
		return nil, err
	}
	if s.prover != nil {
		s.nonces.learn(req.URL, resp.Header)
	}
	resp.Request = req
	return resp, nil
}

// refuse closes the request's body, as a RoundTripper must on errors too.
func refuse(req *http.Request, err error) error {
	if req.Body != nil {
		req.Body.Close()
	}
	return err
}
