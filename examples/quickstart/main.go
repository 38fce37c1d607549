// Quickstart shows the whole idea on one machine and without a network: a key
// from a real Java keystore, a declared token profile, an http.Client that
// carries the token by itself, a JSON Web Key Set URI, and an API that admits
// the token and refuses three bad ones.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// The keystore that keytool made; make.sh is the script. Its password stands
// in the open because the key protects nothing.
//
//go:embed consumer.jks
var consumerJKS []byte

var profile = tokenprofile.Profile{
	Algorithm: tokenprofile.RS256,
	Issuer:    "https://consumer.example",
	Audience:  []string{"https://producer.example"},
	Subject:   "billing",
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	keys, err := keystore.Parse(consumerJKS, keystore.StaticPassword("changeit"))
	if err != nil {
		return err
	}
	showKeystore(out, keys)
	showProfile(out, profile)

	// The consumer: signs, and publishes its public key.
	signer, err := profile.Signer(keys)
	if err != nil {
		return err
	}
	consumer := httptest.NewServer(consumerRoutes(keys))
	defer consumer.Close()
	client := &http.Client{Transport: &transport.Bearer{Source: signer}}

	// The producer: knows the profile and the consumer's JSON Web Key Set URI.
	verifier, err := profile.Verifier(&jwks.Client{URL: consumer.URL + "/jwks.json"})
	if err != nil {
		return err
	}
	var rejection error
	guard := &transport.Guard{Verifier: verifier, OnReject: func(_ *http.Request, err error) { rejection = err }}
	producer := httptest.NewServer(guard.Handler(producerRoutes()))
	defer producer.Close()

	if err := showJWKS(ctx, out, consumer.URL+"/jwks.json"); err != nil {
		return err
	}
	token, err := signer.Sign(ctx, nil)
	if err != nil {
		return err
	}
	if err := showToken(out, token); err != nil {
		return err
	}
	if err := callAPI(ctx, out, client, producer.URL+"/orders"); err != nil {
		return err
	}
	return refusals(ctx, out, keys, token, producer.URL+"/orders", &rejection)
}

func consumerRoutes(keys *keystore.Store) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /jwks.json", &jwks.Handler{Source: keys})
	return mux
}

// producerRoutes is the application: it asks the context who is calling.
func producerRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, r *http.Request) {
		token, ok := tokenprofile.FromContext(r.Context())
		if !ok {
			http.Error(w, "no token in the context", http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "Hello %s of %s, you have 3 orders.", token.Subject, token.Issuer)
	})
	return mux
}

func callAPI(ctx context.Context, out io.Writer, client *http.Client, url string) error {
	status, body, err := get(ctx, client, url, "")
	if err != nil {
		return err
	}
	heading(out, "The call", "the wrapped http.Client carries the token by itself")
	field(out, "GET "+url, "")
	field(out, "answer", fmt.Sprintf("%d %s", status, body))
	if status != http.StatusOK || !strings.Contains(body, profile.Subject+" of "+profile.Issuer) {
		return fmt.Errorf("the API answered %d and did not name the caller", status)
	}
	return nil
}

// refusals sends three tokens that are wrong in one point each. Each must be
// refused, and for that very reason.
func refusals(ctx context.Context, out io.Writer, keys *keystore.Store, good, url string, rejection *error) error {
	tampered, err := tamper(good)
	if err != nil {
		return err
	}
	yesterday := profile
	yesterday.Now = func() time.Time { return time.Now().Add(-24 * time.Hour) }
	expired, err := signWith(ctx, yesterday, keys)
	if err != nil {
		return err
	}
	elsewhere := profile
	elsewhere.Audience = []string{"https://warehouse.example"}
	misdirected, err := signWith(ctx, elsewhere, keys)
	if err != nil {
		return err
	}

	heading(out, "Refused", "what the client sees, and the reason the producer's log gets")
	for _, bad := range []struct {
		name, token string
		reason      error
	}{
		{"tampered", tampered, tokenprofile.ErrSignature},
		{"expired", expired, tokenprofile.ErrExpired},
		{"other audience", misdirected, tokenprofile.ErrAudience},
	} {
		*rejection = nil
		status, _, err := get(ctx, http.DefaultClient, url, bad.token)
		if err != nil {
			return err
		}
		if status != http.StatusUnauthorized || !errors.Is(*rejection, bad.reason) {
			return fmt.Errorf("the %s token was answered with %d for %v, not refused for %v", bad.name, status, *rejection, bad.reason)
		}
		field(out, bad.name, fmt.Sprintf("%d %s   %v", status, http.StatusText(status), *rejection))
	}
	fmt.Fprintln(out)
	return nil
}

func signWith(ctx context.Context, p tokenprofile.Profile, keys *keystore.Store) (string, error) {
	signer, err := p.Signer(keys)
	if err != nil {
		return "", err
	}
	return signer.Sign(ctx, nil)
}

// maxBody is in bytes; the answers here are short.
const maxBody = 64 << 10

func get(ctx context.Context, client *http.Client, url, token string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	return response.StatusCode, string(data), err
}
