package main

import (
	"net/url"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// grantFromZoom gets the access tokens of a server-to-server app. No key signs:
// the client's secret is all there is.
//
// Rule: Zoom Developer Docs, "Server-to-Server OAuth": a grant type of Zoom's own,
// the account's id, and the client's credentials as HTTP Basic.
//
// Given up: nothing that a key would have given: whoever sees the secret has it.
func grantFromZoom(account, client string, secret keystore.Password) *transport.Grant {
	return &transport.Grant{
		TokenURL:     "https://zoom.us/oauth/token",
		GrantType:    "account_credentials",
		ClientID:     client,
		ClientSecret: secret,
		Params:       func() url.Values { return url.Values{"account_id": {account}} },
	}
}
