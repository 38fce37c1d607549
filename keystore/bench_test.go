package keystore_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// stored is a file with n keys under one password.
func stored(b *testing.B, n int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "bench.p12")
	var entries []keystore.Entry
	for i := range n {
		key, err := keystore.Generate("ES256", fmt.Sprintf("CN=key-%d", i), time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
		if err != nil {
			b.Fatal(err)
		}
		entries = append(entries, keystore.Entry{Alias: fmt.Sprintf("key-%d", i), PrivateKey: key})
	}
	if err := keystore.WriteFile(path, keystore.StaticPassword(changeit), entries...); err != nil {
		b.Fatal(err)
	}
	return path
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path := stored(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := keystore.Open(path, keystore.StaticPassword(changeit)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/entry")
		})
	}
}

// BenchmarkWarm is what a signer and a verifier ask for every token.
func BenchmarkWarm(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		store, err := keystore.Open(stored(b, n), keystore.StaticPassword(changeit))
		if err != nil {
			b.Fatal(err)
		}
		ctx := b.Context()
		kid := must(store.PublishedKeys(ctx))[n/2].KeyID()
		b.Run(fmt.Sprintf("PublicKeys/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if keys, err := store.PublicKeys(ctx, kid); err != nil || len(keys) != 1 {
					b.Fatal(keys, err)
				}
			}
		})
		b.Run(fmt.Sprintf("PublicKeys16/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if keys, err := store.PublicKeys(ctx, kid); err != nil || len(keys) != 1 {
						b.Error(keys, err)
					}
				}
			})
		})
		b.Run(fmt.Sprintf("Select/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			choice := keystore.Selection{Alias: fmt.Sprintf("KEY-%d", n/2), Now: time.Now()}
			for b.Loop() {
				keys, err := store.PrivateKeys(ctx)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := keystore.Select(keys, choice); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestWarmLookUpsDoNotAllocate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "set.json")
	install(t, path, jwkSet("one", "two"))
	store, err := keystore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	trust := store.Trust()
	for name, lookUp := range map[string]func(){
		"PrivateKeys":   func() { store.PrivateKeys(ctx) },
		"PublicKeys":    func() { store.PublicKeys(ctx, "one") },
		"PublishedKeys": func() { store.PublishedKeys(ctx) },
		"SecretKeys":    func() { store.SecretKeys(ctx, "one") },
		"Trust":         func() { trust.PublicKeys(ctx, "one") },
	} {
		// The file is looked at once a second, which allocates.
		if n := testing.AllocsPerRun(1000, lookUp); n >= 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A health check asks often. Status needs memory for the list of keys alone.
func TestStatusAllocatesItsListAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		store *keystore.Store
		most  float64
	}{
		"no key":     {keystore.New(), 0},
		"one key":    {must(keystore.Parse([]byte(jwkSet("one")), nil)), 1},
		"seven keys": {must(keystore.Parse([]byte(jwkSet("1", "2", "3", "4", "5", "6", "7")), nil)), 1},
	} {
		if n := testing.AllocsPerRun(100, func() { tt.store.Status() }); n > tt.most {
			t.Errorf("%s: %v allocations, want at most %v", name, n, tt.most)
		}
	}
}
