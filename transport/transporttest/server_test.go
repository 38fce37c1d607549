package transporttest_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
	"github.com/tokenprofile/tokenprofile-go/transport/transporttest"
)

func grantOf(server *transporttest.Server) *transport.Grant {
	return &transport.Grant{
		TokenURL: server.TokenURL(), HTTPClient: server.Client(),
		ClientID: "billing", ClientSecret: keystore.StaticPassword("a secret"), SecretInBody: true,
	}
}

func status(t *testing.T, client *http.Client, url string) int {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// Every fault reaches the client, over the network and in memory, and is over
// when the server is mended.
func TestFaults(t *testing.T) {
	faults := map[string]http.HandlerFunc{
		"status":       jwkstest.Status(http.StatusInternalServerError),
		"HTML":         jwkstest.Body("text/html", "<html>"),
		"retry":        jwkstest.RetryAfter(time.Second),
		"reset":        jwkstest.Reset,
		"truncated":    jwkstest.Truncated,
		"huge":         jwkstest.Huge,
		"a gzip bomb":  jwkstest.GzipBomb,
		"a redirect":   jwkstest.Redirect("https://other.example"),
		"a slow drip":  jwkstest.Drip,
		"a hang":       jwkstest.Hang,
		"one's own":    func(http.ResponseWriter, *http.Request) {},
		"another type": jwkstest.Body("application/json", `{"access_token":"a","token_type":"mac"}`),
	}
	started := transporttest.NewServer()
	defer started.Close()
	for where, server := range map[string]*transporttest.Server{"network": started, "memory": transporttest.NewUnstartedServer("https://a.example")} {
		for name, fault := range faults {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			server.BreakTokens(fault)
			if _, _, err := grantOf(server).Token(ctx); err == nil {
				t.Errorf("%s, %s: got a token", where, name)
			}
			server.Mend()
			if _, _, err := grantOf(server).Token(t.Context()); err != nil {
				t.Errorf("%s, after %s: %v", where, name, err)
			}
			cancel()
		}
		if got, want := len(server.TokenRequests()), 2*len(faults); got != want {
			t.Errorf("%s: got %d requests for tokens, want %d", where, got, want)
		}
		if got := server.TokenRequests()[0].Get("client_id"); got != "billing" {
			t.Errorf("%s: got client_id %q, want billing", where, got)
		}
	}
}

func TestAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := transporttest.NewUnstartedServer("https://a.example")
		bare := server.Client()
		if got := status(t, bare, server.URL+"/orders"); got != http.StatusUnauthorized {
			t.Errorf("without a token: got %d, want 401", got)
		}
		token, _, err := grantOf(server).Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		once := transport.Wrap(bare, transport.TokenSource(fixed(token)))
		steps := []struct {
			name   string
			before func()
			want   int
		}{
			{"with a token", func() {}, 200},
			{"with a fault", func() { server.BreakAPI(jwkstest.Status(http.StatusTeapot)) }, 418},
			{"mended", server.Mend, 200},
			{"after its lifetime", func() { time.Sleep(5 * time.Minute) }, 401},
		}
		for _, step := range steps {
			step.before()
			if got := status(t, once, server.URL+"/orders"); got != step.want {
				t.Errorf("%s: got %d, want %d", step.name, got, step.want)
			}
		}
		renewing := transport.Wrap(bare, grantOf(server))
		if got := status(t, renewing, server.URL+"/orders"); got != 200 {
			t.Errorf("with a new token: got %d, want 200", got)
		}
		before := server.Calls()
		server.Revoke()
		if got := status(t, renewing, server.URL+"/orders"); got != 200 {
			t.Errorf("after all were revoked: got %d, want 200", got)
		}
		if got := server.Calls() - before; got != 2 {
			t.Errorf("got %d calls, want 2: one refused, one with a new token", got)
		}
	})
}

type fixed string

func (f fixed) Token(context.Context) (string, time.Time, error) { return string(f), time.Time{}, nil }

func TestTokens(t *testing.T) {
	tokens := transporttest.Tokens{"alice": {Subject: "alice", Audience: []string{"a"}}}
	token, err := tokens.Verify(t.Context(), "alice")
	if err != nil || token.Subject != "alice" || !slices.Equal(token.Audience, []string{"a"}) {
		t.Errorf("got %v and %v, want the token of alice", token, err)
	}
	for _, text := range []string{"", "bob"} {
		if _, err := tokens.Verify(t.Context(), text); !errors.Is(err, tokenprofile.ErrInvalid) || !errors.Is(err, tokenprofile.ErrSignature) {
			t.Errorf("%q: got %v, want %v", text, err, tokenprofile.ErrSignature)
		}
	}
}
