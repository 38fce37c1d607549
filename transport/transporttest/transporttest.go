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
// A handler that only wants to know who is calling needs no guard: a request
// whose context has [tokenprofile.NewContext] is all it sees. With its guard it
// is tested by [Tokens] for a verifier, or by the tokens of an issuer of
// package jwkstest for the verifier that it really has.
package transporttest

import (
	"context"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// Tokens is a verifier for tests, which takes these texts for tokens and no
// other. A text is of letters, digits and "-._~+/".
//
//	guard.Verifier = transporttest.Tokens{"alice": {Subject: "alice", Claims: []byte(`{"scope":"read"}`)}}
type Tokens map[string]tokenprofile.Token

var _ transport.TokenVerifier = Tokens(nil)

// Verify returns the token of the text. Any other is
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
