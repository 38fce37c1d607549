package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// signForSnowflake signs as a Snowflake user. Account and user are in upper case,
// the account without its region.
//
// Rule: Snowflake Documentation, "Authenticating to the server": iss is the
// account, the user and the fingerprint of the public key, sub the same without
// the fingerprint, exp within an hour. The issuer is computed from the key that
// signs, so that it follows a rotation.
//
// Given up: without aud the token is good wherever the key is known. So use the
// key for Snowflake alone.
func signForSnowflake(keys keystore.PrivateSource, account, user string) (*tokenprofile.Signer, error) {
	name := account + "." + user
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		IssuerFunc: func(key keystore.PublicKey) (string, error) {
			der, err := x509.MarshalPKIXPublicKey(key.CryptoKey())
			sum := sha256.Sum256(der)
			return name + ".SHA256:" + base64.StdEncoding.EncodeToString(sum[:]), err
		},
		Subject:  name,
		Lifetime: time.Hour,
		Header:   tokenprofile.Header{NoKeyID: true},
		Waive:    tokenprofile.Waive{Omit: []string{"aud"}},
	}.Signer(keys)
}

// carryToSnowflake carries the tokens, and says of which kind they are.
func carryToSnowflake(signer *tokenprofile.Signer, base http.RoundTripper) *http.Client {
	return &http.Client{Transport: &transport.Bearer{Source: signer, Base: keyPairJWT{base}}}
}

type keyPairJWT struct{ base http.RoundTripper }

func (k keyPairJWT) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context()) // the caller's stays as it is
	req.Header.Set("X-Snowflake-Authorization-Token-Type", "KEYPAIR_JWT")
	return k.base.RoundTrip(req)
}
