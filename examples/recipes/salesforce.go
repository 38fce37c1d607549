package main

import (
	"context"
	"net/http"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// signForSalesforce signs the assertions that a connected app trades for access
// tokens of a user. The login is "https://login.salesforce.com", or
// "https://test.salesforce.com" for a sandbox.
//
// Rule: Salesforce Help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server
// Integration": alg, and iss, sub, aud and exp, within three minutes.
//
// Given up: without iat nobody sees how old an assertion is, which exp makes
// bearable; without typ it passes for a token of another kind. So use the key for
// Salesforce alone.
func signForSalesforce(keys keystore.PrivateSource, login, client, user string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    client,
		Subject:   user,
		Audience:  []string{login},
		Lifetime:  3 * time.Minute,
		Header:    tokenprofile.Header{NoKeyID: true},
		Waive:     tokenprofile.Waive{Omit: []string{"iat", "typ"}},
	}.Signer(keys)
}

// grantFromSalesforce gets the access tokens (RFC 7523 section 2.1).
func grantFromSalesforce(keys keystore.PrivateSource, login, client, user string) (*transport.Grant, error) {
	signer, err := signForSalesforce(keys, login, client, user)
	if err != nil {
		return nil, err
	}
	return &transport.Grant{TokenURL: login + "/services/oauth2/token", Assertion: signer}, nil
}

// callSalesforce returns a client for the user's instance, and its URL, which only
// the token endpoint knows. The token goes there alone.
func callSalesforce(ctx context.Context, grant *transport.Grant) (client *http.Client, instance string, err error) {
	var granted struct {
		Instance string `json:"instance_url"`
	}
	answer, err := grant.Ask(ctx, nil)
	if err == nil {
		err = answer.Decode(&granted)
	}
	if err != nil {
		return nil, "", err
	}
	return &http.Client{Transport: &transport.Bearer{Source: grant, Origins: []string{granted.Instance}}}, granted.Instance, nil
}
