package main

import (
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signForAppStoreConnect signs for the App Store Connect API. The key is the .p8
// file that Apple made, and the key id the one in its name. The scope narrows the
// token to requests such as "GET /v1/apps"; without one it is good for all.
//
// Rule: Apple Developer Documentation, "Generating tokens for API requests": exp
// within 20 minutes, aud a string, scope an array.
//
// Given up: nothing.
func signForAppStoreConnect(keys keystore.PrivateSource, issuer, keyID string, scope ...string) (*tokenprofile.Signer, error) {
	profile := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    issuer,
		Audience:  []string{"appstoreconnect-v1"},
		Header:    tokenprofile.Header{KeyID: keyID},
	}
	if len(scope) > 0 {
		profile.Claims = map[string]any{"scope": scope}
	}
	return profile.Signer(keys)
}
