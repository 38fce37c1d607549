package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signForGoogleAPI signs tokens that one Google API takes as they are, so that no
// token endpoint is asked. The API is such as "https://pubsub.googleapis.com/".
//
// Rule: AIP-4111, "Self-signed JWT": iss and sub are the account, aud is the API,
// exp within an hour.
//
// Given up: nothing.
func signForGoogleAPI(account *googleAccount, api string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    account.email,
		Subject:   account.email,
		Audience:  []string{api},
		Lifetime:  time.Hour,
	}.Signer(account.keys)
}
