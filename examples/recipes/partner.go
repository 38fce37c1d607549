package main

import (
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyPartner admits the tokens of a partner whose certificate is in our
// truststore, which [keystore.Open] reads and follows. Put one partner into one
// truststore: each of its keys speaks for the issuer.
//
// Form: as agreed with the partner. A certificate has no kid, so what the token's
// header calls the key decides nothing.
//
// Given up: nothing.
func verifyPartner(truststore *keystore.Store, issuer, audience string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    issuer,
		Audience:  []string{audience},
	}.Verifier(truststore.Trust())
}
