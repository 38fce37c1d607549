package main

import (
	"context"
	"net/http"
	"regexp"
	"sync"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// loadBalancerKeys are the keys of a region's load balancers, such as those of
// "eu-central-1". Each lies in PEM at an address of its own.
//
// Rule: Elastic Load Balancing, "Authenticate users using an Application Load
// Balancer": the address ends in the kid, a UUID.
type loadBalancerKeys struct {
	region string
	client *http.Client
	known  sync.Map // kid → []keystore.PublicKey; a key stays what it is
}

// Only a UUID becomes part of an address.
var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// PublicKeys returns the key of the kid. It is asked for tokens alone whose issuer,
// client and signer are right.
func (l *loadBalancerKeys) PublicKeys(ctx context.Context, kid string) ([]keystore.PublicKey, error) {
	if keys, ok := l.known.Load(kid); ok {
		return keys.([]keystore.PublicKey), nil
	}
	if !uuid.MatchString(kid) {
		return nil, nil
	}
	pem, err := fetch(ctx, l.client, "https://public-keys.auth.elb."+l.region+".amazonaws.com/"+kid)
	if pem == nil {
		return nil, err
	}
	store, err := keystore.Parse(pem, nil)
	if err != nil {
		return nil, err
	}
	keys, err := store.Trust().PublicKeys(ctx, "")
	if err != nil || len(keys) != 1 {
		return nil, err
	}
	keys = []keystore.PublicKey{keys[0].WithKeyID(kid)}
	l.known.Store(kid, keys)
	return keys, nil
}
