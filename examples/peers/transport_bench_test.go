package peers_test

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// source yields a fixed token.
type source struct{}

func (source) Token(context.Context) (string, time.Time, error) {
	return "abc", time.Now().Add(time.Hour), nil
}

// inMemory answers without a network.
type inMemory struct{}

func (inMemory) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

// BenchmarkRoundTrip compares what a warm token costs each request.
func BenchmarkRoundTrip(b *testing.B) {
	kept := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "abc", Expiry: time.Now().Add(time.Hour)})
	transports := map[string]http.RoundTripper{
		"ours":   &transport.Bearer{Source: source{}, Base: inMemory{}},
		"oauth2": &oauth2.Transport{Source: oauth2.ReuseTokenSource(nil, kept), Base: inMemory{}},
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
