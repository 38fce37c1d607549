package jwkstest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func Example() {
	issuer := jwkstest.NewIssuer("ES256")
	defer issuer.Close()

	profile := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    issuer.URL,
		Audience:  []string{"https://api.example"},
	}
	verifier, err := profile.Verifier(&jwks.Client{URL: issuer.KeysURL()})
	if err != nil {
		log.Fatal(err)
	}
	verify := func() {
		token := issuer.Token(map[string]any{"aud": "https://api.example", "sub": "alice"})
		verified, err := verifier.Verify(context.Background(), token)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("admitted:", verified.Subject)
	}
	verify()
	issuer.Rotate()
	verify()
	issuer.Break(jwkstest.Status(http.StatusInternalServerError))
	verify()
	// Output:
	// admitted: alice
	// admitted: alice
	// admitted: alice
}

func ExampleNewIssuer() {
	issuer := jwkstest.NewIssuer("EdDSA")
	defer issuer.Close()

	keys, err := jwks.Discover(context.Background(), issuer.URL, issuer.Client())
	if err != nil {
		log.Fatal(err)
	}
	found, err := keys.PublicKeys(context.Background(), issuer.KeyID())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found[0].Describe(), "after", issuer.Requests(), "request")
	// Output: Ed25519 after 1 request
}

func ExampleIssuer_TokenWith() {
	issuer := jwkstest.NewUnstartedIssuer("ES256", "https://issuer.example")
	profile := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    issuer.URL,
		Audience:  []string{"https://api.example"},
	}
	verifier, err := profile.Verifier(issuer)
	if err != nil {
		log.Fatal(err)
	}
	token := issuer.TokenWith(
		map[string]any{"alg": "none"},
		map[string]any{"aud": "https://api.example"},
	)
	_, err = verifier.Verify(context.Background(), token)
	fmt.Println(errors.Is(err, tokenprofile.ErrAlgorithm))
	// Output: true
}

func ExampleIssuer_Break() {
	issuer := jwkstest.NewIssuer("ES256")
	defer issuer.Close()

	keys := &jwks.Client{URL: issuer.KeysURL()}
	issuer.Break(jwkstest.Status(http.StatusBadGateway))
	_, err := keys.PublicKeys(context.Background(), issuer.KeyID())
	fmt.Println(errors.Is(err, keystore.ErrUnavailable))

	issuer.Mend()
	fmt.Println(keys.Refresh(context.Background()))
	// Output:
	// true
	// <nil>
}
