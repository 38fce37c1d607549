package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signForOpenBanking signs the client assertions of Open Banking and FAPI.
//
// Rule: FAPI 1.0 Advanced, section 8.6: PS256; OpenID Connect Core 1.0, section 9,
// private_key_jwt: iss and sub the client, aud the token endpoint, jti, exp, iat.
//
// Given up: nothing.
func signForOpenBanking(keys keystore.PrivateSource, tokenURL, client string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.PS256,
		Issuer:    client,
		Subject:   client,
		Audience:  []string{tokenURL},
		Lifetime:  time.Minute,
		OneUse:    true,
	}.Signer(keys)
}
