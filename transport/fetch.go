package transport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	minPause = time.Second // between failed fetches, doubled by each
	maxPause = time.Minute
)

// tokens yields the token to send next, as the value of its header, scheme
// included, and is told when one was refused.
type tokens interface {
	header(ctx context.Context) (string, error)
	// refused reports whether asking for a token again can yield another.
	refused(header string) bool
}

// newTokens returns the tokens with the claims, nil for the profile's alone:
// kept and renewed, or one for each request.
func newTokens(b *Bearer, prefix string, claims any) tokens {
	fetch := fetchFrom(b.Source, claims)
	if source, ok := b.Source.(interface{ OneUse() bool }); ok && source.OneUse() {
		return &oneUse{fetch: fetch, prefix: prefix, onRefresh: b.OnRefresh}
	}
	return &renewal{fetch: fetch, prefix: prefix, early: b.EarlyRefresh, onRefresh: b.OnRefresh}
}

// A fetchFunc asks a source for a token.
type fetchFunc func(ctx context.Context) (token string, expiry time.Time, err error)

// fetchFrom returns the function that asks the source for a token that requests
// may carry.
func fetchFrom(source TokenSource, claims any) fetchFunc {
	if grant, ok := source.(*Grant); ok {
		return func(ctx context.Context) (string, time.Time, error) { return grant.accessToken(ctx, claims) }
	}
	if claims == nil {
		return source.Token
	}
	return func(ctx context.Context) (string, time.Time, error) {
		return source.(ClaimsSource).TokenWith(ctx, claims)
	}
}

// An outcome is what a source answered.
type outcome struct {
	token  string
	expiry time.Time
	err    error
	at     time.Time
	took   time.Duration
}

// observe asks the source, and takes neither nothing nor an expired token for an answer.
func observe(ctx context.Context, fetch fetchFunc) outcome {
	start := time.Now()
	token, expiry, err := fetch(ctx)
	now := time.Now()
	switch {
	case err != nil:
		err = fmt.Errorf("transport: no token: %w", err)
	case token == "":
		err = errors.New("transport: no token: the source returned an empty one")
	case !isHeaderToken(token):
		err = errors.New("transport: no token: the source returned one with characters that no header may have")
	case !expiry.IsZero() && !expiry.After(now):
		err = fmt.Errorf("transport: no token: the source returned one that expired at %s", expiry.Format(time.RFC3339))
	}
	if err != nil {
		token, expiry = "", time.Time{}
	}
	return outcome{token: token, expiry: expiry, err: err, at: now, took: now.Sub(start)}
}

// isHeaderToken reports whether the token can stand in a header: visible ASCII, no space.
func isHeaderToken(token string) bool {
	for _, c := range []byte(token) {
		if c < 0x21 || c > 0x7e {
			return false
		}
	}
	return true
}

// pause is how long to leave the source alone after so many failures in a row.
// It is spread over its upper half, so that a fleet does not come back at once.
func pause(failures int, err error) time.Duration {
	d := maxPause
	if failures <= 6 {
		d = minPause << (failures - 1)
	}
	d = d/2 + rand.N(d/2)
	var grant *GrantError
	if errors.As(err, &grant) {
		d = max(d, grant.RetryAfter)
	}
	return d
}

// oneUse yields a token for each request, in the context of that request.
type oneUse struct {
	fetch     fetchFunc
	prefix    string
	onRefresh func(Refresh)
}

func (o *oneUse) header(ctx context.Context) (string, error) {
	got := observe(ctx, o.fetch)
	if o.onRefresh != nil {
		o.onRefresh(Refresh{Duration: got.took, Expiry: got.expiry, Err: got.err})
	}
	return o.prefix + got.token, got.err
}

func (o *oneUse) refused(string) bool { return true }
