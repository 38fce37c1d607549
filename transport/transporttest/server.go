package transporttest

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Server is a token endpoint at /token, and an API at every other path. The
// endpoint gives a token for every request; the API answers 200 to whoever
// brings one that is valid, 401 to others. It is also an [http.Handler], for a
// server of your own. It is safe for concurrent use.
type Server struct {
	URL string // the base of all its addresses

	server *httptest.Server // nil: not started

	mu         sync.Mutex
	lifetime   time.Duration        // guarded by mu
	expiry     map[string]time.Time // guarded by mu; of the valid tokens
	issued     int                  // guarded by mu
	requests   []url.Values         // guarded by mu; for tokens
	calls      int                  // guarded by mu; of the API
	tokenFault http.HandlerFunc     // guarded by mu; nil: behaves
	apiFault   http.HandlerFunc     // guarded by mu; nil: behaves
}

var _ http.Handler = (*Server)(nil)

// NewServer starts a server on a loopback address. The caller calls
// [Server.Close] when done.
func NewServer() *Server {
	s := NewUnstartedServer("")
	s.server = httptest.NewUnstartedServer(s)
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // it misbehaves on purpose
	s.server.Start()
	s.URL = s.server.URL
	return s
}

// NewUnstartedServer returns a server without a network, under any URL: for
// [testing/synctest], where [Server.Client] reaches it.
func NewUnstartedServer(url string) *Server {
	return &Server{URL: url, lifetime: 5 * time.Minute, expiry: map[string]time.Time{}}
}

// Close stops the server, and closes every connection to it.
func (s *Server) Close() {
	if s.server != nil {
		s.server.CloseClientConnections()
		s.server.Close()
	}
}

// TokenURL returns the address of the token endpoint.
func (s *Server) TokenURL() string { return s.URL + "/token" }

// SetLifetime sets how long the next tokens live. At first it is 5 minutes.
func (s *Server) SetLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = d
}

// Revoke makes all tokens issued so far invalid, whatever their lifetime.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.expiry)
}

// BreakTokens lets the fault answer at the token endpoint: one of package
// jwkstest, or a handler of your own.
func (s *Server) BreakTokens(fault http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokenFault = fault
}

// BreakAPI lets the fault answer every request for the API.
func (s *Server) BreakAPI(fault http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apiFault = fault
}

// Mend ends all faults.
func (s *Server) Mend() {
	s.BreakTokens(nil)
	s.BreakAPI(nil)
}

// TokenRequests returns the parameters of the requests for tokens so far.
func (s *Server) TokenRequests() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Calls returns how many requests the API has had, with a valid token or
// without.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// ServeHTTP answers for the token endpoint and the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		s.serveToken(w, r)
		return
	}
	s.serveAPI(w, r)
}

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, r.PostForm)
	fault, lifetime := s.tokenFault, s.lifetime
	var token string
	if fault == nil {
		s.issued++
		token = "token-" + strconv.Itoa(s.issued)
		s.expiry[token] = time.Now().Add(lifetime)
	}
	s.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime.Seconds()),
	})
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	s.calls++
	fault, valid := s.apiFault, time.Now().Before(s.expiry[token])
	s.mu.Unlock()
	switch {
	case fault != nil:
		fault(w, r)
	case !valid:
		w.Header().Set("WWW-Authenticate", `Bearer realm="test", error="invalid_token"`)
		http.Error(w, "unauthorized", http.StatusUnauthorized)
	default:
		io.WriteString(w, "admitted with "+token)
	}
}
