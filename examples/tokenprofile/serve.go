package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// serve publishes a keystore until it is interrupted.
func serve(i *invocation) error {
	i.withPasswords()
	address := i.flags.String("address", "127.0.0.1:8080", "")
	algorithm := i.flags.String("algorithm", "", "")
	issuer := i.flags.String("issuer", "", "")
	args, err := i.parse("FILE")
	if err != nil {
		return err
	}
	a := keystore.Algorithm(*algorithm)
	if a != "" {
		if err := a.Check(); err != nil {
			return fmt.Errorf("%w: -algorithm: %w", errUsage, err)
		}
	}
	if err := checkIssuer(*issuer); err != nil {
		return fmt.Errorf("%w: -issuer: %w", errUsage, err)
	}
	log := slog.New(slog.NewTextHandler(i.errs, nil))
	i.file.OnReload = func(err error) {
		if err != nil {
			log.Warn("keystore not reloaded", "err", err)
			return
		}
		log.Info("keystore reloaded")
	}
	store, err := i.open(args[0])
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	fmt.Fprintf(i.out, "http://%s/jwks.json\n", listener.Addr())
	return serveUntil(ctx, listener, handler(store, a, *issuer, log))
}

// checkIssuer accepts what metadata can name, or nothing.
func checkIssuer(issuer string) error {
	if issuer == "" {
		return nil
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil:
		return errors.New("not a URL")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("an issuer has no query and no fragment")
	}
	return jwks.CheckURL(u, false)
}

// handler serves the key set and the status, and with an issuer its metadata,
// which says that the key set is at jwks.json below it.
func handler(store *keystore.Store, algorithm keystore.Algorithm, issuer string, log *slog.Logger) http.Handler {
	failed := func(_ *http.Request, err error) { log.Error("not served", "err", err) }
	keys := &jwks.Handler{Source: store, Algorithm: algorithm, OnError: failed}
	mux := http.NewServeMux()
	mux.Handle("GET /jwks.json", keys)
	if issuer != "" {
		metadata := &jwks.MetadataHandler{
			Metadata: jwks.Metadata{Issuer: issuer, KeySetURL: strings.TrimSuffix(issuer, "/") + "/jwks.json"},
			Keys:     keys, OnError: failed,
		}
		mux.Handle("GET /.well-known/openid-configuration", metadata)
		mux.Handle("GET /.well-known/oauth-authorization-server", metadata)
	}
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		json.NewEncoder(w).Encode(newListing(store))
	})
	return mux
}

func serveUntil(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return err
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
