package transport_test

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// exampleProfile and exampleStore stand for the profile that both sides have
// agreed on, and for the keystore of the caller, which a real one opens with
// [keystore.Open].
var exampleProfile = tokenprofile.Profile{
	Algorithm: tokenprofile.ES256,
	Issuer:    "https://consumer.example",
	Audience:  []string{"https://producer.example"},
	Subject:   "billing",
}

func exampleStore() (*keystore.Store, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	private, err := keystore.NewPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return keystore.New(private), nil
}

func ExampleGuard() {
	keys, err := exampleStore()
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := exampleProfile.Verifier(keys) // or with a *jwks.Client
	if err != nil {
		log.Fatal(err)
	}
	guard := &transport.Guard{
		Verifier: verifier,
		OnReject: func(_ *http.Request, err error) { fmt.Println("log:", errors.Is(err, tokenprofile.ErrMalformed)) },
	}
	api := guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := tokenprofile.FromContext(r.Context())
		fmt.Fprintf(w, "hello, %s of %s", token.Subject, token.Issuer)
	}))
	server := httptest.NewServer(api)
	defer server.Close()

	signer, err := exampleProfile.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	response, err := transport.Wrap(nil, signer).Get(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.StatusCode, string(body))

	request, err := http.NewRequest("GET", server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer forged")
	response, err = http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	fmt.Println(response.StatusCode, response.Header.Get("WWW-Authenticate"))
	// Output:
	// 200 hello, billing of https://consumer.example
	// log: true
	// 401 Bearer realm="protected", error="invalid_token"
}

// account is the application's own idea of who is asking.
type account struct{ name string }

type accountKey struct{}

// Authorize maps the token to the application's own principal, or refuses it.
func ExampleGuard_authorize() {
	accounts := map[string]account{"billing": {"Billing Department"}}
	guard := &transport.Guard{
		Verifier: admits("{}"),
		Authorize: func(r *http.Request, token *tokenprofile.Token) (context.Context, error) {
			who, ok := accounts[token.Subject]
			if !ok {
				return nil, errors.New("no account for the subject")
			}
			if r.Method != http.MethodGet {
				return nil, &transport.ScopeError{Scope: "orders:write"}
			}
			return context.WithValue(r.Context(), accountKey{}, who), nil
		},
	}
	api := guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Context().Value(accountKey{}).(account).name)
	}))
	for _, method := range []string{"GET", "DELETE"} {
		r := httptest.NewRequest(method, "/orders", nil)
		r.Header.Set("Authorization", "Bearer aaa.bbb.ccc")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
		fmt.Println(w.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// 200 Billing Department
	//
	// 403 Forbidden
	// Bearer realm="protected", error="insufficient_scope", scope="orders:write"
}

// Check decides without a handler, for a router or a protocol with a skin of its own.
func ExampleGuard_Check() {
	guard := &transport.Guard{Verifier: admits(`{"scope":"orders:read"}`), Scope: "orders:read"}
	r := httptest.NewRequest("GET", "/orders", nil)
	_, err := guard.Check(r)
	var refusal *transport.Refusal
	if errors.As(err, &refusal) {
		fmt.Println(refusal.StatusCode, refusal.Header.Get("WWW-Authenticate"))
		fmt.Println(err) // for the log
	}
	r.Header.Set("Authorization", "Bearer aaa.bbb.ccc")
	ctx, err := guard.Check(r)
	if err != nil {
		log.Fatal(err)
	}
	token, _ := tokenprofile.FromContext(ctx)
	fmt.Println(token.Subject)
	// Output:
	// 401 Bearer realm="protected", scope="orders:read"
	// transport: 401: no credentials
	// billing
}

// A role decides, wherever the authorization server lists roles.
func ExampleValues() {
	guard := &transport.Guard{
		Verifier: admits(`{"realm_access":{"roles":["clerk","auditor"]}}`),
		Authorize: func(_ *http.Request, token *tokenprofile.Token) (context.Context, error) {
			if !slices.Contains(transport.Values(token, "realm_access", "roles"), "clerk") {
				return nil, errors.New("not a clerk")
			}
			return nil, nil
		},
	}
	r := httptest.NewRequest("GET", "/orders", nil)
	r.Header.Set("Authorization", "Bearer aaa.bbb.ccc")
	_, err := guard.Check(r)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleScopes() {
	fmt.Println(transport.Scopes(&tokenprofile.Token{Claims: []byte(`{"scope":"read write"}`)}))
	fmt.Println(transport.Scopes(&tokenprofile.Token{Claims: []byte(`{"scp":["read","write"]}`)}))
	// Output:
	// [read write]
	// [read write]
}

// A client that knows nothing but the URL of the server finds where its tokens
// come from.
func ExampleResourceMetadata() {
	metadata := &transport.ResourceMetadata{
		Resource:             "https://api.example/mcp",
		AuthorizationServers: []string{"https://issuer.example"},
		Scopes:               []string{"tools"},
	}
	guard := &transport.Guard{Verifier: admits(`{"scope":"tools"}`), Scope: "tools", ResourceMetadata: metadata}
	mux := http.NewServeMux()
	mux.Handle("GET "+metadata.Path(), metadata)
	mux.Handle("/mcp", guard.Handler(http.NotFoundHandler()))

	for _, path := range []string{"/mcp", "/.well-known/oauth-protected-resource/mcp"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(w.Code)
		fmt.Println(cmp.Or(w.Header().Get("WWW-Authenticate"), w.Body.String()))
	}
	// Output:
	// 401
	// Bearer realm="protected", scope="tools", resource_metadata="https://api.example/.well-known/oauth-protected-resource/mcp"
	// 200
	// {"authorization_servers":["https://issuer.example"],"bearer_methods_supported":["header"],"resource":"https://api.example/mcp","scopes_supported":["tools"]}
}
