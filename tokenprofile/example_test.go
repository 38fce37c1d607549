package tokenprofile_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// exampleKeys stand for a keystore that was opened.
func exampleKeys() *keystore.Store {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	private, err := keystore.NewPrivateKey(key)
	if err != nil {
		log.Fatal(err)
	}
	return keystore.New(private)
}

func exampleSecrets() secrets {
	key, err := keystore.NewSecretKey([]byte("thirty-two bytes that both know."), "shared-1")
	if err != nil {
		log.Fatal(err)
	}
	return secrets{key}
}

var exampleProfile = tokenprofile.Profile{
	Algorithm: tokenprofile.ES256,
	Issuer:    "https://consumer.example",
	Audience:  []string{"https://producer.example"},
	Subject:   "billing",
}

func Example() {
	keys := exampleKeys() // both ends in one program, for once
	signer, err := exampleProfile.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := exampleProfile.Verifier(keys)
	if err != nil {
		log.Fatal(err)
	}
	token, err := signer.Sign(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	verified, err := verifier.Verify(context.Background(), token)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(verified.Subject, "of", verified.Issuer)
	// Output: billing of https://consumer.example
}

func ExampleProfile_Signer() {
	signer, err := exampleProfile.Signer(exampleKeys())
	if err != nil {
		log.Fatal(err)
	}
	_, err = signer.Sign(context.Background(), map[string]any{"iss": "someone else"})
	fmt.Println(err)
	// Output: tokenprofile: claim "iss" is set twice: what the profile sets cannot be given
}

func ExampleProfile_Verifier() {
	verifier, err := exampleProfile.Verifier(exampleKeys())
	if err != nil {
		log.Fatal(err)
	}
	_, err = verifier.Verify(context.Background(), "not a token")
	fmt.Println(err)
	fmt.Println(errors.Is(err, tokenprofile.ErrInvalid), errors.Is(err, tokenprofile.ErrMalformed))
	// Output:
	// tokenprofile: invalid token: malformed: not three segments
	// true true
}

func ExampleProfile_SecretSigner() {
	profile := exampleProfile
	profile.Algorithm = tokenprofile.HS256
	signer, err := profile.SecretSigner(exampleSecrets())
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := profile.SecretVerifier(exampleSecrets())
	if err != nil {
		log.Fatal(err)
	}
	token, err := signer.Sign(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	verified, err := verifier.Verify(context.Background(), token)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(verified.Subject, verified.KeyID)
	// Output: billing shared-1
}

func ExampleProfile_SecretVerifier() {
	_, err := exampleProfile.SecretVerifier(exampleSecrets())
	fmt.Println(err)
	// Output: tokenprofile: profile: algorithm: ES256 does not use secret keys
}

func ExampleProfile_Preview() {
	profile := exampleProfile
	profile.Now = func() time.Time { return time.Unix(1900000000, 0) }
	header, payload, err := profile.Preview(map[string]any{"role": "reader"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n%s\n", header, payload)
	// Output:
	// {"alg":"ES256","typ":"JWT"}
	// {"iss":"https://consumer.example","sub":"billing","aud":"https://producer.example","exp":1900000900,"iat":1900000000,"role":"reader"}
}

func ExampleProfile_Validate() {
	profile := tokenprofile.Profile{Leeway: time.Hour}
	fmt.Println(profile.Validate())
	// Output:
	// tokenprofile: profile: algorithm: is missing
	// tokenprofile: profile: issuer: is empty
	// tokenprofile: profile: leeway: 1h is not between 0 and 10m
}

func ExampleLoad() {
	profile, err := tokenprofile.Load("testdata/profiles/self-signed-bearer.json")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(profile.Algorithm, profile.Issuer, profile.Lifetime)
	// Output: RS256 https://consumer.example 5m0s
}

func ExampleParse() {
	_, err := tokenprofile.Parse([]byte(`{"algorithm": "RS256", "issuer": "https://consumer.example", "lifetime": 900}`))
	fmt.Println(err)
	// Output: tokenprofile: profile: lifetime: is not a duration in a string, such as "15m"
}

func ExampleSigner_Token() {
	profile := exampleProfile
	profile.Now = func() time.Time { return time.Unix(1900000000, 0).UTC() }
	signer, err := profile.Signer(exampleKeys())
	if err != nil {
		log.Fatal(err)
	}
	_, expiry, err := signer.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(expiry.Format(time.TimeOnly))
	// Output: 18:01:40
}

func ExampleToken_Decode() {
	keys := exampleKeys()
	signer, err := exampleProfile.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := exampleProfile.Verifier(keys)
	if err != nil {
		log.Fatal(err)
	}
	token, err := signer.Sign(context.Background(), map[string]any{"groups": []string{"readers", "writers"}})
	if err != nil {
		log.Fatal(err)
	}
	verified, err := verifier.Verify(context.Background(), token)
	if err != nil {
		log.Fatal(err)
	}
	var claims struct {
		Audience []string                 `json:"aud"` // a string in the token
		Expiry   tokenprofile.NumericDate `json:"exp"`
		Groups   []string                 `json:"groups"`
	}
	if err := verified.Decode(&claims); err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Audience, claims.Groups, claims.Expiry.Equal(verified.Expiry))
	// Output: [https://producer.example] [readers writers] true
}

func ExampleByIssuer() {
	var verifiers []*tokenprofile.Verifier
	var signers []*tokenprofile.Signer
	for _, issuer := range []string{"https://one.example", "https://two.example"} {
		profile, keys := exampleProfile, exampleKeys()
		profile.Issuer = issuer
		verifier, err := profile.Verifier(keys)
		if err != nil {
			log.Fatal(err)
		}
		signer, err := profile.Signer(keys)
		if err != nil {
			log.Fatal(err)
		}
		verifiers, signers = append(verifiers, verifier), append(signers, signer)
	}
	issuers, err := tokenprofile.ByIssuer(verifiers...)
	if err != nil {
		log.Fatal(err)
	}
	for _, signer := range signers {
		token, err := signer.Sign(context.Background(), nil)
		if err != nil {
			log.Fatal(err)
		}
		verified, err := issuers.Verify(context.Background(), token)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(verified.Issuer)
	}
	// Output:
	// https://one.example
	// https://two.example
}

func ExampleMemoryReplayGuard() {
	var guard tokenprofile.MemoryReplayGuard
	for range 2 {
		first, err := guard.First(context.Background(), "https://consumer.example", "id-1", time.Now().Add(time.Minute))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(first)
	}
	// Output:
	// true
	// false
}

func ExampleFromContext() {
	ctx := tokenprofile.NewContext(context.Background(), &tokenprofile.Token{Subject: "billing"})
	if token, ok := tokenprofile.FromContext(ctx); ok {
		fmt.Println(token.Subject)
	}
	// Output: billing
}
