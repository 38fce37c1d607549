// Mcp puts a guard in front of an MCP server, and a bearer into an MCP client,
// both of the official Go SDK. It runs on loopback: a client of ours, which
// signs with its key, and a client of the SDK's, which has a secret, call the
// same tool.
//
//	go run .
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth/extauth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mcp:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	base := "http://" + listener.Addr().String()

	keys, err := newKeys()
	if err != nil {
		return err
	}
	assertion := tokenprofile.Profile{ // RFC 7523, private_key_jwt
		Algorithm: tokenprofile.ES256,
		Issuer:    "billing",
		Subject:   "billing",
		Audience:  []string{base + "/token"},
		OneUse:    true,
	}
	secret := rand.Text()
	handler, err := newHandler(base, assertion, keys, secret)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	defer server.Close()
	go server.Serve(listener)

	signer, err := assertion.Signer(keys)
	if err != nil {
		return err
	}
	return callTools(ctx, out, base, signer, secret)
}

// newHandler is the server, with keys of its own, and both clients registered.
func newHandler(base string, assertion tokenprofile.Profile, billing *keystore.Store, secret string) (http.Handler, error) {
	clients, err := register(assertion, billing, secret)
	if err != nil {
		return nil, err
	}
	keys, err := newKeys()
	if err != nil {
		return nil, err
	}
	return newServer(base, keys, clients)
}

// callTools calls the tool as each client, and as one that has no token.
func callTools(ctx context.Context, out io.Writer, base string, signer transport.TokenSource, secret string) error {
	who, err := whoami(ctx, ours(base, signer))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "our client is", who)
	theirs, err := discovering(base, "reports", secret)
	if err != nil {
		return err
	}
	if who, err = whoami(ctx, theirs); err != nil {
		return err
	}
	fmt.Fprintln(out, "the SDK's client is", who)
	_, err = whoami(ctx, &mcp.StreamableClientTransport{Endpoint: base + "/mcp"})
	fmt.Fprintln(out, "a client without a token is admitted:", err == nil)
	return nil
}

// ours gets access tokens with assertions that it signs.
func ours(base string, signer transport.TokenSource) *mcp.StreamableClientTransport {
	grant := &transport.Grant{TokenURL: base + "/token", ClientAssertion: signer, Scopes: []string{"tools"}}
	bearer := &transport.Bearer{Source: grant, Origins: []string{base}}
	return &mcp.StreamableClientTransport{Endpoint: base + "/mcp", HTTPClient: &http.Client{Transport: bearer}}
}

// discovering learns from a 401 where there are tokens.
func discovering(base, id, secret string) (*mcp.StreamableClientTransport, error) {
	handler, err := extauth.NewClientCredentialsHandler(&extauth.ClientCredentialsHandlerConfig{
		Credentials: &oauthex.ClientCredentials{ClientID: id, ClientSecretAuth: &oauthex.ClientSecretAuth{ClientSecret: secret}},
	})
	if err != nil {
		return nil, err
	}
	return &mcp.StreamableClientTransport{Endpoint: base + "/mcp", OAuthHandler: handler}, nil
}

func whoami(ctx context.Context, transport mcp.Transport) (string, error) {
	client := mcp.NewClient(&mcp.Implementation{Name: "example", Version: "1"}, nil)
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		return "", err
	}
	defer session.Close()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "whoami"})
	if err != nil {
		return "", err
	}
	text, ok := result.Content[0].(*mcp.TextContent)
	if !ok || result.IsError {
		return "", fmt.Errorf("the tool answered %v", result.Content)
	}
	return text.Text, nil
}

func register(assertion tokenprofile.Profile, billing *keystore.Store, secret string) (transport.Registry, error) {
	assertions, err := assertion.Verifier(billing)
	if err != nil {
		return nil, err
	}
	hash, err := transport.HashSecret(secret)
	if err != nil {
		return nil, err
	}
	return transport.Registrations{"billing": {Assertions: assertions}, "reports": {SecretHash: hash}}, nil
}

func newKeys() (*keystore.Store, error) {
	key, err := keystore.Generate("ES256", "CN=example", time.Now(), time.Now().Add(time.Hour))
	if err != nil {
		return nil, err
	}
	return keystore.New(key), nil
}
