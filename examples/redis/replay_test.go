package redis_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tokenprofile/tokenprofile-go/examples/redis"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// startRedis starts a redis-server on a socket of its own, which keeps nothing,
// and returns a client and what stops the server.
func startRedis(t *testing.T) (client *goredis.Client, stop func()) {
	t.Helper()
	server := newServer(t, "--save", "")
	server.start(t)
	return server.client(t), server.kill
}

// server is a redis-server that can be started again in the same folder.
type server struct {
	dir, socket string
	settings    []string
	command     *exec.Cmd // nil: it does not run
}

func newServer(t *testing.T, settings ...string) *server {
	t.Helper()
	if os.Getenv("TOKENPROFILE_TOOLS") != "1" {
		t.Skip("needs redis-server: set TOKENPROFILE_TOOLS=1")
	}
	dir, err := os.MkdirTemp("", "redis") // t.TempDir is too long for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &server{dir: dir, socket: filepath.Join(dir, "socket"), settings: settings}
	t.Cleanup(s.kill)
	return s
}

// start returns when the server has read what it kept and answers.
func (s *server) start(t *testing.T) {
	t.Helper()
	arguments := append([]string{"--port", "0", "--unixsocket", s.socket, "--dir", s.dir}, s.settings...)
	s.command = exec.Command("redis-server", arguments...)
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	client := s.client(t)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := client.Ping(t.Context()).Err()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not answer: %v", err)
		}
	}
}

// client is a new one that does not try again, so that tests see every error.
func (s *server) client(t *testing.T) *goredis.Client {
	client := goredis.NewClient(&goredis.Options{
		Network: "unix", Addr: s.socket, MaxRetries: -1, DialTimeout: time.Second, ContextTimeoutEnabled: true,
	})
	t.Cleanup(func() { client.Close() })
	return client
}

// kill is kill -9: the server learns nothing of it.
func (s *server) kill() {
	if s.command != nil {
		s.command.Process.Kill()
		s.command.Wait()
		s.command = nil
	}
}

func TestFirst(t *testing.T) {
	client, _ := startRedis(t)
	guard := &redis.ReplayGuard{Client: client}
	soon := time.Now().Add(time.Minute)
	tests := []struct {
		name, issuer, id string
		expiry           time.Time
		first, fails     bool
	}{
		{"an id that is new", "a", "bc", soon, true, false},
		{"an id that is known", "a", "bc", soon, false, false},
		{"an id that is known, with another expiry", "a", "bc", soon.Add(time.Hour), false, false},
		{"the id of another issuer", "b", "bc", soon, true, false},
		{"an issuer and an id that read the same", "ab", "c", soon, true, false},
		{"an id that has expired", "a", "d", time.Now().Add(-time.Second), false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			first, err := guard.First(t.Context(), test.issuer, test.id, test.expiry)
			if first != test.first || (err != nil) != test.fails {
				t.Errorf("got %t and error %v, want %t", first, err, test.first)
			}
		})
	}
}

func TestRedisForgetsWhatHasExpired(t *testing.T) {
	client, _ := startRedis(t)
	guard := &redis.ReplayGuard{Client: client, Prefix: "test:"}
	if _, err := guard.First(t.Context(), "a", "b", time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	keys, err := client.Keys(t.Context(), "test:*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("got keys %q and error %v, want one", keys, err)
	}
	ttl, err := client.PTTL(t.Context(), keys[0]).Result()
	if err != nil || ttl < 50*time.Second || ttl > 62*time.Second {
		t.Errorf("got %v to live and error %v, want about a minute", ttl, err)
	}
}

// instances are two producers that share a Redis, and a token for them.
func instances(t *testing.T, client *goredis.Client) (guards [2]*transport.Guard, token string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := keystore.NewPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	keys := keystore.New(private)
	profile := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
		OneUse:    true,
		Replay:    &redis.ReplayGuard{Client: client},
	}
	for i := range guards {
		verifier, err := profile.Verifier(keys)
		if err != nil {
			t.Fatal(err)
		}
		guards[i] = &transport.Guard{Verifier: verifier}
	}
	signer, err := profile.Signer(keys)
	if err != nil {
		t.Fatal(err)
	}
	if token, err = signer.Sign(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	return guards, token
}

func check(guard *transport.Guard, token string) error {
	r := httptest.NewRequest("POST", "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	_, err := guard.Check(r)
	return err
}

func TestTokenIsAdmittedOnceByAllInstances(t *testing.T) {
	client, _ := startRedis(t)
	guards, token := instances(t, client)
	var admitted atomic.Int32
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			switch err := check(guards[i%2], token); {
			case err == nil:
				admitted.Add(1)
			case !errors.Is(err, tokenprofile.ErrReplayed):
				t.Errorf("got %v, want %v", err, tokenprofile.ErrReplayed)
			}
		})
	}
	wg.Wait()
	if got := admitted.Load(); got != 1 {
		t.Errorf("the token was admitted %d times, want once", got)
	}
}

func TestNothingIsAdmittedWithoutRedis(t *testing.T) {
	client, stop := startRedis(t)
	guards, token := instances(t, client)
	stop()
	err := check(guards[0], token)
	var refusal *transport.Refusal
	if !errors.As(err, &refusal) || refusal.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %v, want 503", err)
	}
	if errors.Is(err, tokenprofile.ErrInvalid) {
		t.Errorf("got %v: it is not the token's fault", err)
	}
}
