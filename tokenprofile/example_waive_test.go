package tokenprofile_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A GitHub App's token has no audience: the profile says so by name.
func ExampleWaive() {
	profile := tokenprofile.Profile{
		Algorithm: tokenprofile.HS256, // RS256 for GitHub
		Issuer:    "Iv1.0123456789abcdef",
		Lifetime:  10 * time.Minute,
		Backdate:  time.Minute,
		Waive:     tokenprofile.Waive{Omit: []string{"aud"}},
	}
	key, err := keystore.NewSecretKey([]byte("a secret of at least 32 bytes, really"), "")
	if err != nil {
		log.Fatal(err)
	}
	signer, err := profile.SecretSigner(key)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := signer.Sign(context.Background(), nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(signer.Profile().Waive.Names())

	// Who verifies has to know whom a token is for.
	_, err = profile.SecretVerifier(key)
	fmt.Println(err)
	// Output:
	// [omit aud]
	// tokenprofile: profile: waive.omit: without aud nothing says which tokens are meant for a verifier: use waive.recipient or header.demanded
}

// Why is a token refused? Peek shows what it says, verified by nobody.
func ExamplePeek() {
	header, claims, err := tokenprofile.Peek("eyJhbGciOiJub25lIn0.eyJpc3MiOiJhbnlib2R5In0.")
	fmt.Println(string(header), string(claims), err)
	// Output: {"alg":"none"} {"iss":"anybody"} <nil>
}

// Entra ID: an issuer for each tenant, and one key set for all of them.
func ExampleByTenant() {
	profile := tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Audience:  []string{"api://orders"},
		Lifetime:  24 * time.Hour,
	}
	tenants := map[string]bool{"https://login.example/2f1c/v2.0": true}
	keys := keystore.New() // in earnest, a *jwks.Client
	issuers, err := tokenprofile.ByTenant(profile, func(issuer string) keystore.PublicSource {
		if tenants[issuer] {
			return keys
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = issuers.Verify(context.Background(), "not a token")
	fmt.Println(err)
	// Output: tokenprofile: invalid token: malformed: not three segments
}
