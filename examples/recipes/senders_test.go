package main

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A sent is a token as its sender documents it, and the nearest wrong ones.
type sent struct {
	verifier       func(*testing.T) (*tokenprofile.Verifier, error)
	key, stranger  func() pair
	header, claims string
	encode         func([]byte) string // nil: as RFC 7515 section 2 has it
	wrong          []wrong
}

// A wrong is one text of the token in place of another, and why it is refused.
type wrong struct {
	name, instead, text string
	reason              error
}

// TestSenders has each recipe admit its sender's token, and refuse the nearest
// wrong ones for what is wrong with them.
func TestSenders(t *testing.T) {
	for name, s := range sentTokens {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if s.encode == nil {
					s.encode = encode
				}
				verifier := ok(s.verifier(t))(t)
				token := handmade(s.key().key, s.header, s.claims, s.encode)
				if _, err := verifier.Verify(t.Context(), token); err != nil {
					t.Fatal(err)
				}
				for _, w := range s.wrong {
					header, claims := strings.Replace(s.header, w.instead, w.text, 1), strings.Replace(s.claims, w.instead, w.text, 1)
					if header == s.header && claims == s.claims {
						t.Fatalf("%s: there is no %s", w.name, w.instead)
					}
					refused(t, verifier, w.name, handmade(s.key().key, header, claims, s.encode), w.reason)
				}
				refused(t, verifier, "a stranger's", handmade(s.stranger().key, s.header, s.claims, s.encode), tokenprofile.ErrSignature)
				time.Sleep(25 * time.Hour)
				refused(t, verifier, "an expired one", token, tokenprofile.ErrExpired)
			})
		})
	}
	for _, r := range senders {
		if sentTokens[r.name].verifier == nil {
			t.Errorf("%s: no token is tried", r.name)
		}
	}
}

func refused(t *testing.T, verifier transport.TokenVerifier, name, token string, reason error) {
	t.Helper()
	_, err := verifier.Verify(t.Context(), token)
	if !errors.Is(err, tokenprofile.ErrInvalid) || !errors.Is(err, reason) {
		t.Errorf("%s: got %v, want %v", name, err, reason)
	}
}

// set is the key set of a sender: its key under the kid, and another beside it.
func set(t *testing.T, kid, members string) keystore.PublicSource {
	t.Helper()
	ours := jwk(rsaPair().key.Public(), fmt.Sprintf(`"kid":%q,"use":"sig","alg":"RS256",%s`, kid, members))
	return ok(jwks.Parse([]byte(`{"keys":[` + jwk(rsaOther().key.Public(), `"kid":"another",`) + `,` + ours + `]}`)))(t)
}

// trusting is a truststore with the certificate.
func trusting(t *testing.T, certificate *x509.Certificate) keystore.PublicSource {
	t.Helper()
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	return ok(keystore.Parse(block, nil))(t).Trust()
}

func x5t(certificate *x509.Certificate) string {
	sum := sha1.Sum(certificate.Raw)
	return encode(sum[:])
}

func x5c(certificate *x509.Certificate) string {
	return base64.StdEncoding.EncodeToString(certificate.Raw)
}

const balancer = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/0123456789abcdef"

var sentTokens = map[string]sent{
	"adfs": {
		verifier: func(t *testing.T) (*tokenprofile.Verifier, error) {
			certificate := rsaPair().certificate
			keys := set(t, x5t(certificate), fmt.Sprintf(`"x5t":%q,"x5c":[%q],`, x5t(certificate), x5c(certificate)))
			return verifyADFS(keys, "http://sts.contoso.example/adfs/services/trust", "https://producer.example")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"typ":"JWT","alg":"RS256","x5t":"` + x5t(rsaPair().certificate) + `"}`,
		claims: `{"aud":"https://producer.example","iss":"http://sts.contoso.example/adfs/services/trust","iat":946684790,"nbf":946684790,"exp":946688390,"Role":["clerk","auditor"],"Group":"CONTOSO\\Domain Users","role":"x","apptype":"Confidential","appid":"1a2b","authmethod":"http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password","auth_time":"1999-12-31T23:59:50.000Z","ver":"1.0","scp":"openid"}`,
		wrong: []wrong{
			{"of another farm", "sts.contoso.example", "sts.fabrikam.example", tokenprofile.ErrIssuer},
			{"for another API", "https://producer.example", "https://warehouse.example", tokenprofile.ErrAudience},
		},
	},
	"auth0": {
		verifier: func(t *testing.T) (*tokenprofile.Verifier, error) {
			return verifyAuth0(set(t, "NjVBRjY5", ""), "https://tenant.eu.auth0.com/", "https://producer.example")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"alg":"RS256","typ":"JWT","kid":"NjVBRjY5"}`,
		claims: `{"iss":"https://tenant.eu.auth0.com/","sub":"auth0|5f7c8ec7","aud":["https://producer.example","https://tenant.eu.auth0.com/userinfo"],"iat":946684790,"exp":946771190,"azp":"my_client_id","scope":"openid profile read:orders"}`,
		wrong: []wrong{
			{"of another tenant", "https://tenant.", "https://other.", tokenprofile.ErrIssuer},
			{"of the tenant without its slash", `auth0.com/","sub"`, `auth0.com","sub"`, tokenprofile.ErrIssuer},
			{"for another API", "https://producer.example", "https://warehouse.example", tokenprofile.ErrAudience},
			{"for the userinfo endpoint alone", `"https://producer.example",`, "", tokenprofile.ErrAudience},
			{"an id token's kind of type", `"typ":"JWT"`, `"typ":"logout+jwt"`, tokenprofile.ErrType},
		},
	},
	"cognito": {
		verifier: func(t *testing.T) (*tokenprofile.Verifier, error) {
			return verifyCognito(set(t, "1234example=", ""), "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_example", "xxxxxxxxxxxxexample")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"kid":"1234example=","alg":"RS256"}`,
		claims: `{"sub":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","device_key":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","cognito:groups":["admin"],"token_use":"access","scope":"aws.cognito.signin.user.admin","auth_time":946684790,"iss":"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_example","exp":946688390,"iat":946684790,"version":2,"jti":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","client_id":"xxxxxxxxxxxxexample","username":"janedoe@example.com"}`,
		wrong: []wrong{
			{"of another pool", "eu-central-1_example", "eu-central-1_other", tokenprofile.ErrIssuer},
			{"of another client", `"client_id":"xxxxxxxxxxxxexample"`, `"client_id":"other"`, tokenprofile.ErrAudience},
			{"with the client in aud alone", `"client_id"`, `"aud"`, tokenprofile.ErrAudience},
			{"an id token", `"token_use":"access"`, `"token_use":"id"`, tokenprofile.ErrClaim},
		},
	},
	"keycloak": {
		verifier: func(t *testing.T) (*tokenprofile.Verifier, error) {
			return verifyKeycloak(set(t, "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE", ""), "https://sso.example/realms/main", "consumer")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"alg":"RS256","typ":"JWT","kid":"FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE"}`,
		claims: `{"exp":946685090,"nbf":0,"iat":946684790,"jti":"d3c0e4a2-5c8e-4d3b-9a40-3f8f1d8b7e35","iss":"https://sso.example/realms/main","sub":"8f8f8f8f-0000-4000-8000-000000000001","typ":"Bearer","azp":"consumer","acr":"1","realm_access":{"roles":["clerk"]},"scope":"profile email","clientHost":"10.0.0.1","preferred_username":"service-account-consumer"}`,
		wrong: []wrong{
			{"of another realm", "realms/main", "realms/master", tokenprofile.ErrIssuer},
			{"of another client", `"azp":"consumer"`, `"azp":"other"`, tokenprofile.ErrAudience},
			{"of no client", `"azp":"consumer",`, ``, tokenprofile.ErrAudience},
			{"an id token", `"typ":"Bearer"`, `"typ":"ID"`, tokenprofile.ErrClaim},
			{"a refresh token", `"typ":"Bearer"`, `"typ":"Refresh"`, tokenprofile.ErrClaim},
		},
	},
	"loadbalancer": {
		verifier: func(t *testing.T) (*tokenprofile.Verifier, error) {
			keys := &loadBalancerKeys{region: "eu-central-1", client: &http.Client{Transport: balancerKeys(t, new([]string))}}
			return verifyLoadBalancer(keys, "https://idp.example", "client", balancer)
		},
		key: ecPair, stranger: ecStranger,
		header: `{"typ":"JWT","kid":"12345678-1234-1234-1234-123456789012","alg":"ES256","iss":"https://idp.example","client":"client","signer":"` + balancer + `","exp":946684920}`,
		claims: `{"sub":"1234567890","name":"name","email":"alias@example.com","exp":946684920,"iss":"https://idp.example"}`,
		encode: base64.URLEncoding.EncodeToString,
		wrong: []wrong{
			{"of another issuer", `,"iss":"https://idp.example"}`, `,"iss":"https://other.example"}`, tokenprofile.ErrIssuer},
			{"for another client", `"client":"client"`, `"client":"other"`, tokenprofile.ErrHeader},
			{"of another balancer", "123456789012:loadbalancer", "210987654321:loadbalancer", tokenprofile.ErrHeader},
			{"of no balancer", `"signer"`, `"Signer"`, tokenprofile.ErrHeader},
			{"under a key that is nowhere", "12345678-1234", "87654321-1234", tokenprofile.ErrUnknownKey},
			{"under a kid that is a path", "12345678-1234", "../../x", tokenprofile.ErrUnknownKey},
		},
	},
	"pega": {
		verifier: func(t *testing.T) (*tokenprofile.Verifier, error) {
			return verifyPega(set(t, "pega", ""), "https://pega.example", "https://producer.example")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"kid":"e2a46e4ff9c9a7b1a8e6","cty":"application/json","typ":"JWT","alg":"RS256"}`,
		claims: `{"sub":"operator@pega.example","aud":"https://producer.example","nbf":946684790,"iss":"https://pega.example","exp":946685390,"iat":946684790,"jti":"0f2c1a7e"}`,
		wrong: []wrong{
			{"of another system", "https://pega.example", "https://pega2.example", tokenprofile.ErrIssuer},
			{"for another system", "https://producer.example", "https://warehouse.example", tokenprofile.ErrAudience},
			{"of another content", `"cty":"application/json",`, ``, tokenprofile.ErrType},
		},
	},
	"sap": {
		verifier: func(t *testing.T) (*tokenprofile.Verifier, error) {
			return verifySAP(set(t, "default-jwt-key--1529804239", ""), "https://tenant.authentication.eu10.hana.ondemand.com", "orders!t123")
		},
		key: rsaPair, stranger: rsaStranger,
		header: `{"alg":"RS256","jku":"https://tenant.authentication.eu10.hana.ondemand.com/token_keys","kid":"default-jwt-key--1529804239","typ":"JWT","jid":"x"}`,
		claims: `{"jti":"c9b0e3c7a0b94f7d","ext_attr":{"enhancer":"XSUAA","subaccountid":"s","zdn":"tenant"},"sub":"sb-orders!t123","authorities":["uaa.resource","orders!t123.read"],"scope":["uaa.resource","orders!t123.read"],"client_id":"sb-orders!t123","cid":"sb-orders!t123","azp":"sb-orders!t123","grant_type":"client_credentials","rev_sig":"8a3f","iat":946684790,"exp":946727990,"iss":"https://tenant.authentication.eu10.hana.ondemand.com/oauth/token","zid":"z","aud":["uaa","orders!t123","sb-orders!t123"]}`,
		wrong: []wrong{
			{"of another tenant", "https://tenant.authentication.eu10.hana.ondemand.com/oauth", "https://other.authentication.eu10.hana.ondemand.com/oauth", tokenprofile.ErrIssuer},
			{"for another application", `"aud":["uaa","orders!t123","sb-orders!t123"]`, `"aud":["uaa","stock!t123"]`, tokenprofile.ErrAudience},
			{"under a key that only its jku has", "default-jwt-key--1529804239", "default-jwt-key--1", tokenprofile.ErrUnknownKey},
		},
	},
}

// balancerKeys is where a region's load balancers have their keys. It notes what
// it is asked for.
func balancerKeys(t *testing.T, asked *[]string) roundTrip {
	return func(req *http.Request) *http.Response {
		*asked = append(*asked, req.URL.String())
		if req.URL.String() != "https://public-keys.auth.elb.eu-central-1.amazonaws.com/12345678-1234-1234-1234-123456789012" {
			return answer(req, http.StatusForbidden, "<Error><Code>AccessDenied</Code></Error>")
		}
		spki := ok(x509.MarshalPKIXPublicKey(ecPair().key.Public()))(t)
		return answer(req, http.StatusOK, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})))
	}
}

// The certificate that is in the truststore verifies whatever Pega calls its key,
// and without the waiver too.
func TestPegaByCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sentTokens["pega"]
		keys := trusting(t, rsaPair().certificate)
		waived := ok(verifyPega(keys, "https://pega.example", "https://producer.example"))(t)
		profile := waived.Profile()
		profile.Waive = tokenprofile.Waive{}
		for _, verifier := range []*tokenprofile.Verifier{waived, ok(profile.Verifier(keys))(t)} {
			ok(verifier.Verify(t.Context(), handmade(s.key().key, s.header, s.claims, encode)))(t)
		}
	})
}

// Each key is fetched once, and nothing that is no UUID.
func TestLoadBalancerKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sentTokens["loadbalancer"]
		var asked []string
		keys := &loadBalancerKeys{region: "eu-central-1", client: &http.Client{Transport: balancerKeys(t, &asked)}}
		verifier := ok(verifyLoadBalancer(keys, "https://idp.example", "client", balancer))(t)
		for range 3 {
			ok(verifier.Verify(t.Context(), handmade(s.key().key, s.header, s.claims, s.encode)))(t)
		}
		for _, kid := range []string{"", "x", "../12345678-1234-1234-1234-123456789012", "12345678-1234-1234-1234-123456789012/.."} {
			if found, err := keys.PublicKeys(t.Context(), kid); len(found) > 0 || err != nil {
				t.Errorf("%q: got %v, %v", kid, found, err)
			}
		}
		if len(asked) != 1 {
			t.Errorf("asked for %q", asked)
		}
	})
}

func TestAdmitFromLoadBalancer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sentTokens["loadbalancer"]
		good := handmade(s.key().key, s.header, s.claims, s.encode)
		status := http.StatusOK
		working := balancerKeys(t, new([]string))
		keys := &loadBalancerKeys{region: "eu-central-1", client: &http.Client{Transport: roundTrip(func(req *http.Request) *http.Response {
			if status != http.StatusOK {
				return answer(req, status, "")
			}
			return working(req)
		})}}
		verifier := ok(verifyLoadBalancer(keys, "https://idp.example", "client", balancer))(t)
		handler := admitFromLoadBalancer(verifier, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, _ := tokenprofile.FromContext(r.Context())
			w.Write([]byte(token.Subject))
		}))
		for _, test := range []struct {
			name, token  string
			keys, status int
			body         string
		}{
			{"the key cannot be had", good, 500, 503, "cannot authenticate at the moment\n"},
			{"a good one", good, 200, 200, "1234567890"},
			{"without padding", handmade(s.key().key, s.header, s.claims, encode), 200, 401, "not authenticated by the load balancer\n"},
			{"none", "", 200, 401, "not authenticated by the load balancer\n"},
		} {
			status = test.keys
			req, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
			req.Header.Set("X-Amzn-Oidc-Data", test.token)
			handler.ServeHTTP(w, req)
			if w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("%s: got %d %q, want %d %q", test.name, w.Code, w.Body, test.status, test.body)
			}
		}
	})
}
