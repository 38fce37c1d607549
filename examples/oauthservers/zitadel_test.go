package oauthservers_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// zitadelStorage is the one of zitadel's example, with a service whose keys are ours.
type zitadelStorage struct {
	*storage.Storage
	keys *keystore.Store
}

const service = "billing service"

func (s zitadelStorage) GetKeyByIDAndClientID(ctx context.Context, kid, client string) (*jose.JSONWebKey, error) {
	keys, err := s.keys.PublicKeys(ctx, kid)
	if err != nil || client != service || len(keys) != 1 {
		return nil, errors.New("no such key")
	}
	return &jose.JSONWebKey{KeyID: kid, Use: "sig", Key: keys[0].CryptoKey()}, nil
}

func newZitadel(t *testing.T, keys *keystore.Store) (issuer string) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	users := storage.NewUserStore(server.URL)
	config := &op.Config{AuthMethodPost: true, AuthMethodPrivateKeyJWT: true}
	provider, err := op.NewProvider(config, zitadelStorage{storage.NewStorage(users), keys}, op.StaticIssuer(server.URL),
		op.WithAllowInsecure(), op.WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", provider)
	return server.URL
}

func TestZitadelGrantsOurClients(t *testing.T) {
	keys, stranger := newStore(), newStore()
	issuer := newZitadel(t, keys)
	signer := func(subject, audience string, keys *keystore.Store) *tokenprofile.Signer {
		return must(tokenprofile.Profile{
			Algorithm: tokenprofile.RS256, Issuer: subject, Subject: subject, Audience: []string{audience}, AudienceArray: true,
		}.Signer(keys))
	}
	for _, test := range []struct {
		name  string
		grant *transport.Grant
		want  string // the code of the refusal (RFC 6749, 5.2, and RFC 7521, 4.1.1), or ""
		says  string // and of its text what tells the reason; this server says nothing of a secret
	}{
		{"a secret in Basic", &transport.Grant{ClientID: "sid1", ClientSecret: keystore.StaticPassword("verysecret")}, "", ""},
		{"a secret in the body", &transport.Grant{ClientID: "sid1", ClientSecret: keystore.StaticPassword("verysecret"), SecretInBody: true}, "", ""},
		{"a wrong secret", &transport.Grant{ClientID: "sid1", ClientSecret: keystore.StaticPassword("not the secret")}, "invalid_client", ""},
		{"an assertion", &transport.Grant{Assertion: signer(service, issuer, keys), Scopes: []string{"openid"}}, "", ""},
		{"an assertion by another key", &transport.Grant{Assertion: signer(service, issuer, stranger)}, "invalid_grant", "no such key"},
		{"an assertion for another server", &transport.Grant{Assertion: signer(service, "https://elsewhere.example", keys)}, "invalid_grant", "audience is not valid"},
		{"an assertion about a stranger", &transport.Grant{Assertion: signer("stranger", issuer, keys)}, "invalid_grant", "no such key"},
	} {
		test.grant.TokenURL = issuer + "/oauth/token"
		token, _, err := test.grant.Token(t.Context())
		var refused *transport.GrantError
		switch {
		case test.want == "" && (err != nil || token == ""):
			t.Errorf("%s: got %v", test.name, err)
		case test.want != "" && (!errors.As(err, &refused) || refused.Code != test.want || !strings.Contains(refused.Description, test.says)):
			t.Errorf("%s: got %v, want %s and %q", test.name, err, test.want, test.says)
		}
	}
}
