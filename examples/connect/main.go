// Connect puts a guard in front of Connect handlers, and a bearer into their
// client. It needs no interceptor: both are HTTP. It runs on loopback.
//
//	go run .
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

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

// The procedures of the service, as generated code would name them.
const (
	latest = "/orders.v1.Orders/Latest" // unary
	all    = "/orders.v1.Orders/All"    // a stream
)

// newService is the service behind the guard. A client learns Unauthenticated,
// PermissionDenied or Unavailable from the status of a refusal, whichever of
// the three protocols it speaks.
func newService(guard *transport.Guard) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(latest, connect.NewUnaryHandler(latest,
		func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
			token, _ := tokenprofile.FromContext(ctx)
			return connect.NewResponse(wrapperspb.String("order 3 for " + token.Subject)), nil
		}))
	mux.Handle(all, connect.NewServerStreamHandler(all,
		func(ctx context.Context, _ *connect.Request[emptypb.Empty], stream *connect.ServerStream[wrapperspb.StringValue]) error {
			token, _ := tokenprofile.FromContext(ctx)
			for i := range 3 {
				if err := stream.Send(wrapperspb.String(fmt.Sprintf("order %d for %s", i+1, token.Subject))); err != nil {
					return err
				}
			}
			return nil
		}))
	return guard.Handler(mux)
}

// client makes the calls of the service with an [http.Client] that carries
// tokens.
type client struct {
	latest, all *connect.Client[emptypb.Empty, wrapperspb.StringValue]
}

func newClient(h *http.Client, url string, options ...connect.ClientOption) *client {
	return &client{
		connect.NewClient[emptypb.Empty, wrapperspb.StringValue](h, url+latest, options...),
		connect.NewClient[emptypb.Empty, wrapperspb.StringValue](h, url+all, options...),
	}
}

func (c *client) Latest(ctx context.Context) (string, error) {
	response, err := c.latest.CallUnary(ctx, connect.NewRequest(&emptypb.Empty{}))
	if err != nil {
		return "", err
	}
	return response.Msg.Value, nil
}

func (c *client) All(ctx context.Context) (orders []string, err error) {
	stream, err := c.all.CallServerStream(ctx, connect.NewRequest(&emptypb.Empty{}))
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	for stream.Receive() {
		orders = append(orders, stream.Msg().Value)
	}
	return orders, stream.Err()
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "connect:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	key, err := keystore.Generate("ES256", "CN=billing", time.Now(), time.Now().Add(time.Hour))
	if err != nil {
		return err
	}
	keys := keystore.New(key)
	verifier, err := profile.Verifier(keys)
	if err != nil {
		return err
	}
	signer, err := profile.Signer(keys)
	if err != nil {
		return err
	}
	server := httptest.NewServer(newService(&transport.Guard{Verifier: verifier}))
	defer server.Close()
	orders := newClient(transport.Wrap(nil, signer), server.URL)
	one, err := orders.Latest(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "latest:", one)
	every, err := orders.All(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "all:", len(every))
	_, err = newClient(http.DefaultClient, server.URL).Latest(ctx)
	fmt.Fprintln(out, "without a token:", connect.CodeOf(err))
	return nil
}
