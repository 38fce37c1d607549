package jwks_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// warm returns a client with n keys in memory, and the kid of one of them.
func warm(b *testing.B, n int) (*jwks.Client, string) {
	b.Helper()
	issuer := jwkstest.NewUnstartedIssuer("ES256", issuerURL)
	for range n - 1 {
		issuer.Rotate()
	}
	client := &jwks.Client{URL: issuer.KeysURL(), HTTPClient: issuer.Client()}
	if keys, err := client.PublicKeys(b.Context(), ""); err != nil || len(keys) != n {
		b.Fatalf("got %d keys, %v, want %d", len(keys), err, n)
	}
	return client, issuer.KeyID()
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			client, kid := warm(b, n)
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				if keys, err := client.PublicKeys(ctx, kid); err != nil || len(keys) != 1 {
					b.Fatal(keys, err)
				}
			}
		})
	}
}

// BenchmarkLookupParallel shares one client among 16 goroutines for each processor.
func BenchmarkLookupParallel(b *testing.B) {
	client, kid := warm(b, 10)
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		ctx := context.Background()
		for pb.Next() {
			if keys, err := client.PublicKeys(ctx, kid); err != nil || len(keys) != 1 {
				b.Error(keys, err)
			}
		}
	})
}

// BenchmarkRefusedKid is what a token with a made-up kid costs during the pause.
func BenchmarkRefusedKid(b *testing.B) {
	client, _ := warm(b, 10)
	ctx := context.Background()
	client.PublicKeys(ctx, "junk")
	b.ReportAllocs()
	for b.Loop() {
		if keys, err := client.PublicKeys(ctx, "more junk"); err != nil || len(keys) != 0 {
			b.Fatal(keys, err)
		}
	}
}

// BenchmarkLookupWhileTheIssuerHangs reports the 99th percentile of look-ups
// by 16 goroutines, with an issuer that answers and with one that hangs.
func BenchmarkLookupWhileTheIssuerHangs(b *testing.B) {
	for _, hangs := range []bool{false, true} {
		b.Run(fmt.Sprintf("hangs=%t", hangs), func(b *testing.B) {
			issuer := jwkstest.NewIssuer("ES256")
			defer issuer.Close()
			client := &jwks.Client{URL: issuer.KeysURL(), MaxAge: 10 * time.Millisecond, MinInterval: time.Millisecond}
			if err := client.Refresh(b.Context()); err != nil {
				b.Fatal(err)
			}
			if hangs {
				issuer.Break(jwkstest.Hang)
			}
			time.Sleep(20 * time.Millisecond) // the refresh is due
			b.ResetTimer()
			b.ReportMetric(float64(percentile99(b, client, issuer.KeyID()).Nanoseconds()), "p99-ns")
		})
	}
}

func percentile99(b *testing.B, client *jwks.Client, kid string) time.Duration {
	var mu sync.Mutex
	var all []time.Duration
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		var own []time.Duration
		for pb.Next() {
			start := time.Now()
			keys, err := client.PublicKeys(context.Background(), kid)
			own = append(own, time.Since(start))
			if err != nil || len(keys) != 1 {
				b.Error(keys, err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, own...)
	})
	slices.Sort(all)
	return all[len(all)*99/100]
}

func BenchmarkHandler(b *testing.B) {
	for name, headers := range map[string][]string{"200": nil, "304": {"If-None-Match", "*"}} {
		b.Run(name, func(b *testing.B) {
			issuer := jwkstest.NewUnstartedIssuer("ES256", issuerURL)
			issuer.Rotate()
			h := &jwks.Handler{Source: issuer}
			r := httptest.NewRequest("GET", "/jwks.json", nil)
			if headers != nil {
				r.Header.Set(headers[0], headers[1])
			}
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code >= 400 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// BenchmarkHandlerGrowth is a set of more and more keys, of a store whose file
// was written again.
func BenchmarkHandlerGrowth(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			key, keys := jwkstest.NewKey("ES256").Public(), published{}
			for i := range n {
				keys = append(keys, key.WithKeyID(fmt.Sprint(i)))
			}
			source := &replaceable{keys}
			h := &jwks.Handler{Source: source}
			r := httptest.NewRequest("GET", "/jwks.json", nil)
			r.Header.Set("If-None-Match", "*")
			h.ServeHTTP(httptest.NewRecorder(), r)
			source.keys = slices.Clone(keys)
			h.ServeHTTP(httptest.NewRecorder(), r) // which finds that they are the same
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	keys := published{}
	for range 10 {
		keys = append(keys, jwkstest.NewKey("ES256").Public())
	}
	w := httptest.NewRecorder()
	(&jwks.Handler{Source: keys}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	b.ReportAllocs()
	for b.Loop() {
		if set, err := jwks.Parse(w.Body.Bytes()); err != nil || len(set.Keys) != 10 {
			b.Fatal(err)
		}
	}
}

var _ keystore.Publisher = published{}
