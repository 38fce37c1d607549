package peers_test

import (
	"net/http"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/oauth2"

	"github.com/tokenprofile/tokenprofile-go/examples/peers"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// inMemory answers without a network.
type inMemory struct{}

func (inMemory) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

// BenchmarkRoundTrip compares what a warm token costs each request.
func BenchmarkRoundTrip(b *testing.B) {
	warm := source{token: "abc"}
	transports := map[string]http.RoundTripper{
		"ours":   &transport.Bearer{Source: warm, Base: inMemory{}},
		"oauth2": &oauth2.Transport{Source: oauth2.ReuseTokenSource(nil, peers.OAuth2(b.Context(), warm)), Base: inMemory{}},
	}
	for _, goroutines := range []int{1, 16} {
		for _, name := range []string{"ours", "oauth2"} {
			b.Run(name+"/"+strconv.Itoa(goroutines), func(b *testing.B) { roundTrips(b, transports[name], goroutines) })
		}
	}
}

func roundTrips(b *testing.B, rt http.RoundTripper, goroutines int) {
	b.ReportAllocs()
	b.SetParallelism(max(1, goroutines/runtime.GOMAXPROCS(0)))
	if goroutines == 1 {
		req := newRequest(b)
		for b.Loop() {
			roundTrip(b, rt, req)
		}
		return
	}
	b.RunParallel(func(pb *testing.PB) {
		req := newRequest(b)
		for pb.Next() {
			roundTrip(b, rt, req)
		}
	})
}

func newRequest(b *testing.B) *http.Request {
	req, err := http.NewRequest(http.MethodGet, "https://api.example/orders", nil)
	if err != nil {
		b.Fatal(err)
	}
	return req
}

func roundTrip(b *testing.B, rt http.RoundTripper, req *http.Request) {
	res, err := rt.RoundTrip(req)
	if err != nil {
		b.Error(err)
		return
	}
	res.Body.Close()
}
