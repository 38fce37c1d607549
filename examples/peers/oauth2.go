// Package peers sets the library beside the ones Go programs use today: an
// adapter, benchmarks side by side, and the property that whatever we accept
// another implementation accepts with the same claims.
package peers

import (
	"context"

	"golang.org/x/oauth2"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// OAuth2 is the source as an [oauth2.TokenSource], for clients that take
// nothing else. Their interface has no context, so that every fetch runs under
// the one given here. The token is fetched anew by every call: put
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
