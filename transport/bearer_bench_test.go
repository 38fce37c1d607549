package transport_test

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// inMemory answers without work, so that what is measured is the Bearer.
var inMemory = roundTrip(func(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
})

func BenchmarkBearer(b *testing.B) {
	bearer := &transport.Bearer{Source: &fakeSource{}, Base: inMemory}
	for _, goroutines := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d goroutines", goroutines), func(b *testing.B) {
			b.ReportAllocs()
			benchmarkRequests(b, bearer, goroutines)
		})
	}
}

func BenchmarkBearerWithClaims(b *testing.B) {
	bearer := &transport.Bearer{Source: &fakeSource{}, Base: inMemory, Claims: actingUser}
	for _, goroutines := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d goroutines", goroutines), func(b *testing.B) {
			b.ReportAllocs()
			benchmarkRequests(b, bearer, goroutines)
		})
	}
}

// benchmarkRequests shares b.N requests among the goroutines.
func benchmarkRequests(b *testing.B, rt http.RoundTripper, goroutines int) {
	req := newRequest(b, http.MethodGet)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-User", "alice")
	if goroutines == 1 {
		for b.Loop() {
			if _, err := rt.RoundTrip(req); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
	b.SetParallelism(max(1, goroutines/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := rt.RoundTrip(req); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
