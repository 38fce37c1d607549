package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// boxTokenURL is where Box grants, and whom its assertions are for.
const boxTokenURL = "https://api.box.com/oauth2/token"

// signForBox signs the assertions that an application trades for access tokens of
// an enterprise. The key is the encrypted PEM of Box's JSON file, for
// [keystore.Parse] with its passphrase, and the key id its publicKeyID.
//
// Rule: Box Developer Documentation, "JWT without SDK": RS512 and kid, jti, exp
// within 60 seconds, box_sub_type says what sub is.
//
// Given up: nothing.
func signForBox(keys keystore.PrivateSource, keyID, client, enterprise string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS512,
		Issuer:    client,
		Subject:   enterprise,
		Audience:  []string{boxTokenURL},
		Lifetime:  45 * time.Second,
		OneUse:    true,
		Header:    tokenprofile.Header{KeyID: keyID},
		Claims:    map[string]any{"box_sub_type": "enterprise"},
	}.Signer(keys)
}

// grantFromBox gets the access tokens (RFC 7523 section 2.1). Box wants the
// client's secret besides, in the body.
func grantFromBox(signer *tokenprofile.Signer, client string, secret keystore.Password) *transport.Grant {
	return &transport.Grant{TokenURL: boxTokenURL, Assertion: signer, ClientID: client, ClientSecret: secret, SecretInBody: true}
}
