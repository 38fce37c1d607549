package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// serve publishes a keystore until it is interrupted.
func serve(i *invocation) error {
	i.withPasswords()
	address := i.flags.String("address", "127.0.0.1:8080", "")
	algorithm := i.flags.String("algorithm", "", "")
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
	return serveUntil(ctx, listener, handler(store, a, log))
}

func handler(store *keystore.Store, algorithm keystore.Algorithm, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /jwks.json", &jwks.Handler{Source: store, Algorithm: algorithm, OnError: func(_ *http.Request, err error) {
		log.Error("key set unavailable", "err", err)
	}})
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
