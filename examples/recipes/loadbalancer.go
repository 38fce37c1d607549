package main

import (
	"errors"
	"net/http"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyLoadBalancer admits what an AWS Application Load Balancer says of the user
// it has authenticated. The issuer is the user's, the client the one registered
// there, and the balancer is its ARN.
//
// Form: Elastic Load Balancing, "Authenticate users using an Application Load
// Balancer": ES256; client and signer stand in the header; the segments are
// padded; exp is two minutes ahead, and there is no aud and no iat.
//
// Given up: without aud the two header parameters say whom the token is for. They
// are demanded, because the keys are those of every balancer of the region: without
// signer anybody with a balancer there could make one. A padded token is read
// otherwise, or not at all, by other software.
func verifyLoadBalancer(keys keystore.PublicSource, issuer, client, balancer string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    issuer,
		Header: tokenprofile.Header{
			Extra:    map[string]any{"client": client, "signer": balancer},
			Demanded: []string{"client", "signer"},
		},
		Waive: tokenprofile.Waive{Omit: []string{"aud"}, Padding: true},
	}.Verifier(keys)
}

// admitFromLoadBalancer passes on the requests whose token is right, with the token
// in their context.
func admitFromLoadBalancer(verifier *tokenprofile.Verifier, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := verifier.Verify(r.Context(), r.Header.Get("X-Amzn-Oidc-Data"))
		switch {
		case err == nil:
			next.ServeHTTP(w, r.WithContext(tokenprofile.NewContext(r.Context(), token)))
		case errors.Is(err, tokenprofile.ErrInvalid):
			http.Error(w, "not authenticated by the load balancer", http.StatusUnauthorized)
		default: // the key cannot be had
			http.Error(w, "cannot authenticate at the moment", http.StatusServiceUnavailable)
		}
	})
}
