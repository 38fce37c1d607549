package tokenprofile_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func ExampleProver() {
	// The client: a key of its own, which never leaves it.
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	private, err := keystore.NewPrivateKey(key)
	if err != nil {
		log.Fatal(err)
	}
	prover, err := tokenprofile.NewProver(private)
	if err != nil {
		log.Fatal(err)
	}
	request := tokenprofile.Proof{Method: "GET", URL: "https://api.example/orders", TokenHash: tokenprofile.HashToken("the.access.token")}
	proof, err := prover.Prove(context.Background(), request)
	if err != nil {
		log.Fatal(err)
	}

	// The server: the thumbprint is that of the token's cnf claim.
	verifier := &tokenprofile.ProofVerifier{}
	thumbprint, err := verifier.Verify(context.Background(), proof, request, prover.Thumbprint())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(thumbprint == prover.Thumbprint())

	_, err = verifier.Verify(context.Background(), proof, request, prover.Thumbprint())
	fmt.Println(errors.Is(err, tokenprofile.ErrReplayed))
	// Output:
	// true
	// true
}

func ExampleProofVerifier_nonces() {
	// A server that wants proofs to be fresh by its own clock.
	verifier := &tokenprofile.ProofVerifier{Nonces: &tokenprofile.ProofNonces{}}

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	private, err := keystore.NewPrivateKey(key)
	if err != nil {
		log.Fatal(err)
	}
	prover, err := tokenprofile.NewProver(private)
	if err != nil {
		log.Fatal(err)
	}
	request := tokenprofile.Proof{Method: "GET", URL: "https://api.example/orders"}
	for _, nonce := range []string{"", verifier.Nonce()} {
		request.Nonce = nonce
		proof, err := prover.Prove(context.Background(), request)
		if err != nil {
			log.Fatal(err)
		}
		_, err = verifier.Verify(context.Background(), proof, tokenprofile.Proof{Method: "GET", URL: request.URL}, "")
		fmt.Println(errors.Is(err, tokenprofile.ErrNonce))
	}
	// Output:
	// true
	// false
}
