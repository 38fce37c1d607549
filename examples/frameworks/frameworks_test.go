package frameworks_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/tokenprofile/tokenprofile-go/examples/frameworks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

func init() { gin.SetMode(gin.ReleaseMode) } // which prints nothing

var services = []struct {
	name string
	new  func(*transport.Guard) http.Handler
}{
	{"chi", frameworks.Chi},
	{"echo", frameworks.Echo},
	{"gin", frameworks.Gin},
}

func newProfile(t *testing.T) (tokenprofile.Profile, *keystore.Store) {
	t.Helper()
	key, err := keystore.Generate("ES256", "CN=billing", time.Now(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
	}, keystore.New(key)
}

// newClient is one whose requests carry a token for the subject; "": none.
func newClient(t *testing.T, profile tokenprofile.Profile, keys *keystore.Store, subject string) *http.Client {
	t.Helper()
	if subject == "" {
		return http.DefaultClient
	}
	profile.Subject = subject
	signer, err := profile.Signer(keys)
	if err != nil {
		t.Fatal(err)
	}
	return transport.Wrap(nil, signer)
}

func TestServices(t *testing.T) {
	profile, keys := newProfile(t)
	verifier, err := profile.Verifier(keys)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path, subject string
		status              int
		answer              string
	}{
		{"an open path", "/health", "", http.StatusOK, "ok"},
		{"a right token", "/orders/7", "billing", http.StatusOK, "order 7 for billing"},
		{"no token", "/orders/7", "", http.StatusUnauthorized, "Unauthorized"},
		{"a caller who may not", "/orders/7", "guest", http.StatusForbidden, "Forbidden"},
		{"a caller who may be anyone", "/orders/7", "unknown", http.StatusServiceUnavailable, "Service Unavailable"},
	}
	for _, service := range services {
		for _, test := range tests {
			t.Run(service.name+"/"+test.name, func(t *testing.T) {
				var rejected []error
				server := httptest.NewServer(service.new(&transport.Guard{
					Verifier:  verifier,
					Authorize: authorize,
					OnReject:  func(_ *http.Request, err error) { rejected = append(rejected, err) },
				}))
				defer server.Close()
				response, err := newClient(t, profile, keys, test.subject).Get(server.URL + test.path)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				answer, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				if response.StatusCode != test.status || strings.TrimSpace(string(answer)) != test.answer {
					t.Errorf("got %d %q, want %d %q", response.StatusCode, answer, test.status, test.answer)
				}
				challenge := response.Header.Get("WWW-Authenticate")
				if (challenge != "") != (test.status == http.StatusUnauthorized) {
					t.Errorf("got the challenge %q with status %d", challenge, test.status)
				}
				if (len(rejected) == 1) != (test.status != http.StatusOK) {
					t.Errorf("got the rejections %v with status %d", rejected, test.status)
				}
			})
		}
	}
}

func authorize(_ *http.Request, token *tokenprofile.Token) (context.Context, error) {
	switch token.Subject {
	case "guest":
		return nil, errors.New("guests see no orders")
	case "unknown":
		return nil, keystore.ErrUnavailable // as if the directory did not answer
	}
	return nil, nil
}
