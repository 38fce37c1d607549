package tokenprofile_test

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

var sizes = []int{1, 10, 100, 1000, 10_000}

// grow runs a benchmark once for every size.
func grow(b *testing.B, run func(b *testing.B, n int)) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) { b.ReportAllocs(); run(b, n) })
	}
}

// aliased is a store of one key under so many aliases, and a profile that names
// the last of them.
func aliased(t testing.TB, n int) (*keystore.Store, tokenprofile.Profile) {
	key := keyFor(t, "EdDSA")
	keys := make([]keystore.PrivateKey, n)
	for i := range keys {
		keys[i] = key.WithAlias(fmt.Sprintf("key-%d", i))
	}
	p := profileOf("EdDSA")
	p.KeyAlias = fmt.Sprintf("key-%d", n-1)
	return keystore.New(keys...), p
}

// issuers are so many verifiers behind one, and a token of the last.
func issuers(t testing.TB, n int) (all *tokenprofile.Issuers, token string) {
	store := keystore.New(keyFor(t, "EdDSA"))
	p := profileOf("EdDSA")
	verifiers := make([]*tokenprofile.Verifier, n)
	for i := range verifiers {
		p.Issuer = fmt.Sprintf("https://%d.example", i)
		verifiers[i] = ok(p.Verifier(store))(t)
	}
	return ok(tokenprofile.ByIssuer(verifiers...))(t), ok(ok(p.Signer(store))(t).Sign(t.Context(), nil))(t)
}

// live is a verifier that has seen so many tokens, and these.
func live(t testing.TB, n int) (*tokenprofile.Verifier, []string) {
	p := profileOf("EdDSA")
	p.TokenID, p.CacheSize = true, n
	signer, verifier := pair(t, p)
	tokens := make([]string, n)
	for i := range tokens {
		tokens[i] = ok(signer.Sign(t.Context(), nil))(t)
		ok(verifier.Verify(t.Context(), tokens[i]))(t)
	}
	return verifier, tokens
}

// aliasedSecrets is a store of so many secret keys, and a profile that names the
// last of them.
func aliasedSecrets(t testing.TB, n int) (*keystore.Store, tokenprofile.Profile) {
	keys := make([]string, n)
	for i := range keys {
		k := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%032d", i))
		keys[i] = fmt.Sprintf(`{"kty":"oct","kid":"key-%d","k":"%s"}`, i, k)
	}
	p := profileOf("HS256")
	p.KeyAlias = fmt.Sprintf("key-%d", n-1)
	return ok(keystore.Parse(fmt.Appendf(nil, `{"keys":[%s]}`, strings.Join(keys, ",")), nil))(t), p
}

func BenchmarkSignByAliasGrowth(b *testing.B) {
	grow(b, func(b *testing.B, n int) {
		store, p := aliased(b, n)
		signer := ok(p.Signer(store))(b)
		for b.Loop() {
			ok(signer.Sign(b.Context(), nil))(b)
		}
	})
}

func BenchmarkSignBySecretAlias(b *testing.B) {
	for _, n := range []int{1, 1000} { // as many as a JWK Set may have
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			store, p := aliasedSecrets(b, n)
			signer := ok(p.SecretSigner(store))(b)
			for b.Loop() {
				ok(signer.Sign(b.Context(), nil))(b)
			}
		})
	}
}

func BenchmarkByIssuerGrowth(b *testing.B) {
	grow(b, func(b *testing.B, n int) {
		all, token := issuers(b, n)
		for b.Loop() {
			ok(all.Verify(b.Context(), token))(b)
		}
	})
}

func BenchmarkVerifyAgainGrowth(b *testing.B) {
	grow(b, func(b *testing.B, n int) {
		verifier, tokens := live(b, n)
		for i := 0; b.Loop(); i++ {
			ok(verifier.Verify(b.Context(), tokens[i%n]))(b)
		}
	})
}

// BenchmarkReplayGrowth is one token id more, of so many that are remembered.
func BenchmarkReplayGrowth(b *testing.B) {
	grow(b, func(b *testing.B, n int) {
		guard, clock := tokenprofile.MemoryReplayGuard{}, time.Now()
		guard.Now = func() time.Time { return clock }
		for i := 0; b.Loop(); i++ {
			clock = clock.Add(time.Second)
			ok(guard.First(b.Context(), "https://consumer.example", fmt.Sprint(i), clock.Add(time.Duration(n)*time.Second)))(b)
		}
	})
}

// tenant is what a service keeps for one of its clients.
type tenant struct {
	signer   *tokenprofile.Signer
	verifier *tokenprofile.Verifier
}

func tenants(t testing.TB, store *keystore.Store, n int) []tenant {
	all := make([]tenant, n)
	p := profileOf("EdDSA")
	for i := range all {
		p.Issuer = fmt.Sprintf("https://%d.example", i)
		all[i] = tenant{ok(p.Signer(store))(t), ok(p.Verifier(store))(t)}
	}
	return all
}

// BenchmarkTenantsGrowth makes a signer and a verifier for each of so many.
func BenchmarkTenantsGrowth(b *testing.B) {
	grow(b, func(b *testing.B, n int) {
		store := keystore.New(keyFor(b, "EdDSA"))
		for b.Loop() {
			tenants(b, store, n)
		}
	})
}

// Whatever is chosen among many is looked up: a thousand take no more
// allocations than one.
func TestManyTakeNoMoreAllocationsThanOne(t *testing.T) {
	for name, prepare := range map[string]func(n int) func(){
		"keys to sign with": func(n int) func() {
			store, p := aliased(t, n)
			signer := ok(p.Signer(store))(t)
			return func() { ok(signer.Sign(t.Context(), nil))(t) }
		},
		"secret keys to sign with": func(n int) func() {
			store, p := aliasedSecrets(t, n)
			signer := ok(p.SecretSigner(store))(t)
			return func() { ok(signer.Sign(t.Context(), nil))(t) }
		},
		"issuers": func(n int) func() {
			all, token := issuers(t, n)
			return func() { ok(all.Verify(t.Context(), token))(t) }
		},
		"live tokens": func(n int) func() {
			verifier, tokens := live(t, n)
			i := 0
			return func() { i++; ok(verifier.Verify(t.Context(), tokens[i%n]))(t) }
		},
	} {
		one, many := testing.AllocsPerRun(2000, prepare(1)), testing.AllocsPerRun(2000, prepare(1000))
		if many > one {
			t.Errorf("%s: got %v allocations for one of 1000, want %v as for one", name, many, one)
		}
	}
}

func TestTheCacheKeepsAsManyAsItsDefaultSays(t *testing.T) {
	p := profileOf("EdDSA")
	p.TokenID = true
	signer, verifier := pair(t, p)
	for range 1100 {
		ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t)))(t)
	}
	if got := verifier.Remembered(); got != 1024 {
		t.Errorf("%d tokens are remembered, want 1024", got)
	}
}

// retained is how many bytes stay reachable by what make makes.
func retained[T any](make func() T) (T, int64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC() // empties the pools
	runtime.ReadMemStats(&before)
	made := make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return made, int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// A client that asks for a token every two hours for ten days leaves nothing
// behind but what is live, however many cores there are.
func TestAVerifierIsSmallAfterTenDays(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(64))
	for _, algorithm := range []tokenprofile.Algorithm{"EdDSA", "HS256"} {
		t.Run(string(algorithm), func(t *testing.T) { smallAfterTenDays(t, profileOf(algorithm)) })
	}
}

func smallAfterTenDays(t *testing.T, p tokenprofile.Profile) {
	const services, renewals, most = 100, 120, 4096
	clock := now
	p.TokenID, p.Now = true, func() time.Time { return clock }
	signer, another := several(t, p)
	verifiers, bytes := retained(func() []*tokenprofile.Verifier {
		all := make([]*tokenprofile.Verifier, services)
		for i := range all {
			all[i] = another()
		}
		for range renewals {
			token := ok(signer.Sign(t.Context(), nil))(t)
			for _, verifier := range all {
				ok(verifier.Verify(t.Context(), token))(t)
			}
			clock = clock.Add(2 * time.Hour)
		}
		return all
	})
	if each := bytes / services; each > most {
		t.Errorf("got %d bytes a verifier, want at most %d", each, most)
	}
	runtime.KeepAlive(verifiers)
}

// What tenants take is linear: each takes what each of a few does.
func TestTenantsTakeTheSameEach(t *testing.T) {
	store := keystore.New(keyFor(t, "EdDSA"))
	each := func(n int) int64 {
		all, bytes := retained(func() []tenant { return tenants(t, store, n) })
		defer runtime.KeepAlive(all)
		return bytes / int64(n)
	}
	if few, many := each(100), each(5000); many > few*3/2 {
		t.Errorf("got %d bytes for each of 5000, want about %d as for each of 100", many, few)
	}
}
