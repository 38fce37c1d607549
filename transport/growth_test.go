package transport_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// guarded is a request with a token of the last of so many issuers, and a guard
// that admits them all.
func guarded(t testing.TB, n int) func() {
	t.Helper()
	store, err := exampleStore()
	if err != nil {
		t.Fatal(err)
	}
	verifiers, p := make([]*tokenprofile.Verifier, n), exampleProfile
	for i := range verifiers {
		p.Issuer = fmt.Sprintf("https://%d.example", i)
		if verifiers[i], err = p.Verifier(store); err != nil {
			t.Fatal(err)
		}
	}
	issuers, err := tokenprofile.ByIssuer(verifiers...)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := p.Signer(store)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	admitted := 0
	count := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { admitted++ })
	handler, w := (&transport.Guard{Verifier: issuers}).Handler(count), discard{http.Header{}}
	r := httptest.NewRequest("GET", "https://api.example/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return func() {
		before := admitted
		if handler.ServeHTTP(w, r); admitted != before+1 {
			t.Fatal("refused")
		}
	}
}

// carried is a request of the next of so many users, for each of whom there is
// a token.
func carried(t testing.TB, n int) func() {
	t.Helper()
	bearer := &transport.Bearer{Source: &fakeSource{}, Base: inMemory, Claims: actingUser, MaxClaims: n}
	requests := make([]*http.Request, n)
	send := func(r *http.Request) {
		if _, err := bearer.RoundTrip(r); err != nil {
			t.Fatal(err)
		}
	}
	for i := range requests {
		requests[i] = newRequest(t, http.MethodGet)
		requests[i].Header.Set("X-User", fmt.Sprint(i))
		send(requests[i])
	}
	i := 0
	return func() { i++; send(requests[i%n]) }
}

func benchmarkGrowth(b *testing.B, prepare func(testing.TB, int) func()) {
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			once := prepare(b, n)
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
		})
	}
}

func BenchmarkGuardGrowth(b *testing.B)  { benchmarkGrowth(b, guarded) }
func BenchmarkBearerGrowth(b *testing.B) { benchmarkGrowth(b, carried) }

func TestManyTakeNoMoreAllocationsThanOne(t *testing.T) {
	for name, prepare := range map[string]func(testing.TB, int) func(){"issuers of a guard": guarded, "users of a client": carried} {
		one, many := testing.AllocsPerRun(2000, prepare(t, 1)), testing.AllocsPerRun(2000, prepare(t, 1000))
		if many > one+1 { // a pool that forgets, as under the race detector, costs one now and then
			t.Errorf("%s: got %v allocations for one of 1000, want %v or one more, as for one", name, many, one)
		}
	}
}
