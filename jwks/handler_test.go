package jwks_test

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

func serve(h http.Handler, method string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, "/jwks.json", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestHandlerServesTheKeys(t *testing.T) {
	first, second := jwkstest.NewKey("ES256").Public(), jwkstest.NewKey("EdDSA").Public()
	resp := serve(&jwks.Handler{Source: published{first, second, first}}, "GET")
	for name, want := range map[string]string{"Content-Type": "application/jwk-set+json", "Cache-Control": "public, max-age=300"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	set, err := jwks.Parse([]byte(body(t, resp)))
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 || !set.Keys[0].Equal(first) || !set.Keys[1].Equal(second) || set.Keys[0].KeyID() != first.KeyID() {
		t.Errorf("got %v, want %v and %v", set.Keys, first, second)
	}
}

func TestHandlerMethods(t *testing.T) {
	h := &jwks.Handler{Source: published{jwkstest.NewKey("ES256").Public()}}
	want := body(t, serve(h, "GET"))
	head := serve(h, "HEAD")
	if head.StatusCode != 200 || body(t, head) != "" || head.ContentLength != int64(len(want)) {
		t.Errorf("HEAD: got status %d and length %d, want 200, no body and length %d", head.StatusCode, head.ContentLength, len(want))
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		resp := serve(h, method)
		if resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: got %d, Allow %q, want 405 and GET, HEAD", method, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
}

// The same keys read anew are another slice with other pointers: comparing
// them costs once, and not at every request that follows.
func TestHandlerServesASetOfAnySizeAtTheSameCost(t *testing.T) {
	allocations := func(n int) float64 {
		signing := jwkstest.NewKey("ES256")
		keys := published{}
		for i := range n {
			keys = append(keys, signing.Public().WithKeyID(fmt.Sprint(i)))
		}
		source := &replaceable{keys: keys}
		h := &jwks.Handler{Source: source}
		etag := serve(h, "GET").Header.Get("ETag")
		again, err := jwks.Parse([]byte(body(t, serve(&jwks.Handler{Source: keys[:1]}, "GET"))))
		if err != nil {
			t.Fatal(err)
		}
		source.keys = slices.Clone(keys)
		for i := range n {
			source.keys[i] = again.Keys[0].WithKeyID(fmt.Sprint(i))
		}
		r := httptest.NewRequest("GET", "/jwks.json", nil)
		r.Header.Set("If-None-Match", etag)
		serve(h, "GET")
		return testing.AllocsPerRun(100, func() { h.ServeHTTP(httptest.NewRecorder(), r) })
	}
	if one, many := allocations(1), allocations(1000); many > one+1 {
		t.Errorf("got %v allocations for a set of 1000 keys, want %v as for one key", many, one)
	}
}

type replaceable struct{ keys []keystore.PublicKey }

func (r *replaceable) PublishedKeys(context.Context) ([]keystore.PublicKey, error) {
	return r.keys, nil
}

func TestHandlerAnswers304ToThoseWhoHaveTheSet(t *testing.T) {
	issuer := jwkstest.NewUnstartedIssuer("ES256", issuerURL)
	h := &jwks.Handler{Source: issuer}
	etag := serve(h, "GET").Header.Get("ETag")
	if !strings.HasPrefix(etag, `"`) {
		t.Fatalf("got ETag %s, want a strong one", etag)
	}
	for _, match := range []string{etag, `"other", ` + etag, "W/" + etag, "*"} {
		resp := serve(h, "GET", "If-None-Match", match)
		if resp.StatusCode != 304 || body(t, resp) != "" || resp.Header.Get("ETag") != etag || resp.Header.Get("Cache-Control") == "" {
			t.Errorf("If-None-Match %s: got %d, %v, want 304", match, resp.StatusCode, resp.Header)
		}
	}
	if resp := serve(h, "GET", "If-None-Match", `"other"`); resp.StatusCode != 200 {
		t.Errorf("another ETag: got %d, want 200", resp.StatusCode)
	}
	issuer.Rotate()
	if resp := serve(h, "GET", "If-None-Match", etag); resp.StatusCode != 200 || resp.Header.Get("ETag") == etag {
		t.Errorf("after a rotation: got %d and ETag %s, want 200 and another", resp.StatusCode, resp.Header.Get("ETag"))
	}
}

// A source may hand out more and more of one slice, or nothing at all.
func TestHandlerSeesWhenTheSliceOfItsSourceGrows(t *testing.T) {
	all := published{jwkstest.NewKey("ES256").Public(), jwkstest.NewKey("ES384").Public()}
	var now published
	h := &jwks.Handler{Source: &now}
	for _, n := range []int{0, 0, 1, 2} {
		now = all[:n]
		set, err := jwks.Parse([]byte(body(t, serve(h, "GET"))))
		if err != nil || len(set.Keys) != n {
			t.Errorf("got %v, %v, want %d keys", set, err, n)
		}
	}
}

func TestETagDependsOnTheKeysAlone(t *testing.T) {
	keys := published{jwkstest.NewKey("ES256").Public(), jwkstest.NewKey("ES384").Public()}
	a, b := serve(&jwks.Handler{Source: keys}, "GET"), serve(&jwks.Handler{Source: keys}, "GET")
	if a.Header.Get("ETag") != b.Header.Get("ETag") {
		t.Errorf("two instances: got %s and %s, want the same", a.Header.Get("ETag"), b.Header.Get("ETag"))
	}
}

func TestHandlerMaxAge(t *testing.T) {
	h := &jwks.Handler{Source: published{}, MaxAge: time.Hour}
	if got, want := serve(h, "GET").Header.Get("Cache-Control"), "public, max-age=3600"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

type failing struct{ err error }

func (f failing) PublishedKeys(context.Context) ([]keystore.PublicKey, error) { return nil, f.err }

func TestFailingSourceIs503WithAFixedText(t *testing.T) {
	key := jwkstest.NewKey("ES256").Public()
	canary := errors.New("canary: /secret/path is gone")
	tests := []struct {
		name   string
		source keystore.Publisher
		want   string // of the reason
	}{
		{"the source fails", failing{canary}, canary.Error()},
		{"there is no source", nil, "no source"},
		{"two keys have one kid", published{key, jwkstest.NewKey("ES256").Public().WithKeyID(key.KeyID())}, "two keys have the kid"},
		{"a key is no key", published{{}}, "zero PublicKey"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var reason error
			h := &jwks.Handler{Source: tt.source, OnError: func(_ *http.Request, err error) { reason = err }}
			resp := serve(h, "GET")
			if got := body(t, resp); resp.StatusCode != 503 || got != "key set unavailable\n" || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("got %d %q %v, want 503 with a fixed text, not to be stored", resp.StatusCode, got, resp.Header)
			}
			if reason == nil || !strings.Contains(reason.Error(), tt.want) {
				t.Errorf("OnError: got %v, want %q", reason, tt.want)
			}
		})
	}
	if resp := serve(&jwks.Handler{Source: failing{canary}}, "GET"); resp.StatusCode != 503 {
		t.Errorf("without OnError: got %d, want 503", resp.StatusCode)
	}
}

// members serves one key and returns its JWK.
func members(t *testing.T, h *jwks.Handler) map[string]any {
	t.Helper()
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(body(t, serve(h, "GET"))), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("got %v, %v, want one key", set, err)
	}
	return set.Keys[0]
}

func TestHandlerWritesUseAndAlgorithm(t *testing.T) {
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	agree, err := keystore.NewPublicKey(x25519.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	rsa := jwkstest.NewKey("RS256").Public()
	declared := func(jwk string) keystore.PublicKey {
		set, err := jwks.Parse([]byte(`{"keys":[` + jwk + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		return set.Keys[0]
	}
	tests := []struct {
		name     string
		key      keystore.PublicKey
		use, alg any
	}{
		{"P-256", jwkstest.NewKey("ES256").Public(), "sig", "ES256"},
		{"P-384", jwkstest.NewKey("ES384").Public(), "sig", "ES384"},
		{"P-521", jwkstest.NewKey("ES512").Public(), "sig", "ES512"},
		{"Ed25519", jwkstest.NewKey("EdDSA").Public(), "sig", "EdDSA"},
		{"X25519", agree, "enc", nil},
		{"RSA", rsa, "sig", "PS256"}, // the handler's
		{"a certificate for encipherment", certified(t, rsa, x509.KeyUsageKeyEncipherment), "enc", nil},
		{"a certificate for signatures", certified(t, rsa, x509.KeyUsageDigitalSignature), "sig", "PS256"},
		{"use declared", declared(strings.Replace(publicJWK, `{`, `{"use":"enc",`, 1)), "enc", nil},
		{"alg declared", declared(strings.Replace(publicJWK, `{`, `{"use":"enc","alg":"ECDH-ES",`, 1)), "enc", "ECDH-ES"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := members(t, &jwks.Handler{Source: published{tt.key}, Algorithm: "PS256"})
			if got["use"] != tt.use || got["alg"] != tt.alg || got["kid"] != tt.key.KeyID() {
				t.Errorf("got use %v, alg %v, kid %v, want %v, %v, %v", got["use"], got["alg"], got["kid"], tt.use, tt.alg, tt.key.KeyID())
			}
		})
	}
	if got := members(t, &jwks.Handler{Source: published{rsa}}); got["alg"] != nil {
		t.Errorf("an RSA key of no known algorithm: got alg %v, want none", got["alg"])
	}
}

// An algorithm that no published key can have is no answer: the owner would
// learn of it from others.
func TestHandlerRefusesAnAlgorithm(t *testing.T) {
	for algorithm, want := range map[keystore.Algorithm]string{
		"RS265":    `"RS265" is not one of ES256, ES384`,
		"HS256":    "Handler.Algorithm: HS256 is no signature by a key pair",
		"RSA-OAEP": "Handler.Algorithm: RSA-OAEP is no signature by a key pair",
	} {
		h := &jwks.Handler{Source: published{jwkstest.NewKey("RS256").Public()}, Algorithm: algorithm}
		_, err := h.KeySet(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", algorithm, err, want)
		}
		if resp := serve(h, "GET"); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: got %s, want 503", algorithm, resp.Status)
		}
	}
}

func TestHandlerWritesCertificatesOnRequest(t *testing.T) {
	key := certified(t, jwkstest.NewKey("ES256").Public(), x509.KeyUsageDigitalSignature)
	for name, h := range map[string]*jwks.Handler{
		"not asked for": {Source: published{key}},
		"none":          {Source: published{jwkstest.NewKey("ES256").Public()}, Certificates: true},
	} {
		got := members(t, h)
		for _, member := range []string{"x5c", "x5t#S256"} {
			if value, ok := got[member]; ok {
				t.Errorf("%s: got %s %v", name, member, value)
			}
		}
	}
	got := members(t, &jwks.Handler{Source: published{key}, Certificates: true})
	chain := got["x5c"].([]any)
	der, err := base64.StdEncoding.DecodeString(chain[0].(string))
	if err != nil || len(chain) != 1 || string(der) != string(key.Certificates()[0].Raw) {
		t.Errorf("x5c: got %v, %v, want the certificate in base64", chain, err)
	}
	if got["x5t#S256"] != key.X5TS256() {
		t.Errorf("x5t#S256: got %v, want %v", got["x5t#S256"], key.X5TS256())
	}
}

// Keys rotate while many ask: each answer is one whole set, and what changed
// is seen at once.
func TestHandlerIsSafeForConcurrentUse(t *testing.T) {
	issuer := jwkstest.NewUnstartedIssuer("ES256", issuerURL)
	h := &jwks.Handler{Source: issuer}
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			for range 30 {
				if n == 0 {
					old := issuer.KeyID()
					issuer.Rotate()
					issuer.Withdraw(old)
				}
				want := issuer.KeyID()
				set, err := jwks.Parse([]byte(body(t, serve(h, "GET"))))
				if err != nil || len(set.Keys) == 0 || n == 0 && set.Keys[0].KeyID() != want {
					t.Errorf("got %v, %v, want one set with %s", set, err, want)
				}
			}
		})
	}
	group.Wait()
}
