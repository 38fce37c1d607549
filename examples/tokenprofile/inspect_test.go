package main

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// program is the built one: what counts is what it prints and how it exits.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tokenprofile")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "tokenprofile")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func inspected(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs strings.Builder
	cmd := exec.Command(program, append([]string{"inspect"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), "INSPECT_PASSWORD=changeit")
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	stderr = errs.String()
	if strings.HasPrefix(stderr, "warning: ") { // of a password among the arguments
		_, stderr, _ = strings.Cut(stderr, "\n")
	}
	return out.String(), stderr, cmd.ProcessState.ExitCode()
}

// store writes one with two keys of different age, and a partner's certificate.
func store(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "consumer.jks") // PKCS #12, as keytool would
	now := time.Now()
	old := generated(t, "CN=old", now.AddDate(-1, 0, 0), now.AddDate(0, 6, 0))
	fresh := generated(t, "CN=new,O=Example", now.AddDate(0, 0, -1), now.AddDate(1, 0, 0))
	partner := generated(t, "CN=partner", now, now.AddDate(1, 0, 0)).Public().Certificates()
	write(t, path, keystore.Entry{Alias: "old", PrivateKey: old}, keystore.Entry{Alias: "new", PrivateKey: fresh}, keystore.Entry{Alias: "partner", Chain: partner})
	return path
}

func generated(t *testing.T, subject string, notBefore, notAfter time.Time) keystore.PrivateKey {
	t.Helper()
	key, err := keystore.Generate("ES256", subject, notBefore, notAfter)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t *testing.T, path string, entries ...keystore.Entry) {
	t.Helper()
	if err := keystore.WriteFile(path, keystore.StaticPassword("changeit"), entries...); err != nil {
		t.Fatal(err)
	}
}

func TestText(t *testing.T) {
	out, errs, status := inspected(t, "-password", "env:INSPECT_PASSWORD", store(t))
	if status != 0 || errs != "" {
		t.Fatalf("got status %d, %s", status, errs)
	}
	for _, want := range []string{
		"consumer.jks: PKCS12, 3 entries, integrity verified\n",
		"\nnew\n  kind         private key\n  key          EC P-256\n",
		"  certificate  CN=new,O=Example\n  issued by    itself\n",
		"\npartner\n  kind         trusted certificate\n",
		`With NewestKey, "new" would: its certificate is the valid one that began last`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestJSON(t *testing.T) {
	out, errs, status := inspected(t, "-json", "-password", "env:INSPECT_PASSWORD", store(t))
	if status != 0 || errs != "" {
		t.Fatalf("got status %d, %s", status, errs)
	}
	var got struct {
		Format  string
		Entries []struct {
			Alias, Kind, Algorithm, KID, X5tS256, Subject, NotAfter string
			Bits, Chain                                             int
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Format != "PKCS12" || len(got.Entries) != 3 {
		t.Fatalf("got %+v", got)
	}
	kinds := map[string]string{"old": "private-key", "new": "private-key", "partner": "trusted-certificate"}
	for _, e := range got.Entries {
		if e.Kind != kinds[e.Alias] || e.Algorithm != "EC" || e.Bits != 256 || e.Chain != 1 || len(e.KID) != 43 || len(e.X5tS256) != 43 || !strings.HasPrefix(e.Subject, "CN="+e.Alias) {
			t.Errorf("got %+v", e)
		}
		if _, err := time.Parse(time.RFC3339, e.NotAfter); err != nil {
			t.Error(err)
		}
	}
}

// Scripts look members up by these names; encoding/json would find them in any
// case.
func TestJSONMembers(t *testing.T) {
	out, errs, status := inspected(t, "-json", "-password", "env:INSPECT_PASSWORD", store(t))
	if status != 0 {
		t.Fatalf("got status %d, %s", status, errs)
	}
	var got struct{ Entries []map[string]any }
	var top map[string]any
	if err := errors.Join(json.Unmarshal([]byte(out), &got), json.Unmarshal([]byte(out), &top)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"format", "entries"} {
		if _, ok := top[name]; !ok {
			t.Errorf("no member %q in %s", name, out)
		}
	}
	for _, e := range got.Entries {
		for _, name := range []string{"alias", "kind", "algorithm", "kid", "x5tS256", "subject", "notAfter"} {
			if text, ok := e[name].(string); !ok || text == "" {
				t.Errorf("%v: member %q: got %v, want a string", e["alias"], name, e[name])
			}
		}
		for _, name := range []string{"bits", "chain"} {
			if n, ok := e[name].(float64); !ok || n < 1 {
				t.Errorf("%v: member %q: got %v, want a number", e["alias"], name, e[name])
			}
		}
	}
}

func TestJSONOfASecretKey(t *testing.T) {
	out, errs, status := inspected(t, "-json", "-password", "pass:changeit", filepath.Join("..", "..", "keystore", "testdata", "keytool-secrets.p12"))
	if status != 0 || !strings.Contains(out, `"kind": "secret-key"`) || strings.Contains(out, `"chain"`) {
		t.Errorf("got status %d, %s%s", status, errs, out)
	}
}

func TestFailureIsOneLine(t *testing.T) {
	path := store(t)
	dir := t.TempDir()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"a wrong password", []string{"-password", "pass:wrong", path}, "incorrect password"},
		{"no password", []string{path}, "give it with -password env:NAME"},
		{"half a file", []string{"-password", "pass:changeit", file("half.p12", whole[:len(whole)/2])}, "damaged file"},
		{"another format", []string{file("main.go", []byte("package main\n"))}, "unknown format"},
		{"an empty file", []string{file("empty", nil)}, "empty"},
		{"a directory", []string{dir}, "is a directory"},
		{"a file of 17 MiB", []string{file("huge.jks", make([]byte, 17<<20))}, "limit exceeded"},
		{"a JKS and a wrong password", []string{"-password", "pass:wrong", filepath.Join("..", "quickstart", "consumer.jks")}, "incorrect password"},
		{"a password file that is not there", []string{"-password", "file:" + filepath.Join(dir, "missing"), path}, "password file"},
		{"an encrypted JWK without password", []string{file("jwk.jwe", []byte("eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJlbmMiOiJBMTI4R0NNIiwicDJjIjoxMDAwLCJwMnMiOiJBQUFBQUFBQUFBQSJ9.AAAA.AAAA.AAAA.AAAA"))}, "password required"},
		{"no such file", []string{filepath.Join(dir, "missing.jks")}, "missing.jks"},
		{"a variable that is not set", []string{"-password", "env:TOKENPROFILE_NO_SUCH_VARIABLE", path}, "TOKENPROFILE_NO_SUCH_VARIABLE is not set"},
		{"a password without a place", []string{"-password", "changeit", path}, "env:NAME, file:PATH or pass:TEXT; usage:"},
		{"no file", nil, "usage: tokenprofile inspect"},
		{"two files", []string{path, path}, "usage: tokenprofile inspect"},
		{"a flag nobody knows", []string{"-colour", path}, "usage: tokenprofile inspect"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, errs, status := inspected(t, tt.args...)
			wanted := 1
			if strings.Contains(tt.want, "usage:") {
				wanted = 2
			}
			if status != wanted || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, tt.want) {
				t.Errorf("got status %d, output %q, error %q, want one line with %q", status, out, errs, tt.want)
			}
			if strings.Contains(errs, "changeit") {
				t.Errorf("the password is in %q", errs)
			}
		})
	}
}

func TestFlagsMayFollowTheFile(t *testing.T) {
	out, errs, status := inspected(t, store(t), "-json", "-password", "pass:changeit")
	if status != 0 || !json.Valid([]byte(out)) {
		t.Errorf("got status %d, %s", status, errs)
	}
}

func TestTrustStoreNeedsNoPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trust.p12")
	certs := generated(t, "CN=partner", time.Now(), time.Now().AddDate(1, 0, 0)).Public().Certificates()
	if err := keystore.WriteFile(path, nil, keystore.Entry{Alias: "partner", Chain: []*x509.Certificate{certs[0]}}); err != nil {
		t.Fatal(err)
	}
	out, _, status := inspected(t, path)
	if status != 0 || !strings.Contains(out, "integrity not verified") || !strings.Contains(out, "\npartner\n") {
		t.Errorf("got status %d and\n%s", status, out)
	}
}

func TestListingWithoutPasswordShowsWhatItCan(t *testing.T) {
	out, errs, status := inspected(t, filepath.Join("..", "quickstart", "consumer.jks"))
	if status != 0 {
		t.Fatalf("got status %d: %s", status, errs)
	}
	for _, want := range []string{": JKS, ", "private key", "RSA 2048", "not usable", "password required", "trusted certificate"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestAliasCannotWriteToTheTerminal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hostile.p12")
	key := generated(t, "CN=a", time.Now(), time.Now().AddDate(1, 0, 0))
	write(t, path, keystore.Entry{Alias: "a\x1b[2Jb", PrivateKey: key})
	out, _, status := inspected(t, "-password", "pass:changeit", path)
	if status != 0 || strings.Contains(out, "\x1b") || !strings.Contains(out, "\ufffd[2Jb") {
		t.Errorf("got status %d and %q", status, out)
	}
}

func TestEveryStoreIsShownOrRefusedInOneLine(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "keystore", "testdata", "*.*"))
	if err != nil || len(paths) < 60 {
		t.Fatalf("got %d stores, %v", len(paths), err)
	}
	for _, path := range paths {
		for _, args := range [][]string{{path}, {"-json", "-password", "pass:changeit", path}} {
			var out, errs strings.Builder
			status := run(append([]string{"inspect"}, args...), strings.NewReader(""), &out, &errs)
			switch {
			case status != 0 && (out.Len() > 0 || errs.Len() == 0):
				t.Errorf("%q: got %q and %q", args, out.String(), errs.String())
			case status == 0 && args[0] == "-json" && !json.Valid([]byte(out.String())):
				t.Errorf("%q: got %s", args, out.String())
			case status == 0 && !strings.Contains(out.String(), "\n"):
				t.Errorf("%q: got %q", args, out.String())
			}
		}
	}
}
