package transport_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// exampleAPI is a server that admits the tokens of [exampleProfile], and
// greets the one they name.
func exampleAPI(keys *keystore.Store) (*httptest.Server, error) {
	profile := exampleProfile
	profile.Subject = "" // any
	verifier, err := profile.Verifier(keys)
	if err != nil {
		return nil, err
	}
	guard := &transport.Guard{Verifier: verifier}
	return httptest.NewServer(guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := tokenprofile.FromContext(r.Context())
		fmt.Fprintln(w, "hello,", token.Subject)
	}))), nil
}

// show makes the request and prints the answer.
func show(client *http.Client, req *http.Request) {
	resp, err := client.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Print(resp.Status, ": ")
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		log.Fatal(err)
	}
}

func ExampleWrap() {
	keys, err := exampleStore()
	if err != nil {
		log.Fatal(err)
	}
	api, err := exampleAPI(keys)
	if err != nil {
		log.Fatal(err)
	}
	defer api.Close()

	signer, err := exampleProfile.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	client := transport.Wrap(api.Client(), signer)
	resp, err := client.Get(api.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// 200 OK
}

func ExampleBearer() {
	keys, err := exampleStore()
	if err != nil {
		log.Fatal(err)
	}
	api, err := exampleAPI(keys)
	if err != nil {
		log.Fatal(err)
	}
	defer api.Close()

	signer, err := exampleProfile.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	heard := make(chan struct{})
	client := &http.Client{Transport: &transport.Bearer{
		Source:  signer,
		Origins: []string{api.URL}, // the token goes nowhere else
		OnRefresh: func(r transport.Refresh) {
			logger.Info("token fetched", "ok", r.Err == nil)
			close(heard)
		},
	}}
	req, err := http.NewRequest(http.MethodGet, api.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	show(client, req)
	<-heard // after the answer to the request, or before
	// Unordered output:
	// 200 OK: hello, billing
	// level=INFO msg="token fetched" ok=true
}

// withoutTime makes the output of a log the same every time.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// A health check asks how the Bearer stands, which fetches nothing.
func ExampleStatus() {
	keys, err := exampleStore()
	if err != nil {
		log.Fatal(err)
	}
	signer, err := exampleProfile.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	bearer := &transport.Bearer{Source: signer, Logger: slog.Default()}
	fmt.Println("before the first request:", bearer.Status().Available)
	if _, err := bearer.GetRequestMetadata(context.Background()); err != nil {
		log.Fatal(err)
	}
	status := bearer.Status()
	fmt.Println("now:", status.Available, time.Until(status.Expiry) > time.Minute)
	// Output:
	// before the first request: false
	// now: true true
}

type userKey struct{}

// The token of each request says on whose behalf it is made. Tokens are kept
// per user, and signed once for each.
func ExampleBearer_claims() {
	keys, err := exampleStore()
	if err != nil {
		log.Fatal(err)
	}
	api, err := exampleAPI(keys)
	if err != nil {
		log.Fatal(err)
	}
	defer api.Close()

	profile := exampleProfile
	profile.Subject = "" // said by the claims of each request
	signer, err := profile.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: &transport.Bearer{
		Source: signer,
		Claims: func(r *http.Request) (any, error) {
			return map[string]any{"sub": r.Context().Value(userKey{})}, nil
		},
	}}
	for _, user := range []string{"alice", "bob"} {
		ctx := context.WithValue(context.Background(), userKey{}, user)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, api.URL, nil)
		if err != nil {
			log.Fatal(err)
		}
		show(client, req)
	}
	// Output:
	// 200 OK: hello, alice
	// 200 OK: hello, bob
}

// A Bearer is the credentials.PerRPCCredentials of gRPC:
// grpc.NewClient(target, grpc.WithPerRPCCredentials(bearer), ...).
func ExampleBearer_GetRequestMetadata() {
	keys, err := exampleStore()
	if err != nil {
		log.Fatal(err)
	}
	signer, err := exampleProfile.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	bearer := &transport.Bearer{Source: signer}
	metadata, err := bearer.GetRequestMetadata(context.Background(), "https://api.example/orders.Orders")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(metadata["authorization"][:7], bearer.RequireTransportSecurity())
	// Output:
	// Bearer  true
}

// The token is bound to a key, and each request proves that it comes from the
// one who holds it (RFC 9449). A proof that is caught on its way is of no use.
func ExampleBearer_dPoP() {
	keys, err := exampleStore()
	if err != nil {
		log.Fatal(err)
	}
	proofKey, err := keys.PrivateKeys(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	prover, err := tokenprofile.NewProver(proofKey[0])
	if err != nil {
		log.Fatal(err)
	}
	profile := exampleProfile
	profile.Claims = map[string]any{"cnf": map[string]any{"jkt": prover.Thumbprint()}}
	signer, err := profile.Signer(keys)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := profile.Verifier(keys)
	if err != nil {
		log.Fatal(err)
	}
	guard := &transport.Guard{Verifier: verifier, DPoP: &tokenprofile.ProofVerifier{}}
	api := httptest.NewServer(guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello, holder of the key")
	})))
	defer api.Close()
	guard.BaseURL = api.URL

	for _, bearer := range []*transport.Bearer{{Source: signer, DPoP: prover}, {Source: signer}} {
		resp, err := (&http.Client{Transport: bearer}).Get(api.URL)
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
	}
	// Output:
	// 200 OK
	// 401 Unauthorized
}
