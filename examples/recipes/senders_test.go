package main

import (
	"cmp"
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
	verifier       func(*testing.T) (transport.TokenVerifier, error)
	key, stranger  func() pair
	header, claims string
	encode         func([]byte) string // nil: as RFC 7515 section 2 has it
	wrong          []wrong
	forged         error // why a stranger's is refused; nil: [tokenprofile.ErrSignature]
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
				refused(t, verifier, "a stranger's", handmade(s.stranger().key, s.header, s.claims, s.encode), cmp.Or(s.forged, tokenprofile.ErrSignature))
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

// truststore is one with the certificate.
func truststore(t *testing.T, certificate *x509.Certificate) *keystore.Store {
	t.Helper()
	return ok(keystore.Parse(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}), nil))(t)
}

func x5t(certificate *x509.Certificate) string {
	sum := sha1.Sum(certificate.Raw)
	return encode(sum[:])
}

func x5c(certificate *x509.Certificate) string {
	return base64.StdEncoding.EncodeToString(certificate.Raw)
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
		keys := truststore(t, rsaPair().certificate).Trust()
		waived := ok(verifyPega(keys, "https://pega.example", "https://producer.example"))(t)
		profile := waived.Profile()
		profile.Waive = tokenprofile.Waive{}
		for _, verifier := range []*tokenprofile.Verifier{waived, ok(profile.Verifier(keys))(t)} {
			ok(verifier.Verify(t.Context(), handmade(s.key().key, s.header, s.claims, encode)))(t)
		}
	})
}

// Each key is fetched once, and only for a UUID.
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
