package main

import (
	"context"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signForAppleSignIn signs the client secrets of Sign in with Apple. The client is
// the app's or the service's id.
//
// Rule: Apple Developer Documentation, "Creating a client secret": alg and kid,
// exp within six months. Minutes do, because a new one costs nothing.
//
// Given up: without typ the secret passes for a token of any kind. So use the key
// for this alone.
func signForAppleSignIn(keys keystore.PrivateSource, team, client, keyID string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    team,
		Subject:   client,
		Audience:  []string{"https://appleid.apple.com"},
		Lifetime:  5 * time.Minute,
		Header:    tokenprofile.Header{KeyID: keyID},
		Waive:     tokenprofile.Waive{Omit: []string{"typ"}},
	}.Signer(keys)
}

// makeSecret makes of the signer what a token endpoint takes for a client secret:
// the ClientSecret of a [transport.Grant], whose SecretInBody is set.
func makeSecret(signer *tokenprofile.Signer) keystore.Password {
	return func() (string, error) { return signer.Sign(context.Background(), nil) }
}
