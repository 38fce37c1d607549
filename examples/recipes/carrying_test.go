package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

const installationAnswer = `{"token":"ghs_16C7e42F292c6912E7710c838347Ae178B4a","expires_at":"2000-01-01T01:00:00Z","permissions":{"issues":"write"},"repository_selection":"selected"}`

// A client for the API of GitHub, through both tokens.
func TestGitHubInstallation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		github := roundTrip(func(req *http.Request) *http.Response {
			token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
			seen = append(seen, req.Method+" "+req.URL.String())
			if req.Method == http.MethodGet {
				if token != "ghs_16C7e42F292c6912E7710c838347Ae178B4a" {
					t.Errorf("the API got the token %q", token)
				}
				return answer(req, http.StatusOK, "{}")
			}
			if _, claims := takeApart(t, token); claims["iss"] != "123456" || req.Header.Get("Accept") != "application/vnd.github+json" || req.ContentLength != 0 {
				t.Errorf("got %v with %v", claims, req.Header)
			}
			return answer(req, http.StatusCreated, installationAnswer)
		})
		app := ok(signForGitHub(keysFor(t, "RS256").own, "123456"))(t)
		source := installation{4711, &http.Client{Transport: &transport.Bearer{Source: app, Base: github}}}
		if _, expiry, err := source.Token(t.Context()); err != nil || time.Until(expiry) != time.Hour {
			t.Errorf("got a token for %v, %v", time.Until(expiry), err)
		}
		client := &http.Client{Transport: &transport.Bearer{Source: source, Base: github}}
		for range 2 {
			resp := ok(client.Get("https://api.github.com/repos/o/r/issues"))(t)
			resp.Body.Close()
		}
		want := []string{
			"POST https://api.github.com/app/installations/4711/access_tokens",
			"POST https://api.github.com/app/installations/4711/access_tokens",
			"GET https://api.github.com/repos/o/r/issues", "GET https://api.github.com/repos/o/r/issues",
		}
		if !slices.Equal(seen, want) {
			t.Errorf("got %q", seen)
		}
	})
}

func TestGitHubRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"no such installation", 404, `{"message":"Not Found"}`, "github: 404 Not Found, and no installation token"},
		{"no token", 201, `{"expires_at":"2000-01-01T01:00:00Z"}`, "github: 201 Created, and no installation token"},
		{"no date", 201, `{"token":"ghs_16C7","expires_at":"ghs_16C7"}`, "github: 201 Created, and no installation token"},
	} {
		client := &http.Client{Transport: roundTrip(func(req *http.Request) *http.Response { return answer(req, test.status, test.body) })}
		if token, _, err := (installation{1, client}).Token(t.Context()); token != "" || err == nil || err.Error() != test.want {
			t.Errorf("%s: got %q, %v, want %s", test.name, token, err, test.want)
		}
	}
}

// The clients that say more than the token.
func TestCarrying(t *testing.T) {
	var got *http.Request
	base := roundTrip(func(req *http.Request) *http.Response { got = req; return answer(req, http.StatusOK, "{}") })
	snowflake := carryToSnowflake(ok(signForSnowflake(keysFor(t, "RS256").own, "A", "U"))(t), base)
	ok(snowflake.Get("https://a.snowflakecomputing.com/api/v2/statements"))(t).Body.Close()
	if kind := got.Header.Get("X-Snowflake-Authorization-Token-Type"); kind != "KEYPAIR_JWT" || !strings.HasPrefix(got.Header.Get("Authorization"), "Bearer ey") {
		t.Errorf("got %q and %d bytes of authorization", kind, len(got.Header.Get("Authorization")))
	}
	signer := ok(signForCoinbase(keysFor(t, "ES256").own, "key"))(t)
	if _, err := signer.Sign(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "uri") {
		t.Errorf("without a uri: got %v", err)
	}
	coinbase := carryToCoinbase(signer, base)
	for _, uri := range []string{"GET api.coinbase.com/v2/accounts", "GET api.coinbase.com/v2/user"} {
		ok(coinbase.Get("https://" + strings.TrimPrefix(uri, "GET ") + "?limit=1"))(t).Body.Close()
		if _, claims := takeApart(t, strings.TrimPrefix(got.Header.Get("Authorization"), "Bearer ")); claims["uri"] != uri {
			t.Errorf("got uri %v, want %s", claims["uri"], uri)
		}
	}
}
