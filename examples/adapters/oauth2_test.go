package adapters_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/tokenprofile/tokenprofile-go/examples/adapters"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// producer has a token endpoint and an API that wants its tokens.
type producer struct {
	url, secret string
	signer      *tokenprofile.Signer
}

func startProducer(t *testing.T) *producer {
	t.Helper()
	keys := newKeys(t, tokenprofile.ES256)
	access := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    "https://producer.example",
		Audience:  []string{"https://producer.example/orders"},
		TokenID:   true,
		Header:    tokenprofile.Header{Type: "at+jwt"},
	}
	signer, err := access.Signer(keys)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := access.Verifier(keys)
	if err != nil {
		t.Fatal(err)
	}
	p := &producer{secret: rand.Text(), signer: signer}
	hash, err := transport.HashSecret(p.secret)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/token", &transport.TokenEndpoint{
		Clients:           transport.Registrations{"billing": {SecretHash: hash}},
		ClientCredentials: true,
		Signer:            signer,
		Authorize: func(context.Context, *transport.AccessRequest) (*transport.Access, error) {
			return &transport.Access{}, nil
		},
	})
	guard := &transport.Guard{Verifier: verifier}
	mux.Handle("/orders", guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := tokenprofile.FromContext(r.Context())
		io.WriteString(w, "3 orders for "+token.Subject)
	})))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *producer) config(secret string) *clientcredentials.Config {
	return &clientcredentials.Config{ClientID: "billing", ClientSecret: secret, TokenURL: p.url + "/token"}
}

func (p *producer) orders(t *testing.T, client *http.Client) string {
	t.Helper()
	response, err := client.Get(p.url + "/orders")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newKeys(t *testing.T, algorithm keystore.Algorithm) *keystore.Store {
	t.Helper()
	key, err := keystore.Generate(algorithm, "CN=billing", time.Now(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return keystore.New(key)
}

func TestTheirTokensInOurClient(t *testing.T) {
	p := startProducer(t)
	sources := map[string]transport.TokenSource{
		"a function": adapters.Fetch(p.config(p.secret).Token),
		"a source":   adapters.FromOAuth2(p.config(p.secret).TokenSource(t.Context())),
	}
	for name, source := range sources {
		client := transport.Wrap(nil, source)
		if got, want := p.orders(t, client), "3 orders for billing"; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestOurTokensInTheirClient(t *testing.T) {
	p := startProducer(t)
	grant := &transport.Grant{TokenURL: p.url + "/token", ClientID: "billing", ClientSecret: keystore.StaticPassword(p.secret)}
	client := oauth2.NewClient(t.Context(), adapters.OAuth2(t.Context(), grant))
	if got, want := p.orders(t, client), "3 orders for billing"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestErrorsComeThrough(t *testing.T) {
	p := startProducer(t)
	var theirs *oauth2.RetrieveError
	_, _, err := adapters.Fetch(p.config("wrong").Token).Token(t.Context())
	if !errors.As(err, &theirs) || theirs.ErrorCode != "invalid_client" {
		t.Errorf("got %v, want invalid_client", err)
	}
	var ours *transport.GrantError
	grant := &transport.Grant{TokenURL: p.url + "/token", ClientID: "billing", ClientSecret: keystore.StaticPassword("wrong")}
	_, err = adapters.OAuth2(t.Context(), grant).Token()
	if !errors.As(err, &ours) || ours.Code != "invalid_client" {
		t.Errorf("got %v, want invalid_client", err)
	}
}

func TestATokenThatIsNoBearerIsRefused(t *testing.T) {
	bound := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "abc", TokenType: "DPoP"})
	if token, _, err := adapters.FromOAuth2(bound).Token(t.Context()); err == nil || token != "" {
		t.Errorf("got the token %q and error %v", token, err)
	}
}

// hangs is a source that answers only when it is closed.
type hangs chan struct{}

func (h hangs) Token() (*oauth2.Token, error) {
	<-h
	return nil, errors.New("closed")
}

func TestNobodyWaitsLongerThanTheyMay(t *testing.T) {
	source := make(hangs)
	defer close(source)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := adapters.FromOAuth2(source).Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}
