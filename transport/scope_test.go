package transport_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

func TestGuardDemandsItsScope(t *testing.T) {
	tests := []struct {
		name, scope, claims string
		status              int
	}{
		{"no scope is demanded", "", `{}`, 200},
		{"the scope, among others", "read", `{"scope":"write read"}`, 200},
		{"all of several", "read write", `{"scope":"write x read"}`, 200},
		{"one of several", "read write", `{"scope":"read"}`, 403},
		{"an array", "read", `{"scope":["write","read"]}`, 200},
		{"scp", "read", `{"scp":"write read"}`, 200},
		{"scp that is an array", "read", `{"scp":["read"]}`, 200},
		{"scp beside a scope that lacks it", "read", `{"scope":"write","scp":"read"}`, 403},
		{"no claim", "read", `{}`, 403},
		{"another case", "read", `{"scope":"Read"}`, 403},
		{"a name in another case", "read", `{"Scope":"read"}`, 403},
		{"the beginning of a word", "read", `{"scope":"read:all"}`, 403},
		{"an object", "read", `{"scope":{"read":true}}`, 403},
		{"an array with a number in it", "read", `{"scope":["read",1]}`, 403},
		{"an array with a null in it", "read", `{"scope":["read",null]}`, 403},
		{"null", "read", `{"scope":null}`, 403},
		{"spaces around what is demanded", " read ", `{"scope":"read"}`, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := ask(&transport.Guard{Verifier: admits(test.claims), Scope: test.scope}, bearer)
			if w.Code != test.status {
				t.Errorf("got status %d, want %d", w.Code, test.status)
			}
			want := ""
			if test.status == 403 {
				want = `Bearer realm="protected", error="insufficient_scope", scope="` + test.scope + `"`
			}
			if got := w.Header().Get("WWW-Authenticate"); got != want {
				t.Errorf("got challenge %q, want %q", got, want)
			}
		})
	}
}

func TestValues(t *testing.T) {
	token := &tokenprofile.Token{Claims: []byte(`{"roles":["a","b"],"group":"c d","realm_access":{"roles":["e"]},"n":1,"none":[]}`)}
	tests := []struct {
		name string
		path []string
		want []string
	}{
		{"an array", []string{"roles"}, []string{"a", "b"}},
		{"a string is one value, with its spaces", []string{"group"}, []string{"c d"}},
		{"inside an object", []string{"realm_access", "roles"}, []string{"e"}},
		{"an object", []string{"realm_access"}, nil},
		{"a number", []string{"n"}, nil},
		{"an empty array", []string{"none"}, nil},
		{"a name that is not there", []string{"x"}, nil},
		{"a path through what is no object", []string{"roles", "x"}, nil},
		{"a path through what is not there", []string{"x", "y"}, nil},
		{"no path", nil, nil},
	}
	for _, test := range tests {
		if got := transport.Values(token, test.path...); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	if got := transport.Values(nil, "roles"); got != nil {
		t.Errorf("got %q of no token", got)
	}
	if got := transport.Scopes(new(tokenprofile.Token)); got != nil {
		t.Errorf("got scopes %q of an empty token", got)
	}
}

func TestGuardReadsAnotherHeader(t *testing.T) {
	tests := []struct {
		name    string
		headers []string
		status  int
	}{
		{"the token alone", []string{"X-Goog-IAP-JWT-Assertion: aaa.bbb.ccc"}, 200},
		{"the token after its scheme", []string{"X-Goog-IAP-JWT-Assertion: Bearer aaa.bbb.ccc"}, 200},
		{"another scheme", []string{"X-Goog-IAP-JWT-Assertion: Basic aaa.bbb.ccc"}, 401},
		{"a token in Authorization", []string{bearer}, 401},
		{"a token in Authorization beside it is not looked at", []string{bearer, "X-Goog-IAP-JWT-Assertion: aaa.bbb.ccc"}, 200},
		{"the header twice", []string{"X-Goog-IAP-JWT-Assertion: aaa.bbb.ccc", "X-Goog-IAP-JWT-Assertion: aaa.bbb.ccc"}, 400},
		{"an empty header", []string{"X-Goog-IAP-JWT-Assertion: "}, 401},
		{"what is no token", []string{"X-Goog-IAP-JWT-Assertion: a,b"}, 400},
		{"a token of 64 KiB", []string{"X-Goog-IAP-JWT-Assertion: " + string(make([]byte, 64<<10+1))}, 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := ask(&transport.Guard{Verifier: admits("{}"), Header: "x-goog-iap-jwt-assertion"}, test.headers...)
			if w.Code != test.status {
				t.Errorf("got status %d, want %d", w.Code, test.status)
			}
		})
	}
}

func TestResourceMetadata(t *testing.T) {
	tests := []struct {
		name, resource string
		url, path      string
	}{
		{"a path", "https://api.example/mcp", "https://api.example/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource/mcp"},
		{"no path", "https://api.example", "https://api.example/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource"},
		{"a slash", "https://api.example/", "https://api.example/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource"},
		{"a query", "https://api.example/a?b=c", "https://api.example/.well-known/oauth-protected-resource/a?b=c", "/.well-known/oauth-protected-resource/a"},
		{"a port", "http://localhost:8080/a", "http://localhost:8080/.well-known/oauth-protected-resource/a", "/.well-known/oauth-protected-resource/a"},
		{"a fragment", "https://api.example/#a", "", "/.well-known/oauth-protected-resource"},
		{"a user", "https://a:b@api.example/", "", "/.well-known/oauth-protected-resource"},
		{"no host", "/mcp", "", "/.well-known/oauth-protected-resource"},
		{"a scheme and no host", "https:///mcp", "", "/.well-known/oauth-protected-resource"},
		{"a scheme that is not http", "ftp://api.example/", "", "/.well-known/oauth-protected-resource"},
		{"no URL", "https://api example/", "", "/.well-known/oauth-protected-resource"},
		{"another scheme", "urn:example:a", "", "/.well-known/oauth-protected-resource"},
		{"nothing", "", "", "/.well-known/oauth-protected-resource"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			metadata := &transport.ResourceMetadata{Resource: test.resource}
			if got := metadata.URL(); got != test.url {
				t.Errorf("got URL %q, want %q", got, test.url)
			}
			if got := metadata.Path(); got != test.path {
				t.Errorf("got path %q, want %q", got, test.path)
			}
			status, challenge := 503, ""
			if test.url != "" {
				status, challenge = 200, `Bearer realm="protected", resource_metadata="`+test.url+`"`
			}
			w := httptest.NewRecorder()
			metadata.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if w.Code != status {
				t.Errorf("got status %d, want %d", w.Code, status)
			}
			w = ask(&transport.Guard{Verifier: admits("{}"), ResourceMetadata: metadata})
			if got := w.Header().Get("WWW-Authenticate"); got != challenge {
				t.Errorf("got challenge %q, want %q", got, challenge)
			}
		})
	}
	for name, metadata := range map[string]*transport.ResourceMetadata{
		"none":                 nil,
		"a member twice":       {Resource: "https://api.example", More: map[string]any{"resource": "https://other.example"}},
		"a member no JSON has": {Resource: "https://api.example", More: map[string]any{"x": func() {}}},
	} {
		w := httptest.NewRecorder()
		metadata.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		checkRefusal(t, w, 503, "")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	const least = `{"bearer_methods_supported":["header"],"resource":"https://api.example"}`
	if got, err := (&transport.ResourceMetadata{Resource: "https://api.example"}).MarshalJSON(); err != nil || string(got) != least {
		t.Errorf("got %s, %v, want %s", got, err, least)
	}
	twice := map[string]any{"resource": 1, "bearer_methods_supported": 1}
	for range 20 { // faults come in one order
		_, err := (&transport.ResourceMetadata{Resource: "https://api.example", More: twice}).MarshalJSON()
		if err == nil || !strings.Contains(err.Error(), `"bearer_methods_supported"`) {
			t.Fatalf("two members twice: got %v, want the fault of bearer_methods_supported", err)
		}
	}
	w := httptest.NewRecorder()
	(&transport.ResourceMetadata{Resource: "https://api.example"}).ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: got %d, Allow %q, want 405 and GET, HEAD", w.Code, w.Header().Get("Allow"))
	}
}
