// Package oauthclient_test lets this library be the servers of certified OAuth
// and OpenID Connect clients, and of golang.org/x/oauth2.
package oauthclient_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

const (
	issuer   = "https://producer.example"
	clientID = "a client: 100 % certified" // has what must be encoded in Basic credentials
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func newKey() (*ecdsa.PrivateKey, *keystore.Store) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return key, keystore.New(must(keystore.NewPrivateKey(key)))
}

// A task is what the client is told.
type task struct {
	Issuer    string `json:"issuer"`
	TokenURL  string `json:"tokenURL"`
	APIURL    string `json:"apiURL"`
	ClientID  string `json:"clientID"`
	Secret    string `json:"secret"`
	Key       []byte `json:"key"`       // PKCS #8
	Assertion string `json:"assertion"` // about ann
}

// A result is what the client says of one way to get and use a token.
type result struct {
	Name, Type, Scope, Body string
	Error                   string // the code, or the scheme that is asked for
	Status                  int
}

// serve starts a token endpoint and an API and returns the client's task.
func serve(t *testing.T) task {
	t.Helper()
	clientKey, clientKeys := newKey()
	_, idpKeys := newKey()
	_, ownKeys := newKey()
	assertion := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256, Issuer: "https://idp.example", Audience: []string{issuer}, OneUse: true,
	}
	authentication := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256, Issuer: clientID, Subject: clientID, Audience: []string{issuer}, OneUse: true, Lifetime: time.Minute,
	}
	access := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256, Issuer: issuer, Audience: []string{issuer + "/orders"}, TokenID: true,
		Header: tokenprofile.Header{Type: "at+jwt"},
	}
	onReject := func(_ *http.Request, err error) { fmt.Fprintln(t.Output(), err) }
	secret := rand.Text()
	endpoint := &transport.TokenEndpoint{
		Clients: transport.Registrations{clientID: {
			SecretHash: must(transport.HashSecret(secret)),
			Assertions: must(authentication.Verifier(clientKeys)),
		}},
		Assertions:        must(assertion.Verifier(idpKeys)),
		ClientCredentials: true,
		Signer:            must(access.Signer(ownKeys)),
		Authorize: func(_ context.Context, request *transport.AccessRequest) (*transport.Access, error) {
			access := &transport.Access{Scope: request.Scope}
			if request.Assertion != nil {
				access.Subject = request.Assertion.Subject
			}
			return access, nil
		},
		DPoP:         &tokenprofile.ProofVerifier{Nonces: &tokenprofile.ProofNonces{}},
		AllowUnbound: true,
		OnReject:     onReject,
	}
	guard := &transport.Guard{
		Verifier:     must(access.Verifier(ownKeys)),
		DPoP:         &tokenprofile.ProofVerifier{Nonces: &tokenprofile.ProofNonces{}},
		AllowUnbound: true,
		OnReject:     onReject,
	}
	mux := http.NewServeMux()
	mux.Handle("/token", endpoint)
	mux.Handle("/orders", guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := tokenprofile.FromContext(r.Context())
		fmt.Fprint(w, token.Subject)
	})))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	endpoint.URL, guard.BaseURL = server.URL+"/token", server.URL
	return task{
		Issuer: issuer, TokenURL: endpoint.URL, APIURL: server.URL + "/orders?page=1", ClientID: clientID, Secret: secret,
		Key:       must(x509.MarshalPKCS8PrivateKey(clientKey)),
		Assertion: must(must(assertion.Signer(idpKeys)).Sign(t.Context(), map[string]any{"sub": "ann"})),
	}
}

// both are the ways of either client, and what must come of each.
var both = []result{
	{Name: "client_secret_basic", Type: "bearer", Body: clientID, Status: 200},
	{Name: "client_secret_post", Type: "bearer", Body: clientID, Status: 200},
	{Name: "private_key_jwt", Type: "bearer", Body: clientID, Status: 200},
	{Name: "scope", Type: "bearer", Scope: "orders", Body: clientID, Status: 200},
	{Name: "jwt-bearer", Type: "bearer", Body: "ann", Status: 200},
	{Name: "jwt-bearer, the same assertion again", Error: "invalid_grant", Status: 400},
	{Name: "a wrong secret", Error: "basic", Status: 401},
}

func TestOAuthClient(t *testing.T) {
	runClient(t, "client.mjs", append(slices.Clone(both),
		result{Name: "DPoP ES256", Type: "dpop", Body: clientID, Status: 200},
		result{Name: "DPoP PS256", Type: "dpop", Body: clientID, Status: 200},
		result{Name: "DPoP RS256", Type: "dpop", Body: clientID, Status: 200},
		result{Name: "DPoP EdDSA", Type: "dpop", Body: clientID, Status: 200},
	))
}

func TestOpenIDClient(t *testing.T) { runClient(t, "openid.mjs", both) }

func runClient(t *testing.T, program string, want []result) {
	t.Helper()
	if os.Getenv("TOKENPROFILE_TOOLS") == "" {
		t.Skip("TOKENPROFILE_TOOLS is not set: this test starts a client under Node")
	}
	cmd := exec.CommandContext(t.Context(), "node", program)
	cmd.Stdin = bytes.NewReader(must(json.Marshal(serve(t))))
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the client: %v (npm ci?)", err)
	}
	results := json.NewDecoder(bytes.NewReader(out))
	for _, want := range want {
		var got result
		if err := results.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	if results.More() {
		t.Error("the client says more than is expected")
	}
}

// golang.org/x/oauth2 gets tokens with a secret, either way, and carries them.
func TestOAuth2Package(t *testing.T) {
	told := serve(t)
	for name, style := range map[string]oauth2.AuthStyle{"basic": oauth2.AuthStyleInHeader, "post": oauth2.AuthStyleInParams} {
		config := clientcredentials.Config{ClientID: told.ClientID, ClientSecret: told.Secret, TokenURL: told.TokenURL, Scopes: []string{"orders"}, AuthStyle: style}
		resp, err := config.Client(t.Context()).Get(told.APIURL)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body := must(io.ReadAll(resp.Body))
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || string(body) != clientID {
			t.Errorf("%s: got %d, %q", name, resp.StatusCode, body)
		}
		config.ClientSecret += "x"
		var refused *oauth2.RetrieveError
		if _, err := config.Token(t.Context()); !errors.As(err, &refused) || refused.ErrorCode != "invalid_client" {
			t.Errorf("%s: a wrong secret: got %v", name, err)
		}
	}
}
