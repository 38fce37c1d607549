package peers_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenprofile/tokenprofile-go/examples/peers"
)

// source yields a fixed token.
type source struct {
	token string
	err   error
}

func (s source) Token(ctx context.Context) (string, time.Time, error) {
	return s.token, time.Now().Add(time.Hour), s.err
}

func TestAnOAuth2ClientCarriesTheToken(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
	}))
	defer server.Close()
	client := oauth2.NewClient(t.Context(), peers.OAuth2(t.Context(), source{token: "abc"}))
	res, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got != "Bearer abc" {
		t.Errorf("got %q, want %q", got, "Bearer abc")
	}
}

func TestAFailingSourceFails(t *testing.T) {
	want := errors.New("no keys")
	if _, err := peers.OAuth2(t.Context(), source{err: want}).Token(); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
