package grpc_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tokenprofile/tokenprofile-go/examples/grpc"
	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

var profile = tokenprofile.Profile{
	Algorithm: tokenprofile.ES256,
	Issuer:    "https://consumer.example",
	Audience:  []string{"https://producer.example"},
	Subject:   "billing",
}

func newKeys(t *testing.T) *keystore.Store {
	t.Helper()
	now := time.Now()
	key, err := keystore.Generate("ES256", "CN=billing", now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return keystore.New(key)
}

// producer answers unary calls and streams, and tells whom each came from.
type producer struct {
	grpc_health_v1.UnimplementedHealthServer
	subjects chan string
}

func (p *producer) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	token, _ := tokenprofile.FromContext(ctx)
	p.subjects <- token.Subject
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

func (p *producer) Watch(_ *grpc_health_v1.HealthCheckRequest, stream grpc_health_v1.Health_WatchServer) error {
	token, _ := tokenprofile.FromContext(stream.Context())
	p.subjects <- token.Subject
	return stream.Send(&grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING})
}

// server is a gRPC server behind a guard, and what a client needs to reach it.
type server struct {
	address  string
	tls      *tls.Config
	subjects chan string
}

func serve(t *testing.T, guard *transport.Guard) *server {
	t.Helper()
	certified := httptest.NewTLSServer(http.NotFoundHandler()) // only for its certificate
	defer certified.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	creds := credentials.NewTLS(&tls.Config{Certificates: certified.TLS.Certificates, ClientAuth: tls.RequestClientCert})
	s := gogrpc.NewServer(append(grpc.Guarded(guard), gogrpc.Creds(creds))...)
	p := &producer{subjects: make(chan string, 10)}
	grpc_health_v1.RegisterHealthServer(s, p)
	go s.Serve(listener)
	t.Cleanup(s.Stop)
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	return &server{listener.Addr().String(), &tls.Config{RootCAs: roots}, p.subjects}
}

// client is one whose calls carry the credentials; nil: none.
func (s *server) client(t *testing.T, creds credentials.PerRPCCredentials) grpc_health_v1.HealthClient {
	t.Helper()
	options := []gogrpc.DialOption{gogrpc.WithTransportCredentials(credentials.NewTLS(s.tls))}
	if creds != nil {
		options = append(options, gogrpc.WithPerRPCCredentials(creds))
	}
	connection, err := gogrpc.NewClient(s.address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return grpc_health_v1.NewHealthClient(connection)
}

// calls are one of each kind.
var calls = []struct {
	name string
	make func(context.Context, grpc_health_v1.HealthClient) error
}{
	{"unary", func(ctx context.Context, client grpc_health_v1.HealthClient) error {
		_, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
		return err
	}},
	{"stream", func(ctx context.Context, client grpc_health_v1.HealthClient) error {
		stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
		if err != nil {
			return err
		}
		_, err = stream.Recv()
		return err
	}},
}

func bearer(t *testing.T, profile tokenprofile.Profile, keys *keystore.Store) *transport.Bearer {
	t.Helper()
	signer, err := profile.Signer(keys)
	if err != nil {
		t.Fatal(err)
	}
	return &transport.Bearer{Source: signer}
}

func verifier(t *testing.T, keys keystore.PublicSource) *tokenprofile.Verifier {
	t.Helper()
	verifier, err := profile.Verifier(keys)
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

func TestCallsCarryAToken(t *testing.T) {
	keys := newKeys(t)
	s := serve(t, &transport.Guard{Verifier: verifier(t, keys)})
	client := s.client(t, bearer(t, profile, keys))
	for _, call := range calls {
		if err := call.make(t.Context(), client); err != nil {
			t.Fatalf("%s: %v", call.name, err)
		}
		if got := <-s.subjects; got != "billing" {
			t.Errorf("%s: the handler sees the subject %q, want billing", call.name, got)
		}
	}
}

func TestCodes(t *testing.T) {
	keys := newKeys(t)
	other := profile
	other.Audience = []string{"https://other.example"}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	admits := &transport.Guard{Verifier: verifier(t, keys)}
	forbids := &transport.Guard{Verifier: verifier(t, keys), Authorize: func(r *http.Request, token *tokenprofile.Token) (context.Context, error) {
		return nil, errors.New(token.Subject + " may not call " + r.URL.Path)
	}}
	keyless := &transport.Guard{Verifier: verifier(t, &jwks.Client{URL: gone.URL})}
	right := bearer(t, profile, keys)
	tests := []struct {
		name  string
		guard *transport.Guard
		creds credentials.PerRPCCredentials
		want  codes.Code
	}{
		{"no token", admits, nil, codes.Unauthenticated},
		{"a token for another service", admits, bearer(t, other, keys), codes.Unauthenticated},
		{"a token of a stranger", admits, bearer(t, profile, newKeys(t)), codes.Unauthenticated},
		{"credentials that cannot be read", admits, text("Bearer one two"), codes.Unauthenticated},
		{"a caller who may not", forbids, right, codes.PermissionDenied},
		{"keys that cannot be had", keyless, right, codes.Unavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var rejected []string
			guard := *test.guard
			guard.OnReject = func(r *http.Request, err error) { rejected = append(rejected, r.URL.Path+": "+err.Error()) }
			s := serve(t, &guard)
			client := s.client(t, test.creds)
			for _, call := range calls {
				err := call.make(t.Context(), client)
				if got := status.Code(err); got != test.want {
					t.Errorf("%s: got %v (%v), want %v", call.name, got, err, test.want)
				}
				if strings.Contains(status.Convert(err).Message(), "tokenprofile") {
					t.Errorf("%s: the client learns %v", call.name, err)
				}
			}
			if len(s.subjects) > 0 {
				t.Error("a handler was reached")
			}
			if len(rejected) != len(calls) || !strings.HasPrefix(rejected[0], "/grpc.health.v1.Health/Check: ") {
				t.Errorf("the log has %q, want the method and reason of both calls", rejected)
			}
		})
	}
}

// text is credentials that are this text.
type text string

func (s text) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": string(s)}, nil
}
func (text) RequireTransportSecurity() bool { return true }

func TestTwoTokensAreRefused(t *testing.T) {
	keys := newKeys(t)
	client := serve(t, &transport.Guard{Verifier: verifier(t, keys)}).client(t, bearer(t, profile, keys))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer other")
	for _, call := range calls {
		if got := status.Code(call.make(ctx, client)); got != codes.Unauthenticated {
			t.Errorf("%s: got %v, want %v", call.name, got, codes.Unauthenticated)
		}
	}
}

func TestTokenThatIsBoundToACertificate(t *testing.T) {
	keys := newKeys(t)
	own, err := keys.PublishedKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bound := profile
	bound.Claims = map[string]any{"cnf": map[string]any{"x5t#S256": own[0].X5TS256()}}
	s := serve(t, &transport.Guard{Verifier: verifier(t, keys), MutualTLS: true})
	stolen := s.client(t, bearer(t, bound, keys))
	s.tls.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return keys.TLSCertificate("") }
	rightful := s.client(t, bearer(t, bound, keys))
	for _, call := range calls {
		if err := call.make(t.Context(), rightful); err != nil {
			t.Errorf("%s with the certificate: %v", call.name, err)
		}
		if got := status.Code(call.make(t.Context(), stolen)); got != codes.Unauthenticated {
			t.Errorf("%s without the certificate: got %v, want %v", call.name, got, codes.Unauthenticated)
		}
	}
}

func TestNoTokenGoesUnencrypted(t *testing.T) {
	_, err := gogrpc.NewClient("127.0.0.1:1",
		gogrpc.WithTransportCredentials(insecure.NewCredentials()),
		gogrpc.WithPerRPCCredentials(bearer(t, profile, newKeys(t))))
	if err == nil {
		t.Error("a connection without TLS takes a token")
	}
}
