// Package oidcprovider_test lets this library be the client of a certified
// OpenID Connect provider.
package oidcprovider_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

const resource = "https://producer.example"

// provider starts the server, told where the client's keys are.
func provider(t *testing.T, jwksURI string) (issuer string) {
	t.Helper()
	if os.Getenv("TOKENPROFILE_TOOLS") == "" {
		t.Skip("TOKENPROFILE_TOOLS is not set: this test starts a server under Node")
	}
	cmd := exec.CommandContext(t.Context(), "node", "server.mjs", jwksURI, resource)
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Wait() }) // the test's context has ended by then, and the server with it
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the provider did not start: %v (npm ci?)", err)
	}
	return strings.TrimSpace(line)
}

// relation is the client and the provider, ready to talk.
type relation struct {
	grant    *transport.Grant
	verifier *tokenprofile.Verifier
}

func connect(t *testing.T) relation {
	t.Helper()
	keys := keystore.New(generate(t, "RS256"))
	published := httptest.NewServer(&jwks.Handler{Source: keys})
	t.Cleanup(published.Close)

	issuer := provider(t, published.URL)
	client, err := jwks.Discover(t.Context(), issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    issuer,
		Audience:  []string{resource},
		Header:    tokenprofile.Header{Type: "at+jwt"},
	}.Verifier(client)
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := tokenprofile.Profile{
		Algorithm: tokenprofile.RS256,
		Issuer:    "billing",
		Subject:   "billing",
		Audience:  []string{issuer},
		Lifetime:  time.Minute,
		OneUse:    true,
	}.Signer(keys)
	if err != nil {
		t.Fatal(err)
	}
	grant := &transport.Grant{
		TokenURL:        issuer + "/token",
		ClientID:        "billing",
		ClientAssertion: assertion,
		Scopes:          []string{"orders"},
		Resources:       []string{resource},
	}
	return relation{grant: grant, verifier: verifier}
}

func TestClientCredentialsWithPrivateKeyJWT(t *testing.T) {
	r := connect(t)
	token, expiry, err := r.grant.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if until := time.Until(expiry); until < 4*time.Minute || until > 5*time.Minute {
		t.Errorf("got a token for %v, want the 5 minutes the server gives", until)
	}
	verified, err := r.verifier.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	if err := verified.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	if claims.ClientID != "billing" || claims.Scope != "orders" {
		t.Errorf("got a token for %q with scope %q, want billing, orders", claims.ClientID, claims.Scope)
	}
}

func TestProviderRefusesAnotherKey(t *testing.T) {
	r := connect(t)
	profile := r.grant.ClientAssertion.(*tokenprofile.Signer).Profile()
	assertion, err := profile.Signer(keystore.New(generate(t, "RS256")))
	if err != nil {
		t.Fatal(err)
	}
	grant := &transport.Grant{TokenURL: r.grant.TokenURL, ClientID: "billing", ClientAssertion: assertion}
	_, _, err = grant.Token(t.Context())
	if err == nil || !strings.Contains(err.Error(), "invalid_client") {
		t.Errorf("got %v, want invalid_client", err)
	}
}

// TestDPoPBoundToken gets a token bound to a key and carries it, with a proof
// for every request, past a guard that demands the proof.
func TestDPoPBoundToken(t *testing.T) {
	r := connect(t)
	prover, err := tokenprofile.NewProver(generate(t, "ES256"))
	if err != nil {
		t.Fatal(err)
	}
	r.grant.DPoP = prover
	guard := &transport.Guard{Verifier: r.verifier, DPoP: &tokenprofile.ProofVerifier{}, OnReject: func(_ *http.Request, err error) { t.Log(err) }}
	api := httptest.NewServer(guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Authorization")[:5])
	})))
	defer api.Close()
	guard.BaseURL = api.URL

	client := transport.Wrap(api.Client(), r.grant)
	for range 3 {
		status, body := get(t, client, api.URL)
		if status != http.StatusOK || body != "DPoP " {
			t.Errorf("got %d %q, want 200 with scheme DPoP", status, body)
		}
	}

	// The token alone, stolen, is worth nothing.
	token, _, err := r.grant.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	status, _ := get(t, transport.Wrap(api.Client(), plain(token)), api.URL)
	if status != http.StatusUnauthorized {
		t.Errorf("a bound token without its proof was answered with %d, want 401", status)
	}
}

func generate(t *testing.T, algorithm keystore.Algorithm) keystore.PrivateKey {
	t.Helper()
	key, err := keystore.Generate(algorithm, "CN=billing", time.Now(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

type plain string

func (p plain) Token(context.Context) (string, time.Time, error) {
	return string(p), time.Time{}, nil
}

func get(t *testing.T, client *http.Client, url string) (status int, body string) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}
