// Package transporttest is the other side of package transport, for tests: a
// token endpoint and an API that misbehave on demand, and tokens for handlers
// behind a guard.
//
// A client is tested against a [Server]:
//
//	server := transporttest.NewServer()
//	defer server.Close()
//	grant := &transport.Grant{TokenURL: server.TokenURL(), Assertion: signer}
//	client := &http.Client{Transport: &transport.Bearer{Source: grant}}
//
// A handler that only asks who is calling needs no guard: give it a request
// whose context comes from [tokenprofile.NewContext]. To test it behind its
// guard, use [Tokens] as the verifier; or keep the real verifier, and send
// tokens of an issuer of package jwkstest.
package transporttest

import (
	"context"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// Tokens is a verifier for tests that accepts these texts as tokens, and no
// other. A text has letters, digits and "-._~+/".
//
//	guard.Verifier = transporttest.Tokens{"alice": {Subject: "alice", Claims: []byte(`{"scope":"read"}`)}}
type Tokens map[string]tokenprofile.Token

var _ transport.TokenVerifier = Tokens(nil)

// Verify returns the token of the text. For any other text the reason is
// [tokenprofile.ErrSignature].
func (t Tokens) Verify(_ context.Context, text string) (*tokenprofile.Token, error) {
	token, ok := t[text]
	if !ok {
		return nil, fmt.Errorf("transporttest: %w: %w", tokenprofile.ErrInvalid, tokenprofile.ErrSignature)
	}
	if token.Claims == nil {
		token.Claims = []byte("{}")
	}
	return &token, nil
}
