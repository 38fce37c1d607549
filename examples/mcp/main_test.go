package main

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	want := "our client is billing\nthe SDK's client is reports\na client without a token is admitted: false\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// start starts a server with one client, and returns its URL and keys.
func start(t *testing.T) (base string, keys *keystore.Store) {
	t.Helper()
	keys, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	hash, err := transport.HashSecret(rand.Text())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	base = "http://" + server.Listener.Addr().String()
	if server.Config.Handler, err = newServer(base, keys, transport.Registrations{"reports": {SecretHash: hash}}); err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	return base, keys
}

// signer makes the access tokens of the server, for a subject.
func signer(t *testing.T, base, audience, subject string, keys *keystore.Store) *tokenprofile.Signer {
	t.Helper()
	signer, err := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    base,
		Audience:  []string{audience},
		Subject:   subject,
		TokenID:   true,
		Claims:    map[string]any{"scope": "tools"},
		Header:    tokenprofile.Header{Type: "at+jwt"},
	}.Signer(keys)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestWhatA401Says(t *testing.T) {
	base, _ := start(t)
	response, err := http.Post(base+"/mcp", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("got status %d, want 401", response.StatusCode)
	}
	challenges, err := oauthex.ParseWWWAuthenticate(response.Header["Www-Authenticate"])
	if err != nil || len(challenges) != 1 || challenges[0].Scheme != "bearer" || challenges[0].Params["scope"] != "tools" {
		t.Errorf("got the challenges %v and error %v, want one with the scope", challenges, err)
	}
	resource, err := oauthex.GetProtectedResourceMetadata(t.Context(), base+"/.well-known/oauth-protected-resource/mcp", base+"/mcp", http.DefaultClient)
	if err != nil || len(resource.AuthorizationServers) != 1 {
		t.Fatalf("got %v and error %v, want one authorization server", resource, err)
	}
	issuer, err := auth.GetAuthServerMetadata(t.Context(), resource.AuthorizationServers[0], http.DefaultClient)
	if err != nil || issuer.TokenEndpoint != base+"/token" {
		t.Errorf("got %v and error %v, want the token endpoint", issuer, err)
	}
}

func TestKeysOfTheServerAreFoundToo(t *testing.T) {
	base, keys := start(t)
	client, err := jwks.Discover(t.Context(), base, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := keys.PublishedKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := client.PublicKeys(t.Context(), want[0].KeyID()); err != nil || len(got) != 1 {
		t.Errorf("got %d keys and error %v, want the server's", len(got), err)
	}
}

func TestTokens(t *testing.T) {
	base, keys := start(t)
	strangers, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		source transport.TokenSource
		fails  bool
	}{
		{"a right token", signer(t, base, base+"/mcp", "ann", keys), false},
		{"a token for another resource", signer(t, base, base+"/other", "ann", keys), true},
		{"a token of a stranger", signer(t, base, base+"/mcp", "ann", strangers), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := &mcp.StreamableClientTransport{Endpoint: base + "/mcp", HTTPClient: transport.Wrap(nil, test.source)}
			who, err := whoami(t.Context(), client)
			if (err != nil) != test.fails || !test.fails && who != "ann" {
				t.Errorf("got %q and error %v", who, err)
			}
		})
	}
}

// A session id that was overheard is of no use to somebody else.
func TestSessionOfAnotherUser(t *testing.T) {
	base, keys := start(t)
	post := func(subject, session, body string) *http.Response {
		r, err := http.NewRequest(http.MethodPost, base+"/mcp", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		r.Header.Set("Mcp-Session-Id", session)
		if session == "" {
			r.Header.Del("Mcp-Session-Id")
		}
		response, err := transport.Wrap(nil, signer(t, base, base+"/mcp", subject, keys)).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	begun := post("ann", "", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`)
	session := begun.Header.Get("Mcp-Session-Id")
	if begun.StatusCode != http.StatusOK || session == "" {
		t.Fatalf("got status %d and session %q", begun.StatusCode, session)
	}
	const initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
	if got := post("bob", session, initialized).StatusCode; got != http.StatusForbidden {
		t.Errorf("another user: got status %d, want 403", got)
	}
	if got := post("ann", session, initialized).StatusCode; got != http.StatusAccepted {
		t.Errorf("the same user: got status %d, want 202", got)
	}
}
