// Package grpc puts a [transport.Guard] in front of a gRPC server.
//
// The client needs nothing of it: a [transport.Bearer] is what gRPC calls
// credentials for a call.
//
//	grpc.NewClient(target, grpc.WithTransportCredentials(creds), grpc.WithPerRPCCredentials(bearer))
package grpc

import (
	"context"
	"net/http"
	"net/url"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// Guarded returns the options of a server that admits only the calls that the
// guard admits. The guard sees each as an HTTP request with the full name of
// the method for its path, so that Authorize can decide by method. Handlers
// find the token with [tokenprofile.FromContext].
func Guarded(guard *transport.Guard) []grpc.ServerOption {
	unary := func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		ctx, err := admit(ctx, guard, info.FullMethod)
		if err != nil {
			return nil, err
		}
		return handler(ctx, req)
	}
	stream := func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		ctx, err := admit(ss.Context(), guard, info.FullMethod)
		if err != nil {
			return err
		}
		return handler(srv, &admitted{ss, ctx})
	}
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(unary), grpc.ChainStreamInterceptor(stream)}
}

// admitted is a stream whose context holds the token.
type admitted struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *admitted) Context() context.Context { return s.ctx }

// admit asks the guard, and returns the context for the handler.
func admit(ctx context.Context, guard *transport.Guard, method string) (context.Context, error) {
	sent, _ := metadata.FromIncomingContext(ctx)
	r := (&http.Request{
		Method: http.MethodPost, // as gRPC calls are made
		URL:    &url.URL{Path: method},
		Header: http.Header{"Authorization": sent["authorization"]},
	}).WithContext(ctx)
	if from, ok := peer.FromContext(ctx); ok {
		if tls, ok := from.AuthInfo.(credentials.TLSInfo); ok {
			r.TLS = &tls.State // for tokens that are bound to a certificate
		}
	}
	var admitted context.Context
	next := func(_ http.ResponseWriter, r *http.Request) { admitted = r.Context() }
	var refused answer
	guard.Handler(http.HandlerFunc(next)).ServeHTTP(&refused, r)
	if admitted == nil {
		return nil, status.Error(code(refused.status), http.StatusText(refused.status))
	}
	return admitted, nil
}

// An answer keeps the status of a refusal, of which a gRPC client learns the
// code.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *answer) WriteHeader(status int)         { a.status = status }
func (a *answer) Write(text []byte) (int, error) { return len(text), nil }

func code(status int) codes.Code {
	switch status {
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusServiceUnavailable:
		return codes.Unavailable
	default: // 401, and 400 for credentials that cannot be read
		return codes.Unauthenticated
	}
}
