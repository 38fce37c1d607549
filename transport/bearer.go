package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A TokenSource yields the token of a request. The expiry tells how long the
// token may be used; a zero expiry means that the source does not know, and
// the token is used until a server refuses it. Token honours ctx.
//
// A source with a method OneUse() bool that answers true has tokens that are
// good for one request: it is asked anew for every request and every retry. One
// with a method Now() time.Time tells the expiry by that clock, which need not
// be this machine's. Both are methods of a [tokenprofile.Signer].
type TokenSource interface {
	Token(ctx context.Context) (token string, expiry time.Time, err error)
}

// A ClaimsSource yields tokens with claims of the caller's, as
// [tokenprofile.Signer.TokenWith] does.
type ClaimsSource interface {
	TokenWith(ctx context.Context, claims any) (token string, expiry time.Time, err error)
}

// Bearer is an [http.RoundTripper] that adds the token of its source to every
// request (RFC 6750 section 2.1).
//
// The token is fetched once for all requests that need it, kept until it is
// about to expire, and renewed ahead: one request starts the renewal, the
// others go on with the old token, and none waits. Without a usable token, a
// request waits for the fetch as long as its own context allows; if it leaves
// early, the others are not affected. A failed fetch answers all who wait for
// it, and the source is not asked again until a pause has passed, which grows
// with every failure from about a second to about a minute and is at least what
// [GrantError.RetryAfter] asks for. In that pause the old token is used while
// it is valid; then requests fail at once with the last error.
//
// A shared fetch runs under a context of its own, without the values of the
// request that started it: neither its trace nor its user may affect a token
// that other requests carry. What depends on the request belongs in Claims.
//
// The token goes to the origin of the request, over https, or over http to a
// loopback address; see PlainHTTP. A redirect to another origin is followed
// without it, and so are all redirects from there; see Origins. A request in
// which the caller has set the header is sent as it is, also through redirects.
//
// The zero Bearer with a Source is ready to use. Its fields must not be
// changed once it is in use. It is safe for concurrent use.
type Bearer struct {
	// Source yields the tokens. It is required.
	Source TokenSource

	// Claims, if not nil, yields the claims the token of this request has
	// beyond the profile's: the acting user, the audience of this host. The
	// Source must then be a [ClaimsSource]. Tokens are kept per distinct
	// claims; nil claims mean the token all share. Claims must be safe for
	// concurrent use and must not change the request; the value it returns must
	// not be changed afterwards.
	Claims func(*http.Request) (any, error)

	// MaxClaims is how many distinct claims tokens are kept for: for instance, the
	// users that are active at a time. With more, some tokens are fetched again.
	// Each takes a kilobyte or two. Zero means 1024; it must not be negative.
	MaxClaims int

	// Origins are the only ones that get the token, like "https://api.example" or
	// "https://api.example:8443". A request to any other is sent without it, and
	// so is what that one redirects to. Nil means the origin that the request, or
	// the first request of a chain of redirects, names. Set it if something other
	// than [http.Client] follows redirects with requests of its own.
	Origins []string

	// PlainHTTP lets tokens travel over http to other machines, where something
	// else encrypts them: a service mesh, a tunnel, docker compose. Whoever can
	// read that network can use them.
	PlainHTTP bool

	// Base sends the requests. Nil means [http.DefaultTransport].
	Base http.RoundTripper

	// EarlyRefresh is the share of a token's lifetime before its end in which
	// it is renewed ahead. Zero means 0.15; negative means not ahead. The time
	// is spread by a third to either side, so that a fleet does not renew at
	// once, and is at least 10 seconds and at most 5 minutes, but never more
	// than half the lifetime.
	EarlyRefresh float64

	// Header carries the token. Empty means Authorization.
	Header string

	// Scheme stands before the token. Empty means Bearer, or DPoP with a
	// prover, in the Authorization header, and the token alone in any other.
	Scheme string

	// DPoP, if not nil, proves with every request that the client holds the key
	// the token is bound to (RFC 9449 section 7). Nil means the DPoP of a Source
	// that is a [Grant].
	DPoP *tokenprofile.Prover

	// RetryUnsafe lets a request that was refused with 401 be repeated with a
	// new token whatever its method. Otherwise only those that RFC 9110
	// section 9.2.2 calls idempotent are, and those with an Idempotency-Key.
	RetryUnsafe bool

	// OnRefresh, if not nil, is called once for each fetch, good or failed, after
	// those who wait for it were answered.
	OnRefresh func(Refresh)

	// Logger, if not nil, gets a line for each fetch: a warning if it failed, with
	// the reason and when the next may begin; information for the first good one
	// after failures; else a debug message. It also gets a warning when a server
	// refuses a renewed token. Of warnings and information it gets at most 10
	// lines in 10 seconds.
	Logger *slog.Logger

	carrier atomic.Pointer[carrier]
}

var _ http.RoundTripper = (*Bearer)(nil)

// Wrap returns a copy of the client whose requests carry the token of the
// source. A nil client means [http.DefaultClient]. It is the short form of
// [Bearer] with the client's transport for a base.
func Wrap(client *http.Client, source TokenSource) *http.Client {
	if client == nil {
		client = http.DefaultClient
	}
	wrapped := *client
	wrapped.Transport = &Bearer{Source: source, Base: client.Transport}
	return &wrapped
}

// Validate reports every fault of the fields at once, and those of a Source
// that has a method Validate, as [Grant] does. Nothing is fetched, and fields
// may still be set. Without it the first request reports them.
func (b *Bearer) Validate() error {
	if b == nil {
		return errors.New("transport: Bearer is nil")
	}
	_, err := newCarrier(b)
	return err
}

// RoundTrip sends the request with a token. The request is not changed, its
// body is closed whatever happens, and the response names it, not the copy
// with the token, as its Request.
func (b *Bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := b.ready()
	if err != nil {
		return nil, refuse(req, err)
	}
	return c.roundTrip(req)
}

// GetRequestMetadata and [Bearer.RequireTransportSecurity] are what gRPC asks
// of its credentials.PerRPCCredentials, so that a Bearer can be one:
// grpc.WithPerRPCCredentials(bearer). The token is the one that HTTP requests
// of the same Bearer carry, under the same rules for keeping and renewing it.
//
// With Origins, a call to any other goes without a token. Claims and DPoP need
// an HTTP request, and a Bearer that has them is refused here.
func (b *Bearer) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	c, err := b.ready()
	if err != nil {
		return nil, err
	}
	if c.claims != nil || c.prover != nil {
		return nil, errors.New("transport: Claims and DPoP are for HTTP requests, not for gRPC calls")
	}
	for _, u := range uri {
		target, err := url.Parse(u)
		if err != nil {
			return nil, fmt.Errorf("transport: the call's URI: %w", withoutURL(err))
		}
		if c.origins != nil && !slices.Contains(c.origins, origin(target)) {
			return nil, nil
		}
	}
	header, err := c.shared.header(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{strings.ToLower(c.header): header}, nil
}

// RequireTransportSecurity reports true unless PlainHTTP says that something
// else encrypts.
func (b *Bearer) RequireTransportSecurity() bool { return b == nil || !b.PlainHTTP }

// CloseIdleConnections closes those of the base, as [http.Client.CloseIdleConnections] asks.
func (b *Bearer) CloseIdleConnections() {
	if b == nil {
		return
	}
	if base, ok := b.baseOrDefault().(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// Status returns the state of the Bearer. It fetches nothing.
func (b *Bearer) Status() Status {
	c, err := b.ready()
	if err != nil {
		return Status{Last: Refresh{Err: err}}
	}
	return c.status()
}

// Format prints the name of the type whatever the verb, because no verb may print a token.
func (b *Bearer) Format(f fmt.State, _ rune) { io.WriteString(f, "transport.Bearer") }

// ready returns the carrier, which the first request builds. Two requests may
// build it at the same time: one of the two is kept, and neither has done
// anything yet.
func (b *Bearer) ready() (*carrier, error) {
	if b == nil {
		return nil, errors.New("transport: Bearer is nil")
	}
	if c := b.carrier.Load(); c != nil {
		return c, nil
	}
	c, err := newCarrier(b)
	if err != nil {
		return nil, err
	}
	b.carrier.CompareAndSwap(nil, c)
	return b.carrier.Load(), nil
}

// checkFields reports fields that can never do, or not together.
func (b *Bearer) checkFields() error {
	if b.Source == nil {
		return errors.New("transport: Bearer has no Source")
	}
	var faults []error
	if b.MaxClaims < 0 {
		faults = append(faults, errors.New("transport: Bearer has a negative MaxClaims"))
	}
	if _, ok := b.Source.(ClaimsSource); b.Claims != nil && !ok {
		faults = append(faults, fmt.Errorf("transport: Bearer has Claims, but its Source, a %T, has no TokenWith method to take them", b.Source))
	}
	return errors.Join(append(faults, validate(b.Source))...)
}

// validate reports the faults of a source that has a method for it.
func validate(source TokenSource) error {
	if s, ok := source.(interface{ Validate() error }); ok {
		return s.Validate()
	}
	return nil
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

func (b *Bearer) baseOrDefault() http.RoundTripper {
	if b.Base == nil {
		return http.DefaultTransport
	}
	return b.Base
}
