package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/examples/postgres"
)

func TestFirst(t *testing.T) {
	guard := startPostgres(t).guard(t)
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

func TestTwoInstancesAtOnce(t *testing.T) {
	s := startPostgres(t)
	guards := []*postgres.ReplayGuard{s.guard(t), s.guard(t)}
	const ids, callers = 50, 8
	var firsts [ids]atomic.Int32
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for id := range ids {
				first, err := guards[i%2].First(t.Context(), "two", fmt.Sprint(id), time.Now().Add(time.Minute))
				if err != nil {
					t.Error(err)
				}
				if first {
					firsts[id].Add(1)
				}
			}
		})
	}
	wg.Wait()
	for id := range ids {
		if n := firsts[id].Load(); n != 1 {
			t.Errorf("id %d was new %d times, want once", id, n)
		}
	}
}

func TestForget(t *testing.T) {
	guard := startPostgres(t).guard(t)
	first := func() bool {
		first, err := guard.First(t.Context(), "forget", "a", time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return first
	}
	tests := []struct {
		name      string
		later     string // how much time passes
		forgotten bool
	}{
		{"while the token lives", "59 minutes", false},
		{"when it has expired by some clocks", "90 seconds", false},
		{"when it has expired by all clocks", "1 minute", true},
	}
	first()
	for _, test := range tests {
		if _, err := guard.Pool.Exec(t.Context(), "UPDATE replay SET expiry = expiry - $1::text::interval", test.later); err != nil {
			t.Fatal(err)
		}
		if _, err := guard.Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := first(); got != test.forgotten {
			t.Errorf("%s: got %t, want %t", test.name, got, test.forgotten)
		}
	}
}

func TestCrashForgetsNothing(t *testing.T) {
	s := startPostgres(t)
	guard := s.guard(t)
	expiry := time.Now().Add(time.Minute)
	if first, err := guard.First(t.Context(), "crash", "a", expiry); err != nil || !first {
		t.Fatalf("got %t and error %v, want true", first, err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	first, err := guard.First(t.Context(), "crash", "b", expiry)
	if err == nil || first {
		t.Errorf("without a server: got %t and error %v, want an error", first, err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	if first, err := s.guard(t).First(t.Context(), "crash", "a", expiry); err != nil || first {
		t.Errorf("after a crash: got %t and error %v, want false", first, err)
	}
}

func TestARequestDoesNotWaitLongerThanItMay(t *testing.T) {
	s := startPostgres(t)
	guard := s.guard(t)
	busy, err := s.guard(t).Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Rollback(context.Background())
	if _, err := busy.Exec(t.Context(), "LOCK TABLE replay"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	first, err := guard.First(ctx, "wait", "a", time.Now().Add(time.Minute))
	if first || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %t and error %v, want %v", first, err, context.DeadlineExceeded)
	}
	if waited := time.Since(begin); waited > 5*time.Second {
		t.Errorf("waited %v, want about 100ms", waited)
	}
}
