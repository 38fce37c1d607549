package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// ticketLife is how long a ticket is good for.
const ticketLife = 5 * time.Minute

// A ticketDesk is the producer's half: the login, and the guard that demands
// its tickets.
type ticketDesk struct {
	verifier transport.TokenVerifier
	identity func(ctx context.Context, token *tokenprofile.Token) (string, error)
	logger   *slog.Logger
	now      func() time.Time

	mu      sync.Mutex
	holders map[string]holder // by ticket; guarded by mu
}

type holder struct {
	operator string
	until    time.Time
}

// ServeHTTP is the login.
func (d *ticketDesk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var login loginRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&login); err != nil {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	token, err := d.verifier.Verify(r.Context(), login.JWT)
	var operator string
	if err == nil {
		operator, err = d.identity(r.Context(), token)
	}
	if err != nil {
		d.logger.InfoContext(r.Context(), "login refused", "reason", err)
		http.Error(w, "Forbidden", http.StatusForbidden)
		return
	}
	writeJSON(w, loginAnswer{Ticket: d.issue(operator), Seconds: int(ticketLife.Seconds())})
}

// issue hands out a ticket, and forgets those that have run out.
func (d *ticketDesk) issue(operator string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.holders == nil {
		d.holders = map[string]holder{}
	}
	for ticket, h := range d.holders {
		if d.now().After(h.until) {
			delete(d.holders, ticket)
		}
	}
	ticket := rand.Text()
	d.holders[ticket] = holder{operator, d.now().Add(ticketLife)}
	return ticket
}

// guard admits requests with a ticket, and says whose it is.
func (d *ticketDesk) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		h, ok := d.holders[r.Header.Get(ticketHeader)]
		d.mu.Unlock()
		if !ok || d.now().After(h.until) {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), operatorKey{}, h.operator)))
	})
}
