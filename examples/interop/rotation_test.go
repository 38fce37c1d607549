package interop_test

import (
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// rotating is a key in a file that is replaced while clients hold its JWK Set.
type rotating struct {
	path   string
	store  *keystore.Store
	signer *tokenprofile.Signer
	url    string
}

func newRotating(t *testing.T) *rotating {
	t.Helper()
	r := &rotating{path: filepath.Join(t.TempDir(), "signing.pem")}
	r.replace(t)
	store, err := keystore.File{Path: r.path, PublishBefore: time.Millisecond}.Open()
	if err != nil {
		t.Fatal(err)
	}
	if r.signer, err = profile(tokenprofile.ES256).Signer(store); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&jwks.Handler{Source: store})
	t.Cleanup(server.Close)
	r.store, r.url = store, server.URL
	return r
}

// replace puts a new key in the place of the file, as mv does.
func (r *rotating) replace(t *testing.T) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(ecKey(t, elliptic.P256()))
	if err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(r.path+".new", block, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(r.path+".new", r.path); err != nil {
		t.Fatal(err)
	}
}

func (r *rotating) sign(t *testing.T) string {
	t.Helper()
	token, err := r.signer.Sign(t.Context(), map[string]any{"order": 4711})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// rotate replaces the key and waits until it signs.
func (r *rotating) rotate(t *testing.T) {
	t.Helper()
	before := keyIDOf(t, r.sign(t))
	r.replace(t)
	for deadline := time.Now().Add(30 * time.Second); keyIDOf(t, r.sign(t)) == before; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the replaced key still signs after 30 s")
		}
	}
}

func keyIDOf(t *testing.T, text string) string {
	t.Helper()
	token, _, err := jwt.NewParser().ParseUnverified(text, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	return token.Header["kid"].(string)
}

// survivesRotation verifies a token of the old key, one of the new key, and
// the old one again, as a service does that runs through a rotation.
func survivesRotation(t *testing.T, keys *rotating, verify func(context.Context, string) error) {
	t.Helper()
	old := keys.sign(t)
	if err := verify(t.Context(), old); err != nil {
		t.Fatalf("before the rotation: %v", err)
	}
	keys.rotate(t)
	if err := verify(t.Context(), keys.sign(t)); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if err := verify(t.Context(), old); err != nil {
		t.Errorf("the old key: %v", err)
	}
	if err := verify(t.Context(), altered(old)); err == nil {
		t.Error("an altered token verifies")
	}
}

func TestGoOIDCFollowsOurRotation(t *testing.T) {
	keys := newRotating(t)
	set := oidc.NewRemoteKeySet(t.Context(), keys.url)
	verifier := oidc.NewVerifier(issuer, set, &oidc.Config{ClientID: audience, SupportedSigningAlgs: []string{"ES256"}})
	survivesRotation(t, keys, func(ctx context.Context, token string) error {
		_, err := verifier.Verify(ctx, token)
		return err
	})
}

// Whoever knows the issuer's name alone finds its keys by our metadata, and
// follows them through a rotation.
func TestOurMetadataLeadsGoOIDCAndDiscoverToTheKeys(t *testing.T) {
	keys := newRotating(t)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	handler := &jwks.Handler{Source: keys.store}
	mux.Handle("GET /jwks.json", handler)
	mux.Handle("GET /.well-known/openid-configuration", &jwks.MetadataHandler{
		Metadata: jwks.Metadata{Issuer: server.URL, KeySetURL: server.URL + "/jwks.json"}, Keys: handler,
	})
	p := profile(tokenprofile.ES256)
	p.Issuer = server.URL
	var err error
	if keys.signer, err = p.Signer(keys.store); err != nil {
		t.Fatal(err)
	}

	provider, err := oidc.NewProvider(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	other := provider.Verifier(&oidc.Config{ClientID: audience})
	client := &jwks.Client{MinInterval: time.Millisecond}
	if err := client.Discover(t.Context(), server.URL); err != nil {
		t.Fatal(err)
	}
	ours, err := p.Verifier(client)
	if err != nil {
		t.Fatal(err)
	}
	survivesRotation(t, keys, func(ctx context.Context, token string) error {
		_, err := other.Verify(ctx, token)
		_, ourErr := ours.Verify(ctx, token)
		return errors.Join(err, ourErr)
	})
}

func TestKeyfuncFollowsOurRotation(t *testing.T) {
	keys := newRotating(t)
	set, err := keyfunc.NewDefaultCtx(t.Context(), []string{keys.url})
	if err != nil {
		t.Fatal(err)
	}
	survivesRotation(t, keys, func(ctx context.Context, token string) error {
		_, err := jwt.Parse(token, set.KeyfuncCtx(ctx), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
			jwt.WithExpirationRequired(), jwt.WithValidMethods([]string{"ES256"}))
		return err
	})
}

func TestJOSEFollowsOurRotation(t *testing.T) {
	node := startPeer(t)
	keys := newRotating(t)
	survivesRotation(t, keys, func(_ context.Context, token string) error {
		in := request{Alg: "ES256", JWKS: keys.url, Token: token, Issuer: issuer, Audience: audience}
		return node.try(t, "verify", in).err()
	})
}

func TestWeFollowJOSEsRotation(t *testing.T) {
	node := startPeer(t)
	client := &jwks.Client{URL: node.jwks(""), MinInterval: time.Millisecond}
	verifier, err := profile(tokenprofile.ES256).Verifier(client)
	if err != nil {
		t.Fatal(err)
	}
	sign := func() string { return node.do(t, "sign", request{Alg: "ES256", Claims: claims()}).Token }
	old := sign()
	checkVerified(t, verifier, old)
	node.do(t, "rotate", request{})
	checkVerified(t, verifier, sign())
	checkVerified(t, verifier, old)
}
