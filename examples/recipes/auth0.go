package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyAuth0 admits the access tokens of an Auth0 tenant for an API. The issuer is
// "https://TENANT.REGION.auth0.com/", with the slash, the keys are a [jwks.Client] of
// issuer + ".well-known/jwks.json", and the API is its identifier.
//
// Form: Auth0 Docs, "Access Token Profiles", the default one: typ JWT, aud a string,
// or an array with the userinfo endpoint. Tokens live a day unless the API is set
// otherwise.
//
// Given up: nothing. For the RFC 9068 profile set Header.Type to "at+jwt".
func verifyAuth0(keys keystore.PublicSource, issuer, api string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    issuer,
		Audience:  []string{api},
		Lifetime:  24 * time.Hour,
	}.Verifier(keys)
}
