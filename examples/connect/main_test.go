package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	want := "latest: order 3 for billing\nall: 3\nwithout a token: unauthenticated\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

var protocols = []struct {
	name    string
	options []connect.ClientOption
}{
	{"Connect", nil},
	{"gRPC", []connect.ClientOption{connect.WithGRPC()}},
	{"gRPC-Web", []connect.ClientOption{connect.WithGRPCWeb()}},
}

func newKeys(t *testing.T) *keystore.Store {
	t.Helper()
	key, err := keystore.Generate("ES256", "CN=billing", time.Now(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return keystore.New(key)
}

func verifier(t *testing.T, keys keystore.PublicSource) *tokenprofile.Verifier {
	t.Helper()
	verifier, err := profile.Verifier(keys)
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

func signer(t *testing.T, keys *keystore.Store) *tokenprofile.Signer {
	t.Helper()
	signer, err := profile.Signer(keys)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// serve starts the service with HTTP/2, which gRPC needs. The client's calls
// carry tokens of the source; nil: none.
func serve(t *testing.T, guard *transport.Guard, source transport.TokenSource, options []connect.ClientOption) *client {
	t.Helper()
	server := httptest.NewUnstartedServer(newService(guard))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	h := server.Client()
	if source != nil {
		h = &http.Client{Transport: &transport.Bearer{Source: source, Base: h.Transport, RetryUnsafe: true}}
	}
	return newClient(h, server.URL, options...)
}

func TestCallsCarryAToken(t *testing.T) {
	keys := newKeys(t)
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			c := serve(t, &transport.Guard{Verifier: verifier(t, keys)}, signer(t, keys), protocol.options)
			if got, err := c.Latest(t.Context()); err != nil || got != "order 3 for billing" {
				t.Errorf("got %q and error %v", got, err)
			}
			want := []string{"order 1 for billing", "order 2 for billing", "order 3 for billing"}
			if got, err := c.All(t.Context()); err != nil || !slices.Equal(got, want) {
				t.Errorf("got %q and error %v, want %q", got, err, want)
			}
		})
	}
}

func TestCodes(t *testing.T) {
	keys := newKeys(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	admits := &transport.Guard{Verifier: verifier(t, keys)}
	forbids := &transport.Guard{Verifier: verifier(t, keys), Authorize: func(*http.Request, *tokenprofile.Token) (context.Context, error) {
		return nil, errors.New("not this one")
	}}
	keyless := &transport.Guard{Verifier: verifier(t, &jwks.Client{URL: gone.URL})}
	tests := []struct {
		name   string
		guard  *transport.Guard
		source transport.TokenSource
		want   connect.Code
	}{
		{"no token", admits, nil, connect.CodeUnauthenticated},
		{"a token of a stranger", admits, signer(t, newKeys(t)), connect.CodeUnauthenticated},
		{"a caller who may not", forbids, signer(t, keys), connect.CodePermissionDenied},
		{"keys that cannot be had", keyless, signer(t, keys), connect.CodeUnavailable},
	}
	for _, test := range tests {
		for _, protocol := range protocols {
			t.Run(test.name+"/"+protocol.name, func(t *testing.T) {
				c := serve(t, test.guard, test.source, protocol.options)
				if _, err := c.Latest(t.Context()); connect.CodeOf(err) != test.want {
					t.Errorf("unary: got %v, want %v", err, test.want)
				}
				if _, err := c.All(t.Context()); connect.CodeOf(err) != test.want {
					t.Errorf("stream: got %v, want %v", err, test.want)
				}
			})
		}
	}
}

// revoked is a source whose first token nobody accepts any more.
type revoked struct {
	first, later *tokenprofile.Signer
	asked        atomic.Int32
}

func (r *revoked) Token(ctx context.Context) (string, time.Time, error) {
	if r.asked.Add(1) == 1 {
		return r.first.Token(ctx)
	}
	return r.later.Token(ctx)
}

func TestCallWithARevokedTokenIsRepeated(t *testing.T) {
	keys := newKeys(t)
	calls := map[string]func(*client) error{
		"unary":  func(c *client) error { _, err := c.Latest(t.Context()); return err },
		"stream": func(c *client) error { _, err := c.All(t.Context()); return err },
	}
	for _, protocol := range protocols {
		for name, call := range calls {
			t.Run(protocol.name+"/"+name, func(t *testing.T) {
				source := &revoked{first: signer(t, newKeys(t)), later: signer(t, keys)}
				c := serve(t, &transport.Guard{Verifier: verifier(t, keys)}, source, protocol.options)
				if err := call(c); err != nil {
					t.Error(err)
				}
				if asked := source.asked.Load(); asked != 2 {
					t.Errorf("the source was asked %d times, want 2", asked)
				}
			})
		}
	}
}
