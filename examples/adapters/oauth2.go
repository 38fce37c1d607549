// Package adapters connects the library with golang.org/x/oauth2 and
// golang-jwt, both ways.
package adapters

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// OAuth2 turns a source of ours into an [oauth2.TokenSource], for clients that
// take nothing else. Their interface has no context, so that every fetch runs
// under the one given here. The token is fetched anew by every call: put
// [oauth2.ReuseTokenSource] around it, or keep to [transport.Bearer], which
// refreshes ahead.
func OAuth2(ctx context.Context, source transport.TokenSource) oauth2.TokenSource {
	return tokenSource{ctx, source}
}

type tokenSource struct {
	ctx    context.Context
	source transport.TokenSource
}

func (s tokenSource) Token() (*oauth2.Token, error) {
	token, expiry, err := s.source.Token(s.ctx)
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: token, TokenType: "Bearer", Expiry: expiry}, nil
}

// Fetch is a source of ours that gets its tokens from x/oauth2: the method
// Token of a clientcredentials.Config is one. A [transport.Bearer] keeps the
// tokens, so that a source which keeps them too is not needed.
type Fetch func(ctx context.Context) (*oauth2.Token, error)

var _ transport.TokenSource = Fetch(nil)

// Token implements [transport.TokenSource].
func (f Fetch) Token(ctx context.Context) (string, time.Time, error) {
	token, err := f(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	if kind := token.Type(); kind != "Bearer" {
		return "", time.Time{}, fmt.Errorf("adapters: a token of type %q cannot be sent as a bearer", kind)
	}
	return token.AccessToken, token.Expiry, nil
}

// FromOAuth2 returns a Fetch for an [oauth2.TokenSource]. That interface takes
// no context: a caller who leaves early does not wait, but the fetch goes on.
func FromOAuth2(source oauth2.TokenSource) Fetch {
	type answer struct {
		token *oauth2.Token
		err   error
	}
	return func(ctx context.Context) (*oauth2.Token, error) {
		answers := make(chan answer, 1)
		go func() {
			token, err := source.Token()
			answers <- answer{token, err}
		}()
		select {
		case a := <-answers:
			return a.token, a.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
