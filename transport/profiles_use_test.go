package transport_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

const secretOfConsumer = "a-secret-that-nobody-has-thought-up"

// verifier is that of a guard for the consumer's tokens of a profile.
func (d *declared) verifier(profile string) transport.TokenVerifier {
	d.t.Helper()
	d.edit("guard.json", map[string]any{"token": profile, "issuers": []any{map[string]any{"alias": "consumer"}}})
	return must[*transport.Guard](d.t)(d.guardProfile().Guard()).Verifier
}

// endpoint starts a token endpoint that takes what the consumer's profiles sign
// in every way there is, and signs what access.json says.
func (d *declared) endpoint(change func(e *transport.TokenEndpoint)) *httptest.Server {
	d.t.Helper()
	access := must[tokenprofile.Profile](d.t)(tokenprofile.Load(d.path("access.json")))
	keys := must[*keystore.Store](d.t)(keystore.Open(d.path("producer.jks"), keystore.StaticPassword("changeit")))
	assertions, clients := d.verifier("token.json"), d.verifier("assertion.json")
	e := &transport.TokenEndpoint{
		Clients: transport.Registrations{"consumer": {
			SecretHash: hashOf(d.t, secretOfConsumer), Assertions: clients, Certificate: &transport.ClientCertificate{Subject: "CN=consumer.example,O=Example"},
		}},
		Signer:            must[*tokenprofile.Signer](d.t)(access.Signer(keys)),
		Assertions:        assertions,
		ClientCredentials: true,
		SubjectTokens:     map[string]transport.TokenVerifier{transport.TokenTypeJWT: assertions},
		ActorTokens:       map[string]transport.TokenVerifier{transport.TokenTypeJWT: clients},
		OnReject:          func(_ *http.Request, err error) { d.t.Log("no token:", err) },
		Authorize: func(_ context.Context, r *transport.AccessRequest) (*transport.Access, error) {
			access := &transport.Access{Scope: r.Scope}
			switch {
			case r.Assertion != nil:
				access.Subject = r.Assertion.Subject
			case r.SubjectToken != nil:
				access.Subject = r.SubjectToken.Subject
			}
			return access, nil
		},
	}
	change(e)
	return d.serveNamed(must[*tls.Config](d.t)(d.guardProfile().TLS()), func(url string) http.Handler {
		e.URL = url
		return e
	})
}

// Each kind of use gets a token of our own endpoint, and with it past the guard.
func TestEveryKindOfUse(t *testing.T) {
	secret := map[string]any{"clientID": "consumer", "clientSecret": map[string]any{"file": "secret"}}
	for _, test := range []struct {
		name   string
		client map[string]any
		grant  map[string]any
		alone  bool
		want   string
	}{
		{"an assertion alone", map[string]any{"use": "jwtBearer"}, nil, true, "ann"},
		{"an assertion, and a client's", map[string]any{"use": "jwtBearer"}, map[string]any{"clientAssertion": "assertion.json"}, false, "ann"},
		{"an assertion, and a secret", map[string]any{"use": "jwtBearer"}, secret, false, "ann"},
		{"an assertion, and a secret in the body", map[string]any{"use": "jwtBearer"}, map[string]any{"secretInBody": true}, false, "ann"},
		{"a client's assertion", map[string]any{"use": "clientCredentials", "token": "assertion.json"}, nil, false, "consumer"},
		{"a client's secret", map[string]any{"use": "clientCredentials", "token": nil}, secret, false, "consumer"},
		{"a client's certificate", map[string]any{"use": "clientCredentials", "token": nil}, map[string]any{"clientID": "consumer"}, false, "consumer"},
		{"an exchange", map[string]any{"use": "tokenExchange"}, secret, false, "ann"},
		{"an exchange for another who acts", map[string]any{"use": "tokenExchange"}, map[string]any{
			"clientAssertion": "assertion.json", "actor": "assertion.json", "actorType": transport.TokenTypeJWT,
			"subjectType": transport.TokenTypeJWT, "requestedType": transport.TokenTypeAccess,
		}, false, "ann"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDeclared(t)
			d.write("secret", secretOfConsumer+"\n")
			endpoint := d.endpoint(func(e *transport.TokenEndpoint) { e.AssertionAlone = test.alone })
			grant := map[string]any{"tokenURL": endpoint.URL, "scopes": []string{"cases"}}
			if _, ok := test.grant["secretInBody"]; ok {
				maps.Copy(grant, secret)
			}
			maps.Copy(grant, test.grant)
			d.edit("client.json", map[string]any{"grant": grant})
			d.edit("client.json", test.client)
			d.edit("guard.json", map[string]any{"token": "access.json", "scopes": []string{"cases"},
				"issuers": []any{map[string]any{"alias": "producer", "identities": map[string]string{"ann": "operator-17", "consumer": "machine"}}}})
			want := "200 " + test.want + " " + map[string]string{"ann": "operator-17", "consumer": "machine"}[test.want] + " "
			if got := d.answer(d.client().Client, d.serve().URL); !strings.HasPrefix(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// Tokens are bound to a key, one made for it or one of the keystore, whether
// the client signs them or somebody gives them out.
func TestDeclaredDPoP(t *testing.T) {
	for _, key := range []string{"", "signing"} {
		for _, use := range []string{"bearer", "jwtBearer"} {
			t.Run(use+" "+key, func(t *testing.T) {
				d := newDeclared(t)
				members := map[string]any{"use": use, "dpop": map[string]any{"alias": key}}
				admitted := map[string]any{"dpop": true, "baseURL": "https://producer.example", "token": "token.json", "issuers": []any{map[string]any{"alias": "consumer"}}}
				if use == "jwtBearer" {
					endpoint := d.endpoint(func(e *transport.TokenEndpoint) { e.AssertionAlone, e.DPoP = true, &tokenprofile.ProofVerifier{} })
					members["grant"] = map[string]any{"tokenURL": endpoint.URL}
					admitted["token"], admitted["issuers"] = "access.json", []any{map[string]any{"alias": "producer"}}
				}
				d.edit("client.json", members)
				d.edit("guard.json", admitted)
				profile := d.guardProfile()
				guard := must[*transport.Guard](t)(profile.Guard())
				server := d.serveNamed(must[*tls.Config](t)(profile.TLS()), func(url string) http.Handler {
					guard.BaseURL = url
					return guard.Handler(http.HandlerFunc(whoIsThere))
				})
				client := d.client()
				own := must[*tokenprofile.Prover](t)(tokenprofile.NewProver(must[[]keystore.PrivateKey](t)(client.Keys.PrivateKeys(t.Context()))[0]))
				if same := own.Thumbprint() == client.Prover.Thumbprint(); same != (key != "") {
					t.Errorf("proves with the key of the store: got %t", same)
				}
				if got := d.answer(client.Client, server.URL+"/cases?id=1"); !strings.HasPrefix(got, "200 ann ") {
					t.Errorf("got %q", got)
				}
				d.edit("client.json", map[string]any{"dpop": nil, "use": "bearer", "grant": nil})
				if got := d.answer(d.client().Client, server.URL); !strings.HasPrefix(got, "401") {
					t.Errorf("got %q without a proof, want 401", got)
				}
			})
		}
	}
}

// The alias of the store stands in where a part names no key of its own.
func TestAliasOfTheStoreStandsIn(t *testing.T) {
	store := func(alias string) map[string]any {
		return map[string]any{"path": "consumer.jks", "password": map[string]any{"env": "CONSUMER_PASSWORD"}, "alias": alias}
	}
	for _, test := range []struct {
		name, store    string
		token, members map[string]any
		key            string // that the token names
		presents       bool   // a certificate
	}{
		{"both of the store", "signing", nil, map[string]any{"mutualTLS": map[string]any{}}, "signing", true},
		{"both of their own", "nobody", map[string]any{"keyAlias": "signing"}, map[string]any{"mutualTLS": map[string]any{"alias": "signing"}}, "signing", true},
		{"the newest", "nobody", map[string]any{"newestKey": true}, map[string]any{"mutualTLS": map[string]any{}}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDeclared(t)
			d.edit("token.json", test.token)
			d.edit("client.json", map[string]any{"keystore": store(test.store), "publish": nil})
			d.edit("client.json", test.members)
			client := d.client()
			if got := client.Token.(*tokenprofile.Signer).Profile().KeyAlias; got != test.key {
				t.Errorf("got the key %q, want %q", got, test.key)
			}
			config := client.Base.Transport.(*http.Transport).TLSClientConfig
			info := &tls.CertificateRequestInfo{Version: tls.VersionTLS13, SignatureSchemes: []tls.SignatureScheme{tls.PSSWithSHA256}}
			if _, err := config.GetClientCertificate(info); (err == nil) != test.presents {
				t.Errorf("got %v, want a certificate: %t", err, test.presents)
			}
		})
	}
}

// A token that is bound to a certificate is good with that alone.
func TestDeclaredCertificateBinding(t *testing.T) {
	d := newDeclared(t)
	endpoint := d.endpoint(func(e *transport.TokenEndpoint) { e.AssertionAlone, e.MutualTLS = true, true })
	d.edit("client.json", map[string]any{"use": "jwtBearer", "grant": map[string]any{"tokenURL": endpoint.URL}})
	d.edit("guard.json", map[string]any{"token": "access.json", "mutualTLS": true, "issuers": []any{map[string]any{"alias": "producer"}}})
	server, client := d.serve(), d.client()
	if got := d.answer(client.Client, server.URL); !strings.HasPrefix(got, "200 ann ") {
		t.Errorf("got %q", got)
	}
	token, _, err := client.Bearer.Source.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.edit("client.json", map[string]any{"use": nil, "grant": nil, "token": nil, "tokenFile": "stolen",
		"keystore": map[string]any{"path": "consumer-next.jks", "password": map[string]any{"file": "password"}}})
	d.write("stolen", token)
	if got := d.answer(d.client().Client, server.URL); !strings.HasPrefix(got, "401") {
		t.Errorf("got %q with another's token, want 401", got)
	}
	if err := os.Remove(d.path("stolen")); err != nil {
		t.Fatal(err)
	}
}

// deskUse gets its tokens from a server that keeps to no standard.
type deskUse struct{}

func (deskUse) Source(c *transport.Client) (transport.TokenSource, error) {
	var url string
	err := json.Unmarshal(c.Options, &url)
	return desk{c.Base, url}, err
}

type desk struct {
	client *http.Client
	url    string
}

func (d desk) Token(ctx context.Context) (token string, expiry time.Time, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return "", time.Time{}, err
	}
	resp, err := d.client.Do(request)
	if err != nil {
		return "", time.Time{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), time.Now().Add(time.Minute), err
}

// A kind of use of the program's own asks its own server, which demands the
// client's certificate and has one that only the truststore trusts.
func TestAUseOfOnesOwnAsksAServer(t *testing.T) {
	d := newDeclared(t)
	d.edit("guard.json", map[string]any{"clientCertificates": true})
	config := must[*tls.Config](t)(d.guardProfile().TLS())
	server := d.serveTLS(config, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/desk" {
			io.WriteString(w, "ticket-7")
			return
		}
		io.WriteString(w, r.Header.Get("X-Ticket"))
	}))
	d.edit("client.json", map[string]any{"use": "desk", "options": server.URL + "/desk", "header": "X-Ticket"})
	profile := must[*transport.ClientProfile](t)(transport.LoadClient(d.path("client.json"), transport.Uses{"desk": deskUse{}}))
	client := must[*transport.Client](t)(profile.Client())
	if got, want := d.answer(client.Client, server.URL+"/api"), "200 ticket-7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
