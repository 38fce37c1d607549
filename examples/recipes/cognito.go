package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyCognito admits the access tokens that an Amazon Cognito user pool made for
// the client. The issuer is "https://cognito-idp.REGION.amazonaws.com/POOL", and the
// keys are a [jwks.Client] of issuer + "/.well-known/jwks.json".
//
// Form: Amazon Cognito Developer Guide, "Verifying JSON web tokens": there is no
// aud; client_id names the client, and token_use tells access from id tokens.
//
// Given up: client_id says who asked for the token, not whom it is for: it is good
// at every API that admits this client.
func verifyCognito(keys keystore.PublicSource, issuer, client string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    issuer,
		Audience:  []string{client},
		Lifetime:  time.Hour, // as the client is set in Cognito: up to a day
		Claims:    map[string]any{"token_use": "access"},
		Waive:     tokenprofile.Waive{Recipient: "client_id"},
	}.Verifier(keys)
}
