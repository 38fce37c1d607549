package transport_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// What a client publishes is found by its issuer's name.
func TestADeclaredClientPublishes(t *testing.T) {
	for _, path := range []string{"", "/tenants/one"} {
		d := newDeclared(t)
		server := httptest.NewUnstartedServer(nil)
		issuer := "http://" + server.Listener.Addr().String() + path
		d.edit("token.json", map[string]any{"issuer": issuer})
		d.edit("client.json", map[string]any{"publish": map[string]any{"keySet": issuer + "/keys", "certificates": true, "maxAge": "10m", "alias": "SIGNING"}})
		client := d.client()
		server.Config.Handler = client.Handler
		server.Start()
		t.Cleanup(server.Close)
		found, err := jwks.Discover(t.Context(), issuer, nil)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := found.PublicKeys(t.Context(), "")
		if err != nil || len(keys) != 1 || len(keys[0].Certificates()) != 1 || keys[0].Algorithm() != keystore.RS256 {
			t.Errorf("got %v, %v, want one key with its certificate", keys, err)
		}
		resp, err := http.Get(issuer + "/keys")
		if err != nil || resp.Header.Get("Cache-Control") != "public, max-age=600" {
			t.Errorf("got %v, %v", resp, err)
		}
		if got := d.answer(http.DefaultClient, issuer+"/other"); !strings.HasPrefix(got, "404") {
			t.Errorf("got %q for another path, want 404", got)
		}
	}
}

func TestADeclaredClientWithoutKeysPublishesNone(t *testing.T) {
	d := newDeclared(t)
	d.write("sent", "a.b.c")
	d.write("client.json", `{"tokenFile": "sent", "header": "X-Token", "origins": ["http://127.0.0.1"]}`)
	client := d.client()
	w := httptest.NewRecorder()
	client.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusServiceUnavailable || client.Keys != nil || client.Trust != nil {
		t.Errorf("got %d, %v, %v", w.Code, client.Keys, client.Trust)
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-Token")) }))
	t.Cleanup(api.Close)
	if got := d.answer(client.Client, api.URL); got != "200 " { // another port is another origin
		t.Errorf("got %q, want no token", got)
	}
	d.edit("client.json", map[string]any{"origins": []string{api.URL}, "scheme": "Token"})
	if got := d.answer(d.client().Client, api.URL); got != "200 Token a.b.c" {
		t.Errorf("got %q", got)
	}
}

// Tokens that both ends have the secret of, and tokens that are encrypted.
func TestDeclaredSecretsAndEncryption(t *testing.T) {
	const (
		secretKey = `{"keys":[{"kty":"oct","kid":"s","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}`
		hmac      = `{"algorithm":"HS256","issuer":"i","audience":"a"`
		signed    = `{"algorithm":"RS256","issuer":"i","audience":"a"`
		direct    = `,"encryption":{"keyAlgorithm":"dir","contentAlgorithm":"A256GCM"}}`
		toKey     = `,"encryption":{"keyAlgorithm":"RSA-OAEP-256","contentAlgorithm":"A256GCM"}}`
	)
	consumer, producer := `{"path":"consumer.jks","password":{"env":"CONSUMER_PASSWORD"}}`, `{"path":"producer.jks","password":{"env":"CONSUMER_PASSWORD"}}`
	for _, test := range []struct {
		name, token, keys, own string
		fromURL                bool
	}{
		{"an HMAC", hmac + "}", `{"path":"secret.json"}`, `{"path":"secret.json"}`, false},
		{"an HMAC, encrypted with the secret", hmac + direct, `{"path":"secret.json"}`, `{"path":"secret.json"}`, false},
		{"encrypted to a certificate", signed + toKey, consumer, producer, false},
		{"encrypted to a key set", signed + toKey, consumer, producer, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDeclared(t)
			d.write("secret.json", secretKey)
			encryptTo := ""
			if test.fromURL {
				keys := must[*keystore.Store](t)(keystore.Open(d.path("producer.jks"), keystore.StaticPassword("changeit")))
				public := keys.Entries()[0].Chain[0].PublicKey.(*rsa.PublicKey)
				set := fmt.Sprintf(`{"keys":[{"kty":"RSA","use":"enc","e":"AQAB","n":%q}]}`, base64.RawURLEncoding.EncodeToString(public.N.Bytes()))
				encryptTo = d.serveTLS(transport.TLS{Keys: keys}.Server(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, set) })).URL
			}
			d.write("client.json", fmt.Sprintf(`{"keystore":%s,"truststore":{"path":"consumer-trust.jks","password":{"file":"password"}},"token":%s,"encryptTo":%q}`, test.keys, test.token, encryptTo))
			d.write("guard.json", fmt.Sprintf(`{"keystore":%s,"truststore":{"path":"producer-trust.jks","password":{"file":"password"}},"token":%s,"issuers":[{}]}`, test.own, test.token))
			guard := must[*transport.Guard](t)(d.guardProfile().Guard())
			token, _, err := d.client().Token.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := guard.Verifier.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
}

// Users of several issuers, each known by what its issuer calls them.
func TestIdentitiesOfSeveralIssuers(t *testing.T) {
	p := must[*transport.GuardProfile](t)(transport.ParseGuard([]byte(`{
		"token": {"algorithm": "RS256", "audience": "a"},
		"issuers": [
			{"issuer": "one", "keySet": "https://one.example/k", "identities": {"ann": "operator-1"}},
			{"issuer": "two", "keySet": "https://two.example/k", "identities": {"ann": "operator-2", "": "nobody"}}
		]}`)))
	for _, test := range []struct{ issuer, subject, want string }{
		{"one", "ann", "operator-1"}, {"two", "ann", "operator-2"}, {"one", "eve", ""}, {"three", "ann", ""}, {"", "ann", ""},
	} {
		got, err := p.Identity(t.Context(), &tokenprofile.Token{Issuer: test.issuer, Subject: test.subject})
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s of %q: got %q, %v, want %q", test.subject, test.issuer, got, err, test.want)
		}
		if err != nil && test.subject != "" && strings.Contains(err.Error(), test.subject) {
			t.Errorf("the error tells the token's claims: %v", err)
		}
	}
	p.IdentityClaim = "login"
	for claims, want := range map[string]string{`{"login":"ann"}`: "operator-2", `{"login":["ann"]}`: "operator-2", `{"login":["ann","eve"]}`: "", `{"login":5}`: "", `{}`: ""} {
		token := &tokenprofile.Token{Issuer: "two", Subject: "eve", Claims: json.RawMessage(claims)}
		if got, err := p.Identity(t.Context(), token); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", claims, got, err, want)
		}
	}
	if _, ok := transport.IdentityFromContext(t.Context()); ok {
		t.Error("an empty context has an identity")
	}
}

// One issuer's certificate speaks for that issuer alone.
func TestAliasesOfATruststore(t *testing.T) {
	d := newDeclared(t)
	d.edit("guard.json", map[string]any{
		"token":   map[string]any{"algorithm": "RS256", "audience": "https://producer.example"},
		"issuers": []any{map[string]any{"issuer": "https://consumer.example", "alias": "Consumer"}, map[string]any{"issuer": "https://producer.example", "alias": "producer"}},
	})
	guard := must[*transport.Guard](t)(d.guardProfile().Guard())
	token, _, _ := d.client().Token.Token(t.Context())
	if _, err := guard.Verifier.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
	d.edit("token.json", map[string]any{"issuer": "https://producer.example"})
	token, _, _ = d.client().Token.Token(t.Context())
	if _, err := guard.Verifier.Verify(t.Context(), token); !errors.Is(err, tokenprofile.ErrUnknownKey) {
		t.Errorf("got %v, want another issuer's key refused", err)
	}
	d.edit("guard.json", map[string]any{"issuers": []any{map[string]any{"issuer": "i", "alias": "nobody"}}})
	if _, err := d.guardProfile().Guard(); err == nil || !strings.Contains(err.Error(), `issuers[0]: alias: the truststore has no entry "nobody"`) {
		t.Errorf("got %v", err)
	}
}

// Tokens that are for one use, remembered here, or where the program says.
func TestDeclaredMemory(t *testing.T) {
	d := newDeclared(t)
	d.edit("token.json", map[string]any{"oneUse": true})
	client := d.client()
	token, _, err := client.Token.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verify := func(change func(*transport.GuardProfile)) error {
		profile := d.guardProfile()
		change(profile)
		verifier := must[*transport.Guard](t)(profile.Guard()).Verifier
		_, first := verifier.Verify(t.Context(), token)
		_, second := verifier.Verify(t.Context(), token)
		if first == nil && !errors.Is(second, tokenprofile.ErrReplayed) {
			t.Errorf("got %v the second time", second)
		}
		return first
	}
	if err := verify(func(*transport.GuardProfile) {}); err != nil {
		t.Error(err)
	}
	d.edit("guard.json", map[string]any{"replay": map[string]any{"max": 10, "maxPerIssuer": 5}})
	if err := verify(func(*transport.GuardProfile) {}); err != nil {
		t.Error(err)
	}
	d.edit("guard.json", map[string]any{"replay": map[string]any{"sinceStart": true}})
	if err := verify(func(*transport.GuardProfile) {}); !errors.Is(err, tokenprofile.ErrReplayed) {
		t.Errorf("got %v for a token from before the start", err)
	}
	d.edit("guard.json", map[string]any{"replay": nil})
	if err := verify(func(p *transport.GuardProfile) { p.Replay = refusing{} }); !errors.Is(err, tokenprofile.ErrReplayed) {
		t.Errorf("got %v, want the program's own guard asked", err)
	}
	if err := verify(func(p *transport.GuardProfile) { p.Now = func() time.Time { return time.Now().Add(time.Hour) } }); !errors.Is(err, tokenprofile.ErrExpired) {
		t.Errorf("got %v an hour later", err)
	}
}

type refusing struct{}

func (refusing) First(context.Context, string, string, time.Time) (bool, error) { return false, nil }

func TestADeclaredGuardHasItsFields(t *testing.T) {
	profile := must[*transport.GuardProfile](t)(transport.ParseGuard([]byte(`{
		"token": {"algorithm": "RS256", "issuer": "i", "audience": "a"}, "issuers": [{"keySet": "https://c.example/k"}],
		"scopes": ["a", "b"], "header": "X-Token", "realm": "r", "dpop": true, "baseURL": "https://p.example", "mutualTLS": true, "allowUnbound": true,
		"resource": "https://p.example/cases", "authorizationServers": ["https://as.example"], "name": "Cases"}`)))
	guard := must[*transport.Guard](t)(profile.Guard())
	if guard.Scope != "a b" || guard.Header != "X-Token" || guard.Realm != "r" || guard.DPoP == nil || guard.BaseURL != "https://p.example" ||
		!guard.MutualTLS || !guard.AllowUnbound || guard.Authorize != nil {
		t.Errorf("got %+v", guard)
	}
	want := `{"authorization_servers":["https://as.example"],"bearer_methods_supported":["header"],"resource":"https://p.example/cases","resource_name":"Cases","scopes_supported":["a","b"]}`
	if got := string(must[[]byte](t)(json.Marshal(guard.ResourceMetadata))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a reviewer looks for is listed, and logged at the start.
func TestWhatAProfileGivesUp(t *testing.T) {
	d := newDeclared(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	strict := d.guardProfile()
	strict.Logger = logger
	must[*transport.Guard](t)(strict.Guard())
	if strings.Contains(log.String(), "waives") {
		t.Errorf("got %s, though nothing is waived", &log)
	}
	d.edit("token.json", map[string]any{"waive": map[string]any{"anyKeyID": true}})
	d.edit("client.json", map[string]any{
		"use": "tokenExchange", "plainHTTP": true,
		"keystore": map[string]any{"path": "consumer.jks", "password": map[string]any{"env": "CONSUMER_PASSWORD"}, "ignoreCertificateDates": true},
		"grant":    map[string]any{"tokenURL": "http://p.example/t", "clientAssertion": map[string]any{"algorithm": "RS256", "issuer": "c", "waive": map[string]any{"omit": []string{"aud"}}}, "actor": "token.json"},
	})
	d.edit("guard.json", map[string]any{"dpop": true, "baseURL": "https://p.example", "allowUnbound": true,
		"truststore": map[string]any{"path": "producer-trust.jks", "password": map[string]any{"file": "password"}, "allowUnverified": true}})
	client := must[*transport.ClientProfile](t)(transport.LoadClient(d.path("client.json"), nil))
	client.Logger = logger
	must[*transport.Client](t)(client.Client())
	if got, want := client.Waives(), []string{"keystore.ignoreCertificateDates", "token: anyKeyID", "grant.clientAssertion: omit aud", "grant.actor: anyKeyID", "plainHTTP"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	guard := d.guardProfile()
	guard.Logger = logger
	must[*transport.Guard](t)(guard.Guard())
	if got, want := guard.Waives(), []string{"truststore.allowUnverified", "token: anyKeyID", "allowUnbound"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, want := range []string{`document="transport: client profile"`, `document="transport: guard profile"`, "grant.clientAssertion: omit aud", "allowUnbound"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in %s", want, &log)
		}
	}
}

// As a part of a larger configuration, where a program has said some things
// before it was read.
func TestProfilesNest(t *testing.T) {
	var config struct {
		Client transport.ClientProfile
		Guard  transport.GuardProfile
	}
	config.Client.Dir, config.Client.Uses, config.Client.Now = "c", transport.Uses{"ticket": ticketUse{}}, time.Now
	config.Guard.Dir, config.Guard.Replay = "g", refusing{}
	config.Client.Header = "X-Gone" // a document says all of what a document can say
	if err := json.Unmarshal([]byte(`{"client":`+plainClient+`,"guard":`+plainGuard+`}`), &config); err != nil {
		t.Fatal(err)
	}
	if c, g := config.Client, config.Guard; c.Dir != "c" || c.Uses == nil || c.Now == nil || c.Header != "" || c.Token == nil || g.Dir != "g" || g.Replay == nil || len(g.Issuers) != 1 {
		t.Errorf("got %+v", config)
	}
	before := fmt.Sprintf("%+v", config)
	for _, document := range []string{`{"client":{"one-use":true}}`, `{"guard":{"one-use":true}}`} {
		if err := json.Unmarshal([]byte(document), &config); err == nil || !strings.Contains(err.Error(), "one-use: there is no such field") {
			t.Errorf("got %v", err)
		}
	}
	if after := fmt.Sprintf("%+v", config); after != before {
		t.Error("a document with faults has changed the profile")
	}
	given := func(value any) func(any) error {
		return func(target any) error { reflect.ValueOf(target).Elem().Set(reflect.ValueOf(value)); return nil }
	}
	if err := config.Client.UnmarshalYAML(given(map[string]any{"header": "X-Token"})); err != nil || config.Client.Header != "X-Token" || config.Client.Dir != "c" {
		t.Errorf("got %v, %+v", err, config.Client)
	}
	if err := config.Guard.UnmarshalYAML(given(map[any]any{"scope": "a"})); err == nil || !strings.Contains(err.Error(), "scope: there is no such field") {
		t.Errorf("got %v", err)
	}
	if got, err := config.Client.MarshalYAML(); err != nil || !reflect.DeepEqual(got, map[string]any{"header": "X-Token"}) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := (transport.GuardProfile{Realm: "r"}).MarshalYAML(); err != nil || got.(map[string]any)["realm"] != "r" {
		t.Errorf("got %v, %v", got, err)
	}
}

// A kind of use of the program that has the name of one of ours comes first.
func TestAProgramsUsesComeFirst(t *testing.T) {
	d := newDeclared(t)
	d.edit("client.json", map[string]any{"publish": nil})
	for _, use := range []transport.Use{useFunc(func(c *transport.Client) (transport.TokenSource, error) {
		if c.Token == nil || c.Keys == nil || c.Trust == nil || c.Bearer != nil {
			t.Errorf("got %+v", c)
		}
		return c.Token, nil
	}), useFunc(func(*transport.Client) (transport.TokenSource, error) { return nil, errors.New("out of tickets") })} {
		profile := must[*transport.ClientProfile](t)(transport.LoadClient(d.path("client.json"), transport.Uses{"bearer": use}))
		_, err := profile.Client()
		if err != nil && err.Error() != "transport: client profile: out of tickets" {
			t.Errorf("got %v", err)
		}
	}
	profile := must[*transport.ClientProfile](t)(transport.LoadClient(d.path("client.json"), nil))
	profile.Uses = transport.Uses{"bearer": useFunc(func(*transport.Client) (transport.TokenSource, error) { return &transport.Grant{}, nil })}
	if _, err := profile.Client(); err == nil || !strings.Contains(err.Error(), "Grant: no TokenURL") {
		t.Errorf("got %v, want what can never work refused", err)
	}
	profile.Uses = transport.Uses{"bearer": useFunc(func(*transport.Client) (transport.TokenSource, error) { return nil, nil })}
	if _, err := profile.Client(); err == nil {
		t.Error("got a client without a source")
	}
}

type useFunc func(*transport.Client) (transport.TokenSource, error)

func (f useFunc) Source(c *transport.Client) (transport.TokenSource, error) { return f(c) }
