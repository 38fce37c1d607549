package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// operators are the producer's accounts, by issuer and subject: the same name
// from another issuer is another person.
var operators = map[[2]string]string{
	{"https://consumer.example", "ann"}: "operator-17",
}

// newProducer is the application that owns the cases: a token endpoint and an API.
func newProducer(consumerKeys, secretHash string, onReject func(*http.Request, error)) (http.Handler, error) {
	assertion, err := loadProfile("Remotecasetype_Consumer.json")
	if err != nil {
		return nil, err
	}
	assertions, err := assertion.Verifier(&jwks.Client{URL: consumerKeys})
	if err != nil {
		return nil, err
	}
	access, err := loadProfile("Remotecasetype_Producer.json")
	if err != nil {
		return nil, err
	}
	keys, err := loadKeys("producer.p12")
	if err != nil {
		return nil, err
	}
	signer, err := access.Signer(keys)
	if err != nil {
		return nil, err
	}
	verifier, err := access.Verifier(keys)
	if err != nil {
		return nil, err
	}
	guard := &transport.Guard{Verifier: verifier, OnReject: onReject}
	mux := http.NewServeMux()
	mux.Handle("/token", &transport.TokenEndpoint{
		Clients:    transport.Registrations{clientID: {SecretHash: secretHash}},
		Assertions: assertions,
		Authorize:  mapOperator,
		Signer:     signer,
		OnReject:   onReject,
	})
	mux.Handle("POST /cases", guard.Handler(&cases{}))
	return mux, nil
}

// mapOperator maps whom the consumer vouches for to the producer's own account.
func mapOperator(_ context.Context, request *transport.AccessRequest) (*transport.Access, error) {
	operator, ok := operators[[2]string{request.Assertion.Issuer, request.Assertion.Subject}]
	if !ok {
		return nil, errors.New("no operator for the subject of the assertion")
	}
	return &transport.Access{Subject: operator}, nil
}

// cases is the API. It asks the context who is calling.
type cases struct{ last atomic.Int64 }

func (c *cases) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := tokenprofile.FromContext(r.Context())
	if !ok {
		http.Error(w, "no token in the context", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "case C-%d opened by %s", c.last.Add(1), token.Subject)
}
