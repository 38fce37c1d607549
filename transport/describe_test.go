package transport_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// offering describes an endpoint as its issuer's metadata does.
func offering(t *testing.T, e *transport.TokenEndpoint) jwks.Metadata {
	t.Helper()
	handler := &jwks.MetadataHandler{
		Metadata: e.Describe(jwks.Metadata{
			Issuer: "https://issuer.example", KeySetURL: "https://issuer.example/keys",
			SigningAlgorithms: []keystore.Algorithm{"ES256"}, TokenEndpoint: "https://issuer.example/token",
		}),
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	var found jwks.Metadata
	if err := json.Unmarshal(w.Body.Bytes(), &found); err != nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return found
}

// Whatever is offered, the metadata names exactly the grants that are answered.
func TestDescribedGrantsAreThoseOffered(t *testing.T) {
	for offered := range 8 {
		e := newEndpoint(t)
		e.ClientCredentials = offered&1 != 0
		if offered&2 == 0 {
			e.Assertions = nil
		}
		if offered&4 != 0 {
			e.SubjectTokens = map[string]transport.TokenVerifier{transport.TokenTypeAccess: assertions}
		}
		if offered == 0 { // a token endpoint that offers nothing is none
			if got := e.Describe(jwks.Metadata{}).GrantTypes; len(got) > 0 {
				t.Errorf("nothing is offered: got %q", got)
			}
			continue
		}
		described := offering(t, e).GrantTypes
		for _, grant := range []string{"client_credentials", jwtBearer, "urn:ietf:params:oauth:grant-type:token-exchange", "password"} {
			w := httptest.NewRecorder()
			e.ServeHTTP(w, newPost(set("grant_type", grant)))
			answered := !strings.Contains(w.Body.String(), "unsupported_grant_type")
			if slices.Contains(described, grant) != answered {
				t.Errorf("%s: answered %t, and described are %q", grant, answered, described)
			}
		}
	}
}

func TestDescribedAuthentication(t *testing.T) {
	ann, ben := newParty(t, "ann"), newParty(t, "ben")
	secret, err := keystore.NewSecretKey([]byte(testSecret+testSecret), "")
	if err != nil {
		t.Fatal(err)
	}
	shared, err := tokenprofile.Profile{Algorithm: tokenprofile.HS512, Issuer: "c", Audience: []string{"as"}}.SecretVerifier(secret)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name         string
		registration transport.Registration
		methods      string
		algorithms   string
	}{
		{"none", transport.Registration{}, "", ""},
		{"a secret", transport.Registration{SecretHash: hashOf(t, testSecret)}, "client_secret_basic client_secret_post", ""},
		{"a key", transport.Registration{Assertions: must[*tokenprofile.Verifier](t)(ann.profile.Verifier(ann.keys))}, "private_key_jwt", "ES256"},
		{"keys of several", transport.Registration{Assertions: byIssuer(t, ann, ben)}, "private_key_jwt", "ES256"},
		{"a shared secret that signs", transport.Registration{Assertions: shared}, "client_secret_jwt", "HS512"},
		{"a verifier that tells nothing", transport.Registration{Assertions: jwtClient}, "", ""},
		{"a named certificate", transport.Registration{Certificate: &transport.ClientCertificate{DNS: "a.example"}}, "tls_client_auth", ""},
		{"a certificate of its own", transport.Registration{Certificate: &transport.ClientCertificate{Thumbprints: []string{"x"}}}, "self_signed_tls_client_auth", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEndpoint(t)
			e.Clients = transport.Registrations{"a": tt.registration, "b": tt.registration}
			got := e.Describe(jwks.Metadata{})
			if methods := strings.Join(got.TokenEndpointAuthMethods, " "); methods != tt.methods {
				t.Errorf("got the methods %q, want %q", methods, tt.methods)
			}
			var algorithms []string
			for _, a := range got.TokenEndpointAuthAlgorithms {
				algorithms = append(algorithms, string(a))
			}
			if got := strings.Join(algorithms, " "); got != tt.algorithms {
				t.Errorf("got the algorithms %q, want %q", got, tt.algorithms)
			}
		})
	}
}

func TestDescribeAddsAndTakesNothing(t *testing.T) {
	e := newEndpoint(t)
	e.URL, e.AssertionAlone, e.MutualTLS = "https://issuer.example/token", true, true
	e.DPoP = &tokenprofile.ProofVerifier{Algorithms: []tokenprofile.Algorithm{"ES384"}}
	own := jwks.Metadata{
		Issuer: "https://issuer.example", KeySetURL: "https://issuer.example/keys", SigningAlgorithms: []keystore.Algorithm{"EdDSA"},
		GrantTypes: []string{"authorization_code", "client_credentials"}, Scopes: []string{"read"},
		TokenEndpointAuthMethods: []string{"private_key_jwt"}, TokenEndpointAuthAlgorithms: []keystore.Algorithm{"PS256"},
	}
	got, err := json.Marshal(e.Describe(own))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"issuer":"https://issuer.example","jwks_uri":"https://issuer.example/keys","id_token_signing_alg_values_supported":["EdDSA"],` +
		`"token_endpoint":"https://issuer.example/token","grant_types_supported":["authorization_code","client_credentials","` + jwtBearer + `"],` +
		`"token_endpoint_auth_methods_supported":["private_key_jwt","none","client_secret_basic","client_secret_post"],` +
		`"token_endpoint_auth_signing_alg_values_supported":["PS256"],"scopes_supported":["read"],` +
		`"dpop_signing_alg_values_supported":["ES384"],"tls_client_certificate_bound_access_tokens":true}`
	if string(got) != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	if len(own.GrantTypes) != 2 || len(own.TokenEndpointAuthMethods) != 1 {
		t.Errorf("the metadata that was given has changed: %+v", own)
	}
	var none *transport.TokenEndpoint
	if got := none.Describe(own).TokenEndpoint; got != "" {
		t.Errorf("no endpoint: got %q", got)
	}
}
