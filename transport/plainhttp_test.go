package transport_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

func TestPlainHTTPWhereSomethingElseEncrypts(t *testing.T) {
	for _, test := range []struct {
		name    string
		origins []string
		url     string
		seen    []string
	}{
		{"another machine", nil, "http://a/307/", []string{"http://a token-1"}},
		{"a redirect within the origin", nil, "http://a/307/plain-a", []string{"http://a token-1", "http://a token-1"}},
		{"a redirect to another machine", nil, "http://a/307/plain-b", []string{"http://a token-1", "http://b nothing"}},
		{"a redirect to https is one to another origin", nil, "http://a/307/a", []string{"http://a token-1", "https://a nothing"}},
		{"a redirect from https", nil, "https://a/307/plain-a", []string{"https://a token-1", "http://a nothing"}},
		{"a named origin", []string{"http://a"}, "http://a/307/b", []string{"http://a token-1", "https://b nothing"}},
	} {
		hosts := &trace{}
		client := &http.Client{Transport: &transport.Bearer{Source: &fakeSource{}, Base: hosts, Origins: test.origins, PlainHTTP: true}}
		follow(t, client, http.MethodGet, test.url)
		if !slices.Equal(hosts.seen, test.seen) {
			t.Errorf("%s: got %q, want %q", test.name, hosts.seen, test.seen)
		}
	}

	grant := &transport.Grant{TokenURL: "http://auth.mesh/token", ClientID: "me", PlainHTTP: true, HTTPClient: (&endpoint{}).client()}
	if token, _, err := grant.Token(t.Context()); err != nil || token != "access" {
		t.Errorf("a token endpoint: got %q, %v", token, err)
	}
	if (&transport.Bearer{PlainHTTP: true}).RequireTransportSecurity() {
		t.Error("gRPC may not use a connection that something else encrypts")
	}
}
