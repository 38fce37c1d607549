package main

import (
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyKeycloak admits the access tokens that a Keycloak realm made for the client,
// where no audience mapper writes aud. The issuer is "https://HOST/realms/REALM", and
// the keys are a [jwks.Client] of issuer + "/protocol/openid-connect/certs".
//
// Form: Keycloak, Server Administration Guide, "Audience support": azp names the
// client that asked for the token. The claim typ tells access from id and refresh
// tokens.
//
// Given up: azp says who asked for the token, not whom it is for: it is good at
// every API that admits this client. Better is an audience mapper, and a profile
// without a waiver.
func verifyKeycloak(keys keystore.PublicSource, issuer, client string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    issuer,
		Audience:  []string{client},
		Claims:    map[string]any{"typ": "Bearer"},
		Waive:     tokenprofile.Waive{Recipient: "azp"},
	}.Verifier(keys)
}
