package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyGoogle admits the id tokens with which Google's services, such as Pub/Sub
// and Cloud Scheduler, call ours in the name of a service account. The keys are a
// [jwks.Client] of "https://www.googleapis.com/oauth2/v3/certs", and the audience is
// what the subscription or the job is set to, mostly our URL.
//
// Form: Google Cloud, "Authentication for push subscriptions": email names the
// account, email_verified is true, exp is an hour after iat.
//
// Given up: nothing. The issuer is everybody's who has an account there, and aud is
// theirs to choose: email is what tells ours.
func verifyGoogle(keys keystore.PublicSource, audience, account string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    "https://accounts.google.com",
		Audience:  []string{audience},
		Lifetime:  time.Hour,
		Claims:    map[string]any{"email": account, "email_verified": true},
	}.Verifier(keys)
}
