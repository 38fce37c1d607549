package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// signForEntra signs the client assertions of an application that Microsoft Entra
// ID knows by a certificate.
//
// Rule: Microsoft identity platform, "Application authentication certificate
// credentials": PS256, the certificate's SHA-256 thumbprint instead of a kid, aud
// the tenant's token endpoint, iss and sub the application, jti, nbf and exp, a few
// minutes later.
//
// Given up: nothing.
func signForEntra(keys keystore.PrivateSource, tenant, client string) (*tokenprofile.Signer, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.PS256,
		Issuer:    client,
		Subject:   client,
		Audience:  []string{entraTokenURL(tenant)},
		Lifetime:  5 * time.Minute,
		NotBefore: new(time.Duration),
		OneUse:    true,
		Header:    tokenprofile.Header{NoKeyID: true, X5TS256: true},
	}.Signer(keys)
}

// grantFromEntra gets access tokens of the application's own (RFC 7523 section 2.2).
// The scope is such as "https://graph.microsoft.com/.default".
func grantFromEntra(keys keystore.PrivateSource, tenant, client, scope string) (*transport.Grant, error) {
	signer, err := signForEntra(keys, tenant, client)
	if err != nil {
		return nil, err
	}
	return &transport.Grant{TokenURL: entraTokenURL(tenant), ClientID: client, ClientAssertion: signer, Scopes: []string{scope}}, nil
}

func entraTokenURL(tenant string) string {
	return "https://login.microsoftonline.com/" + tenant + "/oauth2/v2.0/token"
}
