package transport_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// canaries are secrets that no output may hold.
type canaries struct {
	seed      []byte // of the private key
	password  string
	access    string
	assertion string // signed by the key, so known only when sent
}

func (c *canaries) all() []string {
	return []string{
		string(c.seed), fmt.Sprintf("%x", c.seed), fmt.Sprint(c.seed), base64.RawURLEncoding.EncodeToString(c.seed),
		c.password, url.QueryEscape(c.password), c.access,
		base64.StdEncoding.EncodeToString([]byte("me:" + c.password)),
	}
}

// check fails if the text holds a canary, or a signature.
func (c *canaries) check(t *testing.T, what, text string) {
	t.Helper()
	secrets := c.all()
	if c.assertion != "" {
		secrets = append(secrets, c.assertion, c.assertion[strings.LastIndex(c.assertion, ".")+1:])
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Fatalf("%s tells a secret: %s", what, text)
		}
	}
}

func (c *canaries) signer(t *testing.T) *tokenprofile.Signer {
	t.Helper()
	key, err := keystore.NewPrivateKey(ed25519.NewKeyFromSeed(c.seed))
	if err != nil {
		t.Fatal(err)
	}
	profile := tokenprofile.Profile{Algorithm: tokenprofile.EdDSA, Issuer: "me", Subject: "me", Audience: []string{"https://auth.example"}, TokenID: true}
	signer, err := profile.Signer(keystore.New(key))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func newCanaries() *canaries {
	return &canaries{
		seed:     []byte("canary-canary-canary-canary-seed"),
		password: "canary-password",
		access:   "canary-access-token",
	}
}

// parrot is a token endpoint that repeats all it got, in every place an error
// could take it from. With a good status it issues the token.
func (c *canaries) parrot(status int) *http.Client {
	return &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		c.assertion = form.Get("assertion") + form.Get("client_assertion") + form.Get("subject_token")
		said := fmt.Sprint(string(body), " ", form, " ", req.Header, " ", c.access)
		answer := map[string]any{"error": c.sent(req, form), "error_description": said, "access_token": c.access, "token_type": said}
		if status == http.StatusOK {
			answer = map[string]any{"access_token": c.access, "token_type": "Bearer", "expires_in": 300}
		}
		text, err := json.Marshal(answer)
		if err != nil {
			return nil, err
		}
		resp := respond(req, status)
		resp.Header.Set("Location", "https://other.example/?"+string(body))
		resp.Body = io.NopCloser(bytes.NewReader(text))
		return resp, nil
	})}
}

// sent is the secret that the client sent.
func (c *canaries) sent(req *http.Request, form url.Values) string {
	if form.Has("client_secret") || req.Header.Get("Authorization") != "" {
		return c.password
	}
	return c.assertion
}

func (c *canaries) grants(t *testing.T, status int) map[string]*transport.Grant {
	secret := keystore.StaticPassword(c.password)
	return map[string]*transport.Grant{
		"assertion":        {TokenURL: tokenURL, HTTPClient: c.parrot(status), Assertion: c.signer(t)},
		"client assertion": {TokenURL: tokenURL, HTTPClient: c.parrot(status), ClientAssertion: c.signer(t)},
		"secret":           {TokenURL: tokenURL, HTTPClient: c.parrot(status), ClientID: "me", ClientSecret: secret},
		"secret in body":   {TokenURL: tokenURL, HTTPClient: c.parrot(status), ClientID: "me", ClientSecret: secret, SecretInBody: true},
		"exchange":         {TokenURL: tokenURL, HTTPClient: c.parrot(status), Exchange: &transport.Exchange{Subject: c.signer(t), Actor: c.signer(t)}},
	}
}

func TestNoErrorTellsASecret(t *testing.T) {
	c := newCanaries()
	for _, status := range []int{201, 307, 400, 401, 500} {
		for name, grant := range c.grants(t, status) {
			what := fmt.Sprint(name, " ", status)
			_, err := get(t, &transport.Bearer{Source: grant, Base: &recorder{}})
			var refusal *transport.GrantError
			if !errors.As(err, &refusal) {
				t.Fatalf("%s: got %v, want a GrantError", what, err)
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
				c.check(t, what, fmt.Sprintf(verb, err))
				c.check(t, what, fmt.Sprintf(verb, refusal))
				c.check(t, what, fmt.Sprintf(verb, *refusal))
			}
		}
	}
}

func TestNoErrorOfARequestTellsItsToken(t *testing.T) {
	c := newCanaries()
	token := tokenFunc(func(context.Context) (string, time.Time, error) { return c.access, time.Time{}, nil })
	server := httptest.NewServer(http.HandlerFunc(hangUp))
	defer server.Close()
	for name, source := range map[string]transport.TokenSource{
		"a server that hangs up": token,
		"an expired token":       tokenFunc(func(context.Context) (string, time.Time, error) { return c.access, time.Unix(1, 0), nil }),
		"a token with a newline": tokenFunc(func(context.Context) (string, time.Time, error) { return c.access + "\n", time.Time{}, nil }),
		"a failing source":       tokenFunc(func(context.Context) (string, time.Time, error) { return c.access, time.Time{}, errOutOfOrder }),
	} {
		_, err := transport.Wrap(nil, source).Get(server.URL)
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		c.check(t, name, fmt.Sprintf("%v %+v %#v", err, err, err))
	}
}

func TestNoTypePrintsASecret(t *testing.T) {
	c := newCanaries()
	var log bytes.Buffer
	text, structured := slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))
	for name, grant := range c.grants(t, http.StatusOK) {
		var refresh transport.Refresh
		done := make(chan bool)
		base := roundTrip(func(req *http.Request) (*http.Response, error) { return respond(req, http.StatusOK), nil })
		bearer := &transport.Bearer{Source: grant, Base: base, OnRefresh: func(r transport.Refresh) { refresh = r; close(done) }}
		resp, err := get(t, bearer) // so that the Bearer holds a token
		if err != nil {
			t.Fatal(err)
		}
		<-done
		config := transport.TLS{Keys: keystore.New(), Alias: "a"}
		for _, value := range []any{
			bearer, grant, refresh, config, grant.Exchange, resp.Request, resp.Request.Header,
			reflect.ValueOf(bearer).Elem().Interface(), reflect.ValueOf(grant).Elem().Interface(), // copies, as vet would not let us
			struct {
				Bearer *transport.Bearer
				Grant  *transport.Grant
			}{bearer, grant},
		} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				c.check(t, name+" "+verb, fmt.Sprintf(verb, value))
			}
			text.Info("value", "value", value)
			structured.Info("value", "value", value)
		}
	}
	c.check(t, "the log", log.String())
}
