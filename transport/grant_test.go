package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// endpoint is a token endpoint in memory: it notes each request and answers
// with what answer says.
type endpoint struct {
	forms   []url.Values
	headers []http.Header
	answer  func(w http.Header) (status int, body string) // nil: a token
}

const goodAnswer = `{"access_token":"access","token_type":"Bearer","expires_in":300}`

func (e *endpoint) RoundTrip(req *http.Request) (*http.Response, error) {
	defer req.Body.Close()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	e.forms = append(e.forms, form)
	e.headers = append(e.headers, req.Header)
	resp := respond(req, http.StatusOK)
	text := goodAnswer
	if e.answer != nil {
		resp.StatusCode, text = e.answer(resp.Header)
	}
	resp.Body = io.NopCloser(strings.NewReader(text))
	return resp, nil
}

func (e *endpoint) client() *http.Client { return &http.Client{Transport: e} }

// says is an endpoint that always gives the same answer.
func says(status int, body string, header ...string) *endpoint {
	return &endpoint{answer: func(h http.Header) (int, string) {
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return status, body
	}}
}

const tokenURL = "https://auth.example/token"

func TestWhatAGrantSends(t *testing.T) {
	secret := keystore.StaticPassword("s%c et")
	const bearer, jwt = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", transport.TokenTypeJWT
	for _, test := range []struct {
		name  string
		grant *transport.Grant
		want  string // the form, sorted
		basic string
	}{
		{"an assertion, RFC 7523 section 2.1", &transport.Grant{Assertion: &fakeSource{}},
			"assertion=token-1 grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer", ""},
		{"a client assertion, section 2.2", &transport.Grant{ClientAssertion: &fakeSource{}},
			"client_assertion=token-1 client_assertion_type=" + bearer + " grant_type=client_credentials", ""},
		{"a client assertion with the client's id", &transport.Grant{ClientAssertion: &fakeSource{}, ClientID: "me"},
			"client_assertion=token-1 client_assertion_type=" + bearer + " client_id=me grant_type=client_credentials", ""},
		{"both assertions", &transport.Grant{Assertion: &fakeSource{}, ClientAssertion: &fakeSource{}},
			"assertion=token-1 client_assertion=token-1 client_assertion_type=" + bearer + " grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer", ""},
		{"a client secret, form-encoded as RFC 6749 section 2.3.1 asks", &transport.Grant{ClientID: "m:e", ClientSecret: secret},
			"grant_type=client_credentials", "m%3Ae:s%25c+et"},
		{"a client secret in the body", &transport.Grant{ClientID: "me", ClientSecret: secret, SecretInBody: true},
			"client_id=me client_secret=s%c et grant_type=client_credentials", ""},
		{"a client known by its certificate, RFC 8705", &transport.Grant{ClientID: "me"},
			"client_id=me grant_type=client_credentials", ""},
		{"a token exchange, RFC 8693", &transport.Grant{Exchange: &transport.Exchange{Subject: &fakeSource{}}},
			"grant_type=urn:ietf:params:oauth:grant-type:token-exchange subject_token=token-1 subject_token_type=" + jwt, ""},
		{"a token exchange with an actor", &transport.Grant{ClientID: "me", Exchange: &transport.Exchange{
			Subject: &fakeSource{}, SubjectType: transport.TokenTypeIDToken, Actor: &fakeSource{}, RequestedType: transport.TokenTypeAccess}},
			"actor_token=token-1 actor_token_type=" + jwt + " client_id=me grant_type=urn:ietf:params:oauth:grant-type:token-exchange " +
				"requested_token_type=" + transport.TokenTypeAccess + " subject_token=token-1 subject_token_type=" + transport.TokenTypeIDToken, ""},
		{"a grant type of the vendor's own", &transport.Grant{Assertion: &fakeSource{}, GrantType: "assertion-jwt"},
			"assertion=token-1 grant_type=assertion-jwt", ""},
		{"a grant type of the vendor's own for an exchange", &transport.Grant{Exchange: &transport.Exchange{Subject: &fakeSource{}}, GrantType: "swap"},
			"grant_type=swap subject_token=token-1 subject_token_type=" + jwt, ""},
		{"a grant type with parameters alone", &transport.Grant{GrantType: "api_key", Params: params("key", "k")},
			"grant_type=api_key key=k", ""},
		{"an assertion of SPIFFE's for the client", &transport.Grant{ClientAssertion: &fakeSource{}, ClientAssertionType: "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"},
			"client_assertion=token-1 client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-spiffe grant_type=client_credentials", ""},
		{"scopes, resources, audiences and more", &transport.Grant{ClientID: "me", Scopes: []string{"read", "write"},
			Resources: []string{"https://a", "https://b"}, Audiences: []string{"c"}, Params: params("tenant", "t")},
			"audience=c client_id=me grant_type=client_credentials resource=https://a resource=https://b scope=read write tenant=t", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &endpoint{}
			test.grant.TokenURL, test.grant.HTTPClient = tokenURL, server.client()
			before := time.Now()
			token, expiry, err := test.grant.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if left := expiry.Sub(before); token != "access" || left < 300*time.Second || left > 310*time.Second {
				t.Errorf("got %q for %v", token, left)
			}
			if got := sorted(t, server.forms[0]); got != test.want {
				t.Errorf("sent\n%s, want\n%s", got, test.want)
			}
			user, password, _ := (&http.Request{Header: server.headers[0]}).BasicAuth()
			if got := user + ":" + password; got != test.basic && (test.basic != "" || got != ":") {
				t.Errorf("sent the credentials %q, want %q", got, test.basic)
			}
			if got := server.headers[0].Get("Content-Type"); got != "application/x-www-form-urlencoded" {
				t.Errorf("sent a %q", got)
			}
		})
	}
}

func params(name, value string) func() url.Values {
	return func() url.Values { return url.Values{name: {value}} }
}

func sorted(t *testing.T, form url.Values) string {
	t.Helper()
	text, err := url.QueryUnescape(strings.ReplaceAll(form.Encode(), "&", " "))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestGrantSignsAnewForEveryAttempt(t *testing.T) {
	server := &endpoint{}
	grant := &transport.Grant{TokenURL: tokenURL, Assertion: &fakeSource{}, HTTPClient: server.client()}
	for range 3 {
		if _, _, err := grant.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(server.forms); got != 3 {
		t.Errorf("got %d exchanges, want one for each of 3 attempts", got)
	}
	for i, form := range server.forms {
		if got, want := form.Get("assertion"), fmt.Sprintf("token-%d", i+1); got != want {
			t.Errorf("attempt %d: got %q, want %q", i+1, got, want)
		}
	}
}

func TestGrantAnswers(t *testing.T) {
	for _, test := range []struct {
		name, body string
		lifetime   time.Duration
		err        string
	}{
		{"a token", goodAnswer, 300 * time.Second, ""},
		{"the type in other letters", `{"access_token":"a","token_type":"bearer","expires_in":300}`, 300 * time.Second, ""},
		{"a lifetime in quotes", `{"access_token":"a","token_type":"Bearer","expires_in":"300"}`, 300 * time.Second, ""},
		{"no lifetime", `{"access_token":"a","token_type":"Bearer"}`, 5 * time.Minute, ""},
		{"null for a lifetime", `{"access_token":"a","token_type":"Bearer","expires_in":null}`, 5 * time.Minute, ""},
		{"zero for a lifetime", `{"access_token":"a","token_type":"Bearer","expires_in":0}`, 5 * time.Minute, ""},
		{"a lifetime below zero", `{"access_token":"a","token_type":"Bearer","expires_in":-1}`, 5 * time.Minute, ""},
		{"a fraction", `{"access_token":"a","token_type":"Bearer","expires_in":1.5}`, 1500 * time.Millisecond, ""},
		{"one second", `{"access_token":"a","token_type":"Bearer","expires_in":1}`, time.Second, ""},
		{"a huge lifetime", `{"access_token":"a","token_type":"Bearer","expires_in":9223372036854775807}`, 10 * 365 * 24 * time.Hour, ""},
		{"a lifetime beyond all numbers", `{"access_token":"a","token_type":"Bearer","expires_in":1e300}`, 10 * 365 * 24 * time.Hour, ""},
		{"an object for a lifetime", `{"access_token":"a","token_type":"Bearer","expires_in":{}}`, 5 * time.Minute, ""},
		{"a fraction that is whole", `{"access_token":"a","token_type":"Bearer","expires_in":3600.0}`, time.Hour, ""},
		{"a text for a lifetime", `{"access_token":"a","token_type":"Bearer","expires_in":"an hour"}`, 5 * time.Minute, ""},
		{"no number for a lifetime", `{"access_token":"a","token_type":"Bearer","expires_in":"NaN"}`, 5 * time.Minute, ""},
		{"more than all numbers", `{"access_token":"a","token_type":"Bearer","expires_in":1e999}`, 10 * 365 * 24 * time.Hour, ""},
		{"no type", `{"access_token":"a","expires_in":300}`, 300 * time.Second, ""},
		{"an empty type", `{"access_token":"a","token_type":"","expires_in":300}`, 300 * time.Second, ""},
		{"the type of Apigee", `{"access_token":"a","token_type":"BearerToken","expires_in":300}`, 300 * time.Second, ""},
		{"a space behind the type", `{"access_token":"a","token_type":"bearer ","expires_in":300}`, 300 * time.Second, ""},
		{"the type of DocuSign", `{"access_token":"a","token_type":"Application","expires_in":300}`, 300 * time.Second, ""},
		{"the type of Azure DevOps", `{"access_token":"a","token_type":"jwt-bearer","expires_in":300}`, 300 * time.Second, ""},
		{"an old type of proof of possession", `{"access_token":"a","token_type":"PoP"}`, 0, "the token_type is not Bearer, but PoP"},
		{"a type that is no bearer's", `{"access_token":"a","token_type":"mac"}`, 0, "the token_type is not Bearer, but MAC"},
		{"a type that needs a key we did not prove", `{"access_token":"a","token_type":"DPoP"}`, 0, "the token_type is not Bearer, but DPoP: set Grant.DPoP"},
		{"a type that is no access token, RFC 8693", `{"access_token":"a","token_type":"N_A"}`, 0, "the token_type is not Bearer, but N_A: set Exchange.RequestedType, if another token than an access token is wanted"},
		{"no token", `{"token_type":"Bearer"}`, 0, "an answer without access_token"},
		{"a token that is a number", `{"access_token":1,"token_type":"Bearer"}`, 0, "an answer without access_token"},
		{"members that nobody needs of other types", `{"access_token":"a","error":false,"error_description":{},"id_token":1,"expires_in":300}`, 300 * time.Second, ""},
		{"an error beside members of other types", `{"access_token":1,"error":"invalid_grant"}`, 0, "invalid_grant"},
		{"an array", `[{"access_token":"a"}]`, 0, "an answer that is not a JSON object with a token"},
		{"an id_token instead", `{"id_token":"a"}`, 0, "an answer without access_token, but with an id_token: if that is wanted, set Grant.IDToken"},
		{"an error with status 200", `{"error":"invalid_grant"}`, 0, "invalid_grant"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", HTTPClient: says(200, test.body).client()}
				_, expiry, err := grant.Token(t.Context())
				if test.err == "" {
					if got := time.Until(expiry); err != nil || got != test.lifetime {
						t.Errorf("got %v, %v, want %v", got, err, test.lifetime)
					}
					return
				}
				if want := "token endpoint auth.example: 200 OK: " + test.err; err == nil || err.Error() != want {
					t.Errorf("got %v, want %s", err, want)
				}
			})
		})
	}
}

func TestGrantError(t *testing.T) {
	for _, test := range []struct {
		name      string
		server    *endpoint
		want      transport.GrantError
		temporary bool
		text      string
	}{
		{"a refusal", says(400, `{"error":"invalid_grant","error_description":"assertion expired"}`),
			transport.GrantError{StatusCode: 400, Code: "invalid_grant", Description: "assertion expired"}, false, `400 Bad Request: invalid_grant: "assertion expired"`},
		{"an unknown client", says(401, `{"error":"invalid_client"}`),
			transport.GrantError{StatusCode: 401, Code: "invalid_client"}, false, "401 Unauthorized: invalid_client"},
		{"too many requests", says(429, "slow down", "Retry-After", "120"),
			transport.GrantError{StatusCode: 429, RetryAfter: 2 * time.Minute}, true, "429 Too Many Requests"},
		{"a failure", says(500, "stack trace"), transport.GrantError{StatusCode: 500}, true, "500 Internal Server Error"},
		{"a pause until a date", says(503, "", "Retry-After", "Sat, 01 Jan 2000 00:05:00 GMT"),
			transport.GrantError{StatusCode: 503, RetryAfter: 5 * time.Minute}, true, "503 Service Unavailable"},
		{"a pause until a date gone by", says(503, "", "Retry-After", "Sat, 01 Jan 1999 00:05:00 GMT"),
			transport.GrantError{StatusCode: 503}, true, "503 Service Unavailable"},
		{"a pause without end", says(503, "", "Retry-After", "2000000000"),
			transport.GrantError{StatusCode: 503, RetryAfter: time.Hour}, true, "503 Service Unavailable"},
		{"a pause that is none", says(503, "", "Retry-After", "soon"), transport.GrantError{StatusCode: 503}, true, "503 Service Unavailable"},
		{"temporarily unavailable", says(400, `{"error":"temporarily_unavailable"}`),
			transport.GrantError{StatusCode: 400, Code: "temporarily_unavailable"}, true, "400 Bad Request: temporarily_unavailable"},
		{"a code that is none", says(400, `{"error":"a b\nc"}`), transport.GrantError{StatusCode: 400}, false, "400 Bad Request"},
		{"a status that is none", says(599, ``), transport.GrantError{StatusCode: 599}, true, "599"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", HTTPClient: test.server.client()}
				_, _, err := grant.Token(t.Context())
				var got *transport.GrantError
				if !errors.As(err, &got) {
					t.Fatalf("got %v, want a GrantError", err)
				}
				if *got != test.want {
					t.Errorf("got %+v, want %+v", *got, test.want)
				}
				if got.Temporary() != test.temporary {
					t.Errorf("temporary: got %t, want %t", got.Temporary(), test.temporary)
				}
				if want := "token endpoint auth.example: " + test.text; err.Error() != want {
					t.Errorf("got %q, want %q", err, want)
				}
			})
		})
	}
}

func TestGrantErrorShowsNothingSecret(t *testing.T) {
	secret := keystore.StaticPassword("hunter2")
	jwt := "eyJhbGciOiJSUzI1NiJ9." + strings.Repeat("e30", 20) + "." + strings.Repeat("c2ln", 80)
	for _, test := range []struct{ name, description, want string }{
		{"what was sent", "bad secret: hunter2!", "bad secret: ...!"},
		{"any token", "cannot parse " + jwt + " at all", "cannot parse ... at all"},
		{"a part of a token", "cannot parse " + jwt[:60], "cannot parse ..."},
		{"the Basic credentials", "header bWU6aHVudGVyMg==", "header ..."},
		{"a UUID, which may be shown", "trace 7c9e6679-7425-40de-944b-e07fc1f90ae7", "trace 7c9e6679-7425-40de-944b-e07fc1f90ae7"},
		{"line breaks and escapes", "a\nb\x1b[31mc\u202ed", "a b [31mc d"},
		{"a long text", strings.Repeat("word ", 101), strings.Repeat("word ", 100) + "..."},
	} {
		t.Run(test.name, func(t *testing.T) {
			body, err := json.Marshal(map[string]string{"error": "invalid_client", "error_description": test.description})
			if err != nil {
				t.Fatal(err)
			}
			grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", ClientSecret: secret, HTTPClient: says(401, string(body)).client()}
			_, _, err = grant.Token(t.Context())
			var got *transport.GrantError
			if !errors.As(err, &got) || got.Description != test.want {
				t.Errorf("got %v, want the description %q", err, test.want)
			}
		})
	}
	grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", ClientSecret: secret, HTTPClient: says(401, `{"error":"hunter2"}`).client()}
	if _, _, err := grant.Token(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret in the place of the code: got %v", err)
	}
}

func TestGrantConfiguration(t *testing.T) {
	source := &fakeSource{}
	for _, test := range []struct {
		name  string
		grant *transport.Grant
		want  string
	}{
		{"nothing", &transport.Grant{}, "transport: Grant: no TokenURL\nnothing to ask with: no Assertion, Exchange, ClientAssertion or ClientID"},
		{"another scheme, where plain http is fine", &transport.Grant{TokenURL: "ftp://auth.example", ClientID: "me", PlainHTTP: true}, `transport: Grant: TokenURL: scheme "ftp" is not https`},
		{"plain http", &transport.Grant{TokenURL: "http://auth.example", ClientID: "me"}, "transport: Grant: TokenURL: http://auth.example is not https, and auth.example is not a loopback address: if something else encrypts, set PlainHTTP"},
		{"a relative URL", &transport.Grant{TokenURL: "/token", ClientID: "me"}, "transport: Grant: the TokenURL is not an absolute URL without user and fragment"},
		{"a password in the URL", &transport.Grant{TokenURL: "https://me:secret@auth.example", ClientID: "me"}, "transport: Grant: the TokenURL is not an absolute URL without user and fragment"},
		{"two grants", &transport.Grant{TokenURL: tokenURL, Assertion: source, Exchange: &transport.Exchange{Subject: source}}, "transport: Grant: both Assertion and Exchange, where one is the grant"},
		{"an exchange of nothing", &transport.Grant{TokenURL: tokenURL, Exchange: &transport.Exchange{}}, "transport: Grant: Exchange has no Subject"},
		{"sources that can never yield anything", &transport.Grant{TokenURL: tokenURL, Exchange: &transport.Exchange{Subject: &transport.Grant{TokenURL: "ftp://auth.example", ClientID: "me"}, Actor: transport.FileToken{}}, ClientAssertion: transport.FileToken{}}, "transport: Grant: Subject: transport: Grant: TokenURL: scheme \"ftp\" is not https\nActor: transport: FileToken has no Path\nClientAssertion: transport: FileToken has no Path"},
		{"an assertion that can never be had", &transport.Grant{TokenURL: tokenURL, Assertion: transport.FileToken{}}, "transport: Grant: Assertion: transport: FileToken has no Path"},
		{"two ways to authenticate", &transport.Grant{TokenURL: tokenURL, ClientID: "me", ClientAssertion: source, ClientSecret: keystore.StaticPassword("s")}, "transport: Grant: both ClientAssertion and ClientSecret, where one authenticates the client"},
		{"a secret of nobody", &transport.Grant{TokenURL: tokenURL, Assertion: source, ClientSecret: keystore.StaticPassword("s")}, "transport: Grant: a ClientSecret without a ClientID"},
		{"a parameter that is ours", &transport.Grant{TokenURL: tokenURL, Assertion: source, Params: params("assertion", "x")}, `token endpoint auth.example: parameter "assertion" is not for Params`},
		{"another grant among the parameters", &transport.Grant{TokenURL: tokenURL, Assertion: source, Params: params("grant_type", "x")}, `token endpoint auth.example: parameter "grant_type" is not for Params`},
		{"a scope twice", &transport.Grant{TokenURL: tokenURL, Assertion: source, Scopes: []string{"a"}, Params: params("scope", "b")}, `token endpoint auth.example: parameter "scope" is not for Params`},
		{"a client id among the parameters", &transport.Grant{TokenURL: tokenURL, Assertion: source, Params: params("client_id", "x")}, `token endpoint auth.example: parameter "client_id" is not for Params`},
		{"a secret among the parameters", &transport.Grant{TokenURL: tokenURL, ClientID: "me", Params: params("client_secret", "x")}, `token endpoint auth.example: parameter "client_secret" is not for Params`},
		{"an assertion that cannot be had", &transport.Grant{TokenURL: tokenURL, Assertion: &fakeSource{answer: func(context.Context, int) error { return errOutOfOrder }}}, "token endpoint auth.example: assertion: out of order"},
		{"a secret that cannot be had", &transport.Grant{TokenURL: tokenURL, ClientID: "me", ClientSecret: keystore.EnvPassword("NO_SUCH_VARIABLE")}, "token endpoint auth.example: client secret: environment variable NO_SUCH_VARIABLE is not set"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &endpoint{}
			test.grant.HTTPClient = server.client()
			if _, _, err := test.grant.Token(t.Context()); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			// What the fields alone say is said before anything is asked.
			if err := test.grant.Validate(); strings.HasPrefix(test.want, "transport: Grant:") && (err == nil || err.Error() != test.want) {
				t.Errorf("Validate: got %v\nwant %s", err, test.want)
			}
			if len(server.forms) != 0 {
				t.Error("a request was sent all the same")
			}
		})
	}
}

func TestGrantWithClaims(t *testing.T) {
	claims := map[string]any{"sub": "alice"}
	for _, test := range []struct {
		name  string
		grant *transport.Grant
		err   string
	}{
		{"in the assertion", &transport.Grant{Assertion: &fakeSource{}}, ""},
		{"in the subject token", &transport.Grant{Exchange: &transport.Exchange{Subject: &fakeSource{}, Actor: tokenOnly{&fakeSource{}}}}, ""},
		{"nowhere to put them", &transport.Grant{ClientAssertion: &fakeSource{}}, "token endpoint auth.example: claims for a request, but no Assertion or Exchange to put them in"},
		{"an assertion without TokenWith", &transport.Grant{Assertion: tokenOnly{&fakeSource{}}}, "token endpoint auth.example: assertion: a transport_test.tokenOnly has no TokenWith method to take the claims of a request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &endpoint{}
			test.grant.TokenURL, test.grant.HTTPClient = tokenURL, server.client()
			_, _, err := test.grant.TokenWith(t.Context(), claims)
			if (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
				t.Fatalf("got %v, want %s", err, test.err)
			}
			source := test.grant.Assertion
			if test.grant.Exchange != nil {
				source = test.grant.Exchange.Subject
			}
			if fake, ok := source.(*fakeSource); ok && fmt.Sprint(fake.claims) != "[map[sub:alice]]" {
				t.Errorf("the source was asked for %v", fake.claims)
			}
		})
	}
}

func TestGrantLeavesTheClientAsItIs(t *testing.T) {
	client := (&endpoint{}).client()
	grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", HTTPClient: client}
	if _, _, err := grant.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if client.CheckRedirect != nil {
		t.Error("the client given was changed")
	}
}

func TestBearerWithAGrant(t *testing.T) {
	server := &endpoint{}
	grant := &transport.Grant{TokenURL: tokenURL, Assertion: &fakeSource{}, HTTPClient: server.client()}
	base := &recorder{}
	bearer := &transport.Bearer{Source: grant, Base: base}
	for range 3 {
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := base.last(), "Bearer access"; got != want || len(server.forms) != 1 {
		t.Errorf("got %q after %d exchanges, want %q after one", got, len(server.forms), want)
	}
}
