package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// verifyKubernetes admits the tokens of a cluster's service account, as they are
// projected into its pods for the audience. Issuer and keys are those that the
// cluster's discovery names: [jwks.Client.Discover].
//
// Form: Kubernetes Documentation, "Managing Service Accounts": aud is an array, sub
// names namespace and account, exp is an hour away unless the pod asks otherwise.
//
// Given up: nothing. That a pod is gone, and its token with it, only the cluster's
// TokenReview knows.
func verifyKubernetes(keys keystore.PublicSource, issuer, audience, namespace, account string) (*tokenprofile.Verifier, error) {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    issuer,
		Audience:  []string{audience},
		Subject:   "system:serviceaccount:" + namespace + ":" + account,
		Lifetime:  time.Hour,
	}.Verifier(keys)
}
