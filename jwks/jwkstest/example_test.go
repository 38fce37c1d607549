package jwkstest_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
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
