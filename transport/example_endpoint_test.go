package transport_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A producer that exchanges assertions itself: the consumer signs an assertion
// about the acting user, and gets an access token for the producer's account
// of that user.
func ExampleTokenEndpoint() {
	consumerKeys, err := exampleStore()
	if err != nil {
		log.Fatal(err)
	}
	producerKeys, err := exampleStore()
	if err != nil {
		log.Fatal(err)
	}
	secret := rand.Text() // given to the consumer once
	hash, err := transport.HashSecret(secret)
	if err != nil {
		log.Fatal(err)
	}

	// What both sides have agreed on.
	assertion := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
		OneUse:    true,
	}
	// What the producer gives out, and demands at its own API (RFC 9068).
	access := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    "https://producer.example",
		Audience:  []string{"https://producer.example/cases"},
		TokenID:   true,
		Header:    tokenprofile.Header{Type: "at+jwt"},
	}

	// The producer.
	assertions, err := assertion.Verifier(consumerKeys) // or with a *jwks.Client
	if err != nil {
		log.Fatal(err)
	}
	signer, err := access.Signer(producerKeys)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := access.Verifier(producerKeys)
	if err != nil {
		log.Fatal(err)
	}
	users := map[string]string{"ann@consumer.example": "operator-17"}
	mux := http.NewServeMux()
	mux.Handle("/token", &transport.TokenEndpoint{
		Clients:    transport.Registrations{"consumer": {SecretHash: hash}},
		Assertions: assertions,
		Signer:     signer,
		Authorize: func(_ context.Context, request *transport.AccessRequest) (*transport.Access, error) {
			user, ok := users[request.Assertion.Subject]
			if !ok {
				return nil, errors.New("no user for the subject")
			}
			return &transport.Access{Subject: user, Scope: []string{"cases:read"}}, nil
		},
	})
	guard := &transport.Guard{Verifier: verifier}
	mux.Handle("/cases", guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := tokenprofile.FromContext(r.Context())
		fmt.Println("the producer sees", token.Subject)
	})))
	server := httptest.NewServer(mux)
	defer server.Close()

	// The consumer.
	about, err := assertion.Signer(consumerKeys)
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: &transport.Bearer{
		Source: &transport.Grant{
			TokenURL:     server.URL + "/token",
			ClientID:     "consumer",
			ClientSecret: keystore.StaticPassword(secret),
			Assertion:    about,
		},
		Claims: func(r *http.Request) (any, error) {
			return map[string]any{"sub": r.Header.Get("X-User")}, nil
		},
	}}
	for _, user := range []string{"ann@consumer.example", "eve@consumer.example"} {
		request, err := http.NewRequest("GET", server.URL+"/cases", nil)
		if err != nil {
			log.Fatal(err)
		}
		request.Header.Set("X-User", user)
		response, err := client.Do(request)
		var refusal *transport.GrantError
		switch {
		case errors.As(err, &refusal):
			fmt.Println("the token endpoint says", refusal.Code)
		case err != nil:
			log.Fatal(err)
		default:
			response.Body.Close()
			fmt.Println("the API says", response.StatusCode)
		}
	}
	// Output:
	// the producer sees operator-17
	// the API says 200
	// the token endpoint says invalid_grant
}

// What discovery documents say of the endpoint is what it does.
func ExampleTokenEndpoint_Describe() {
	hash, err := transport.HashSecret(rand.Text())
	if err != nil {
		log.Fatal(err)
	}
	endpoint := &transport.TokenEndpoint{
		URL:               "https://issuer.example/token",
		Clients:           transport.Registrations{"billing": {SecretHash: hash}},
		ClientCredentials: true,
	}
	metadata := endpoint.Describe(jwks.Metadata{
		Issuer:    "https://issuer.example",
		KeySetURL: "https://issuer.example/jwks.json",
	}) // for a jwks.MetadataHandler
	fmt.Println(metadata.GrantTypes, metadata.TokenEndpointAuthMethods)
	// Output: [client_credentials] [client_secret_basic client_secret_post]
}

func ExampleHashSecret() {
	secret := rand.Text() // tell the client this, and keep the hash
	hash, err := transport.HashSecret(secret)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(hash))

	_, err = transport.HashSecret("correct horse")
	fmt.Println(err)
	// Output:
	// 50
	// transport: a client secret of less than 22 bytes; let crypto/rand.Text make one
}

// A client that is known by the name in its certificate, and one whose shared
// secret signs its assertions.
func ExampleClientCertificate() {
	key, err := keystore.NewSecretKey([]byte(rand.Text()+rand.Text()), "")
	if err != nil {
		log.Fatal(err)
	}
	profile := tokenprofile.Profile{
		Algorithm: tokenprofile.HS256,
		Issuer:    "reports",
		Audience:  []string{"https://issuer.example"},
		OneUse:    true,
	}
	assertions, err := profile.SecretVerifier(key) // client_secret_jwt
	if err != nil {
		log.Fatal(err)
	}
	clients := transport.Registrations{
		"billing": {Certificate: &transport.ClientCertificate{URI: "spiffe://example.org/billing"}},
		"reports": {Assertions: assertions},
	}
	billing, err := clients.Registration(context.Background(), "billing")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(billing.Certificate.URI)
	// Output: spiffe://example.org/billing
}
