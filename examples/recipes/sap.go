package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifySAP admits the access tokens of SAP's XSUAA, and of any Cloud Foundry UAA,
// for one tenant. The url is that of the tenant, "https://TENANT.authentication.
// REGION.hana.ondemand.com", the keys are a [jwks.Client] of url + "/token_keys",
// and the app is the xsappname or the client id of the service binding.
//
// Form: SAP BTP documentation of the Authorization and Trust Management Service:
// iss is url + "/oauth/token", aud an array, and every header has a jku. That is a
// hint of the sender's about keys, and is not followed.
//
// Given up: nothing. Tokens live 12 hours there by default.
func verifySAP(keys keystore.PublicSource, url, app string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    url + "/oauth/token",
		Audience:  []string{app},
		Lifetime:  12 * time.Hour,
	}.Verifier(keys)
}
