package transport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// newCertificate returns a self-signed certificate with its key, and its
// x5t#S256 as RFC 8705 section 3.1 defines it.
func newCertificate(t testing.TB) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "client"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestGuardMutualTLS(t *testing.T) {
	client, thumbprint := newCertificate(t)
	other, otherThumbprint := newCertificate(t)
	bound := `{"cnf":{"x5t#S256":"` + thumbprint + `"}}`
	type guard = transport.Guard
	tests := []struct {
		name   string
		guard  guard
		claims string
		shown  []*x509.Certificate
		status int
	}{
		{"the client's own token is admitted", guard{MutualTLS: true}, bound, []*x509.Certificate{client.Leaf}, 200},
		{"a member that is not known beside one that is", guard{MutualTLS: true}, `{"cnf":{"x5t#S256":"` + thumbprint + `","x":1}}`, []*x509.Certificate{client.Leaf}, 200},
		{"a name with escapes is the same name", guard{MutualTLS: true, AllowUnbound: true}, `{"\u0063nf":{"x5t#S256":"` + otherThumbprint + `"}}`, []*x509.Certificate{client.Leaf}, 401},
		{"a name with other escapes, to a guard that does not check", guard{}, `{"c\u006Ef":{"jkt":"a"}}`, nil, 401},
		{"another client's certificate is refused", guard{MutualTLS: true}, bound, []*x509.Certificate{other.Leaf}, 401},
		{"only the client's own certificate counts, not its issuers'", guard{MutualTLS: true}, bound, []*x509.Certificate{other.Leaf, client.Leaf}, 401},
		{"a connection without a certificate is refused", guard{MutualTLS: true}, bound, nil, 401},
		{"a token bound to nothing is refused", guard{MutualTLS: true}, `{}`, []*x509.Certificate{client.Leaf}, 401},
		{"a token bound to nothing is admitted where that is allowed", guard{MutualTLS: true, AllowUnbound: true}, `{}`, nil, 200},
		{"a bound token is held to it all the same", guard{MutualTLS: true, AllowUnbound: true}, bound, []*x509.Certificate{other.Leaf}, 401},
		{"a bound token is refused where the guard does not check", guard{}, bound, []*x509.Certificate{client.Leaf}, 401},
		{"a token bound to a DPoP key is refused where the guard does not check", guard{}, `{"cnf":{"jkt":"a"}}`, nil, 401},
		{"a token bound to a DPoP key is no plain bearer token", guard{MutualTLS: true}, `{"cnf":{"jkt":"a","x5t#S256":"` + thumbprint + `"}}`, []*x509.Certificate{client.Leaf}, 401},
		{"a confirmation that is not known is refused", guard{}, `{"cnf":{"kid":"a"}}`, nil, 401},
		{"an empty confirmation is refused", guard{AllowUnbound: true}, `{"cnf":{}}`, nil, 401},
		{"a confirmation that is null is refused", guard{}, `{"cnf":null}`, nil, 401},
		{"a confirmation that is a string is refused", guard{}, `{"cnf":"` + thumbprint + `"}`, nil, 401},
		{"a thumbprint that is a number is refused", guard{MutualTLS: true, AllowUnbound: true}, `{"cnf":{"x5t#S256":1}}`, []*x509.Certificate{client.Leaf}, 401},
		{"a thumbprint that is null is refused", guard{MutualTLS: true, AllowUnbound: true}, `{"cnf":{"x5t#S256":null}}`, []*x509.Certificate{client.Leaf}, 401},
		{"a thumbprint that is empty is refused", guard{MutualTLS: true, AllowUnbound: true}, `{"cnf":{"x5t#S256":""}}`, nil, 401},
		{"a thumbprint with padding is refused", guard{MutualTLS: true}, `{"cnf":{"x5t#S256":"` + thumbprint + `="}}`, []*x509.Certificate{client.Leaf}, 401},
		{"a claim of the same letters in a value binds nothing", guard{}, `{"x":"cnf"}`, nil, 200},
		{"a confirmation inside another claim binds nothing", guard{}, `{"x":{"cnf":{"jkt":"a"}}}`, nil, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.guard.Verifier = admits(test.claims)
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", "Bearer aaa")
			r.TLS = &tls.ConnectionState{PeerCertificates: test.shown}
			test.guard.OnReject = func(_ *http.Request, err error) {
				if !errors.Is(err, tokenprofile.ErrInvalid) {
					t.Errorf("OnReject got %v, want %v behind it", err, tokenprofile.ErrInvalid)
				}
			}
			w := httptest.NewRecorder()
			test.guard.Handler(admitted).ServeHTTP(w, r)
			if test.status == http.StatusOK && w.Code == http.StatusOK {
				return
			}
			checkRefusal(t, w, test.status, "invalid_token")
		})
	}
}

func TestGuardMutualTLSOverTheWire(t *testing.T) {
	certificate, thumbprint := newCertificate(t)
	guard := &transport.Guard{
		Verifier:  admits(`{"cnf":{"x5t#S256":"` + thumbprint + `"}}`),
		MutualTLS: true,
	}
	server := httptest.NewUnstartedServer(guard.Handler(admitted))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	defer server.Close()

	get := func(certificates ...tls.Certificate) int {
		client := server.Client()
		transport := client.Transport.(*http.Transport).Clone()
		defer transport.CloseIdleConnections()
		transport.TLSClientConfig.Certificates = certificates
		r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer aaa")
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if got := get(certificate); got != http.StatusOK {
		t.Errorf("with the certificate: got status %d, want 200", got)
	}
	if got := get(); got != http.StatusUnauthorized {
		t.Errorf("without a certificate: got status %d, want 401", got)
	}
}

func TestGuardDPoPNeedsABaseURL(t *testing.T) {
	guard := &transport.Guard{Verifier: admits("{}"), DPoP: &tokenprofile.ProofVerifier{}, AllowUnbound: true}
	checkRefusal(t, ask(guard, bearer), http.StatusServiceUnavailable, "")
}

func TestGuardChallengesForEveryScheme(t *testing.T) {
	const algs = `algs="ES256 EdDSA"`
	dpop := &tokenprofile.ProofVerifier{Algorithms: []tokenprofile.Algorithm{tokenprofile.ES256, tokenprofile.EdDSA}}
	type guard = transport.Guard
	tests := []struct {
		name    string
		guard   guard
		headers []string
		want    []string
	}{
		{"DPoP alone", guard{DPoP: dpop}, nil, []string{`DPoP realm="protected", ` + algs}},
		{"both, and no credentials", guard{DPoP: dpop, AllowUnbound: true}, nil, []string{`DPoP realm="protected", ` + algs, `Bearer realm="protected"`}},
		{"both by a certificate", guard{DPoP: dpop, MutualTLS: true}, nil, []string{`DPoP realm="protected", ` + algs, `Bearer realm="protected"`}},
		{"the error goes to the scheme that was used", guard{DPoP: dpop, AllowUnbound: true}, []string{"Authorization: Bearer a b"}, []string{`DPoP realm="protected", ` + algs, `Bearer realm="protected", error="invalid_request"`}},
		{"the error goes to DPoP where bearer tokens are not taken", guard{DPoP: dpop}, []string{bearer}, []string{`DPoP realm="protected", error="invalid_token", ` + algs}},
		{"an unbound token with the scheme DPoP is refused", guard{DPoP: dpop, AllowUnbound: true}, []string{"Authorization: DPoP aaa"}, []string{`DPoP realm="protected", error="invalid_token", ` + algs, `Bearer realm="protected"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.guard.Verifier, test.guard.BaseURL = admits("{}"), "https://api.example"
			w := ask(&test.guard, test.headers...)
			if got := w.Header()["Www-Authenticate"]; !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}
