package transport_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// TestALeakedKeyIsReplacedWhileRequestsFlow: the server learns of the new key
// and forgets the old one, and the client, whose token is of the old one, goes
// on after one 401 that its caller never sees.
func TestALeakedKeyIsReplacedWhileRequestsFlow(t *testing.T) {
	ca := newAuthority(t, "CA")
	path := filepath.Join(t.TempDir(), "consumer.pem")
	replace := func() {
		if err := os.WriteFile(path, ca.leaf(t, "billing"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace()
	keys, err := keystore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := exampleProfile.Signer(keys)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := exampleProfile.Verifier(keys)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	guard := &transport.Guard{Verifier: verifier, OnReject: func(*http.Request, error) { refused++ }}
	api := httptest.NewServer(guard.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer api.Close()
	client := transport.Wrap(api.Client(), signer)
	for step := range 3 {
		resp, err := client.Get(api.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || refused > 1 {
			t.Fatalf("request %d: got %s after %d refusals", step+1, resp.Status, refused)
		}
		if step == 1 {
			replace()
			if err := keys.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if refused != 1 {
		t.Errorf("got %d refusals, want one", refused)
	}
}

// TestOneUseTokensPassAReplayGuard: each request, and each retry, has its own.
func TestOneUseTokensPassAReplayGuard(t *testing.T) {
	keys := newStore(t)
	profile := exampleProfile
	profile.OneUse = true
	signer, err := profile.Signer(keys)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := profile.Verifier(keys)
	if err != nil {
		t.Fatal(err)
	}
	guard := &transport.Guard{Verifier: verifier}
	api := httptest.NewServer(guard.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer api.Close()
	// A middlebox that sends every first request twice, as a proxy may that
	// lost the answer: the caller sees what the second copy gets.
	sent := 0
	twice := roundTrip(func(req *http.Request) (*http.Response, error) {
		sent++
		if sent%2 == 1 {
			if resp, err := api.Client().Transport.RoundTrip(req.Clone(req.Context())); err == nil {
				resp.Body.Close()
			}
		}
		return api.Client().Transport.RoundTrip(req)
	})
	client := transport.Wrap(&http.Client{Transport: twice}, signer)
	for range 3 {
		resp, err := client.Get(api.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("got %s", resp.Status)
		}
	}
	if sent != 6 {
		t.Errorf("got %d requests, want three and a repetition of each", sent)
	}
}
