package main

import (
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signForAppStoreServer signs for the App Store Server API. It is as
// [signForAppStoreConnect], but the token names the app by its bundle id.
//
// Rule: Apple Developer Documentation, "Generating JSON Web Tokens for API
// requests": exp within 60 minutes, bid besides.
//
// Given up: nothing.
func signForAppStoreServer(keys keystore.PrivateSource, issuer, keyID, bundle string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    issuer,
		Audience:  []string{"appstoreconnect-v1"},
		Header:    tokenprofile.Header{KeyID: keyID},
		Claims:    map[string]any{"bid": bundle},
	}.Signer(keys)
}
