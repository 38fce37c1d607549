package jwks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

func ExampleHandler() {
	key := jwkstest.NewKey("EdDSA") // or keystore.Open, for the keys of a file
	mux := http.NewServeMux()
	mux.Handle("GET /jwks.json", &jwks.Handler{Source: keystore.New(key)})

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/jwks.json", nil))
	set, err := jwks.Parse(w.Body.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	fmt.Println("the published key is ours:", set.Keys[0].Equal(key.Public()))
	// Output:
	// 200 application/jwk-set+json
	// the published key is ours: true
}

func ExampleClient() {
	issuer := jwkstest.NewIssuer("ES256")
	defer issuer.Close()

	keys := &jwks.Client{
		URL: issuer.KeysURL(),
		OnFetch: func(f jwks.Fetch) {
			fmt.Printf("fetched: %d keys, error %v\n", f.Keys, f.Err)
		},
	}
	for range 2 {
		found, err := keys.PublicKeys(context.Background(), issuer.KeyID())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(found[0].Describe())
	}
	// Output:
	// fetched: 1 keys, error <nil>
	// EC P-256
	// EC P-256
}

func ExampleClient_Status() {
	keys := &jwks.Client{URL: "https://issuer.example/jwks.json"}
	http.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if status := keys.Status(); status.Failures > 0 && !status.Available {
			http.Error(w, "no keys", http.StatusServiceUnavailable)
		}
	})
	fmt.Println(keys.Status().Available) // nothing was fetched yet
	// Output: false
}

func ExampleClient_Refresh() {
	issuer := jwkstest.NewIssuer("ES256")
	defer issuer.Close()

	keys := &jwks.Client{URL: issuer.KeysURL()}
	if err := keys.Refresh(context.Background()); err != nil { // at start-up, to fail early
		log.Fatal(err)
	}
	fmt.Println(keys.Status().Keys)
	// Output: 1
}

func ExampleDiscover() {
	issuer := jwkstest.NewIssuer("ES256")
	defer issuer.Close()

	keys, err := jwks.Discover(context.Background(), issuer.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(keys.URL == issuer.KeysURL())
	// Output: true
}

func ExampleParse() {
	set, err := jwks.Parse([]byte(`{"keys":[
		{"kty":"OKP","crv":"Ed25519","kid":"2026","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
		{"kty":"LATER","alg":"LATER-1","kid":"later","pub":"AA"}]}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(set.Keys, "skipped:", set.Skipped)
	// Output: [2026] skipped: 1
}

func ExampleCheckURL() {
	for _, address := range []string{"https://issuer.example/keys", "http://localhost:8080/keys", "http://issuer.example/keys"} {
		u, err := url.Parse(address)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(jwks.CheckURL(u, false))
	}
	// Output:
	// <nil>
	// <nil>
	// http://issuer.example is not https, and issuer.example is not a loopback address: if something else encrypts, set PlainHTTP
}

// An issuer's metadata beside its key set: clouds, gateways and other services
// find the keys by the issuer's name alone.
func ExampleMetadataHandler() {
	const issuer = "https://consumer.example"
	keys := &jwks.Handler{Source: keystore.New(jwkstest.NewKey("ES256"))}
	metadata := &jwks.MetadataHandler{
		Metadata: jwks.Metadata{Issuer: issuer, KeySetURL: issuer + "/jwks.json"},
		Keys:     keys,
	}
	mux := http.NewServeMux()
	mux.Handle("GET /jwks.json", keys)
	mux.Handle("GET /.well-known/openid-configuration", metadata)
	mux.Handle("GET /.well-known/oauth-authorization-server", metadata)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/openid-configuration", nil))
	var found jwks.Metadata
	if err := json.Unmarshal(w.Body.Bytes(), &found); err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.KeySetURL, found.SigningAlgorithms)
	// Output: https://consumer.example/jwks.json [ES256]
}

// A partner who wants a file gets the keys of one alias.
func ExampleHandler_KeySet() {
	store, err := keystore.Parse([]byte(`{"kty":"OKP","crv":"Ed25519","kid":"sign","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`), nil)
	if err != nil {
		log.Fatal(err)
	}
	document, err := (&jwks.Handler{Source: store, Alias: "sign"}).KeySet(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(document))
	// Output: {"keys":[{"alg":"EdDSA","crv":"Ed25519","kid":"sign","kty":"OKP","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}
}

// A client that has more to say than which issuer's keys it wants.
func ExampleClient_Discover() {
	issuer := jwkstest.NewIssuer("ES256")
	defer issuer.Close()
	keys := &jwks.Client{Logger: slog.Default(), MinInterval: time.Minute}
	if err := keys.Discover(context.Background(), issuer.URL); err != nil {
		log.Fatal(err)
	}
	fmt.Println(keys.URL == issuer.KeysURL())
	// Output: true
}

func ExampleSet() {
	set, err := jwks.Parse([]byte(`{"keys":[
		{"kty":"OKP","crv":"Ed25519","kid":"good","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
		{"kty":"EC","crv":"P-256","kid":"odd"}]}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(set.Skipped, "skipped:", set.SkipErr)
	document, err := json.Marshal(set)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(document))
	// Output:
	// 1 skipped: key 2 of 2: keystore: JWK "odd": member "x" is missing
	// {"keys":[{"crv":"Ed25519","kid":"good","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}
}
