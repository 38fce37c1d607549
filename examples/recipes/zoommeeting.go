package main

import (
	"context"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signForZoomMeeting signs the tokens that Zoom's Meeting SDK takes. The meeting
// and the role are given to [tokenprofile.Signer.Sign] as mn and role; SDKs outside
// the browser do without.
//
// Rule: Zoom Developer Docs, "Meeting SDK authorization": HS256, the key of the SDK
// twice, exp and tokenExp 30 minutes to 48 hours after iat.
//
// Given up: without iss and aud the token is good wherever the secret is known, for
// whoever has it. So use the secret for this SDK alone.
func signForZoomMeeting(secret keystore.SecretSource, sdkKey string) (*tokenprofile.Signer, error) {
	const lifetime = 2 * time.Hour
	return tokenprofile.Profile{
		Algorithm: tokenprofile.HS256,
		Lifetime:  lifetime,
		Header:    tokenprofile.Header{NoKeyID: true},
		Claims:    map[string]any{"appKey": sdkKey, "sdkKey": sdkKey},
		ClaimsFunc: func(context.Context) (any, error) {
			return map[string]int64{"tokenExp": time.Now().Add(lifetime).Unix()}, nil
		},
		Waive: tokenprofile.Waive{Omit: []string{"iss", "aud"}},
	}.SecretSigner(secret)
}
