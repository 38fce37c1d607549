package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signForGitHub signs as a GitHub App. The issuer is the app's id or its client
// id, and the key the PEM file that GitHub made.
//
// Rule: GitHub Docs, "Generating a JSON Web Token (JWT) for a GitHub App": iat a
// minute ago for clocks that differ, exp within ten minutes, no aud, no kid.
//
// Given up: without aud the token is good wherever the key is known. So use the
// key for GitHub alone.
func signForGitHub(keys keystore.PrivateSource, app string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    app,
		Lifetime:  10 * time.Minute,
		Backdate:  time.Minute,
		Header:    tokenprofile.Header{NoKeyID: true},
		Waive:     tokenprofile.Waive{Omit: []string{"aud"}},
	}.Signer(keys)
}
