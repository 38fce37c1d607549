package main

import (
	"context"
	"net/url"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// grantOnBehalf trades the token with which a user has called our API for one with
// which the API calls another in the user's name. The signer is that of
// [signForEntra].
//
// Rule: Microsoft identity platform, "OAuth 2.0 On-Behalf-Of flow": the JWT bearer
// grant with the user's token, and requested_token_use. It is not RFC 8693.
//
// Given up: nothing. Verify the user's token first: a [transport.Guard] has.
func grantOnBehalf(signer *tokenprofile.Signer, tenant, client, userToken, scope string) *transport.Grant {
	return &transport.Grant{
		TokenURL:        entraTokenURL(tenant),
		ClientID:        client,
		ClientAssertion: signer,
		Assertion:       received(func() string { return userToken }),
		Scopes:          []string{scope},
		Params:          func() url.Values { return url.Values{"requested_token_use": {"on_behalf_of"}} },
	}
}

// received is the source of a token that somebody else made. It is a function, so
// that nothing prints the token.
type received func() string

func (r received) Token(context.Context) (string, time.Time, error) { return r(), time.Time{}, nil }
