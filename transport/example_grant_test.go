package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// exampleEndpoint stands for somebody else's token endpoint: it prints what
// kind of grant it is asked for.
func exampleEndpoint() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("asked for", r.PostFormValue("grant_type"), r.PostFormValue("scope"))
		w.Header().Set("Content-Type", "application/json")
		if r.PostFormValue("scope") == "everything" {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"error":"invalid_scope","error_description":"not for you"}`)
			return
		}
		io.WriteString(w, `{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600}`)
	}))
}

// The client authenticates with a signed assertion (private_key_jwt) and asks
// for a token of its own.
func ExampleGrant() {
	endpoint := exampleEndpoint()
	defer endpoint.Close()
	keys, err := exampleStore()
	if err != nil {
		log.Fatal(err)
	}
	assertion, err := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    "billing", // the client id, twice: RFC 7523 section 3
		Subject:   "billing",
		Audience:  []string{endpoint.URL},
		TokenID:   true,
	}.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: &transport.Bearer{Source: &transport.Grant{
		TokenURL:        endpoint.URL,
		ClientAssertion: assertion,
		Scopes:          []string{"orders:read"},
	}}}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.Header.Get("Authorization"))
	}))
	defer api.Close()
	resp, err := client.Get(api.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		log.Fatal(err)
	}
	// Output:
	// asked for client_credentials orders:read
	// Bearer 2YotnFZFEjr1zCsicMWpAA
}

// A token that came in is exchanged for one that may go on to the next service.
func ExampleExchange() {
	endpoint := exampleEndpoint()
	defer endpoint.Close()
	keys, err := exampleStore()
	if err != nil {
		log.Fatal(err)
	}
	subject, err := exampleProfile.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	grant := &transport.Grant{
		TokenURL:     endpoint.URL,
		ClientID:     "billing",
		ClientSecret: keystore.StaticPassword("from a secret manager"),
		Exchange:     &transport.Exchange{Subject: subject},
		Audiences:    []string{"warehouse"},
		Scopes:       []string{"stock:read"},
	}
	token, _, err := grant.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(token) > 0)
	// Output:
	// asked for urn:ietf:params:oauth:grant-type:token-exchange stock:read
	// true
}

// Salesforce says in its answer where the API of the account is.
func ExampleGrantAnswer() {
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"access_token":"2YotnFZFEjr1zCsicMWpAA","instance_url":"https://acme.my.salesforce.com"}`)
	}))
	defer endpoint.Close()
	grant := &transport.Grant{TokenURL: endpoint.URL, ClientID: "billing"}
	answer, err := grant.Ask(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	var more struct {
		InstanceURL string `json:"instance_url"`
	}
	if err := answer.Decode(&more); err != nil {
		log.Fatal(err)
	}
	token, expiry := answer.Token()
	fmt.Println(len(token) > 0, expiry.After(time.Now()), more.InstanceURL)
	// Output: true true https://acme.my.salesforce.com
}

// Kubernetes writes a token of the pod into a file and replaces it in time.
// A token endpoint that trusts the cluster trades it.
func ExampleFileToken() {
	path := filepath.Join(os.TempDir(), "example-service-account-token") // /var/run/secrets/tokens/auth in a pod
	if err := os.WriteFile(path, []byte("the-pods-token\n"), 0o600); err != nil {
		log.Fatal(err)
	}
	defer os.Remove(path)
	endpoint := exampleEndpoint()
	defer endpoint.Close()
	grant := &transport.Grant{TokenURL: endpoint.URL, ClientAssertion: transport.FileToken{Path: path}, Scopes: []string{"orders:read"}}
	token, _, err := grant.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(token) > 0)
	// Output:
	// asked for client_credentials orders:read
	// true
}

func ExampleGrantError() {
	endpoint := exampleEndpoint()
	defer endpoint.Close()
	grant := &transport.Grant{TokenURL: endpoint.URL, ClientID: "billing", Scopes: []string{"everything"}}
	_, err := transport.Wrap(nil, grant).Get("https://api.example")
	var refusal *transport.GrantError
	if errors.As(err, &refusal) {
		fmt.Println(refusal)
		fmt.Println("worth trying again:", refusal.Temporary())
	}
	// Output:
	// asked for client_credentials everything
	// 400 Bad Request: invalid_scope: "not for you"
	// worth trying again: false
}
