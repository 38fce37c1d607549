package main

import (
	"slices"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyEntraTenants admits the access tokens that Microsoft Entra ID made for an
// API of several tenants, our customers. The keys are a [jwks.Client] of
// "https://login.microsoftonline.com/common/discovery/v2.0/keys", which all tenants
// share, the API is its application id, and tenants are ids too.
//
// Form: Microsoft identity platform, "Access tokens": iss has the tenant's id, ver
// is 2.0, aud the application id. Tokens live for 60 to 90 minutes, and iat lies
// five minutes back.
//
// Given up: nothing. The keys say nothing about the tenant, so iss is compared with
// each one that is a customer.
func verifyEntraTenants(keys keystore.PublicSource, api string, tenants ...string) (*tokenprofile.Issuers, error) {
	var issuers []string
	for _, tenant := range tenants {
		issuers = append(issuers, "https://login.microsoftonline.com/"+tenant+"/v2.0")
	}
	return tokenprofile.ByTenant(tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Audience:  []string{api},
		Lifetime:  2 * time.Hour,
		Claims:    map[string]any{"ver": "2.0"},
	}, func(issuer string) keystore.PublicSource {
		if slices.Contains(issuers, issuer) {
			return keys
		}
		return nil
	})
}
