package transport_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A declared is a folder of documents and stores, as an operator has them.
type declared struct {
	t   *testing.T
	dir string
}

// newDeclared copies the stores that keytool made, and their password.
func newDeclared(t *testing.T) *declared {
	t.Helper()
	t.Setenv("CONSUMER_PASSWORD", "changeit")
	d := &declared{t, t.TempDir()}
	files := must[[]string](t)(filepath.Glob("testdata/profiles/*"))
	if len(files) < 8 {
		t.Fatalf("got the files %q", files)
	}
	for _, file := range files {
		d.write(filepath.Base(file), string(must[[]byte](t)(os.ReadFile(file))))
	}
	return d
}

func (d *declared) path(name string) string { return filepath.Join(d.dir, name) }

func (d *declared) write(name, content string) {
	d.t.Helper()
	if err := os.WriteFile(d.path(name), []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// edit sets members of a document; nil takes one away.
func (d *declared) edit(name string, members map[string]any) {
	d.t.Helper()
	var document map[string]any
	if err := json.Unmarshal(must[[]byte](d.t)(os.ReadFile(d.path(name))), &document); err != nil {
		d.t.Fatal(err)
	}
	for name, value := range members {
		document[name] = value
		if value == nil {
			delete(document, name)
		}
	}
	d.write(name, string(must[[]byte](d.t)(json.Marshal(document))))
}

func (d *declared) client() *transport.Client {
	d.t.Helper()
	profile := must[*transport.ClientProfile](d.t)(transport.LoadClient(d.path("client.json"), nil))
	return must[*transport.Client](d.t)(profile.Client())
}

func (d *declared) guardProfile() *transport.GuardProfile {
	d.t.Helper()
	return must[*transport.GuardProfile](d.t)(transport.LoadGuard(d.path("guard.json")))
}

// serve starts the server that guard.json declares. It answers with the user,
// who that is there, and the key that signed.
func (d *declared) serve() *httptest.Server {
	d.t.Helper()
	profile := d.guardProfile()
	guard := must[*transport.Guard](d.t)(profile.Guard())
	guard.OnReject = func(_ *http.Request, err error) { d.t.Log("refused:", err) }
	return d.serveTLS(must[*tls.Config](d.t)(profile.TLS()), guard.Handler(http.HandlerFunc(whoIsThere)))
}

func whoIsThere(w http.ResponseWriter, r *http.Request) {
	identity, _ := transport.IdentityFromContext(r.Context())
	token, _ := tokenprofile.FromContext(r.Context())
	fmt.Fprintf(w, "%s %s %s", token.Subject, identity, token.KeyID)
}

func (d *declared) serveTLS(config *tls.Config, handler http.Handler) *httptest.Server {
	d.t.Helper()
	return d.serveNamed(config, func(string) http.Handler { return handler })
}

// serveNamed starts a server whose handler has to know its URL.
func (d *declared) serveNamed(config *tls.Config, handler func(url string) http.Handler) *httptest.Server {
	d.t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = handler("https://" + server.Listener.Addr().String())
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	d.t.Cleanup(server.Close)
	return server
}

// answer is the status and the body.
func (d *declared) answer(client *http.Client, url string) string {
	d.t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	return fmt.Sprintf("%d %s", resp.StatusCode, strings.TrimSpace(string(must[[]byte](d.t)(io.ReadAll(resp.Body)))))
}

func TestADeclaredClientReachesADeclaredGuard(t *testing.T) {
	d := newDeclared(t)
	server, client := d.serve(), d.client()
	if got, want := d.answer(client.Client, server.URL), "200 ann operator-17 "; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q and a kid", got, want)
	}

	d.edit("token.json", map[string]any{"subject": "eve"})
	if got := d.answer(d.client().Client, server.URL); !strings.HasPrefix(got, "401") { // the guard demands ann
		t.Errorf("got %q, want 401 for another subject", got)
	}
	d.edit("token.json", map[string]any{"subject": nil})
	server = d.serve()
	d.edit("token.json", map[string]any{"subject": "eve"})
	if got := d.answer(d.client().Client, server.URL); !strings.HasPrefix(got, "403") {
		t.Errorf("got %q, want 403 for a user who is nobody there", got)
	}

	d.edit("client.json", map[string]any{"mutualTLS": nil})
	if _, err := d.client().Get(server.URL); err == nil {
		t.Error("a client without a certificate got in")
	}
	d.edit("client.json", map[string]any{"truststore": nil, "mutualTLS": struct{}{}})
	if _, err := d.client().Get(server.URL); err == nil {
		t.Error("a client that does not trust the server talked to it")
	}
}

// The keystore's file is replaced while requests go on; the key set comes over
// TLS from a server that the truststore has.
func TestADeclaredClientRotates(t *testing.T) {
	d := newDeclared(t)
	d.edit("client.json", map[string]any{
		"keystore": map[string]any{"path": "consumer.jks", "password": map[string]any{"env": "CONSUMER_PASSWORD"}, "publishBefore": "-1s"},
		"publish":  nil,
	})
	d.edit("token.json", map[string]any{"oneUse": true})
	client := d.client()
	keys := d.serveTLS(transport.TLS{Keys: client.Keys}.Server(), client.Handler)
	d.edit("guard.json", map[string]any{"issuers": []any{map[string]any{"keySet": keys.URL}}})
	server := d.serve()
	first := d.answer(client.Client, server.URL)
	if !strings.HasPrefix(first, "200 ann  ") {
		t.Fatalf("got %q", first)
	}
	d.write("next.jks", string(must[[]byte](t)(os.ReadFile(d.path("consumer-next.jks")))))
	if err := os.Rename(d.path("next.jks"), d.path("consumer.jks")); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		answer := d.answer(client.Client, server.URL)
		if !strings.HasPrefix(answer, "200 ann  ") {
			t.Fatalf("got %q while the key was replaced", answer)
		}
		if answer != first {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the old key still signs")
		}
	}
}

// A user is somebody for one issuer, whether the profile names it or its token
// profile does.
func TestIdentitiesAreThoseOfTheirIssuer(t *testing.T) {
	d := newDeclared(t)
	d.edit("guard.json", map[string]any{"issuers": []any{
		map[string]any{"alias": "consumer", "identities": map[string]any{"ann": "operator-17"}},
		map[string]any{"alias": "consumer-next", "issuer": "https://other.example", "identities": map[string]any{"ann": "operator-3"}},
	}})
	profile := d.guardProfile()
	for issuer, want := range map[string]string{"https://consumer.example": "operator-17", "https://other.example": "operator-3"} {
		got, err := profile.Identity(t.Context(), &tokenprofile.Token{Issuer: issuer, Subject: "ann"})
		if err != nil || got != want {
			t.Errorf("%s: got %q and %v, want %q", issuer, got, err, want)
		}
	}
}

func TestDeclaredTLSDemandsWhatTheProfileSays(t *testing.T) {
	d := newDeclared(t)
	d.edit("guard.json", map[string]any{
		"clientCertificates": nil, "mutualTLS": true, "truststore": nil, "issuers": []any{map[string]any{"keySet": "https://consumer.example/jwks.json"}},
	})
	if _, err := d.guardProfile().TLS(); err == nil || !strings.Contains(err.Error(), "truststore: is missing") {
		t.Errorf("got %v, want that nobody's certificate is trusted", err)
	}
}
