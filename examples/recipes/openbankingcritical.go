package main

import (
	"context"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signWithCriticalTime signs client assertions as [signForOpenBanking] does, with
// the header parameters of Open Banking's signatures besides. Every receiver must
// understand them, and the time is another in every token.
//
// Rule: Open Banking UK, Read/Write Data API, "Message Signing": crit names iat, iss
// and tan; iss is the organisation, tan the trust anchor.
//
// Given up: nothing.
func signWithCriticalTime(keys keystore.PrivateSource, tokenURL, client, organisation string) (*tokenprofile.Signer, error) {
	const iat, iss, tan = "http://openbanking.org.uk/iat", "http://openbanking.org.uk/iss", "http://openbanking.org.uk/tan"
	now := func(context.Context) (map[string]any, error) {
		return map[string]any{iat: time.Now().Unix()}, nil
	}
	return tokenprofile.Profile{
		Algorithm: tokenprofile.PS256,
		Issuer:    client,
		Subject:   client,
		Audience:  []string{tokenURL},
		Lifetime:  time.Minute,
		OneUse:    true,
		Header: tokenprofile.Header{
			Critical: []string{iat, iss, tan},
			Extra:    map[string]any{iss: organisation, tan: "openbanking.org.uk"},
			Func:     now,
		},
	}.Signer(keys)
}
