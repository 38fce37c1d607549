package main

import (
	"errors"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// signForDocuSign signs the assertions that an integration trades for access
// tokens of a user. The host is "account.docusign.com", or "account-d.docusign.com"
// for the demo.
//
// Rule: DocuSign eSignature, "JWT Grant authentication": aud is the host without a
// scheme, scope a text, exp within an hour, no kid.
//
// Given up: nothing.
func signForDocuSign(keys keystore.PrivateSource, host, integration, user string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    integration,
		Subject:   user,
		Audience:  []string{host},
		Lifetime:  time.Hour,
		Header:    tokenprofile.Header{NoKeyID: true},
		Claims:    map[string]any{"scope": "signature impersonation"},
	}.Signer(keys)
}

// grantFromDocuSign gets the access tokens (RFC 7523 section 2.1).
func grantFromDocuSign(keys keystore.PrivateSource, host, integration, user string) (*transport.Grant, error) {
	signer, err := signForDocuSign(keys, host, integration, user)
	if err != nil {
		return nil, err
	}
	return &transport.Grant{TokenURL: "https://" + host + "/oauth/token", Assertion: signer}, nil
}

// wantsConsent reports whether DocuSign refuses because the user has not yet agreed
// to the integration, which happens once, in a browser.
func wantsConsent(err error) bool {
	var refusal *transport.GrantError
	return errors.As(err, &refusal) && refusal.Code == "consent_required"
}
