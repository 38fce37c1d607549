package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signForTwilio signs the access tokens that Twilio's client SDKs take. The API key
// is its SID, and the secret its secret. Who the client is, and what it may do,
// stands in grants.
//
// Rule: Twilio Docs, "Access Tokens": HS256, cty, a jti that begins with the API
// key, iss the API key, sub the account, exp within a day.
//
// Given up: without aud the token is good wherever the secret is known, and without
// iat nobody sees how old it is.
func signForTwilio(secret keystore.SecretSource, account, apiKey string, grants map[string]any) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.HS256,
		Issuer:    apiKey,
		Subject:   account,
		Lifetime:  time.Hour,
		Header:    tokenprofile.Header{ContentType: "twilio-fpa;v=1", NoKeyID: true},
		Claims:    map[string]any{"grants": grants},
		ClaimsFunc: func(context.Context) (any, error) {
			return map[string]string{"jti": apiKey + "-" + rand.Text()}, nil
		},
		Waive: tokenprofile.Waive{Omit: []string{"aud", "iat"}},
	}.SecretSigner(secret)
}
