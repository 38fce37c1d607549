package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// signForCoinbase signs for the Coinbase Developer Platform. The key's name is such
// as "organizations/ORG/apiKeys/KEY". Every token is for one method and address: its
// uri claim is given to [tokenprofile.Signer.Sign], as carryToCoinbase does.
//
// Rule: Coinbase Developer Documentation, "API Key Authentication": kid and sub are
// the key's name, the header has a nonce, exp is two minutes after nbf.
//
// Given up: without aud only uri says whom the token is for, and without iat only
// nbf how old it is.
func signForCoinbase(keys keystore.PrivateSource, keyName string) (*tokenprofile.Signer, error) {
	nonce := func(context.Context) (map[string]any, error) { return map[string]any{"nonce": rand.Text()}, nil }
	return tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    "cdp",
		Subject:   keyName,
		Lifetime:  2 * time.Minute,
		NotBefore: new(time.Duration),
		Required:  []string{"uri"},
		Header:    tokenprofile.Header{KeyID: keyName, Func: nonce},
		Waive:     tokenprofile.Waive{Omit: []string{"aud", "iat"}},
	}.Signer(keys)
}

// carryToCoinbase carries tokens that name the request they are for.
func carryToCoinbase(signer *tokenprofile.Signer, base http.RoundTripper) *http.Client {
	return &http.Client{Transport: &transport.Bearer{Source: signer, Base: base, Claims: func(r *http.Request) (any, error) {
		return map[string]string{"uri": r.Method + " " + r.URL.Host + r.URL.Path}, nil
	}}}
}
