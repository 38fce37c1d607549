package main

import (
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyPega admits the tokens that Pega Platform generates. The keys are those of
// its key set, or of its certificate in our truststore ([keystore.Store.Trust]).
//
// Form: Pega Platform help, "Creating a generation JSON Web Token profile": typ is
// always JWT, and the kid is made up anew for every token. cty is application/json.
//
// Given up: a kid that the key set no longer has does not keep its tokens out while
// the key is there under another. A certificate has no kid of its own: where the
// keys are certificates alone, leave the waiver out.
func verifyPega(keys keystore.PublicSource, issuer, audience string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    issuer,
		Audience:  []string{audience},
		Header:    tokenprofile.Header{ContentType: "application/json"},
		Waive:     tokenprofile.Waive{AnyKeyID: true},
	}.Verifier(keys)
}
