package main

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

const (
	jwtBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	clientCredentials = "client_credentials"
	assertionType     = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// An endpoint is a token endpoint as its vendor documents it: what arrives, and
// what it answers. Of tokens that arrive it names the issuer.
type endpoint struct {
	url    string
	form   map[string]string // every parameter; that of a token of ours is its issuer
	basic  string            // user and password
	status int
	answer string
}

// answers is a client whose requests all go to the endpoint.
func (e endpoint) answers(t *testing.T) *http.Client {
	return &http.Client{Transport: roundTrip(func(req *http.Request) *http.Response {
		if req.Method != http.MethodPost || req.URL.String() != e.url {
			t.Errorf("got %s %s, want POST %s", req.Method, req.URL, e.url)
		}
		user, password, _ := req.BasicAuth()
		if got := strings.Trim(user+":"+password, ":"); got != e.basic {
			t.Errorf("got the credentials %q, want %q", got, e.basic)
		}
		form := ok(url.ParseQuery(string(ok(io.ReadAll(req.Body))(t))))(t)
		got := map[string]string{}
		for name, values := range form {
			got[name] = strings.Join(values, "|")
			if strings.HasSuffix(name, "assertion") && strings.Count(got[name], ".") == 2 {
				_, claims := takeApart(t, got[name])
				got[name], _ = claims["iss"].(string)
			}
		}
		if !maps.Equal(got, e.form) {
			t.Errorf("got the form %q, want %q", got, e.form)
		}
		return answer(req, e.status, e.answer)
	})}
}

// TestGrants trades the tokens of recipes at endpoints that answer as documented.
func TestGrants(t *testing.T) {
	entra := func(t *testing.T) *tokenprofile.Signer {
		return ok(signForEntra(keysFor(t, "PS256").own, "contoso", "app"))(t)
	}
	for _, test := range []struct {
		name     string
		grant    func(*testing.T) *transport.Grant
		endpoint endpoint
		lifetime time.Duration
	}{
		{"Google", func(t *testing.T) *transport.Grant {
			return ok(grantFromGoogle(keysFor(t, "RS256").account, "https://www.googleapis.com/auth/pubsub"))(t)
		}, endpoint{
			url:    "https://oauth2.googleapis.com/token",
			form:   map[string]string{"grant_type": jwtBearer, "assertion": "billing@project.iam.gserviceaccount.com"},
			answer: `{"access_token":"granted","scope":"https://www.googleapis.com/auth/pubsub","token_type":"Bearer","expires_in":3600}`,
		}, time.Hour},
		{"DocuSign", func(t *testing.T) *transport.Grant {
			return ok(grantFromDocuSign(keysFor(t, "RS256").own, "account-d.docusign.com", "integration", "user"))(t)
		}, endpoint{
			url:    "https://account-d.docusign.com/oauth/token",
			form:   map[string]string{"grant_type": jwtBearer, "assertion": "integration"},
			answer: `{"access_token":"granted","token_type":"Bearer","expires_in":28800,"scope":"signature impersonation"}`,
		}, 8 * time.Hour},
		{"Epic", func(t *testing.T) *transport.Grant {
			return ok(grantFromEpic(keysFor(t, "RS384").own, "https://ehr.example/token", "client", "https://consumer.example/jwks.json", "system/Patient.read", "system/Task.read"))(t)
		}, endpoint{
			url:    "https://ehr.example/token",
			form:   map[string]string{"grant_type": clientCredentials, "client_assertion_type": assertionType, "client_assertion": "client", "scope": "system/Patient.read system/Task.read"},
			answer: `{"access_token":"granted","token_type":"bearer","expires_in":3600,"scope":"system/Patient.read"}`,
		}, time.Hour},
		{"Entra ID", func(t *testing.T) *transport.Grant {
			return ok(grantFromEntra(keysFor(t, "PS256").own, "contoso", "app", "https://graph.microsoft.com/.default"))(t)
		}, endpoint{
			url:    "https://login.microsoftonline.com/contoso/oauth2/v2.0/token",
			form:   map[string]string{"grant_type": clientCredentials, "client_id": "app", "client_assertion_type": assertionType, "client_assertion": "app", "scope": "https://graph.microsoft.com/.default"},
			answer: `{"token_type":"Bearer","expires_in":3599,"access_token":"granted"}`,
		}, 3599 * time.Second},
		{"Entra ID on behalf of a user", func(t *testing.T) *transport.Grant {
			return grantOnBehalf(entra(t), "contoso", "app", "user's token", "https://graph.microsoft.com/user.read")
		}, endpoint{
			url: "https://login.microsoftonline.com/contoso/oauth2/v2.0/token",
			form: map[string]string{"grant_type": jwtBearer, "client_id": "app", "client_assertion_type": assertionType, "client_assertion": "app",
				"assertion": "user's token", "scope": "https://graph.microsoft.com/user.read", "requested_token_use": "on_behalf_of"},
			answer: `{"token_type":"Bearer","scope":"https://graph.microsoft.com/user.read","expires_in":3269,"ext_expires_in":0,"access_token":"granted","refresh_token":"r"}`,
		}, 3269 * time.Second},
		{"Box", func(t *testing.T) *transport.Grant {
			return grantFromBox(ok(signForBox(keysFor(t, "RS512").own, "kid", "client", "801234"))(t), "client", keystore.StaticPassword("s3cret"))
		}, endpoint{
			url:    "https://api.box.com/oauth2/token",
			form:   map[string]string{"grant_type": jwtBearer, "assertion": "client", "client_id": "client", "client_secret": "s3cret"},
			answer: `{"access_token":"granted","expires_in":4169,"restricted_to":[],"token_type":"bearer"}`,
		}, 4169 * time.Second},
		{"Zoom server-to-server", func(t *testing.T) *transport.Grant {
			return grantFromZoom("account", "client", keystore.StaticPassword("s3cret"))
		}, endpoint{
			url:    "https://zoom.us/oauth/token",
			form:   map[string]string{"grant_type": "account_credentials", "account_id": "account"},
			basic:  "client:s3cret",
			answer: `{"access_token":"granted","token_type":"bearer","expires_in":3599,"scope":"user:read:admin","api_url":"https://api.zoom.us"}`,
		}, 3599 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.endpoint.status = http.StatusOK
				grant := test.grant(t)
				grant.HTTPClient = test.endpoint.answers(t)
				token, expiry, err := grant.Token(t.Context())
				if err != nil || token != "granted" || time.Until(expiry) != test.lifetime {
					t.Errorf("got %q for %v, %v, want a token for %v", token, time.Until(expiry), err, test.lifetime)
				}
			})
		})
	}
}

// Google's id token is the grant's, and lives as long as it says.
func TestGoogleIDToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idToken := handmade(rsaOther().key, `{"alg":"RS256","kid":"g"}`, `{"aud":"https://service.run.app","exp":946688400,"iat":946684800,"iss":"https://accounts.google.com"}`, encode)
		grant := ok(grantGoogleIDToken(keysFor(t, "RS256").account, "https://service.run.app"))(t)
		grant.HTTPClient = endpoint{
			url:    "https://oauth2.googleapis.com/token",
			form:   map[string]string{"grant_type": jwtBearer, "assertion": "billing@project.iam.gserviceaccount.com"},
			status: http.StatusOK, answer: `{"id_token":"` + idToken + `"}`,
		}.answers(t)
		token, expiry, err := grant.Token(t.Context())
		if err != nil || token != idToken || time.Until(expiry) != time.Hour {
			t.Errorf("got %d bytes for %v, %v", len(token), time.Until(expiry), err)
		}
	})
}

// The client of Salesforce knows the instance from the answer, and nobody else
// gets the token.
func TestSalesforce(t *testing.T) {
	const instance = "https://consumer.my.salesforce.com"
	grant := ok(grantFromSalesforce(keysFor(t, "RS256").own, "https://test.salesforce.com", "client", "user"))(t)
	salesforce := endpoint{
		url:    "https://test.salesforce.com/services/oauth2/token",
		form:   map[string]string{"grant_type": jwtBearer, "assertion": "client"},
		status: http.StatusOK,
		answer: `{"access_token":"granted","scope":"api","instance_url":"` + instance + `","id":"https://test.salesforce.com/id/00D/005","token_type":"Bearer"}`,
	}
	grant.HTTPClient = salesforce.answers(t)
	client, found, err := callSalesforce(t.Context(), grant)
	if err != nil || found != instance {
		t.Fatalf("got %q, %v", found, err)
	}
	got := map[string]string{}
	client.Transport.(*transport.Bearer).Base = roundTrip(func(req *http.Request) *http.Response {
		got[req.URL.Host] = req.Header.Get("Authorization")
		return answer(req, http.StatusOK, "{}")
	})
	for _, url := range []string{instance, "https://other.my.salesforce.com"} {
		ok(client.Get(url + "/services/data"))(t).Body.Close()
	}
	if want := map[string]string{"consumer.my.salesforce.com": "Bearer granted", "other.my.salesforce.com": ""}; !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	salesforce.status, salesforce.answer = http.StatusBadRequest, `{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}`
	grant.HTTPClient = salesforce.answers(t)
	if _, _, err := callSalesforce(t.Context(), grant); err == nil || !strings.Contains(err.Error(), "user hasn't approved this consumer") {
		t.Errorf("got %v", err)
	}
}

func TestDocuSignWantsConsent(t *testing.T) {
	grant := ok(grantFromDocuSign(keysFor(t, "RS256").own, "account.docusign.com", "integration", "user"))(t)
	for body, want := range map[string]bool{`{"error":"consent_required"}`: true, `{"error":"invalid_grant"}`: false} {
		grant.HTTPClient = endpoint{
			url:    "https://account.docusign.com/oauth/token",
			form:   map[string]string{"grant_type": jwtBearer, "assertion": "integration"},
			status: http.StatusBadRequest, answer: body,
		}.answers(t)
		_, _, err := grant.Token(t.Context())
		if err == nil || wantsConsent(err) != want {
			t.Errorf("%s: got %v, %v", body, err, wantsConsent(err))
		}
	}
	if wantsConsent(errors.New("consent_required")) {
		t.Error("any error wants consent")
	}
}

// A secret of Apple's is a token of its own for every request.
func TestAppleSecret(t *testing.T) {
	grant := transport.Grant{TokenURL: "https://appleid.apple.com/auth/token", ClientID: "com.example.app", SecretInBody: true,
		ClientSecret: makeSecret(ok(signForAppleSignIn(keysFor(t, "ES256").own, "TEAM", "com.example.app", "KEY"))(t))}
	var sent []string
	grant.HTTPClient = &http.Client{Transport: roundTrip(func(req *http.Request) *http.Response {
		form := ok(url.ParseQuery(string(ok(io.ReadAll(req.Body))(t))))(t)
		_, claims := takeApart(t, form.Get("client_secret"))
		if claims["sub"] != form.Get("client_id") {
			t.Errorf("got sub %v for %s", claims["sub"], form.Get("client_id"))
		}
		sent = append(sent, form.Get("client_secret"))
		return answer(req, http.StatusOK, `{"access_token":"granted","token_type":"Bearer","expires_in":3600}`)
	})}
	for range 2 {
		if _, _, err := grant.Token(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if len(sent) != 2 || sent[0] == sent[1] {
		t.Errorf("got %d secrets, and the same", len(sent))
	}
}

// Google's file is read as Google writes it.
func TestGoogleAccount(t *testing.T) {
	file := map[string]string{
		"type": "service_account", "project_id": "project", "private_key_id": "f1d2", "private_key": pkcs8(t, rsaPair().key),
		"client_email": "billing@project.iam.gserviceaccount.com", "client_id": "1", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
		"token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
	}
	account := ok(readGoogleAccount(ok(json.Marshal(file))(t)))(t)
	signer := ok(signForGoogle(account, "a", "b"))(t)
	header, claims := takeApart(t, ok(signer.Sign(t.Context(), nil))(t))
	if header["kid"] != "f1d2" || claims["iss"] != file["client_email"] || claims["aud"] != file["token_uri"] || claims["scope"] != "a b" {
		t.Errorf("got %v %v", header, claims)
	}
	for _, bad := range []string{"", "{}", `{"client_email":"a","private_key":"no PEM"}`, `{"client_email":1}`} {
		if _, err := readGoogleAccount([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a service account", bad)
		}
	}
}
