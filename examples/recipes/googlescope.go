package main

import (
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signForGoogleScope signs tokens that every Google API of the scope takes as they
// are, so that no token endpoint is asked.
//
// Rule: AIP-4111, "Self-signed JWT": iss and sub are the account, exp within an
// hour, and with a scope there is no aud.
//
// Given up: without aud each API that receives the token can use it at all others
// of the scope.
func signForGoogleScope(account *googleAccount, scope ...string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    account.email,
		Subject:   account.email,
		Lifetime:  time.Hour,
		Claims:    map[string]any{"scope": strings.Join(scope, " ")},
		Waive:     tokenprofile.Waive{Omit: []string{"aud"}},
	}.Signer(account.keys)
}
