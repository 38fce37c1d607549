package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A loanCase is a case as the API writes it.
type loanCase struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Status   string `json:"status"`
	WorkedBy string `json:"workedBy,omitempty"` // the operator who did so last
	Times    int    `json:"times"`              // how often the case was worked on
}

// actions are what can be done with a case, and the status it then has.
var actions = map[string]string{
	"review":  "in review",
	"ask":     "waiting for documents",
	"approve": "approved",
	"decline": "declined",
}

// cases is the API. Its operators are the producer's own.
type cases struct {
	*http.ServeMux
	logger *slog.Logger

	mu   sync.Mutex
	list []loanCase // guarded by mu
}

func newCases(logger *slog.Logger) *cases {
	c := &cases{ServeMux: http.NewServeMux(), logger: logger, list: []loanCase{
		{ID: "L-1041", Title: "Car loan, 18,000", Status: "new"},
		{ID: "L-1042", Title: "Home improvement, 35,000", Status: "new"},
		{ID: "L-1043", Title: "Study loan, 9,500", Status: "waiting for documents"},
	}}
	c.HandleFunc("GET /cases", c.all)
	c.HandleFunc("POST /cases/{id}/{action}", c.work)
	return c
}

func (c *cases) all(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	writeJSON(w, c.list)
}

func (c *cases) work(w http.ResponseWriter, r *http.Request) {
	operator, status := operatorOf(r), actions[r.PathValue("action")]
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.list, func(l loanCase) bool { return l.ID == r.PathValue("id") })
	if i < 0 || status == "" || operator == "" {
		http.NotFound(w, r)
		return
	}
	worked := &c.list[i]
	worked.Status, worked.WorkedBy, worked.Times = status, operator, worked.Times+1
	c.logger.InfoContext(r.Context(), "case worked on", "case", worked.ID, "operator", operator, "status", status)
	writeJSON(w, worked)
}

// operatorOf is who works here: whom the identity mapping has found for a
// token of the consumer's, or whom a token of the producer's own names.
func operatorOf(r *http.Request) string {
	if operator, ok := transport.IdentityFromContext(r.Context()); ok {
		return operator
	}
	if operator, ok := r.Context().Value(operatorKey{}).(string); ok {
		return operator
	}
	if token, ok := tokenprofile.FromContext(r.Context()); ok {
		return token.Subject
	}
	return ""
}

type operatorKey struct{} // of a ticket

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}
