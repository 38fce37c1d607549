package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

const financialOperations = "financialoperations" // the consumer's folder

// A way is how the consumer's requests show who sends them: an authentication
// profile of the consumer's, and where the producer takes what it sends.
type way struct{ Name, Title, Document, Path string }

var ways = []way{
	{"bearer", "self-signed bearer token", "LoanRequests_Bearer.json", "/cases"},
	{"grant", "JWT bearer grant", "LoanRequests_Grant.json", "/granted/cases"},
	{"ticket", "ticket, a kind of use of its own", "LoanRequests_Ticket.json", "/ticket/cases"},
}

// uses are the kinds of use that this program adds to those of the library.
var uses = transport.Uses{"ticket": ticketUse{}}

// A consumer is Financial operations: its users work on another's cases.
type consumer struct {
	address string
	server  *http.Server
	clients map[string]*transport.Client // by the name of their way
}

// openConsumer builds a client of each authentication profile, and serves the
// JSON web key set URI.
func openConsumer(folder string, listener net.Listener) (*consumer, error) {
	c := &consumer{address: listener.Addr().String(), clients: map[string]*transport.Client{}}
	for _, w := range ways {
		profile, err := transport.LoadClient(filepath.Join(folder, w.Document), uses)
		if err != nil {
			return nil, err
		}
		client, err := profile.Client()
		if err != nil {
			return nil, err
		}
		client.Bearer.Claims = actingUser
		c.clients[w.Name] = client
	}
	c.server = serve(listener, c.published(), transport.TLS{Keys: c.keys()}.Server())
	return c, nil
}

// published answers at the JSON web key set URI.
func (c *consumer) published() http.Handler { return c.clients["bearer"].Handler }

// keys is Remotecasetype_Keystore.
func (c *consumer) keys() *keystore.Store { return c.clients["bearer"].Keys }

func (c *consumer) close() {
	c.server.Close()
	for _, client := range c.clients {
		client.CloseIdleConnections()
	}
}

// actingUser is the claim that a request adds to what the token profile says.
func actingUser(r *http.Request) (any, error) {
	user, ok := r.Context().Value(userKey{}).(string)
	if !ok {
		return nil, errors.New("nobody is signed in")
	}
	return map[string]any{"sub": user}, nil
}

type userKey struct{}

// withUser is what the consumer's own sign-in does.
func withUser(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}
