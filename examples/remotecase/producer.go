package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

const (
	loanRequests = "loanrequests"            // the producer's folder
	clientID     = "Remotecasetype_Producer" // of the client registration
)

// A producer is Loan requests: the application that owns the cases.
type producer struct {
	url     string
	server  *http.Server
	profile *transport.GuardProfile
	clients transport.Registrations
	keys    *keystore.Store // Remotecasetype_Keystore
	journal *journal
	behind  atomic.Int64 // how late its clock is, in nanoseconds
}

// newProducer reads its authentication profile, and opens its keystore.
func newProducer(folder string) (*producer, error) {
	profile, err := transport.LoadGuard(filepath.Join(folder, "FinancialOperations.json"))
	if err != nil {
		return nil, err
	}
	keys, err := keystore.Open(filepath.Join(folder, "Remotecasetype_Keystore.jks"), keystore.FilePassword(filepath.Join(folder, "keystore.password")))
	if err != nil {
		return nil, err
	}
	p := &producer{profile: profile, keys: keys, clients: transport.Registrations{}, journal: &journal{}}
	profile.Now = p.now
	profile.Logger = slog.New(p.journal)
	return p, nil
}

// serve answers on the listener, over mutual TLS.
func (p *producer) serve(folder string, listener net.Listener) error {
	routes, err := p.routes(folder)
	if err != nil {
		return err
	}
	config, err := p.profile.TLS()
	if err != nil {
		return err
	}
	p.url = "https://" + atLocalhost(listener)
	p.server = serve(listener, p.journal.record(routes), config)
	return nil
}

// routes are the ways in: each demands its own kind of token, and all lead to
// the same cases.
func (p *producer) routes(folder string) (http.Handler, error) {
	guard, err := p.profile.Guard()
	if err != nil {
		return nil, err
	}
	endpoint, granted, err := p.grants(folder, guard.Verifier)
	if err != nil {
		return nil, err
	}
	cases := newCases(p.profile.Logger)
	desk := &ticketDesk{verifier: guard.Verifier, identity: p.profile.Identity, logger: p.profile.Logger, now: p.now}
	mux := http.NewServeMux()
	mux.Handle("/cases", guard.Handler(cases))
	mux.Handle("/cases/", guard.Handler(cases))
	mux.Handle("POST /token", endpoint)
	mux.Handle("/granted/", http.StripPrefix("/granted", granted.Handler(cases)))
	mux.Handle("POST /login", desk)
	mux.Handle("/ticket/", http.StripPrefix("/ticket", desk.guard(cases)))
	return mux, nil
}

// grants are the token endpoint, which exchanges the consumer's assertions for
// tokens of the producer's own, and the guard that demands those.
func (p *producer) grants(folder string, assertions transport.TokenVerifier) (http.Handler, *transport.Guard, error) {
	access, err := tokenprofile.Load(filepath.Join(folder, "Remotecasetype_Producer.json"))
	if err != nil {
		return nil, nil, err
	}
	access.Now = p.now
	signer, err := access.Signer(p.keys)
	if err != nil {
		return nil, nil, err
	}
	verifier, err := access.Verifier(p.keys)
	if err != nil {
		return nil, nil, err
	}
	endpoint := &transport.TokenEndpoint{
		Clients:    p.clients,
		Assertions: assertions,
		Authorize:  p.mapIdentity,
		Signer:     signer,
		Logger:     p.profile.Logger,
	}
	return endpoint, &transport.Guard{Verifier: verifier, Logger: p.profile.Logger}, nil
}

// mapIdentity maps whom the consumer vouches for to an operator of the
// producer's, as the guard does.
func (p *producer) mapIdentity(ctx context.Context, request *transport.AccessRequest) (*transport.Access, error) {
	operator, err := p.profile.Identity(ctx, request.Assertion)
	if err != nil {
		return nil, err
	}
	return &transport.Access{Subject: operator}, nil
}

// register makes an OAuth 2.0 client registration. The producer keeps the hash
// of the secret.
func (p *producer) register(id string) (secret string, err error) {
	secret = rand.Text()
	hash, err := transport.HashSecret(secret)
	if err != nil {
		return "", err
	}
	p.clients[id] = transport.Registration{SecretHash: hash}
	return secret, nil
}

// now is the producer's clock.
func (p *producer) now() time.Time { return time.Now().Add(-time.Duration(p.behind.Load())) }

func (p *producer) close() { p.server.Close() }
