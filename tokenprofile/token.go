package tokenprofile

import (
	"context"
	"encoding/json"
	"time"
)

// Token is a verified token.
type Token struct {
	Issuer, Subject, ID, KeyID  string
	Audience                    []string
	IssuedAt, NotBefore, Expiry time.Time // zero: the token does not say
	Header, Claims              json.RawMessage
}

// Decode maps the claims to a value of the caller's.
func (t *Token) Decode(claims any) error { return errNotBuilt }

type contextKey struct{}

// NewContext returns a context that carries the token.
func NewContext(ctx context.Context, token *Token) context.Context {
	return context.WithValue(ctx, contextKey{}, token)
}

// FromContext returns the verified token of the request, if there is one.
func FromContext(ctx context.Context) (*Token, bool) {
	token, ok := ctx.Value(contextKey{}).(*Token)
	return token, ok
}
