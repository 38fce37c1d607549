package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyADFS admits the access tokens of Active Directory Federation Services for
// an API. The issuer is "http://HOST/adfs/services/trust", a name and not an
// address, the keys are a [jwks.Client] of "https://HOST/adfs/discovery/keys", or
// the token-signing certificate in our truststore, and the API is its relying
// party identifier.
//
// Form: Microsoft Learn, "AD FS OpenID Connect/OAuth concepts": the header has x5t,
// the SHA-1 thumbprint of the certificate, and in older versions no kid. It
// chooses among our own keys. Claims may begin with a capital.
//
// Given up: nothing. Tokens live an hour by default.
func verifyADFS(keys keystore.PublicSource, issuer, api string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    issuer,
		Audience:  []string{api},
		Lifetime:  time.Hour,
	}.Verifier(keys)
}
