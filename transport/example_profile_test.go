package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A client and a server, each declared by a document. The documents name
// keystores that keytool made.
func ExampleLoadClient() {
	os.Setenv("CONSUMER_PASSWORD", "changeit")
	served, err := transport.LoadGuard("testdata/profiles/guard.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	guard, err := served.Guard()
	if err != nil {
		fmt.Println(err)
		return
	}
	config, err := served.TLS()
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewUnstartedServer(guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operator, _ := transport.IdentityFromContext(r.Context())
		fmt.Fprintln(w, "works as", operator)
	})))
	server.TLS = config
	server.StartTLS()
	defer server.Close()

	profile, err := transport.LoadClient("testdata/profiles/client.json", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := profile.Client()
	if err != nil {
		fmt.Println(err)
		return
	}
	show(client.Client, must0(http.NewRequest("GET", server.URL, nil)))
	// Output: 200 OK: works as operator-17
}

func must0[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Every fault is reported at once, with its path.
func ExampleParseClient() {
	_, err := transport.ParseClient([]byte(`{
		"keystore": {"path": "consumer.jks", "password": "changeit"},
		"token": {"algorithm": "RS256", "issuer": "https://consumer.example", "lifetime": 300},
		"use": "jwtBearer",
		"grant": {"tokenUrl": "https://producer.example/token"},
		"origins": ["http://producer.example"]
	}`), nil)
	fmt.Println(err)
	// Output:
	// transport: client profile: keystore.password: stands in the document, for all who read it: put it elsewhere, and say {"env": "NAME"} or {"file": "PATH"}
	// transport: client profile: token.lifetime: is not a duration in a string, such as "15m"
	// transport: client profile: grant.tokenUrl: there is no such field
	// transport: client profile: grant.tokenURL: is missing
	// transport: client profile: origins[0]: http://producer.example is not https, and producer.example is not a loopback address: if something else encrypts, set PlainHTTP
}

func ExampleParseGuard() {
	_, err := transport.ParseGuard([]byte(`{
		"token": {"algorithm": "RS256", "audience": "https://producer.example"},
		"issuers": [
			{"issuer": "https://consumer.example", "keySet": "https://consumer.example/jwks.json", "identities": {"ann": "operator-17"}},
			{"issuer": "https://partner.example"}
		],
		"dpop": true
	}`))
	fmt.Println(err)
	// Output:
	// transport: guard profile: issuers[1].keySet: is missing, and so is truststore: nothing has the issuer's keys
	// transport: guard profile: issuers[1].identities: is missing, where another issuer has them: nobody would get in
	// transport: guard profile: baseURL: is missing: dpop proofs name the server as its clients do
}

// A kind of use of one's own: the token is exchanged at an endpoint that keeps
// to no standard. Its options stand in the document, and are read as strictly.
type ticketUse struct{}

type ticketOptions struct {
	Desk string `json:"desk"`
}

func (ticketUse) Check(p *transport.ClientProfile) error {
	var options ticketOptions
	err := tokenprofile.Document("ticket").Decode(p.Options, &options)
	if err == nil && options.Desk == "" {
		err = &tokenprofile.Fault{Path: "desk", Text: "is missing"}
	}
	var fault *tokenprofile.Fault
	if errors.As(err, &fault) {
		fault.Path = "options." + fault.Path
	}
	return err
}

func (ticketUse) Source(c *transport.Client) (transport.TokenSource, error) {
	return c.Token, nil // here it would be one that asks the desk, which c.Options name, by c.Base
}

func ExampleUse() {
	var use transport.Use = ticketUse{}
	uses := transport.Uses{"ticket": use}
	_, err := transport.ParseClient([]byte(`{
		"keystore": {"path": "consumer.jks", "password": {"file": "/run/secrets/consumer"}},
		"token": {"algorithm": "RS256", "issuer": "https://consumer.example"},
		"use": "ticket",
		"options": {"dsk": "https://desk.example"}
	}`), uses)
	fmt.Println(err)
	// Output: transport: client profile: options.dsk: there is no such field
}

// The parts of a declared client, for health checks and for what no document
// can say.
func ExampleClient() {
	os.Setenv("CONSUMER_PASSWORD", "changeit")
	profile, err := transport.LoadClient("testdata/profiles/client.json", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := profile.Client()
	if err != nil {
		fmt.Println(err)
		return
	}
	client.Bearer.OnRefresh = func(r transport.Refresh) { fmt.Println("a new token") }
	fmt.Println(client.Keys.Status().Keys[0].Alias, client.Trust.Entries()[0].Alias)

	w := httptest.NewRecorder()
	client.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/openid-configuration", nil))
	fmt.Println(w.Code)
	// Output:
	// signing producer
	// 200
}

// Documents can be written in Go, too, and are written as they are read.
func ExampleClientProfile() {
	profile := transport.ClientProfile{
		Keystore:   &transport.DeclaredStore{Path: "consumer.jks", Password: &transport.DeclaredSecret{Env: "CONSUMER_PASSWORD"}},
		Truststore: &transport.DeclaredStore{Path: "trusted.jks"},
		Token:      &transport.DeclaredToken{Path: "consumer.json"},
		Use:        "jwtBearer",
		Grant:      &transport.DeclaredGrant{TokenURL: "https://producer.example/token"},
		DPoP:       &transport.DeclaredKey{},
		Publish:    &transport.DeclaredKeySet{URL: "https://consumer.example/jwks.json"},
	}
	document, err := profile.MarshalJSON()
	fmt.Println(string(document), err)
	// Output: {"keystore":{"path":"consumer.jks","password":{"env":"CONSUMER_PASSWORD"}},"truststore":{"path":"trusted.jks"},"token":"consumer.json","use":"jwtBearer","grant":{"tokenURL":"https://producer.example/token"},"dpop":{},"publish":{"keySet":"https://consumer.example/jwks.json"}} <nil>
}

// Users come from a directory instead of from the document.
func ExampleGuardProfile() {
	profile := transport.GuardProfile{
		Token: transport.DeclaredToken{Profile: tokenprofile.Profile{
			Algorithm: tokenprofile.RS256, Issuer: "https://consumer.example", Audience: []string{"https://producer.example"}, OneUse: true,
		}},
		Issuers: []transport.DeclaredIssuer{{KeySet: "https://consumer.example/jwks.json"}},
		Memory:  &transport.DeclaredMemory{Max: 100_000, SinceStart: true},
		Identify: func(ctx context.Context, token *tokenprofile.Token) (string, error) {
			return "", keystore.ErrUnavailable // the directory is down
		},
	}
	guard, err := profile.Guard()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = profile.Identity(context.Background(), &tokenprofile.Token{Subject: "ann"})
	fmt.Println(guard.Authorize != nil, err)
	// Output: true keys unavailable
}
