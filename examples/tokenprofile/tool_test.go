package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// tool runs a command in this process.
func tool(t *testing.T, in string, args ...string) (out, errs string, status int) {
	t.Helper()
	t.Setenv("TOOL_PASSWORD", "changeit")
	var o, e strings.Builder
	status = run(args, strings.NewReader(in), &o, &e)
	return o.String(), e.String(), status
}

// succeed is tool where anything but success ends the test.
func succeed(t *testing.T, in string, args ...string) string {
	t.Helper()
	out, errs, status := tool(t, in, args...)
	if status != 0 {
		t.Fatalf("%q: status %d: %s", args, status, errs)
	}
	return out
}

const password = "-password=env:TOOL_PASSWORD"

// scene is a generated keystore, and a profile that fits it.
func scene(t *testing.T) (store, profile string) {
	t.Helper()
	dir := t.TempDir()
	store, profile = filepath.Join(dir, "billing.p12"), filepath.Join(dir, "billing.json")
	succeed(t, "", "generate", "-algorithm", "ES256", password, store, "signing")
	document := `{"algorithm": "ES256", "issuer": "https://consumer.example", "audience": "https://producer.example", "subject": "billing", "newestKey": true}`
	if err := os.WriteFile(profile, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	return store, profile
}

func TestSignVerifyDecode(t *testing.T) {
	store, profile := scene(t)
	token := succeed(t, "", "sign", "-keystore", store, password, "-claims", `{"order": 9007199254740993}`, profile)
	out := succeed(t, token, "verify", "-keys", store, password, "-json", profile, "-")
	var got struct {
		Verified bool
		Header   map[string]any
		Claims   map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if !got.Verified || got.Header["alg"] != "ES256" || string(got.Claims["order"]) != "9007199254740993" {
		t.Errorf("got %s", out)
	}
	decoded := succeed(t, "", "decode", strings.TrimSpace(token))
	if !strings.HasPrefix(decoded, "nobody has verified") || !strings.Contains(decoded, `"sub": "billing"`) {
		t.Errorf("got %s", decoded)
	}
	if out := succeed(t, token, "decode", "-json", "-"); !strings.Contains(out, `"verified": false`) {
		t.Errorf("got %s", out)
	}
}

func TestVerifySaysWhyNot(t *testing.T) {
	store, profile := scene(t)
	token := strings.TrimSpace(succeed(t, "", "sign", "-keystore", store, password, profile))
	other, _ := scene(t)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere.json")
	if err := os.WriteFile(elsewhere, []byte(`{"algorithm": "ES256", "issuer": "https://consumer.example", "audience": "https://elsewhere.example"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, want string
		args       []string
	}{
		{"another key", "unknown key", []string{"-keys", other, password, profile, token}},
		{"another audience", "audience", []string{"-keys", store, password, elsewhere, token}},
		{"half a token", "malformed", []string{"-keys", store, password, profile, token[:40]}},
		{"a key set that nobody serves", "unavailable", []string{"-url", "http://127.0.0.1:1/jwks.json", profile, token}},
	} {
		out, errs, status := tool(t, "", append([]string{"verify"}, test.args...)...)
		if status != 1 || out != "" || !strings.Contains(errs, test.want) {
			t.Errorf("%s: got %d, %q, %q, want %q", test.name, status, out, errs, test.want)
		}
	}
}

func TestLintAndPreview(t *testing.T) {
	_, profile := scene(t)
	if out := succeed(t, "", "lint", profile); !strings.Contains(out, "no fault") {
		t.Errorf("got %s", out)
	}
	if out := succeed(t, "", "preview", "-claims", `{"order": 1}`, profile); !strings.Contains(out, `"order": 1`) || !strings.Contains(out, `"alg": "ES256"`) {
		t.Errorf("got %s", out)
	}
	waiving := filepath.Join(t.TempDir(), "waiving.json")
	if err := os.WriteFile(waiving, []byte(`{"algorithm": "RS256", "issuer": "1", "waive": {"omit": ["aud"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := succeed(t, "", "lint", waiving); !strings.Contains(out, "waives: omit aud") {
		t.Errorf("got %s", out)
	}
	out, errs, status := tool(t, `{"algorithm": "RS265", "leeway": "1h", "lifetyme": "1m"}`, "lint", "-")
	if status != 1 || !strings.Contains(errs, "1 profile of 1 with faults") {
		t.Errorf("got %d, %s", status, errs)
	}
	for _, want := range []string{"algorithm:", "issuer: is empty", "leeway:", "lifetyme: there is no such field"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
}

func TestLintOfAuthenticationProfiles(t *testing.T) {
	const folder = "../../transport/testdata/profiles/"
	out := succeed(t, "", "lint", folder+"client.json", folder+"guard.json", folder+"token.json")
	if strings.Count(out, "no fault") != 3 {
		t.Errorf("got %s", out)
	}
	const (
		client = `{"keystore": {"path": "k", "password": "changeit", "ignoreCertificateDates": true}, "token": {"algorithm": "RS256", "issuer": "i"}, "use": "ticket"}`
		guard  = `{"token": {"algorithm": "RS256", "issuer": "i", "audience": "a", "waive": {"anyKeyID": true}}, "issuers": [{"keyset": "https://c.example/k"}]}`
	)
	for document, want := range map[string][]string{
		client: {"keystore.password: stands in the document", `use: "ticket" is not one of bearer`},
		guard:  {"issuers[0].keyset: there is no such field", "issuers[0].keySet: is missing"},
	} {
		out, _, status := tool(t, document, "lint", "-")
		if status != 1 || strings.Contains(out, "changeit") || strings.Contains(out, "transport:") {
			t.Errorf("got %d, %s", status, out)
		}
		for _, want := range want {
			if !strings.Contains(out, "  "+want) {
				t.Errorf("no %q in %s", want, out)
			}
		}
	}
	sound := strings.Replace(client, `"changeit"`, `{"env": "P"}`, 1)
	if out := succeed(t, sound, "lint", "-use", "voucher,ticket", "-"); !strings.Contains(out, "no fault") || !strings.Contains(out, "waives: keystore.ignoreCertificateDates") {
		t.Errorf("got %s", out)
	}
	if out := succeed(t, strings.Replace(guard, "keyset", "keySet", 1), "lint", "-"); !strings.Contains(out, "waives: token: anyKeyID") {
		t.Errorf("got %s", out)
	}
}

func TestGenerateOverwritesNothing(t *testing.T) {
	store, _ := scene(t)
	before, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	_, errs, status := tool(t, "", "generate", password, store, "signing")
	if status != 1 || !strings.Contains(errs, "is there already") {
		t.Errorf("got %d, %s", status, errs)
	}
	if after, err := os.ReadFile(store); err != nil || string(after) != string(before) {
		t.Errorf("the store has changed, or %v", err)
	}
	if _, errs, status := tool(t, "", "generate", filepath.Join(t.TempDir(), "a.p12"), "a"); status != 2 || !strings.Contains(errs, "-password") {
		t.Errorf("without a password: got %d, %s", status, errs)
	}
}

func TestRotate(t *testing.T) {
	store, profile := scene(t)
	if out := succeed(t, "", "rotate", password, "-before", "240h", store); !strings.Contains(out, "nothing to do before") {
		t.Errorf("got %s", out)
	}
	out := succeed(t, "", "rotate", password, "-lead", "1h", store)
	if !strings.Contains(out, "2 entries") || !strings.Contains(out, "newestKey") {
		t.Errorf("got %s, want 2 entries, and what a profile must say", out)
	}
	opened, err := keystore.Open(store, keystore.StaticPassword("changeit"))
	if err != nil {
		t.Fatal(err)
	}
	entries := opened.Entries()
	if len(entries) != 2 || time.Until(entries[1].Chain[0].NotBefore) < 50*time.Minute {
		t.Errorf("got %d entries", len(entries))
	}
	token := succeed(t, "", "sign", "-keystore", store, password, profile) // the old key, still
	succeed(t, token, "verify", "-keys", store, password, profile, "-")
	if again := succeed(t, "", "rotate", password, "-lead", "1h", store); !strings.Contains(again, "2 entries") {
		t.Errorf("rotated twice: %s", again)
	}
}

func TestKeySets(t *testing.T) {
	store, profile := scene(t)
	printed := succeed(t, "", "jwks", password, store)
	set, err := jwks.Parse([]byte(printed))
	if err != nil || len(set.Keys) != 1 {
		t.Fatalf("got %d keys, %v from %s", len(set.Keys), err, printed)
	}
	opened, err := keystore.Open(store, keystore.StaticPassword("changeit"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler(opened, "", "", slog.New(slog.DiscardHandler)))
	defer server.Close()
	if out := succeed(t, "", "jwks", "-url", server.URL+"/jwks.json"); !strings.Contains(out, "EC P-256  ES256") || strings.Contains(out, "odd") {
		t.Errorf("got %s", out)
	}
	token := succeed(t, "", "sign", "-keystore", store, password, profile)
	succeed(t, token, "verify", "-url", server.URL+"/jwks.json", profile, "-")

	odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(strings.Replace(printed, `"keys": [`, `"keys": [{"kty":"LATER","kid":"x"},`, 1)))
	}))
	defer odd.Close()
	if out := succeed(t, "", "jwks", "-url", odd.URL); !strings.Contains(out, "odd: 1 key was skipped") {
		t.Errorf("got %s", out)
	}
}

func TestServeDescribesAnIssuer(t *testing.T) {
	store, _ := scene(t)
	opened, err := keystore.Open(store, keystore.StaticPassword("changeit"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	server.Config.Handler = handler(opened, "", issuer, slog.New(slog.DiscardHandler))
	server.Start()
	defer server.Close()
	keys, err := jwks.Discover(t.Context(), issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := keys.PublicKeys(t.Context(), ""); err != nil || len(found) != 1 {
		t.Errorf("got %v, %v, want the key of the store", found, err)
	}
	for _, bad := range []string{"http://issuer.example", "https://issuer.example?a=b", "issuer"} {
		if _, errs, status := tool(t, "", "serve", "-issuer", bad, password, store); status != 2 || !strings.Contains(errs, "-issuer") {
			t.Errorf("%s: got %d, %s", bad, status, errs)
		}
	}
}

func TestServeEndsWhenAsked(t *testing.T) {
	store, _ := scene(t)
	opened, err := keystore.Open(store, keystore.StaticPassword("changeit"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serveUntil(ctx, listener, handler(opened, "", "", slog.New(slog.DiscardHandler))) }()
	resp, err := http.Get("http://" + listener.Addr().String() + "/status")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var status map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil || status["format"] != "PKCS12" {
		t.Errorf("got %v, %v", status, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestUsage(t *testing.T) {
	if out := succeed(t, ""); !strings.Contains(out, "tokenprofile rotate") {
		t.Errorf("got %s", out)
	}
	for _, c := range commands {
		if out := succeed(t, "", c.name, "-h"); !strings.HasPrefix(out, "usage: tokenprofile "+c.name) {
			t.Errorf("%s: got %s", c.name, out)
		}
		if _, errs, status := tool(t, "", c.name, "-colour"); status != 2 || !strings.Contains(errs, "usage: tokenprofile "+c.name) {
			t.Errorf("%s: got %d, %s", c.name, status, errs)
		}
	}
	if _, errs, status := tool(t, "", "explode"); status != 2 || !strings.Contains(errs, `no command "explode"`) {
		t.Errorf("got %d, %s", status, errs)
	}
}

func TestTheREADMENamesEveryCommand(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		if !strings.Contains(string(text), "\n| `"+c.name+" ") {
			t.Errorf("its table has no row for %s", c.name)
		}
	}
}

func TestAPasswordAmongTheArgumentsIsWarnedOf(t *testing.T) {
	store, _ := scene(t)
	_, errs, status := tool(t, "", "inspect", "-password", "pass:changeit", store)
	if status != 0 || !strings.HasPrefix(errs, "warning: ") || strings.Contains(errs, "changeit") {
		t.Errorf("got %d, %s", status, errs)
	}
}
