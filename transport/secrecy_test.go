package transport_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
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
	param     string
	access    string
	assertion string // signed by the key, so known only when sent
}

func (c *canaries) all() []string {
	return []string{
		string(c.seed), fmt.Sprintf("%x", c.seed), fmt.Sprint(c.seed), base64.RawURLEncoding.EncodeToString(c.seed),
		c.password, c.param, url.QueryEscape(c.password), c.access,
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
		param:    "canary-param",
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
	grants := map[string]*transport.Grant{
		"assertion":        {TokenURL: tokenURL, HTTPClient: c.parrot(status), Assertion: c.signer(t)},
		"client assertion": {TokenURL: tokenURL, HTTPClient: c.parrot(status), ClientAssertion: c.signer(t)},
		"secret":           {TokenURL: tokenURL, HTTPClient: c.parrot(status), ClientID: "me", ClientSecret: secret},
		"secret in body":   {TokenURL: tokenURL, HTTPClient: c.parrot(status), ClientID: "me", ClientSecret: secret, SecretInBody: true},
		"exchange":         {TokenURL: tokenURL, HTTPClient: c.parrot(status), Exchange: &transport.Exchange{Subject: c.signer(t), Actor: c.signer(t)}},
	}
	for _, grant := range grants {
		grant.Params = params("key", c.param)
	}
	return grants
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
	for name := range newCanaries().grants(t, http.StatusOK) {
		c := newCanaries()
		grant := c.grants(t, http.StatusOK)[name]
		refreshes := make(chan transport.Refresh, 1)
		base := roundTrip(func(req *http.Request) (*http.Response, error) { return respond(req, http.StatusOK), nil })
		bearer := &transport.Bearer{Source: grant, Base: base, OnRefresh: func(r transport.Refresh) { refreshes <- r }}
		resp, err := get(t, bearer) // so that the Bearer holds a token
		if err != nil {
			t.Fatal(err)
		}
		refusing := c.grants(t, http.StatusBadRequest)[name]
		_, _, err = refusing.Token(t.Context())
		var refusal *transport.GrantError
		if !errors.As(err, &refusal) {
			t.Fatalf("got %v, want a GrantError", err)
		}
		c.checkShapes(t, name+": a Bearer", bearer)
		c.checkShapes(t, name+": a Grant", grant)
		c.checkShapes(t, name+": a Grant that was refused", refusing)
		c.checkShapes(t, name+": a GrantError", refusal)
		c.checkShapes(t, name+": a Refresh", new(<-refreshes))
		c.checkShapes(t, name+": a failed Refresh", &transport.Refresh{Err: err})
		c.checkShapes(t, name+": a TLS", &transport.TLS{Keys: keystore.New(), Alias: "a"})
		if grant.Exchange != nil {
			c.checkShapes(t, name+": an Exchange", grant.Exchange)
		}
		for _, verb := range verbs {
			c.check(t, name+": the request of a response "+verb, fmt.Sprintf(verb, resp.Request))
		}
	}
}

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p"}

// checkShapes writes the value in every way in which one gets into a log or a
// message: itself and what it points to, alone and within others.
func (c *canaries) checkShapes(t *testing.T, what string, pointer any) {
	t.Helper()
	copied := reflect.ValueOf(pointer).Elem().Interface() // as vet would not let us
	for _, value := range []any{pointer, copied} {
		for _, shape := range []any{
			value, []any{value}, map[string]any{"key": value}, struct{ Field any }{value}, struct{ field any }{value},
			fmt.Errorf("an error about %v", value), slog.Any("attribute", value),
		} {
			for _, verb := range verbs {
				c.check(t, what+" "+verb, fmt.Sprintf(verb, shape))
			}
			var out bytes.Buffer
			slog.New(slog.NewTextHandler(&out, nil)).Info("message", "value", shape)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("message", "value", shape)
			json.NewEncoder(&out).Encode(shape) // most refuse, which is as good
			xml.NewEncoder(&out).Encode(shape)
			gob.NewEncoder(&out).Encode(shape)
			c.check(t, what+" encoded", out.String())
		}
	}
}
