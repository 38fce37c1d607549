package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signForAPNs signs for Apple's push notifications. The key is the .p8 file that
// Apple made, and the key id the one in its name.
//
// Rule: Apple Developer Documentation, "Establishing a token-based connection to
// APNs": alg and kid, iss and iat, and nothing else. A token serves for 20 to 60
// minutes. A [transport.Bearer] renews it after some 45, counted by Lifetime; the
// 403 ExpiredProviderToken that comes of a wrong clock is the caller's to handle.
//
// Given up: without aud the token is good wherever the key is known; without exp
// only its receiver decides how long; without typ it passes for a token of any
// kind. So use the key for APNs alone.
func signForAPNs(keys keystore.PrivateSource, team, keyID string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    team,
		Lifetime:  50 * time.Minute,
		Header:    tokenprofile.Header{KeyID: keyID},
		Waive:     tokenprofile.Waive{Omit: []string{"aud", "exp", "typ"}},
	}.Signer(keys)
}
