package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

const clientID = "consumer"

// A consumer is the application whose operators work on the other's cases.
type consumer struct {
	keys       *keystore.Store
	assertions *tokenprofile.Signer
	secret     string // agreed on with the producer, which keeps the hash
	secretHash string
}

func newConsumer() (*consumer, error) {
	keys, err := loadKeys("consumer.p12")
	if err != nil {
		return nil, err
	}
	profile, err := loadProfile("Remotecasetype_Consumer.json")
	if err != nil {
		return nil, err
	}
	assertions, err := profile.Signer(keys)
	if err != nil {
		return nil, err
	}
	secret := rand.Text()
	hash, err := transport.HashSecret(secret)
	if err != nil {
		return nil, err
	}
	return &consumer{keys, assertions, secret, hash}, nil
}

// published is the consumer's JSON Web Key Set URI.
func (c *consumer) published() http.Handler { return &jwks.Handler{Source: c.keys} }

// client is the consumer's client for the producer's API: every request
// carries an access token for the operator in its context.
func (c *consumer) client(tokenURL string) *http.Client {
	return &http.Client{Transport: &transport.Bearer{
		Source: &transport.Grant{
			TokenURL:     tokenURL,
			ClientID:     clientID,
			ClientSecret: keystore.StaticPassword(c.secret),
			Assertion:    c.assertions,
		},
		Claims: func(r *http.Request) (any, error) {
			operator, ok := r.Context().Value(operatorKey{}).(string)
			if !ok {
				return nil, errors.New("nobody is signed in")
			}
			return map[string]any{"sub": operator}, nil
		},
	}}
}

type operatorKey struct{}

// withOperator is what the consumer's own sign-in does.
func withOperator(ctx context.Context, operator string) context.Context {
	return context.WithValue(ctx, operatorKey{}, operator)
}
