package main

import (
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// signForGoogle signs the assertions that a Google service account trades for
// access tokens of the scope.
//
// Rule: Google Identity, "Using OAuth 2.0 for Server to Server Applications": iss
// is the account, aud the token_uri of its file, exp within an hour.
//
// Given up: nothing.
func signForGoogle(account *googleAccount, scope ...string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    account.email,
		Audience:  []string{account.tokenURL},
		Claims:    map[string]any{"scope": strings.Join(scope, " ")},
	}.Signer(account.keys)
}

// grantFromGoogle gets the access tokens (RFC 7523 section 2.1).
func grantFromGoogle(account *googleAccount, scope ...string) (*transport.Grant, error) {
	signer, err := signForGoogle(account, scope...)
	if err != nil {
		return nil, err
	}
	return &transport.Grant{TokenURL: account.tokenURL, Assertion: signer}, nil
}
