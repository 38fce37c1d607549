package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// signForEpic signs the client assertions of a SMART backend service, as Epic and
// others take them. The set is the URL where our keys are published, as
// [jwks.Handler] does.
//
// Rule: HL7, SMART App Launch, "Client Authentication: Asymmetric": RS384 or ES384,
// kid, jku, iss and sub the client, aud the token endpoint, jti, exp within five
// minutes.
//
// Given up: nothing. Whoever reads jku must know the URL already, and only follow
// one that was registered.
func signForEpic(keys keystore.PrivateSource, tokenURL, client, set string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS384,
		Issuer:    client,
		Subject:   client,
		Audience:  []string{tokenURL},
		Lifetime:  5 * time.Minute,
		OneUse:    true,
		Header:    tokenprofile.Header{JKU: set},
	}.Signer(keys)
}

// grantFromEpic gets access tokens of the scopes (RFC 7523 section 2.2).
func grantFromEpic(keys keystore.PrivateSource, tokenURL, client, set string, scopes ...string) (*transport.Grant, error) {
	signer, err := signForEpic(keys, tokenURL, client, set)
	if err != nil {
		return nil, err
	}
	return &transport.Grant{TokenURL: tokenURL, ClientAssertion: signer, Scopes: scopes}, nil
}
