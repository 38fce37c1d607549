package tokenprofile_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Verifiers that share a guard admit a token once among them. Several
// processes need a guard whose memory they share; examples/redis is one.
func ExampleReplayGuard() {
	var guard tokenprofile.ReplayGuard = &tokenprofile.MemoryReplayGuard{Max: 10_000}
	profile, keys := exampleProfile, exampleKeys()
	profile.OneUse, profile.Replay = true, guard
	signer, err := profile.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	token, err := signer.Sign(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range []string{"/orders", "/invoices"} {
		verifier, err := profile.Verifier(keys)
		if err != nil {
			log.Fatal(err)
		}
		_, err = verifier.Verify(context.Background(), token)
		fmt.Println(path, err == nil, errors.Is(err, tokenprofile.ErrReplayed))
	}
	// Output:
	// /orders true false
	// /invoices false true
}
