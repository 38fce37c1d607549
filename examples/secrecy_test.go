package examples_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"go/types"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A canary stands for each kind of secret: if it is seen, so would the secret be.
const (
	canaryKey      = "canary-key-canary-key-canary-key" // of 32 bytes, as Ed25519 and HS256 want
	canaryClaim    = "canary-claim"
	canaryPassword = "canary-password"
)

// TestNoExportedTypePrintsASecret prints a value of every exported type that
// can hold something, in use, with every verb and in both kinds of log.
func TestNoExportedTypePrintsASecret(t *testing.T) {
	values, token := inUse(t)
	secrets := append(notations(canaryKey), canaryClaim, canaryPassword, token, token[strings.LastIndex(token, ".")+1:])
	covered := make(map[string]bool)
	for _, value := range values {
		typ := reflect.TypeOf(value)
		for form, text := range printed(value) {
			if i := slices.IndexFunc(secrets, func(secret string) bool { return strings.Contains(text, secret) }); i >= 0 {
				t.Errorf("%s of a %s tells a secret: %s", form, typ, text)
			}
		}
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		covered[typ.String()] = true
	}
	for _, name := range exportedHolders(t) {
		if !covered[name] {
			t.Errorf("no value of %s is printed", name)
		}
	}
}

// printed is the value in every form a program may write by mistake, by itself
// and within other values. Verbs that do not fit print what stands behind
// pointers. (%p asks no method of a value; vet finds it. What json.Marshal
// writes of a value within others is what the program asked for.)
func printed(value any) map[string]string {
	forms := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U", "%t", "%e"} {
		forms[verb] = fmt.Sprintf(verb, value)
		forms[verb+" within others"] = fmt.Sprintf(verb, []any{struct{ Exported any }{value}})
	}
	var text, structured bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("value", "value", value)
	slog.New(slog.NewJSONHandler(&structured, nil)).Info("value", "value", value)
	forms["a text log"], forms["a JSON log"] = text.String(), structured.String()
	return forms
}

// notations are the ways a secret could be written.
func notations(secret string) []string {
	plain := []byte(secret[:24]) // the end may be written differently
	hexadecimal := hex.EncodeToString(plain)
	return []string{
		string(plain), strings.Trim(fmt.Sprint(plain), "[]"), hexadecimal, strings.ToUpper(hexadecimal), fmt.Sprintf("% x", plain),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", plain), "[]byte{"), "}"), base64.StdEncoding.EncodeToString(plain),
	}
}

// exportedHolders are the exported types that have fields or elements.
func exportedHolders(t *testing.T) (names []string) {
	imp := exportImporter(t)
	for _, name := range packages {
		pkg, err := imp.Import(module + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range pkg.Scope().Names() {
			o, ok := pkg.Scope().Lookup(object).(*types.TypeName)
			if !ok || !o.Exported() {
				continue
			}
			switch o.Type().Underlying().(type) {
			case *types.Struct, *types.Map, *types.Slice, *types.Signature:
				names = append(names, name+"."+object)
			}
		}
	}
	return names
}

// inUse is a value of each type, most of them after a token has passed
// through, and that token.
func inUse(t *testing.T) (values []any, token string) {
	private := must(keystore.NewPrivateKey(ed25519.NewKeyFromSeed([]byte(canaryKey))))(t)
	secret := must(keystore.NewSecretKey([]byte(canaryKey), "s"))(t)
	store := keystore.New(private)
	keyed := must(keystore.Parse([]byte(`{"keys":[{"kty":"oct","kid":"s","k":"`+base64.RawURLEncoding.EncodeToString([]byte(canaryKey))+`"}]}`), nil))(t)
	password := keystore.StaticPassword(canaryPassword)

	profile := tokenprofile.Profile{
		Algorithm: tokenprofile.EdDSA, Issuer: "i", Audience: []string{"a"},
		Encryption: &tokenprofile.Encryption{KeyAlgorithm: tokenprofile.Direct, ContentAlgorithm: tokenprofile.A256GCM},
	}
	encrypt, decrypt := tokenprofile.EncryptWithSecret(keyed), tokenprofile.DecryptWithSecret(keyed)
	nestedSigner, nestedVerifier := must(profile.Signer(store, encrypt))(t), must(profile.Verifier(store, decrypt))(t)
	profile.Encryption = nil
	signer, verifier := must(profile.Signer(store))(t), must(profile.Verifier(store))(t)
	issuers := must(tokenprofile.ByIssuer(verifier))(t)
	profile.Algorithm = tokenprofile.HS256
	macSigner, macVerifier := must(profile.SecretSigner(keyed))(t), must(profile.SecretVerifier(keyed))(t)

	ctx := t.Context()
	claims := map[string]string{"secret": canaryClaim}
	token = must(signer.Sign(ctx, claims))(t)
	verified := must(issuers.Verify(ctx, token))(t)
	must(nestedVerifier.Verify(ctx, must(nestedSigner.Sign(ctx, claims))(t)))(t)
	must(macVerifier.Verify(ctx, must(macSigner.Sign(ctx, claims))(t)))(t)

	prover := must(tokenprofile.NewProver(private))(t)
	proof := tokenprofile.Proof{Method: "GET", URL: "https://a.example", TokenHash: tokenprofile.HashToken(token)}
	nonces := &tokenprofile.ProofNonces{Key: secret}
	proofs := &tokenprofile.ProofVerifier{Nonces: nonces}
	proof.Nonce = proofs.Nonce()
	must(proofs.Verify(ctx, must(prover.Prove(ctx, proof))(t), proof, ""))(t)
	replay := &tokenprofile.MemoryReplayGuard{}
	must(replay.First(ctx, "i", canaryClaim, verified.Expiry))(t)

	bearer := &transport.Bearer{Source: signer, Base: answering(http.StatusOK), Claims: func(*http.Request) (any, error) { return claims, nil }}
	must(bearer.RoundTrip(must(http.NewRequest("GET", "https://a.example", nil))(t)))(t)
	exchange := &transport.Exchange{Subject: signer}
	grant := &transport.Grant{TokenURL: "https://a.example/token", ClientID: "c", ClientSecret: password, HTTPClient: &http.Client{Transport: answering(http.StatusBadRequest)}, Exchange: exchange}
	_, _, err := grant.Token(ctx)
	refused := new(transport.GrantError)
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	granting := &transport.Grant{TokenURL: "https://a.example/token", ClientID: "c", HTTPClient: &http.Client{Transport: granting(token)}}
	answer := must(granting.Ask(ctx, nil))(t)
	guard := &transport.Guard{Verifier: verifier, Authorize: func(*http.Request, *tokenprofile.Token) (context.Context, error) {
		return nil, &transport.ScopeError{Scope: "s"}
	}}
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	_, err = guard.Check(request)
	refusal := new(transport.Refusal)
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	hash := must(transport.HashSecret(canaryPassword + "-of-enough-bytes"))(t)
	registration := transport.Registration{SecretHash: hash, Assertions: verifier}
	registrations := transport.Registrations{"c": registration}
	endpoint := &transport.TokenEndpoint{Clients: registrations, Signer: signer, Assertions: verifier, DPoP: proofs}

	client := &jwks.Client{URL: "https://a.example/jwks.json"}
	return []any{
		keystore.DecryptionFunc(store.PrivateKeys),
		store, keyed, keystore.File{Path: "f", Password: password, KeyPasswords: map[string]keystore.Password{"a": password}}, password,
		private, secret, private.Public(), keyed.Entries()[0], store.Entries()[0], keystore.Selection{Alias: "a"}, keystore.Rotation{Subject: "CN=a"},
		store.Status(), store.Status().Keys[0],
		client, jwks.Fetch{}, &jwks.Handler{Source: store}, jwks.Set{}, client.Status(),
		jwks.Metadata{}, &jwks.MetadataHandler{Keys: &jwks.Handler{Source: store}},
		profile, profile.Header, profile.Waive, tokenprofile.Encryption{}, encrypt, decrypt, tokenprofile.NumericDate{}, tokenprofile.Fault{},
		signer, nestedSigner, macSigner, verifier, nestedVerifier, macVerifier, issuers, *signer,
		verified, *verified, proof, nonces, proofs, prover, replay,
		bearer, exchange, grant, granting, answer, &answer, transport.FileToken{Path: "f"}, guard, refused, *refused, refusal, *refusal, &transport.ScopeError{Scope: "s"},
		transport.Access{Subject: canaryClaim, Claims: map[string]any{"secret": canaryClaim}}, &transport.AccessRequest{ClientID: "c", Assertion: verified},
		transport.Refresh{Err: refused}, bearer.Status(), transport.TLS{Keys: store}, registration, registrations, endpoint,
		&transport.Client{Client: &http.Client{Transport: bearer}, Bearer: bearer, Keys: store, Token: signer, Prover: prover},
		&transport.ClientProfile{TokenFile: "f"}, transport.DeclaredStore{Path: "f"}, transport.DeclaredSecret{Env: "E"}, transport.DeclaredToken{Profile: profile},
		transport.DeclaredKey{}, transport.DeclaredGrant{}, transport.DeclaredKeySet{}, transport.Uses{}, &transport.GuardProfile{Replay: replay},
		transport.DeclaredIssuer{}, transport.DeclaredMemory{},
		&transport.ResourceMetadata{Resource: "https://a.example"}, transport.ClientCertificate{DNS: "a.example"},
	}, token
}

// answering answers with the secrets it got.
type answering int

func (status answering) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(int(status))
	fmt.Fprintf(w, `{"error":%q,"error_description":%[1]q}`, r.Header.Get("Authorization"))
	return w.Result(), nil
}

// granting answers with the token.
type granting string

func (token granting) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	fmt.Fprintf(w, `{"access_token":%q}`, string(token))
	return w.Result(), nil
}

// must is for calls that must not fail: must(f())(t).
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
