package jwks_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Whoever builds on a client that can never fetch learns it there, and not from
// the first request.
func TestConstructorsRefuseClientsThatCanNeverFetch(t *testing.T) {
	tests := []struct {
		name   string
		client *jwks.Client
		want   string // empty: it may
	}{
		{"no client", nil, "the client is nil"},
		{"no URL", &jwks.Client{}, "misconfigured: no URL"},
		{"a malformed URL", &jwks.Client{URL: "https://issuer.example/%zz"}, "not an absolute URL"},
		{"a path", &jwks.Client{URL: "/jwks.json"}, "not an absolute URL"},
		{"no host", &jwks.Client{URL: "https:///jwks.json"}, "not an absolute URL"},
		{"a port of no host", &jwks.Client{URL: "https://:443/jwks.json"}, "not an absolute URL"},
		{"another scheme", &jwks.Client{URL: "file:///jwks.json"}, "not an absolute URL"},
		{"another scheme with a host", &jwks.Client{URL: "ftp://issuer.example/jwks.json"}, `scheme "ftp" is not https`},
		{"plain http", &jwks.Client{URL: "http://issuer.example/jwks.json"}, "http://issuer.example is not https"},
		{"negative times", &jwks.Client{URL: "https://issuer.example", MaxAge: -1, MinInterval: -1}, "MaxAge is negative\nMinInterval is negative"},
		{"https", &jwks.Client{URL: "https://issuer.example/jwks.json"}, ""},
		{"plain http to this machine", &jwks.Client{URL: "http://localhost:1/jwks.json"}, ""},
		{"plain http where it is named", &jwks.Client{URL: "http://issuer.example/jwks.json", PlainHTTP: true}, ""},
	}
	signed := tokenprofile.Profile{Algorithm: "ES256", Issuer: "https://issuer.example", Audience: []string{"https://api.example"}}
	encrypted := signed
	encrypted.Encryption = &tokenprofile.Encryption{KeyAlgorithm: "RSA-OAEP-256", ContentAlgorithm: "A256GCM"}
	own := keystore.New(jwkstest.NewKey("ES256"))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.client != nil {
				tt.client.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					t.Errorf("%s was fetched", r.URL)
					return nil, errors.New("no route")
				}), Timeout: time.Second}
			}
			_, verifierErr := signed.Verifier(tt.client)
			_, signerErr := encrypted.Signer(own, tokenprofile.EncryptTo(tt.client))
			for what, err := range map[string]error{"Verifier": verifierErr, "EncryptTo": signerErr} {
				switch {
				case tt.want == "" && err != nil:
					t.Errorf("%s: got %v, want no error", what, err)
				case tt.want != "" && (!errors.Is(err, keystore.ErrMisconfigured) || !strings.Contains(err.Error(), tt.want)):
					t.Errorf("%s: got %v, want ErrMisconfigured and %q", what, err, tt.want)
				}
			}
		})
	}
}

// A set that has no key never has one, whosever token it is.
func TestConstructorsRefuseASetWithoutAKey(t *testing.T) {
	profile := tokenprofile.Profile{Algorithm: "ES256", Issuer: "https://issuer.example", Audience: []string{"https://api.example"}}
	for document, want := range map[string]string{
		`{"keys":[]}`:                           "no usable key in the set",
		`{"keys":[{"kty":"EC"},{"kty":"OKP"}]}`: `no usable key in the set (2 skipped): key 1 of 2: keystore: JWK: member "crv" is missing`,
	} {
		set, err := jwks.Parse([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := profile.Verifier(set); !errors.Is(err, keystore.ErrMisconfigured) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want ErrMisconfigured and %s", document, err, want)
		}
	}
}

// For a tenant found to be misconfigured by its first token, no statement is
// made about the token.
func TestMisconfiguredTenantIsNoFaultOfTheToken(t *testing.T) {
	profile := tokenprofile.Profile{Algorithm: "ES256", Audience: []string{"https://api.example"}}
	verifier, err := tokenprofile.ByTenant(profile, func(string) keystore.PublicSource { return &jwks.Client{URL: "http://issuer.example"} })
	if err != nil {
		t.Fatal(err)
	}
	profile.Issuer = "https://issuer.example"
	signer, err := profile.Signer(keystore.New(jwkstest.NewKey("ES256")))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = verifier.Verify(t.Context(), token); !errors.Is(err, keystore.ErrUnavailable) || errors.Is(err, tokenprofile.ErrInvalid) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}
