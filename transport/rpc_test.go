package transport_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// perRPCCredentials is gRPC's credentials.PerRPCCredentials.
type perRPCCredentials interface {
	GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error)
	RequireTransportSecurity() bool
}

var _ perRPCCredentials = (*transport.Bearer)(nil)

func TestRPCMetadata(t *testing.T) {
	token := map[string]string{"authorization": "Bearer token-1"}
	for _, test := range []struct {
		name   string
		bearer *transport.Bearer
		uri    []string
		want   map[string]string
		fails  bool
	}{
		{"any server by default", &transport.Bearer{}, []string{"https://api.example/pkg.Service"}, token, false},
		{"no URI", &transport.Bearer{}, nil, token, false},
		{"another header", &transport.Bearer{Header: "X-Token"}, nil, map[string]string{"x-token": "token-1"}, false},
		{"a named origin", &transport.Bearer{Origins: []string{"https://api.example"}}, []string{"https://api.example:443/pkg.Service"}, token, false},
		{"another origin", &transport.Bearer{Origins: []string{"https://api.example"}}, []string{"https://other.example/pkg.Service"}, nil, false},
		{"claims of an HTTP request", &transport.Bearer{Claims: func(*http.Request) (any, error) { return nil, nil }}, nil, nil, true},
		{"a URI that is none", &transport.Bearer{}, []string{"https://api.example:x"}, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.bearer.Source = &fakeSource{}
			got, err := test.bearer.GetRequestMetadata(t.Context(), test.uri...)
			if !maps.Equal(got, test.want) || (err != nil) != test.fails {
				t.Errorf("got %v, %v, want %v, an error: %t", got, err, test.want, test.fails)
			}
		})
	}
}

func TestRPCSharesTheTokenAndTheErrors(t *testing.T) {
	source := &fakeSource{}
	bearer := &transport.Bearer{Source: source, Base: &recorder{}}
	if _, err := get(t, bearer); err != nil {
		t.Fatal(err)
	}
	if _, err := bearer.GetRequestMetadata(t.Context()); err != nil || source.count() != 1 {
		t.Errorf("got %v and %d fetches, want 1", err, source.count())
	}
	if !bearer.RequireTransportSecurity() {
		t.Error("the token may go over a connection that is not encrypted")
	}
	failing := &transport.Bearer{Source: &fakeSource{answer: func(context.Context, int) error { return errOutOfOrder }}}
	if _, err := failing.GetRequestMetadata(t.Context()); !errors.Is(err, errOutOfOrder) {
		t.Errorf("got %v, want %v", err, errOutOfOrder)
	}
	if _, err := (&transport.Bearer{}).GetRequestMetadata(t.Context()); err == nil {
		t.Error("a Bearer without a source gave metadata")
	}
}
