package transport

import (
	"context"
	"net/url"
)

// Exchange is what a [Grant] trades for an access token (RFC 8693 section 2.1).
type Exchange struct {
	Subject       TokenSource // the token of the party on whose behalf it is asked; required
	SubjectType   string      // empty means [TokenTypeJWT]
	Actor         TokenSource // the token of the acting party, if it is another
	ActorType     string      // empty means [TokenTypeJWT]
	RequestedType string      // empty leaves it to the endpoint
}

// set sets the parameters of the exchange. The claims are the subject's.
func (e *Exchange) set(ctx context.Context, form url.Values, claims any) error {
	form.Set(paramSubjectTokenType, orJWT(e.SubjectType))
	if err := setToken(ctx, form, paramSubjectToken, e.Subject, claims); err != nil {
		return err
	}
	if e.RequestedType != "" {
		form.Set(paramRequestedTokenType, e.RequestedType)
	}
	if e.Actor == nil {
		return nil
	}
	form.Set(paramActorTokenType, orJWT(e.ActorType))
	return setToken(ctx, form, paramActorToken, e.Actor, nil)
}

func orJWT(tokenType string) string {
	if tokenType == "" {
		return TokenTypeJWT
	}
	return tokenType
}
