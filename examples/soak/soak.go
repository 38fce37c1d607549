package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// Hours of a service are seconds here.
const (
	rotation      = 10 * time.Second // between two replacements of the keystore
	publishBefore = 8 * time.Second  // which a producer's eight looks at the key set may not all miss
	publishAfter  = 15 * time.Second
	lifetime      = 10 * time.Second // of a token
	look          = time.Second      // between two looks at the key set
	producers     = 3
	workers       = 8
	pause         = 40 * time.Millisecond // between two requests of a worker
)

var profile = tokenprofile.Profile{
	Algorithm: tokenprofile.ES256,
	Issuer:    "https://consumer.example",
	Audience:  []string{"https://producer.example"},
	Subject:   "billing",
	Lifetime:  lifetime,
}

// faults are what comes instead of a key set.
var faults = []http.HandlerFunc{
	jwkstest.Status(http.StatusInternalServerError), jwkstest.Status(http.StatusNotFound),
	jwkstest.Body("text/html", "<html>please log in</html>"), jwkstest.Body("application/json", `{"keys":[]}`),
	jwkstest.Reset, jwkstest.Truncated, jwkstest.Huge, jwkstest.GzipBomb, jwkstest.Hang, jwkstest.Drip,
}

// soak is one consumer, with its key set, and the producers it calls.
type soak struct {
	file    keystore.File
	base    *http.Transport // trusts the servers
	servers []*httptest.Server
	client  *http.Client
	urls    []string // of the producers

	requests, failed, asked, broken atomic.Int64
	first                           atomic.Pointer[error] // fault

	mu   sync.Mutex
	kids map[string]bool // guarded by mu; that have signed
}

func start() (*soak, error) {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return nil, err
	}
	s := &soak{kids: map[string]bool{}}
	s.file = keystore.File{
		Path: filepath.Join(dir, "consumer.p12"), Password: keystore.StaticPassword("changeit"),
		PublishBefore: publishBefore, PublishAfter: publishAfter, OnReload: s.note,
	}
	if err := s.connect(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// connect starts the servers and makes the client.
func (s *soak) connect() error {
	if err := s.rotate(); err != nil {
		return err
	}
	store, err := s.file.Open()
	if err != nil {
		return err
	}
	signer, err := profile.Signer(store)
	if err != nil {
		return err
	}
	keySet := s.serve(s.shaky(&jwks.Handler{Source: store}))
	s.client = &http.Client{Transport: &transport.Bearer{Source: signer, Base: s.base}, Timeout: 10 * time.Second}
	for range producers {
		keys := &jwks.Client{URL: keySet, HTTPClient: &http.Client{Transport: s.base, Timeout: look / 2}, MaxAge: look, MinInterval: look}
		for tries := 0; keys.Refresh(context.Background()) != nil; tries++ { // a service is ready when it has keys
			if tries == 100 {
				return errors.New("a hundred broken key sets in a row")
			}
		}
		verifier, err := profile.Verifier(keys)
		if err != nil {
			return err
		}
		guard := &transport.Guard{Verifier: verifier, OnReject: func(_ *http.Request, err error) { s.note(err) }}
		s.urls = append(s.urls, s.serve(guard.Handler(http.HandlerFunc(s.answer))))
	}
	return nil
}

// serve starts a server over TLS and returns its URL.
func (s *soak) serve(handler http.Handler) string {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it breaks connections on purpose
	server.StartTLS()
	s.servers = append(s.servers, server)
	if s.base == nil { // all servers of the package have one certificate
		s.base = server.Client().Transport.(*http.Transport).Clone()
		s.base.MaxIdleConnsPerHost = workers
	}
	return server.URL
}

// shaky breaks a fifth of the answers.
func (s *soak) shaky(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if rand.IntN(5) == 0 {
			s.broken.Add(1)
			faults[rand.IntN(len(faults))](w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

func (s *soak) answer(_ http.ResponseWriter, r *http.Request) {
	token, ok := tokenprofile.FromContext(r.Context())
	if !ok {
		s.note(errors.New("no token in the context"))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kids[token.KeyID] = true
}

// rotate puts a keystore with a new key, and without the old one, in the place
// of the file.
func (s *soak) rotate() error {
	key, err := keystore.Generate(profile.Algorithm, "CN=consumer", time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
	if err != nil {
		return err
	}
	entry := keystore.Entry{Alias: "signing", Kind: keystore.KindPrivateKey, PrivateKey: key}
	return keystore.WriteFile(s.file.Path, s.file.Password, entry)
}

// load has the workers call the producers, replaces the keystore meanwhile, and
// watches the heap.
func (s *soak) load(ctx context.Context, out io.Writer, length time.Duration) heap {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := worker; ctx.Err() == nil; i++ {
				s.call(s.urls[i%producers])
				time.Sleep(pause)
			}
		})
	}
	all.Go(func() {
		for wait := rotation / 10; sleep(ctx, wait); wait = rotation {
			if err := s.rotate(); err != nil {
				s.note(err)
			}
		}
	})
	heap := heap{least: math.MaxUint64}
	for sleep(ctx, length/16) {
		now := reachable()
		heap.least = min(heap.least, now) // at times a request or a new keystore takes much
		fmt.Fprintf(out, "%8d requests, %d failed, heap %d KiB, %s\n", s.requests.Load(), s.failed.Load(), now>>10, inUse())
	}
	all.Wait()
	heap.last = reachable() // of what nobody is asking for any more
	return heap
}

// sleep reports whether there was time enough.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (s *soak) call(url string) {
	s.requests.Add(1)
	response, err := s.client.Get(url)
	if err != nil {
		s.fail(err)
		return
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		s.fail(err)
	} else if response.StatusCode != http.StatusOK {
		s.fail(errors.New(response.Status))
	}
}

func (s *soak) fail(err error) {
	s.failed.Add(1)
	s.note(err)
}

// note keeps the first error: a guard's says more than its answer does.
func (s *soak) note(err error) {
	if err != nil {
		s.first.CompareAndSwap(nil, &err)
	}
}

func (s *soak) stop() error {
	for _, server := range s.servers {
		server.CloseClientConnections()
		server.Close()
	}
	if s.base != nil {
		s.base.CloseIdleConnections()
	}
	return os.RemoveAll(filepath.Dir(s.file.Path))
}
