package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
)

// A site answers some paths with texts, in which ISSUER is its own address.
func site(t *testing.T, documents map[string]string) *httptest.Server {
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		document, ok := documents[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, strings.ReplaceAll(document, "ISSUER", server.URL))
	}))
	t.Cleanup(server.Close)
	return server
}

const (
	openID = "/.well-known/openid-configuration"
	oauth  = "/.well-known/oauth-authorization-server"
)

func TestDiscover(t *testing.T) {
	good := func(path string) string { return `{"issuer":"ISSUER` + path + `","jwks_uri":"ISSUER/keys","x":1}` }
	tests := []struct {
		name, path string // of the issuer
		documents  map[string]string
		want       string // the URL, or part of the error
	}{
		{"OpenID Connect", "", map[string]string{openID: good("")}, "ISSUER/keys"},
		{"OpenID Connect, with a path", "/tenant", map[string]string{"/tenant" + openID: good("/tenant")}, "ISSUER/keys"},
		{"OpenID Connect, with a slash at the end", "/tenant/", map[string]string{"/tenant" + openID: good("/tenant/")}, "ISSUER/keys"},
		{"RFC 8414", "", map[string]string{oauth: good("")}, "ISSUER/keys"},
		{"RFC 8414, before the path", "/tenant", map[string]string{oauth + "/tenant": good("/tenant")}, "ISSUER/keys"},
		{"RFC 8414, where any other path is a page", "", map[string]string{openID: "<html>", oauth: good("")}, "ISSUER/keys"},
		{"keys elsewhere", "", map[string]string{openID: `{"issuer":"ISSUER","jwks_uri":"https://keys.example/a?b=c"}`}, "https://keys.example/a?b=c"},
		{"no metadata", "", nil, "no metadata: HTTP status 404"},
		{"another issuer", "", map[string]string{openID: `{"issuer":"https://other.example","jwks_uri":"ISSUER/keys"}`}, `another issuer's: "https://other.example"`},
		{"another issuer of a long name", "", map[string]string{openID: `{"issuer":"` + strings.Repeat("i", 129) + `","jwks_uri":"ISSUER/keys"}`}, `another issuer's: "` + strings.Repeat("i", 128) + `"`},
		{"the issuer with a slash more", "", map[string]string{openID: good("/")}, "another issuer's"},
		{"the issuer in capitals", "/tenant", map[string]string{"/tenant" + openID: good("/Tenant")}, "another issuer's"},
		{"another issuer, RFC 8414 right", "", map[string]string{openID: good("/"), oauth: good("")}, "another issuer's"},
		{"no issuer", "", map[string]string{openID: `{"jwks_uri":"ISSUER/keys"}`}, "the metadata names no issuer"},
		{"an empty issuer", "", map[string]string{openID: `{"issuer":"","jwks_uri":"ISSUER/keys"}`}, "the metadata names no issuer"},
		{"an issuer that is a number", "", map[string]string{openID: `{"issuer":1,"jwks_uri":"ISSUER/keys"}`}, "the metadata names no issuer"},
		{"the issuer twice", "", map[string]string{openID: `{"issuer":"https://other.example","issuer":"ISSUER","jwks_uri":"ISSUER/keys"}`}, "occurs twice"},
		{"no keys", "", map[string]string{openID: `{"issuer":"ISSUER"}`}, "no jwks_uri"},
		{"keys at an empty URL", "", map[string]string{openID: `{"issuer":"ISSUER","jwks_uri":""}`}, "no jwks_uri"},
		{"keys over http", "", map[string]string{openID: `{"issuer":"ISSUER","jwks_uri":"http://keys.example/"}`}, "jwks_uri: unsafe URL: http://keys.example is not https"},
		{"metadata beyond measure", "", map[string]string{openID: `{"issuer":"ISSUER","a":"` + strings.Repeat("a", 512<<10) + `"}`}, "more than 524288 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := site(t, tt.documents)
			client, err := jwks.Discover(t.Context(), server.URL+tt.path, nil)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				return
			}
			if want := strings.ReplaceAll(tt.want, "ISSUER", server.URL); client.URL != want {
				t.Errorf("got %s, want %s", client.URL, want)
			}
		})
	}
}

func TestDiscoverRefusesIssuersThatCannotBeOne(t *testing.T) {
	for issuer, want := range map[string]string{
		"":                               "no URL",
		"issuer":                         "not an absolute URL",
		"http://issuer.example":          "not https",
		"https://issuer.example?a=b":     "no query and no fragment",
		"https://issuer.example/?":       "no query and no fragment",
		"https://issuer.example/#canary": "no query and no fragment",
	} {
		_, err := jwks.Discover(t.Context(), issuer, nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: got %v, want %q", issuer, err, want)
		}
	}
}

// The one field holds for the metadata, for the key set, and for nothing else.
func TestPlainHTTP(t *testing.T) {
	keys := &jwks.Handler{Source: published{jwkstest.NewKey("ES256").Public()}}
	mesh := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		switch r.URL.String() {
		case "http://issuer:8080" + openID:
			io.WriteString(w, `{"issuer":"http://issuer:8080","jwks_uri":"http://issuer:8080/keys"}`)
		case "http://issuer:8080/keys":
			keys.ServeHTTP(w, r)
		default:
			t.Errorf("%s was fetched", r.URL)
		}
		return w.Result(), nil
	})}
	client := &jwks.Client{HTTPClient: mesh, PlainHTTP: true}
	if err := client.Discover(t.Context(), "http://issuer:8080"); err != nil {
		t.Fatal(err)
	}
	if found, err := client.PublicKeys(t.Context(), ""); err != nil || len(found) != 1 {
		t.Errorf("got %v, %v, want the key", found, err)
	}
	strict := &jwks.Client{HTTPClient: mesh}
	if err := strict.Discover(t.Context(), "http://issuer:8080"); err == nil || strict.URL != "" {
		t.Errorf("without the field: got %v and %q, want an error and no URL", err, strict.URL)
	}
	strict = &jwks.Client{URL: client.URL, HTTPClient: mesh}
	wantUnavailable(t, strict, "")
	for _, url := range []string{"ftp://issuer/keys", "file:///keys"} {
		wantUnavailable(t, &jwks.Client{URL: url, HTTPClient: mesh, PlainHTTP: true}, "")
	}
	var none *jwks.Client
	if err := none.Discover(t.Context(), "https://issuer.example"); err == nil {
		t.Error("no client discovers")
	}
}

func TestDiscoveredClientFindsTheKeys(t *testing.T) {
	issuer := jwkstest.NewTLSIssuer("EdDSA")
	defer issuer.Close()
	client, err := jwks.Discover(t.Context(), issuer.URL, issuer.Client())
	if err != nil {
		t.Fatal(err)
	}
	wantRequests := func(want int) {
		if got := issuer.Requests(); got != want {
			t.Errorf("requests for the key set: got %d, want %d", got, want)
		}
	}
	wantRequests(0)
	wantKey(t, client, issuer.KeyID())
	wantRequests(1)
}

func TestDiscoverWaitsNoLongerThanItsContextAndFiveSeconds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		hanging := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantWait(t, time.Second, func() {
			if _, err := jwks.Discover(ctx, issuerURL, hanging); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want context.DeadlineExceeded", err)
			}
		})
		wantWait(t, 5*time.Second, func() {
			if _, err := jwks.Discover(t.Context(), issuerURL, hanging); err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want an error that is not the caller's", err)
			}
		})
	})
}
