package main

import (
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// signForGoogleIDToken signs the assertions that a Google service account trades
// for id tokens, with which it calls a service behind Cloud Run or the
// Identity-Aware Proxy. The target is the service's URL, or its client id.
//
// Rule: Google Cloud, "Programmatic authentication": target_audience in place of a
// scope.
//
// Given up: nothing.
func signForGoogleIDToken(account *googleAccount, target string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    account.email,
		Audience:  []string{account.tokenURL},
		Claims:    map[string]any{"target_audience": target},
	}.Signer(account.keys)
}

// grantGoogleIDToken gets the id tokens: the answer has no access token.
func grantGoogleIDToken(account *googleAccount, target string) (*transport.Grant, error) {
	signer, err := signForGoogleIDToken(account, target)
	if err != nil {
		return nil, err
	}
	return &transport.Grant{TokenURL: account.tokenURL, Assertion: signer, IDToken: true}, nil
}
