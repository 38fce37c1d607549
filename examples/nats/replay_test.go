package nats_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/examples/nats"
)

func TestFirst(t *testing.T) {
	guard := startNATS(t).guard(t)
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
		{"an id with characters that a key may not have", "a", "* > .", soon, true, false},
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
	s := startNATS(t)
	guards := []*nats.ReplayGuard{s.guard(t), s.guard(t)}
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

func TestNATSForgetsWhatHasExpired(t *testing.T) {
	guard := startNATS(t).guard(t)
	expiry := time.Now().Add(1500 * time.Millisecond)
	for time.Now().Before(expiry) {
		first, err := guard.First(t.Context(), "a", "b", expiry)
		if err != nil && time.Now().Before(expiry) {
			t.Fatal(err)
		}
		if first && time.Until(expiry) < time.Second {
			t.Fatalf("forgotten %v before the token expires", time.Until(expiry))
		}
		time.Sleep(50 * time.Millisecond)
	}
	for deadline := expiry.Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		first, err := guard.First(t.Context(), "a", "b", time.Now().Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if first {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("not forgotten 10 seconds after the token has expired")
		}
	}
}

func TestNothingIsForgottenByKillAndRestart(t *testing.T) {
	s := startNATS(t)
	guard := s.guard(t)
	expiry := time.Now().Add(time.Hour)
	const ids = 50
	for id := range ids {
		if first, err := guard.First(t.Context(), "kill", fmt.Sprint(id), expiry); err != nil || !first {
			t.Fatalf("got %t and error %v, want true", first, err)
		}
	}
	s.kill()
	if first, err := guard.First(t.Context(), "kill", "new", expiry); err == nil || first {
		t.Errorf("without a server: got %t and error %v, want an error", first, err)
	}
	s.start(t)
	guard = s.guard(t)
	for id := range ids {
		if first, err := guard.First(t.Context(), "kill", fmt.Sprint(id), expiry); err != nil || first {
			t.Fatalf("id %d after the restart: got %t and error %v, want false", id, first, err)
		}
	}
}

func TestARequestDoesNotWaitLongerThanItMay(t *testing.T) {
	s := startNATS(t)
	guard := s.guard(t)
	if err := s.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	first, err := guard.First(ctx, "wait", "a", time.Now().Add(time.Minute))
	if first || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %t and error %v, want %v", first, err, context.DeadlineExceeded)
	}
	if waited := time.Since(begin); waited > 2*time.Second {
		t.Errorf("waited %v, want about 100ms", waited)
	}
}
