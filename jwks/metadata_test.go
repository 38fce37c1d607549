package jwks_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// What others are told leads them to our keys, with a path or without.
func TestMetadataLeadsToTheKeys(t *testing.T) {
	for _, path := range []string{"", "/tenant"} {
		for _, at := range []string{path + openID, oauth + path} {
			issuer := jwkstest.NewUnstartedIssuer("ES256", "")
			mux := http.NewServeMux()
			server := httptest.NewServer(mux)
			defer server.Close()
			keys := &jwks.Handler{Source: issuer}
			mux.Handle("GET /keys", keys)
			mux.Handle("GET "+at, &jwks.MetadataHandler{
				Metadata: jwks.Metadata{Issuer: server.URL + path, KeySetURL: server.URL + "/keys"}, Keys: keys,
			})
			client, err := jwks.Discover(t.Context(), server.URL+path, nil)
			if err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			wantKey(t, client, issuer.KeyID())
			issuer.Rotate()
			wantKey(t, client, issuer.KeyID())
		}
	}
}

func TestMetadataDocument(t *testing.T) {
	keys := &jwks.Handler{Algorithm: keystore.PS256, Source: published{
		jwkstest.NewKey("ES256").Public(), jwkstest.NewKey("RS256").Public(), jwkstest.NewKey("ES256").Public(), encryptionKey(t),
	}}
	of := func(m jwks.Metadata) jwks.Metadata {
		m.Issuer, m.KeySetURL = "https://issuer.example", "https://issuer.example/keys"
		return m
	}
	const names = `"issuer":"https://issuer.example","jwks_uri":"https://issuer.example/keys"`
	tests := []struct {
		name     string
		metadata jwks.Metadata
		want     string
	}{
		{"of the keys", of(jwks.Metadata{}), `{` + names + `,"id_token_signing_alg_values_supported":["ES256","PS256"],"response_types_supported":["id_token"],"subject_types_supported":["public"]}`},
		{"as it is told", of(jwks.Metadata{
			SigningAlgorithms: []keystore.Algorithm{"EdDSA"}, ResponseTypes: []string{"code"}, SubjectTypes: []string{"pairwise"},
			TokenEndpoint: "https://issuer.example/token", GrantTypes: []string{"client_credentials"}, TokenEndpointAuthMethods: []string{"private_key_jwt"},
			TokenEndpointAuthAlgorithms: []keystore.Algorithm{"ES256"}, Scopes: []string{"read"}, DPoPAlgorithms: []keystore.Algorithm{"ES384"},
		}), `{` + names + `,"id_token_signing_alg_values_supported":["EdDSA"],"response_types_supported":["code"],"subject_types_supported":["pairwise"],` +
			`"token_endpoint":"https://issuer.example/token","grant_types_supported":["client_credentials"],"token_endpoint_auth_methods_supported":["private_key_jwt"],` +
			`"token_endpoint_auth_signing_alg_values_supported":["ES256"],"scopes_supported":["read"],"dpop_signing_alg_values_supported":["ES384"]}`},
		{"for clients that sign nothing", of(jwks.Metadata{
			TokenEndpoint: "https://issuer.example/token", GrantTypes: []string{"client_credentials"}, TokenEndpointAuthMethods: []string{"client_secret_basic"},
		}), `{` + names + `,"id_token_signing_alg_values_supported":["ES256","PS256"],"response_types_supported":["id_token"],"subject_types_supported":["public"],` +
			`"token_endpoint":"https://issuer.example/token","grant_types_supported":["client_credentials"],"token_endpoint_auth_methods_supported":["client_secret_basic"]}`},
		{"with more", of(jwks.Metadata{More: map[string]any{"service_documentation": "https://docs.example"}}), `{"id_token_signing_alg_values_supported":["ES256","PS256"],` +
			names + `,"response_types_supported":["id_token"],"service_documentation":"https://docs.example","subject_types_supported":["public"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &jwks.MetadataHandler{Metadata: tt.metadata, Keys: keys}
			resp := serve(h, "GET")
			if got := body(t, resp); got != tt.want || resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Cache-Control") != "public, max-age=300" {
				t.Errorf("got %v\n%s, want\n%s", resp.Header, got, tt.want)
			}
			if again := serve(h, "GET", "If-None-Match", resp.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
				t.Errorf("asked again: got %d, want 304", again.StatusCode)
			}
		})
	}
	if got := serve(&jwks.MetadataHandler{}, "POST").StatusCode; got != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d, want 405", got)
	}
}

func encryptionKey(t *testing.T) keystore.PublicKey {
	key, err := keystore.ParsePublicJWK([]byte(strings.Replace(publicJWK, "{", `{"use":"enc",`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestMetadataThatCannotBe(t *testing.T) {
	keys := &jwks.Handler{Source: published{jwkstest.NewKey("ES256").Public()}}
	of := func(change func(*jwks.Metadata)) *jwks.MetadataHandler {
		m := jwks.Metadata{Issuer: "https://issuer.example", KeySetURL: "https://issuer.example/keys"}
		change(&m)
		return &jwks.MetadataHandler{Metadata: m, Keys: keys}
	}
	plain := of(func(m *jwks.Metadata) { m.Issuer, m.KeySetURL = "http://issuer", "http://issuer/keys" })
	tests := []struct {
		name    string
		handler *jwks.MetadataHandler
		want    []string // in the error
	}{
		{"no handler", nil, nil},
		{"nothing", &jwks.MetadataHandler{Keys: keys}, []string{"Issuer: no URL", "KeySetURL: no URL"}},
		{"plain http", plain, []string{"Issuer: unsafe URL", "KeySetURL: unsafe URL"}},
		{"an issuer with a query", of(func(m *jwks.Metadata) { m.Issuer += "?a=b" }), []string{"Issuer: an issuer has no query"}},
		{"a token endpoint over http", of(func(m *jwks.Metadata) { m.TokenEndpoint = "http://issuer.example" }), []string{"TokenEndpoint: unsafe URL", "without GrantTypes"}},
		{"a token endpoint that says half", of(func(m *jwks.Metadata) { m.TokenEndpoint, m.GrantTypes = m.Issuer, []string{"client_credentials"} }), []string{"TokenEndpointAuthMethods"}},
		{"clients that sign by no algorithm", of(func(m *jwks.Metadata) {
			m.TokenEndpoint, m.GrantTypes, m.TokenEndpointAuthMethods = m.Issuer, []string{"client_credentials"}, []string{"private_key_jwt"}
		}), []string{"no TokenEndpointAuthAlgorithms"}},
		{"clients that sign with their secret by no algorithm", of(func(m *jwks.Metadata) {
			m.TokenEndpoint, m.GrantTypes, m.TokenEndpointAuthMethods = m.Issuer, []string{"client_credentials"}, []string{"client_secret_jwt"}
		}), []string{"no TokenEndpointAuthAlgorithms"}},
		{"a member twice", of(func(m *jwks.Metadata) { m.More = map[string]any{"issuer": "https://other.example"} }), []string{`More has "issuer"`}},
		{"a member that is none", of(func(m *jwks.Metadata) { m.More = map[string]any{"a": func() {}} }), []string{"unsupported type"}},
		{"no keys", &jwks.MetadataHandler{Metadata: of(func(*jwks.Metadata) {}).Metadata}, []string{"no source of keys"}},
		{"an RSA key of any algorithm", &jwks.MetadataHandler{
			Metadata: of(func(*jwks.Metadata) {}).Metadata, Keys: &jwks.Handler{Source: published{rsaKey(t)}},
		}, []string{"Handler.Algorithm"}},
		{"a key that does not sign", &jwks.MetadataHandler{
			Metadata: of(func(*jwks.Metadata) {}).Metadata, Keys: &jwks.Handler{Source: published{encryptionKey(t)}},
		}, []string{"none of the published keys signs"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var reason error
			if tt.handler != nil {
				tt.handler.OnError = func(_ *http.Request, err error) { reason = err }
			}
			resp := serve(tt.handler, "GET")
			if got := body(t, resp); resp.StatusCode != http.StatusServiceUnavailable || got != "metadata unavailable\n" {
				t.Errorf("got %d %q, want 503 and a fixed text", resp.StatusCode, got)
			}
			for _, want := range tt.want {
				if reason == nil || !strings.Contains(reason.Error(), want) {
					t.Errorf("got %v, want %q", reason, want)
				}
			}
		})
	}
	plain.PlainHTTP = true
	if got := serve(plain, "GET").StatusCode; got != http.StatusOK {
		t.Errorf("plain http where it is allowed: got %d, want 200", got)
	}
}

func rsaKey(t *testing.T) keystore.PublicKey {
	key, err := jwkstest.NewKey("RS256").Public().WithAlgorithm("")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeySetOfOneAlias(t *testing.T) {
	entries := `{"keys":[` + strings.Replace(privateJWK, `"1"`, `"Sign"`, 1) + `,{"kty":"OKP","crv":"Ed25519","kid":"other","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}`
	store, err := keystore.Parse([]byte(entries), nil)
	if err != nil {
		t.Fatal(err)
	}
	for alias, want := range map[string]string{"": "Sign other", "sign": "Sign", "OTHER": "other"} {
		h := &jwks.Handler{Source: store, Alias: alias}
		document, err := h.KeySet(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if served := body(t, serve(h, "GET")); served != string(document) {
			t.Errorf("%q: served %s, want %s", alias, served, document)
		}
		var set jwks.Set
		if err := json.Unmarshal(document, &set); err != nil {
			t.Fatal(err)
		}
		var kids []string
		for _, key := range set.Keys {
			kids = append(kids, key.KeyID())
		}
		if got := strings.Join(kids, " "); got != want {
			t.Errorf("%q: got %q, want %q", alias, got, want)
		}
	}
	none := &jwks.Handler{Source: store, Alias: "none"}
	if _, err := none.KeySet(context.Background()); !errors.Is(err, keystore.ErrNoKey) || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("got %v, want ErrNoKey and the alias", err)
	}
	if got := serve(none, "GET").StatusCode; got != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", got)
	}
	var missing *jwks.Handler
	if _, err := missing.KeySet(context.Background()); err == nil || serve(missing, "GET").StatusCode != http.StatusServiceUnavailable {
		t.Errorf("no handler: got %v, want an error and 503", err)
	}
}

// Others look for the document in two places (RFC 8414 section 5).
func TestPathsOfTheMetadata(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://issuer.example":     "/.well-known/openid-configuration /.well-known/oauth-authorization-server",
		"https://issuer.example/a/b": "/a/b/.well-known/openid-configuration /.well-known/oauth-authorization-server/a/b",
		"https://issuer.example/a/":  "/a/.well-known/openid-configuration /.well-known/oauth-authorization-server/a",
		"issuer":                     "",
		"https://[":                  "",
	} {
		h := &jwks.MetadataHandler{Metadata: jwks.Metadata{Issuer: issuer}}
		if got := strings.Join(h.Paths(), " "); got != want {
			t.Errorf("%s: got %q, want %q", issuer, got, want)
		}
	}
}
