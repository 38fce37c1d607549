package transport_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// dpopServer admits requests with a proof that is right in every point, and
// wants the nonce, if it has one.
type dpopServer struct {
	verifier   tokenprofile.ProofVerifier
	thumbprint string // of the key that is demanded
	nonce      string // demanded
	next       string // offered with an admission
	token      string // demanded; empty: any
	log        []string
}

func (s *dpopServer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		req.Body.Close()
	}
	resp := respond(req, http.StatusUnauthorized)
	token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "DPoP ")
	want := tokenprofile.Proof{Method: req.Method, URL: "https://" + req.Host + req.URL.Path, TokenHash: tokenprofile.HashToken(token), Nonce: s.nonce}
	_, err := s.verifier.Verify(req.Context(), req.Header.Get("DPoP"), want, s.thumbprint)
	switch {
	case !ok:
		s.log = append(s.log, "no token")
	case errors.Is(err, tokenprofile.ErrNonce):
		s.log = append(s.log, "nonce for "+token)
		resp.Header.Set("WWW-Authenticate", `Bearer realm="r", DPoP error="use_dpop_nonce", error_description="again"`)
		resp.Header.Set("DPoP-Nonce", s.nonce)
	case err != nil:
		s.log = append(s.log, err.Error())
	case s.token != "" && token != s.token:
		s.log = append(s.log, "no to "+token)
		resp.Header.Set("WWW-Authenticate", `DPoP error="invalid_token"`)
	default:
		s.log = append(s.log, "yes to "+token)
		resp.StatusCode = http.StatusOK
		if s.next != "" {
			resp.Header.Set("DPoP-Nonce", s.next)
		}
	}
	return resp, nil
}

func TestDPoPProvesEveryRequest(t *testing.T) {
	prover := newProver(t)
	server := &dpopServer{thumbprint: prover.Thumbprint()}
	bearer := &transport.Bearer{Source: &fakeSource{}, DPoP: prover, Base: server}
	for range 2 { // the same proof twice would be refused
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := do(t, bearer, http.MethodPost, "https://other.example/a?b=c", strings.NewReader("body")); err != nil {
		t.Fatal(err)
	}
	req := newRequest(t, "GET")
	req.Host = "virtual.example"
	if _, err := bearer.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(server.log, ", "), "yes to token-1, yes to token-1, yes to token-1, yes to token-1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDPoPNonce(t *testing.T) {
	prover := newProver(t)
	for _, test := range []struct {
		name   string
		source *fakeSource
		server *dpopServer
		method string
		want   string
	}{
		{"asked for once, then remembered", &fakeSource{}, &dpopServer{nonce: "n1"}, "GET", "nonce for token-1, yes to token-1, yes to token-1"},
		{"asked for, whatever the method: nothing was done", &fakeSource{}, &dpopServer{nonce: "n1"}, "POST", "nonce for token-1, yes to token-1, yes to token-1"},
		{"with a one-use token", &fakeSource{oneUse: true}, &dpopServer{nonce: "n1"}, "GET", "nonce for token-1, yes to token-2, yes to token-3"},
		{"then the token refused", &fakeSource{}, &dpopServer{nonce: "n1", token: "token-2"}, "GET", "nonce for token-1, no to token-1, yes to token-2, yes to token-2"},
		{"one that no header may have", &fakeSource{}, &dpopServer{nonce: `n"1`}, "GET", "nonce for token-1, nonce for token-1, nonce for token-1, nonce for token-1"},
		{"with a space", &fakeSource{}, &dpopServer{nonce: "n 1"}, "GET", "nonce for token-1, nonce for token-1, nonce for token-1, nonce for token-1"},
		{"with a character that is not printed", &fakeSource{}, &dpopServer{nonce: "n\x7f"}, "GET", "nonce for token-1, nonce for token-1, nonce for token-1, nonce for token-1"},
		{"of the first and the last character that may be", &fakeSource{}, &dpopServer{nonce: "!~"}, "GET", "nonce for token-1, yes to token-1, yes to token-1"},
		{"as long as may be", &fakeSource{}, &dpopServer{nonce: strings.Repeat("n", 256)}, "GET", "nonce for token-1, yes to token-1, yes to token-1"},
		{"too long", &fakeSource{}, &dpopServer{nonce: strings.Repeat("n", 257)}, "GET", "nonce for token-1, nonce for token-1, nonce for token-1, nonce for token-1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.server.thumbprint = prover.Thumbprint()
			bearer := &transport.Bearer{Source: test.source, DPoP: prover, Base: test.server}
			for range 2 {
				if _, err := bearer.RoundTrip(newRequest(t, test.method)); err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Join(test.server.log, ", "); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// A body that is gone cannot be sent with the nonce; the next request has it.
func TestDPoPNonceForABodyThatIsGone(t *testing.T) {
	prover := newProver(t)
	server := &dpopServer{thumbprint: prover.Thumbprint(), nonce: "n1"}
	bearer := &transport.Bearer{Source: &fakeSource{}, DPoP: prover, Base: server}
	for _, want := range []int{http.StatusUnauthorized, http.StatusOK} {
		req := newRequest(t, "POST")
		req.Body, req.GetBody = io.NopCloser(strings.NewReader("body")), nil
		resp, err := bearer.RoundTrip(req)
		if err != nil || resp.StatusCode != want {
			t.Errorf("got %v, %v, want status %d", resp, err, want)
		}
	}
	if got, want := strings.Join(server.log, ", "), "nonce for token-1, yes to token-1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDPoPTakesTheNextNonceFromAnyResponse(t *testing.T) {
	prover := newProver(t)
	server := &dpopServer{thumbprint: prover.Thumbprint(), next: "n1"}
	bearer := &transport.Bearer{Source: &fakeSource{}, DPoP: prover, Base: server}
	for range 2 {
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		server.nonce = "n1"
	}
	if got, want := strings.Join(server.log, ", "), "yes to token-1, yes to token-1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDPoPNoncesAreBounded(t *testing.T) {
	prover := newProver(t)
	server := &dpopServer{thumbprint: prover.Thumbprint(), nonce: "n1"}
	bearer := &transport.Bearer{Source: &fakeSource{}, DPoP: prover, Base: server}
	for i := range 1024 {
		url := fmt.Sprintf("https://h%d.example/", i)
		if resp, err := do(t, bearer, http.MethodGet, url, nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %v, %v", url, resp, err)
		}
	}
	const kept, asked = "yes to token-1", "nonce for token-1, yes to token-1"
	said := func(host string) string {
		server.log = nil
		if _, err := do(t, bearer, http.MethodGet, "https://"+host+".example/", nil); err != nil {
			t.Fatal(err)
		}
		return strings.Join(server.log, ", ")
	}
	for _, test := range []struct{ host, want string }{{"h0", kept}, {"one-more", asked}, {"one-more", kept}} {
		if got := said(test.host); got != test.want {
			t.Errorf("%s: got %q, want %q", test.host, got, test.want)
		}
	}
	// One of the others is forgotten, and another for each that is asked for again.
	forgotten := 0
	for i := range 1024 {
		if said(fmt.Sprintf("h%d", i)) == asked {
			forgotten++
		}
	}
	if forgotten < 1 || forgotten > 30 {
		t.Errorf("got %d of 1024 origins forgotten for one more, want few", forgotten)
	}
}

func TestDPoPGrant(t *testing.T) {
	prover := newProver(t)
	var log []string
	var verifier tokenprofile.ProofVerifier
	endpoint := roundTrip(func(req *http.Request) (*http.Response, error) {
		want := tokenprofile.Proof{Method: http.MethodPost, URL: tokenURL, Nonce: "as-nonce"}
		_, err := verifier.Verify(req.Context(), req.Header.Get("DPoP"), want, prover.Thumbprint())
		server := says(200, `{"access_token":"bound","token_type":"DPoP","expires_in":300}`)
		if err != nil {
			server = says(400, `{"error":"use_dpop_nonce"}`, "DPoP-Nonce", "as-nonce")
		}
		resp, rtErr := server.RoundTrip(req)
		log = append(log, fmt.Sprint(resp.StatusCode, server.forms[0]["assertion"]))
		return resp, rtErr
	})
	grant := &transport.Grant{TokenURL: tokenURL, Assertion: &fakeSource{}, DPoP: prover, HTTPClient: &http.Client{Transport: endpoint}}
	server := &dpopServer{thumbprint: prover.Thumbprint(), token: "bound"}
	bearer := &transport.Bearer{Source: grant, Base: server} // takes the prover from the grant
	if resp, err := get(t, bearer); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("got %v, %v, %v", resp, err, server.log)
	}
	if got, want := strings.Join(log, ", "), "400[token-1], 200[token-2]"; strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("at the token endpoint: got %q, want %q", got, want)
	}
}

func TestDPoPGrantIsNotTalkedIntoABearerToken(t *testing.T) {
	grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", DPoP: newProver(t), HTTPClient: says(200, goodAnswer).client()}
	_, _, err := grant.Token(t.Context())
	if want := "token endpoint auth.example: 200 OK: the token_type is not DPoP"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDPoPGrantGivesUpAfterOneNonce(t *testing.T) {
	server := says(400, `{"error":"use_dpop_nonce"}`, "DPoP-Nonce", "never right")
	grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", DPoP: newProver(t), HTTPClient: server.client()}
	_, _, err := grant.Token(t.Context())
	var refusal *transport.GrantError
	if !errors.As(err, &refusal) || refusal.Code != "use_dpop_nonce" || len(server.forms) != 2 {
		t.Errorf("got %v after %d requests, want use_dpop_nonce after 2", err, len(server.forms))
	}
}

func TestTwoDPoPKeysForOneToken(t *testing.T) {
	grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", DPoP: newProver(t)}
	_, err := get(t, &transport.Bearer{Source: grant, DPoP: newProver(t), Base: &recorder{}})
	if want := "transport: Bearer and its Grant have different DPoP keys, but a token is bound to one"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDPoPIsNotForRPC(t *testing.T) {
	bearer := &transport.Bearer{Source: &fakeSource{}, DPoP: newProver(t)}
	if got, err := bearer.GetRequestMetadata(t.Context()); err == nil {
		t.Errorf("got %v, want an error", got)
	}
}
