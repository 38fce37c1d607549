package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyOkta admits the access tokens of an Okta custom authorization server for an
// API and one of its clients. The issuer is "https://ORG.okta.com/oauth2/SERVER", the
// keys are a [jwks.Client] of issuer + "/v1/keys", and the API is the server's
// audience, such as "api://default".
//
// Form: Okta Developer, "OpenID Connect & OAuth 2.0 API", access token: cid names the
// client, scp is an array, and claims of one's own are often called Groups or Roles.
//
// Given up: nothing. The org's own authorization server is another matter: its
// access tokens are for Okta alone.
func verifyOkta(keys keystore.PublicSource, issuer, api, client string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    issuer,
		Audience:  []string{api},
		Lifetime:  time.Hour, // as the server's access policy says: up to a day
		Claims:    map[string]any{"cid": client},
	}.Verifier(keys)
}
