package redis_test

import (
	"context"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/examples/redis"
)

// firsts asks for ids until the server is gone, and returns those that it has
// called new.
func firsts(guard *redis.ReplayGuard, worker int) (admitted []string) {
	for i := 0; ; i++ {
		id := strconv.Itoa(worker) + "/" + strconv.Itoa(i)
		first, err := guard.First(context.Background(), "a", id, time.Now().Add(time.Hour))
		if err != nil {
			return admitted
		}
		if first {
			admitted = append(admitted, id)
		}
	}
}

func TestNothingIsForgottenByKillAndRestart(t *testing.T) {
	server := newServer(t, "--appendonly", "yes", "--appendfsync", "always")
	server.start(t)
	var mu sync.Mutex
	var admitted []string
	var wg sync.WaitGroup
	for worker := range 4 {
		guard := &redis.ReplayGuard{Client: server.client(t)}
		wg.Go(func() {
			ids := firsts(guard, worker)
			mu.Lock()
			defer mu.Unlock()
			admitted = append(admitted, ids...)
		})
	}
	time.Sleep(time.Second)
	server.kill() // in the midst of it
	wg.Wait()
	if len(admitted) < 100 {
		t.Fatalf("%d ids were admitted in a second, too few for a test", len(admitted))
	}

	server.start(t)
	guard := &redis.ReplayGuard{Client: server.client(t)}
	for _, id := range admitted {
		first, err := guard.First(t.Context(), "a", id, time.Now().Add(time.Hour))
		if err != nil || first {
			t.Fatalf("id %s, admitted before the kill: got %t and error %v, want false", id, first, err)
		}
	}
	t.Logf("%d ids admitted before kill -9, all known after the restart", len(admitted))
}

// The README's warning holds.
func TestTheDefaultForgets(t *testing.T) {
	server := newServer(t)
	server.start(t)
	for range 2 { // the same id, before the kill and after
		guard := &redis.ReplayGuard{Client: server.client(t)}
		first, err := guard.First(t.Context(), "a", "b", time.Now().Add(time.Hour))
		if err != nil || !first {
			t.Errorf("got %t and error %v: does the default keep what it was told?", first, err)
		}
		server.kill()
		server.start(t)
	}
}

func TestARequestDoesNotWaitLongerThanItMay(t *testing.T) {
	server := newServer(t, "--save", "")
	server.start(t)
	guard := &redis.ReplayGuard{Client: server.client(t)}
	if err := server.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if first, err := guard.First(ctx, "a", "b", time.Now().Add(time.Hour)); err == nil || first {
		t.Errorf("got %t and error %v of a server that hangs", first, err)
	}
	if waited := time.Since(begin); waited > 2*time.Second {
		t.Errorf("waited %v, want about 100ms", waited)
	}
}
