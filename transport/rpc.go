package transport

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// GetRequestMetadata and [Bearer.RequireTransportSecurity] are what gRPC asks
// of its credentials.PerRPCCredentials, so that a Bearer can be one:
// grpc.WithPerRPCCredentials(bearer). The token is the one that HTTP requests
// of the same Bearer carry, under the same rules for keeping and renewing it.
//
// With Origins, a call to any other goes without a token. Claims and DPoP need
// an HTTP request, and a Bearer that has them is refused here.
func (b *Bearer) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	state, err := b.ready()
	if err != nil {
		return nil, err
	}
	if state.claims != nil || state.prover != nil {
		return nil, errors.New("transport: Claims and DPoP are for HTTP requests, not for gRPC calls")
	}
	for _, u := range uri {
		target, err := url.Parse(u)
		if err != nil {
			return nil, fmt.Errorf("transport: the call's URI: %w", err)
		}
		if state.origins != nil && !slices.Contains(state.origins, origin(target)) {
			return nil, nil
		}
	}
	header, err := state.shared.header(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{strings.ToLower(state.header): header}, nil
}

// RequireTransportSecurity always reports true: no token goes over an
// unencrypted connection.
func (b *Bearer) RequireTransportSecurity() bool { return true }
