package transport

import (
	"context"
	"net/url"
)

// The types of tokens of RFC 8693 section 3 that an [Exchange] usually names.
const (
	TokenTypeJWT     = "urn:ietf:params:oauth:token-type:jwt"
	TokenTypeAccess  = "urn:ietf:params:oauth:token-type:access_token"
	TokenTypeIDToken = "urn:ietf:params:oauth:token-type:id_token"
)

const grantTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693 section 2.1

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
	form.Set("subject_token_type", orJWT(e.SubjectType))
	if err := setToken(ctx, form, "subject_token", e.Subject, claims); err != nil {
		return err
	}
	if e.RequestedType != "" {
		form.Set("requested_token_type", e.RequestedType)
	}
	if e.Actor == nil {
		return nil
	}
	form.Set("actor_token_type", orJWT(e.ActorType))
	return setToken(ctx, form, "actor_token", e.Actor, nil)
}

func orJWT(tokenType string) string {
	if tokenType == "" {
		return TokenTypeJWT
	}
	return tokenType
}
