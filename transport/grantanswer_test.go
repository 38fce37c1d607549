package transport_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

func TestAnAnswerOfAnySuccessIsTaken(t *testing.T) {
	for _, test := range []struct {
		status int
		want   bool
	}{{200, true}, {201, true}, {203, true}, {299, true}, {300, false}, {400, false}, {500, false}} {
		grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", HTTPClient: says(test.status, goodAnswer).client()}
		if token, _, err := grant.Token(t.Context()); (err == nil) != test.want || (token == "access") != test.want {
			t.Errorf("%d: got %q, %v", test.status, token, err)
		}
	}
}

func TestAnAnswerOfAMebibyteIsTaken(t *testing.T) {
	grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", HTTPClient: says(200, goodAnswer+strings.Repeat(" ", 1<<20-len(goodAnswer))).client()}
	if token, _, err := grant.Token(t.Context()); err != nil || token != "access" {
		t.Errorf("got %q, %v", token, err)
	}
}

// A token that was asked for with a proof must be bound to its key.
func TestWhoProvesAKeyGetsNoOtherToken(t *testing.T) {
	prover := newProver(t)
	for _, test := range []struct{ name, body, reason string }{
		{"bound", `{"access_token":"a","token_type":"DPoP"}`, ""},
		{"bound, in other letters", `{"access_token":"a","token_type":"dpop"}`, ""},
		{"for any bearer", `{"access_token":"a","token_type":"Bearer"}`, "the token_type is not DPoP"},
		{"without a type", `{"access_token":"a"}`, "the token_type is not DPoP"},
		{"of a type nobody knows", `{"access_token":"a","token_type":"Application"}`, "the token_type is not DPoP"},
	} {
		grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", DPoP: prover, HTTPClient: says(200, test.body).client()}
		_, _, err := grant.Token(t.Context())
		if test.reason == "" && err != nil || test.reason != "" && (err == nil || !strings.HasSuffix(err.Error(), test.reason)) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.reason)
		}
	}
}

// What is no access token feeds another grant, and goes nowhere else.
func TestWhatIsNoAccessToken(t *testing.T) {
	const idJAG = "urn:ietf:params:oauth:token-type:id-jag"
	exchange := func(requested string) *transport.Grant {
		return &transport.Grant{
			TokenURL: tokenURL, HTTPClient: says(200, `{"access_token":"jag","token_type":"N_A","issued_token_type":"`+idJAG+`"}`).client(),
			Exchange: &transport.Exchange{Subject: &fakeSource{}, SubjectType: transport.TokenTypeIDToken, RequestedType: requested},
		}
	}
	for _, requested := range []string{"", transport.TokenTypeAccess} {
		if _, _, err := exchange(requested).Token(t.Context()); err == nil || !strings.HasSuffix(err.Error(), "the token_type is not Bearer, but N_A: set Exchange.RequestedType, if another token than an access token is wanted") {
			t.Errorf("asked for %q: got %v", requested, err)
		}
	}

	api := &recorder{}
	_, err := get(t, &transport.Bearer{Source: exchange(idJAG), Base: api})
	if err == nil || !strings.Contains(err.Error(), "no request may carry it") || len(api.seen) != 0 {
		t.Errorf("as a bearer: got %v, and %d requests", err, len(api.seen))
	}

	for name, chained := range map[string]*transport.Grant{
		"assertion":     {Assertion: exchange(idJAG)},
		"subject_token": {Exchange: &transport.Exchange{Subject: exchange(idJAG)}},
	} {
		server := &endpoint{}
		chained.TokenURL, chained.HTTPClient = tokenURL, server.client()
		if _, err := get(t, &transport.Bearer{Source: chained, Base: &recorder{}}); err != nil {
			t.Fatal(err)
		}
		if got := server.forms[0].Get(name); got != "jag" {
			t.Errorf("%s: got %q, want %q", name, got, "jag")
		}
	}
}

func TestTheIDTokenWhereThatWasAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const year9999 = 253402300799 // its last second: date -u -d 9999-12-31T23:59:59Z +%s
		last, beyond, endless := unsignedJWT(year9999), unsignedJWT(year9999+1), jwtOf(`{"exp":2000000000}`)
		id := unsignedJWT(time.Now().Add(20 * time.Minute).Unix()) // the endpoint's clock is 40 minutes behind
		for _, test := range []struct {
			name, body, token string
			lifetime          time.Duration
		}{
			{"alone", `{"id_token":"` + id + `"}`, id, time.Hour},
			{"beside an access token", `{"access_token":"a","token_type":"DPoP","expires_in":60,"id_token":"` + id + `"}`, id, time.Hour},
			{"that does not say when it ends", `{"id_token":"opaque","expires_in":60}`, "opaque", 5 * time.Minute},
			{"that ends with the last year", `{"id_token":"` + last + `"}`, last, time.Hour},
			{"that ends beyond it", `{"id_token":"` + beyond + `"}`, beyond, 5 * time.Minute},
			{"that does not say when it began", `{"id_token":"` + endless + `"}`, endless, 5 * time.Minute},
			{"that is not there", `{"access_token":"a","token_type":"Bearer"}`, "", 0},
		} {
			grant := &transport.Grant{TokenURL: tokenURL, Assertion: &fakeSource{}, IDToken: true, HTTPClient: says(200, test.body).client()}
			token, expiry, err := grant.Token(t.Context())
			if token != test.token || token != "" && time.Until(expiry) != test.lifetime || (err == nil) != (token != "") {
				t.Errorf("%s: got %q until %v, %v", test.name, token, expiry, err)
			}
		}
	})
}

func unsignedJWT(exp int64) string { return jwtOf(fmt.Sprintf(`{"iat":%d,"exp":%d}`, exp-3600, exp)) }

func jwtOf(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + ".sig"
}

func TestWhatElseTheAnswerHeld(t *testing.T) {
	grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", HTTPClient: says(200,
		`{"access_token":"canary","instance_url":"https://x.example","scope":"a b","patient":4711,"expires_in":"300"}`).client()}
	answer, err := grant.Ask(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var more struct {
		InstanceURL string `json:"instance_url"`
		Scope       string
		Patient     int `json:"patient"`
	}
	if err := answer.Decode(&more); err != nil || more.InstanceURL != "https://x.example" || more.Scope != "a b" || more.Patient != 4711 {
		t.Errorf("got %+v, %v", more, err)
	}
	var wrong struct {
		Patient string `json:"patient"`
	}
	if err := answer.Decode(&wrong); err == nil || err.Error() != "transport: the token endpoint's answer has another type than the string of patient" {
		t.Errorf("another type: got %v", err)
	}
	if err := answer.Decode(new([]string)); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("no object: got %v", err)
	}
	var none transport.GrantAnswer
	if token, expiry := none.Token(); token != "" || !expiry.IsZero() || none.Decode(&more) == nil {
		t.Errorf("no answer: got %q until %v", token, expiry)
	}
	c := newCanaries()
	c.access = "canary"
	c.checkShapes(t, "an answer", &answer)
}

func TestAGrantThatIsNil(t *testing.T) {
	var grant *transport.Grant
	if _, _, err := grant.Token(t.Context()); err == nil || err.Error() != "transport: Grant is nil" {
		t.Errorf("got %v", err)
	}
	if _, err := get(t, &transport.Bearer{Source: grant, Base: &recorder{}}); err == nil {
		t.Error("a Bearer took it")
	}
}

// When a load balancer closes a connection, net/http sends the request again,
// if it can get the body again.
func TestTheRequestOfAGrantCanBeSentAgain(t *testing.T) {
	attempts := 0
	client := &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		attempts++
		if req.GetBody == nil {
			return nil, errors.New("no GetBody")
		}
		req.Body.Close()
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		req.Body = body
		return (&endpoint{}).RoundTrip(req)
	})}
	grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", HTTPClient: client}
	if _, _, err := grant.Token(t.Context()); err != nil || attempts != 1 {
		t.Errorf("got %v after %d attempts", err, attempts)
	}
}
