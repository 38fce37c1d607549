package transport_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

func newProver(t testing.TB) *tokenprofile.Prover {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := keystore.NewPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	prover, err := tokenprofile.NewProver(private)
	if err != nil {
		t.Fatal(err)
	}
	return prover
}

func prove(t testing.TB, prover *tokenprofile.Prover, proof tokenprofile.Proof) string {
	t.Helper()
	text, err := prover.Prove(t.Context(), proof)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ordersProof is the proof for what [ask] asks, with the token of [dpop].
var ordersProof = tokenprofile.Proof{Method: "GET", URL: "https://api.example/orders", TokenHash: tokenprofile.HashToken("aaa.bbb.ccc")}

const dpop = "Authorization: DPoP aaa.bbb.ccc"

func boundTo(prover *tokenprofile.Prover) verifyFunc {
	return admits(`{"cnf":{"jkt":"` + prover.Thumbprint() + `"}}`)
}

func newDPoPGuard(verifier transport.TokenVerifier) *transport.Guard {
	return &transport.Guard{Verifier: verifier, DPoP: &tokenprofile.ProofVerifier{}, BaseURL: "https://api.example"}
}

func TestGuardDPoP(t *testing.T) {
	prover, other := newProver(t), newProver(t)
	proof := func(change func(*tokenprofile.Proof)) string {
		p := ordersProof
		change(&p)
		return "DPoP: " + prove(t, prover, p)
	}
	good := proof(func(*tokenprofile.Proof) {})
	guard := newDPoPGuard(boundTo(prover))
	tests := []struct {
		name    string
		headers []string
		status  int
		code    string
	}{
		{"without a proof", []string{dpop}, 401, "invalid_dpop_proof"},
		{"with an empty proof", []string{dpop, "DPoP: "}, 401, "invalid_dpop_proof"},
		{"with two proofs", []string{dpop, good, proof(func(*tokenprofile.Proof) {})}, 401, "invalid_dpop_proof"},
		{"with another client's proof", []string{dpop, "DPoP: " + prove(t, other, ordersProof)}, 401, "invalid_dpop_proof"},
		{"with a proof for another method", []string{dpop, proof(func(p *tokenprofile.Proof) { p.Method = "POST" })}, 401, "invalid_dpop_proof"},
		{"with a proof for another path", []string{dpop, proof(func(p *tokenprofile.Proof) { p.URL = "https://api.example/" })}, 401, "invalid_dpop_proof"},
		{"with a proof for another host", []string{dpop, proof(func(p *tokenprofile.Proof) { p.URL = "https://evil.example/orders" })}, 401, "invalid_dpop_proof"},
		{"with a proof for another token", []string{dpop, proof(func(p *tokenprofile.Proof) { p.TokenHash = tokenprofile.HashToken("aaa") })}, 401, "invalid_dpop_proof"},
		{"with a proof for no token", []string{dpop, proof(func(p *tokenprofile.Proof) { p.TokenHash = "" })}, 401, "invalid_dpop_proof"},
		{"a bound token as a plain bearer token", []string{bearer, good}, 401, "invalid_token"},
		{"with a proof of its own", []string{dpop, good}, 200, ""},
		{"with the scheme in another case", []string{"Authorization: dpop aaa.bbb.ccc", proof(func(*tokenprofile.Proof) {})}, 200, ""},
		{"with a proof that was used before", []string{dpop, good}, 401, "invalid_dpop_proof"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := ask(guard, test.headers...)
			if test.status == http.StatusOK && w.Code == http.StatusOK {
				return
			}
			checkRefusal(t, w, test.status, test.code)
			if got := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "DPoP ") {
				t.Errorf("got challenge %q, want one for DPoP", got)
			}
		})
	}
}

func TestGuardDPoPIsNoWayAroundTheBinding(t *testing.T) {
	prover := newProver(t)
	guard := newDPoPGuard(boundTo(prover))
	for _, allow := range []bool{false, true} {
		guard.AllowUnbound = allow
		if w := ask(guard, bearer); w.Code != http.StatusUnauthorized {
			t.Errorf("AllowUnbound %t: a bound token as a plain bearer token: got status %d, want 401", allow, w.Code)
		}
	}
	guard.Verifier = admits("{}")
	if w := ask(guard, dpop, "DPoP: "+prove(t, prover, ordersProof)); w.Code != http.StatusUnauthorized {
		t.Errorf("an unbound token with a proof: got status %d, want 401", w.Code)
	}
	if w := ask(guard, bearer); w.Code != http.StatusOK {
		t.Errorf("an unbound token where that is allowed: got status %d, want 200", w.Code)
	}
	guard.AllowUnbound = false
	if w := ask(guard, bearer); w.Code != http.StatusUnauthorized {
		t.Errorf("an unbound token where that is not allowed: got status %d, want 401", w.Code)
	}
}

func TestGuardDPoPBaseURL(t *testing.T) {
	prover := newProver(t)
	tests := []struct {
		name, base, proofURL, line string
		status                     int
	}{
		{"the base with a slash", "https://api.example/", "https://api.example/orders", "/orders", 200},
		{"the base with the path a proxy strips", "https://api.example/v1", "https://api.example/v1/orders", "/orders", 200},
		{"without the path a proxy strips", "https://api.example/v1", "https://api.example/orders", "/orders", 401},
		{"a query does not count", "https://api.example", "https://api.example/orders", "/orders?page=2", 200},
		{"the path as it was escaped", "https://api.example", "https://api.example/a%2Fb", "/a%2Fb", 200},
		{"an escaped slash is another path", "https://api.example", "https://api.example/a/b", "/a%2Fb", 401},
		{"the Host header is no base", "https://api.example", "https://evil.example/orders", "http://evil.example/orders", 401},
		{"a base that is no URL", "api.example", "https://api.example/orders", "/orders", 503},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			guard := newDPoPGuard(boundTo(prover))
			guard.BaseURL = test.base
			r := httptest.NewRequest("GET", test.line, nil)
			r.Header.Set("X-Forwarded-Host", "evil.example")
			r.Header.Set("Authorization", "DPoP aaa.bbb.ccc")
			r.Header.Set("DPoP", prove(t, prover, tokenprofile.Proof{Method: "GET", URL: test.proofURL, TokenHash: tokenprofile.HashToken("aaa.bbb.ccc")}))
			w := httptest.NewRecorder()
			// What handlers around the guard make of the path does not count.
			http.StripPrefix("/", guard.Handler(admitted)).ServeHTTP(w, r)
			if w.Code != test.status {
				t.Errorf("got status %d, want %d", w.Code, test.status)
			}
		})
	}
}

func TestGuardDPoPNonce(t *testing.T) {
	prover := newProver(t)
	guard := newDPoPGuard(boundTo(prover))
	guard.DPoP.Nonces = &tokenprofile.ProofNonces{}
	w := ask(guard, dpop, "DPoP: "+prove(t, prover, ordersProof))
	checkRefusal(t, w, http.StatusUnauthorized, "use_dpop_nonce")
	proof := ordersProof
	proof.Nonce = w.Header().Get("DPoP-Nonce")
	if w := ask(guard, dpop, "DPoP: "+prove(t, prover, proof)); w.Code != http.StatusOK {
		t.Errorf("with the nonce: got status %d, want 200", w.Code)
	}
}

type brokenReplay struct{}

func (brokenReplay) First(context.Context, string, string, time.Time) (bool, error) {
	return true, errors.New("redis: connection refused")
}

func TestGuardDPoPReplayGuardFails(t *testing.T) {
	prover := newProver(t)
	guard := newDPoPGuard(boundTo(prover))
	guard.DPoP.Replay = brokenReplay{}
	checkRefusal(t, ask(guard, dpop, "DPoP: "+prove(t, prover, ordersProof)), http.StatusServiceUnavailable, "")
}

func TestTokenEndpointBindsToTheProof(t *testing.T) {
	prover := newProver(t)
	at := tokenprofile.Proof{Method: "POST", URL: "https://issuer.example/token"}
	wrong := at
	wrong.URL = "https://issuer.example/"
	once := prove(t, prover, at)
	endpoint := newEndpoint(t)
	endpoint.DPoP, endpoint.URL = &tokenprofile.ProofVerifier{}, at.URL
	post := func(proofs ...string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		endpoint.ServeHTTP(w, newPost(header("Dpop", proofs...)))
		return w
	}
	want := map[string]any{"jkt": prover.Thumbprint()}
	if got := checkGranted(t, post(once), "DPoP")["cnf"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got cnf %v, want %v", got, want)
	}
	checkTokenError(t, post(once), 400, "invalid_dpop_proof")
	checkTokenError(t, post(prove(t, prover, wrong)), 400, "invalid_dpop_proof")
	checkTokenError(t, post(prove(t, prover, at), prove(t, prover, at)), 400, "invalid_dpop_proof")

	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, newPost())
	checkTokenError(t, w, 400, "invalid_request")
	endpoint.AllowUnbound = true
	w = httptest.NewRecorder()
	endpoint.ServeHTTP(w, newPost())
	checkGranted(t, w, "Bearer")

	endpoint.DPoP.Nonces = &tokenprofile.ProofNonces{}
	w = post(prove(t, prover, at))
	checkTokenError(t, w, 400, "use_dpop_nonce")
	at.Nonce = w.Header().Get("DPoP-Nonce")
	checkGranted(t, post(prove(t, prover, at)), "DPoP")

	endpoint.DPoP.Replay = brokenReplay{}
	checkTokenError(t, post(prove(t, prover, at)), 503, "temporarily_unavailable")
}
