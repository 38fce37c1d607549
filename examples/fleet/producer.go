package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A producer works on the cases of whoever has a token that nobody has used.
type producer struct {
	Address, KeySet string
	Store, Dir      string // which memory of tokens, and the folder of the fleet
	Ledger          string // path: what was worked on
}

// keySetAge is how long anybody keeps a key set here: seconds instead of
// minutes, as everything in this fleet.
const keySetAge = time.Second

func (p *producer) play(ctx context.Context) error {
	keys := &jwks.Client{URL: p.KeySet, MaxAge: keySetAge, MinInterval: keySetAge}
	profile := profile()
	var err error
	if profile.Replay, err = p.guard(ctx); err != nil {
		return err
	}
	verifier, err := profile.Verifier(keys)
	if err != nil {
		return err
	}
	ledger, err := openLog(p.Ledger)
	if err != nil {
		return err
	}
	guard := &transport.Guard{Verifier: verifier, Logger: slog.Default()}
	// Whoever listens without keys refuses what it cannot judge with 503.
	for keys.Refresh(ctx) != nil {
		time.Sleep(50 * time.Millisecond)
	}
	return http.ListenAndServe(p.Address, guard.Handler(work(ledger)))
}

func (p *producer) guard(ctx context.Context) (tokenprofile.ReplayGuard, error) {
	switch p.Store {
	case "redis":
		return redisGuard(p.Dir), nil
	case "postgres":
		return postgresGuard(ctx, p.Dir)
	case "memory":
		return nil, nil // the verifier's own
	}
	return nil, fmt.Errorf("no store is called %q: want redis, postgres or memory", p.Store)
}

// work is a line in the ledger, with the token's id and its key's. The line is
// written by one call of the system, before the answer: what was admitted
// stands there even if the process is killed in the next instant.
func work(ledger *os.File) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := tokenprofile.FromContext(r.Context())
		if !ok {
			panic(errors.New("no token behind the guard"))
		}
		if _, err := fmt.Fprintln(ledger, token.ID, token.KeyID); err != nil {
			slog.Error("ledger", "err", err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set(idHeader, token.ID)
	})
}

// idHeader tells which token an answer is to.
const idHeader = "Token-Id"

func openLog(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}
