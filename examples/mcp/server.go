package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// newServer is an MCP server behind a guard, and the authorization server
// whose tokens it takes, at one base URL. A client that knows nothing but
// base+"/mcp" finds the rest.
func newServer(base string, keys *keystore.Store, clients transport.Registry) (http.Handler, error) {
	access := tokenprofile.Profile{ // RFC 9068
		Algorithm: tokenprofile.ES256,
		Issuer:    base,
		Audience:  []string{base + "/mcp"},
		TokenID:   true,
		Header:    tokenprofile.Header{Type: "at+jwt"},
	}
	verifier, err := access.Verifier(keys)
	if err != nil {
		return nil, err
	}
	signer, err := access.Signer(keys)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	metadata := &transport.ResourceMetadata{Resource: base + "/mcp", AuthorizationServers: []string{base}, Scopes: []string{"tools"}}
	guard := &transport.Guard{Verifier: verifier, Scope: "tools", ResourceMetadata: metadata}
	mux.Handle("/mcp", guard.Handler(tellSDK(tools(), verifier.Profile())))
	mux.Handle("GET "+metadata.Path(), metadata)
	endpoint := &transport.TokenEndpoint{
		URL:               base + "/token",
		Clients:           clients,
		ClientCredentials: true,
		Signer:            signer,
		Authorize: func(context.Context, *transport.AccessRequest) (*transport.Access, error) {
			return &transport.Access{Scope: []string{"tools"}}, nil
		},
	}
	mux.Handle("/token", endpoint)
	keySet := &jwks.Handler{Source: keys}
	mux.Handle("GET /jwks.json", keySet)
	mux.Handle("GET /.well-known/oauth-authorization-server", &jwks.MetadataHandler{Keys: keySet, Metadata: endpoint.Describe(jwks.Metadata{
		Issuer:    base,
		KeySetURL: base + "/jwks.json",
		// The SDK's clients leave a server that does not name PKCE, though they
		// ask for no code here.
		More: map[string]any{"code_challenge_methods_supported": []string{"S256"}},
	})})
	return mux, nil
}

// tools is an MCP server with one tool, which says who calls it.
func tools() http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "orders", Version: "1"}, nil)
	whoami := func(_ context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: r.Extra.TokenInfo.UserID}}}, nil, nil
	}
	mcp.AddTool(server, &mcp.Tool{Name: "whoami", Description: "Says who calls."}, whoami)
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
}

// tellSDK hands what the guard has verified to the SDK, whose tools see it as
// Extra.TokenInfo. The SDK also holds each session to the user who began it.
func tellSDK(next http.Handler, profile tokenprofile.Profile) http.Handler {
	verified := func(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
		token, ok := tokenprofile.FromContext(ctx)
		if !ok {
			return nil, auth.ErrInvalidToken
		}
		var claims struct{ Scope string }
		err := token.Decode(&claims)
		return &auth.TokenInfo{UserID: token.Subject, Scopes: strings.Fields(claims.Scope), Expiration: token.Expiry}, err
	}
	return auth.RequireBearerToken(verified, &auth.RequireBearerTokenOptions{ClockSkew: profile.Leeway})(next)
}
