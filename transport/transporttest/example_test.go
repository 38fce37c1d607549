package transporttest_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
	"github.com/tokenprofile/tokenprofile-go/transport/transporttest"
)

// A client keeps working when its token is revoked, and while the token
// endpoint is down.
func Example() {
	server := transporttest.NewServer()
	defer server.Close()
	client := &http.Client{Transport: &transport.Bearer{Source: &transport.Grant{
		TokenURL:     server.TokenURL(),
		ClientID:     "billing",
		ClientSecret: keystore.StaticPassword("a secret"),
	}}}
	get := func() {
		resp, err := client.Get(server.URL + "/orders")
		if err != nil {
			log.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.StatusCode, string(text))
	}
	get()
	server.Revoke()
	get()
	server.BreakTokens(jwkstest.Status(http.StatusBadGateway))
	get()
	fmt.Println(len(server.TokenRequests()), "requests for tokens")
	// Output:
	// 200 admitted with token-1
	// 200 admitted with token-2
	// 200 admitted with token-2
	// 2 requests for tokens
}

// greet says hello to whom the guard has admitted.
var greet = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	token, ok := tokenprofile.FromContext(r.Context())
	if !ok {
		http.Error(w, "nobody", http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, "hello ", token.Subject)
})

// A handler together with its guard: what is demanded, and who is mapped to what.
func ExampleTokens() {
	guard := &transport.Guard{Scope: "read", Verifier: transporttest.Tokens{
		"alice": {Subject: "alice", Claims: []byte(`{"scope":"read write"}`)},
		"bob":   {Subject: "bob"},
	}}
	for _, token := range []string{"alice", "bob", "eve"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		guard.Handler(greet).ServeHTTP(w, r)
		fmt.Println(token, w.Code)
	}
	// Output:
	// alice 200
	// bob 403
	// eve 401
}

// A handler alone needs no guard.
func ExampleTokens_handler() {
	ctx := tokenprofile.NewContext(context.Background(), &tokenprofile.Token{Subject: "alice"})
	w := httptest.NewRecorder()
	greet.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	fmt.Println(w.Body)
	// Output: hello alice
}

func ExampleServer_SetLifetime() {
	server := transporttest.NewUnstartedServer("https://issuer.example")
	server.SetLifetime(time.Hour)
	grant := &transport.Grant{TokenURL: server.TokenURL(), HTTPClient: server.Client(), ClientID: "billing", ClientSecret: keystore.StaticPassword("a secret")}
	token, expiry, err := grant.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token, time.Until(expiry).Round(time.Hour))
	// Output: token-1 1h0m0s
}
