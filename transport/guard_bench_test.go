package transport_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

var nothing = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func benchmarkGuard(b *testing.B, guard *transport.Guard, authorization string) {
	b.Helper()
	r := httptest.NewRequest("GET", "https://api.example/orders", nil)
	r.Header.Set("Authorization", authorization)
	handler, w := guard.Handler(nothing), discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(w, r)
	}
}

// BenchmarkGuard is what a guard costs around a verifier that costs nothing,
// and with a real one that has seen the token before.
func BenchmarkGuard(b *testing.B) {
	keys, err := exampleStore()
	if err != nil {
		b.Fatal(err)
	}
	signer, err := exampleProfile.Signer(keys)
	if err != nil {
		b.Fatal(err)
	}
	verifier, err := exampleProfile.Verifier(keys)
	if err != nil {
		b.Fatal(err)
	}
	token, err := signer.Sign(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}

	verified := &tokenprofile.Token{Subject: "billing", Claims: []byte(`{"sub":"billing"}`)}
	free := verifyFunc(func(context.Context, string) (*tokenprofile.Token, error) { return verified, nil })
	b.Run("verifier=free", func(b *testing.B) { benchmarkGuard(b, &transport.Guard{Verifier: free}, "Bearer "+token) })
	b.Run("verifier=warm", func(b *testing.B) { benchmarkGuard(b, &transport.Guard{Verifier: verifier}, "Bearer "+token) })
	b.Run("rejected=malformed", func(b *testing.B) { benchmarkGuard(b, &transport.Guard{Verifier: verifier}, "Bearer a.b.c") })
	b.Run("rejected=huge", func(b *testing.B) {
		benchmarkGuard(b, &transport.Guard{Verifier: verifier}, "Bearer "+strings.Repeat("a", 60<<10))
	})
	b.Run("rejected=signature", func(b *testing.B) {
		benchmarkGuard(b, &transport.Guard{Verifier: verifier}, "Bearer "+token[:len(token)-4]+"AAAA")
	})
}

// BenchmarkGuardDPoP is a request with a proof that has not been seen before:
// making it is part of the figure.
func BenchmarkGuardDPoP(b *testing.B) {
	prover := newProver(b)
	guard := newDPoPGuard(boundTo(prover))
	handler, w := guard.Handler(nothing), discard{http.Header{}}
	r := httptest.NewRequest("GET", "https://api.example/orders", nil)
	r.Header.Set("Authorization", "DPoP aaa.bbb.ccc")
	b.ReportAllocs()
	for b.Loop() {
		r.Header.Set("DPoP", prove(b, prover, ordersProof))
		handler.ServeHTTP(w, r)
	}
}

func BenchmarkTokenEndpoint(b *testing.B) {
	endpoint := newEndpoint(b)
	b.ReportAllocs()
	for b.Loop() {
		endpoint.ServeHTTP(discard{http.Header{}}, newPost())
	}
}
