package tokenprofile_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func first(t testing.TB, g *tokenprofile.MemoryReplayGuard, issuer, id string, expiry time.Time) bool {
	t.Helper()
	return ok(g.First(t.Context(), issuer, id, expiry))(t)
}

func TestMemoryReplayGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g tokenprofile.MemoryReplayGuard
		expiry := time.Now().Add(time.Minute)
		for _, test := range []struct {
			name, issuer, id string
			want             bool
		}{
			{"an id", "i", "1", true},
			{"the same id", "i", "1", false},
			{"another id", "i", "2", true},
			{"the id of another issuer", "j", "1", true},
			{"a pair that reads the same side by side", "i1", "", true},
			{"the other way round", "", "i1", true},
		} {
			if got := first(t, &g, test.issuer, test.id, expiry); got != test.want {
				t.Errorf("%s: got %t, want %t", test.name, got, test.want)
			}
		}
		time.Sleep(time.Minute - 1)
		if first(t, &g, "i", "1", expiry) {
			t.Error("forgotten too early")
		}
		time.Sleep(time.Nanosecond)
		if !first(t, &g, "i", "1", expiry.Add(time.Minute)) {
			t.Error("remembered too long")
		}
		if _, err := g.First(t.Context(), "i", "9", time.Now()); err == nil {
			t.Error("an id that would be forgotten at once is admitted")
		}
	})
}

func TestAFullReplayGuardRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &tokenprofile.MemoryReplayGuard{Max: 10}
		for n := range 10 {
			first(t, g, "i", fmt.Sprint(n), time.Now().Add(time.Duration(10-n)*time.Second))
		}
		_, err := g.First(t.Context(), "i", "x", time.Now().Add(time.Hour))
		if !errors.Is(err, tokenprofile.ErrReplayGuardFull) {
			t.Errorf("got %v, want %v", err, tokenprofile.ErrReplayGuardFull)
		}
		if first(t, g, "i", "0", time.Now().Add(time.Hour)) {
			t.Error("what is remembered is admitted")
		}
		time.Sleep(3 * time.Second) // three have expired, the last ones
		for n := range 3 {
			if !first(t, g, "i", fmt.Sprint("y", n), time.Now().Add(time.Hour)) {
				t.Error("refused")
			}
		}
		if _, err := g.First(t.Context(), "i", "z", time.Now().Add(time.Hour)); !errors.Is(err, tokenprofile.ErrReplayGuardFull) {
			t.Errorf("got %v, want %v", err, tokenprofile.ErrReplayGuardFull)
		}
	})
}

// One issuer, or one DPoP key, cannot fill the guard for all others.
func TestNoIssuerHasMoreThanItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &tokenprofile.MemoryReplayGuard{Max: 100, MaxPerIssuer: 10}
		for n := range 10 {
			first(t, g, "greedy", fmt.Sprint(n), time.Now().Add(time.Duration(1+n)*time.Second))
		}
		_, err := g.First(t.Context(), "greedy", "x", time.Now().Add(time.Hour))
		if !errors.Is(err, tokenprofile.ErrReplayGuardFull) || !strings.Contains(err.Error(), "MaxPerIssuer is 10") {
			t.Errorf("got %v, want the field", err)
		}
		if !first(t, g, "modest", "x", time.Now().Add(time.Hour)) {
			t.Error("another issuer is refused")
		}
		if first(t, g, "greedy", "9", time.Now().Add(time.Hour)) {
			t.Error("what is remembered is admitted")
		}
		time.Sleep(time.Second) // one has expired
		if !first(t, g, "greedy", "x", time.Now().Add(time.Hour)) {
			t.Error("refused, though one has expired")
		}
		if _, err := g.First(t.Context(), "greedy", "y", time.Now().Add(time.Hour)); err == nil {
			t.Error("an eleventh is admitted")
		}
	})
}

// What has expired is new again, also while it is not forgotten yet: that costs
// calls, and older ones come first.
func TestWhatHasExpiredIsNewBeforeItIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &tokenprofile.MemoryReplayGuard{MaxPerIssuer: 10}
		for n := range 10 {
			first(t, g, "others", fmt.Sprint(n), time.Now().Add(time.Second))
		}
		share := &tokenprofile.MemoryReplayGuard{MaxPerIssuer: 1}
		for n := range 10 {
			first(t, share, fmt.Sprint(n), "1", time.Now().Add(time.Second))
		}
		first(t, share, "one", "1", time.Now().Add(2*time.Second))
		first(t, g, "one", "x", time.Now().Add(2*time.Second))
		time.Sleep(2 * time.Second)
		if !first(t, g, "one", "x", time.Now().Add(time.Second)) {
			t.Error("an id that has expired is refused")
		}
		if !first(t, share, "one", "2", time.Now().Add(time.Second)) {
			t.Error("an id that has expired takes the issuer's share")
		}
	})
}

func TestAFullGuardNamesItsField(t *testing.T) {
	g := &tokenprofile.MemoryReplayGuard{Max: 1}
	first(t, g, "i", "1", time.Now().Add(time.Hour))
	if _, err := g.First(t.Context(), "i", "2", time.Now().Add(time.Hour)); err == nil || !strings.Contains(err.Error(), "Max is 1") {
		t.Errorf("got %v, want the field", err)
	}
}

// A guard stands as many tokens a second as its field says: a thousand by
// default, and here one.
func TestWhatRateAReplayGuardStands(t *testing.T) {
	const life = 930 // seconds of Lifetime and Leeway
	if rate := tokenprofile.DefaultReplayMax / life; rate < 1000 {
		t.Errorf("the default stands %d tokens a second", rate)
	}
	synctest.Test(t, func(t *testing.T) {
		g := &tokenprofile.MemoryReplayGuard{Max: life}
		for n := range 5 * life {
			if !first(t, g, "i", strconv.Itoa(n), time.Now().Add(life*time.Second)) {
				t.Fatalf("refused after %d seconds", n)
			}
			time.Sleep(time.Second)
		}
		first(t, g, "i", "one more", time.Now().Add(life*time.Second))
		if _, err := g.First(t.Context(), "i", "two more", time.Now().Add(life*time.Second)); !errors.Is(err, tokenprofile.ErrReplayGuardFull) {
			t.Errorf("got %v: the guard is not full, so this test checks nothing", err)
		}
	})
}

// After a restart nobody knows what was used before.
func TestWhatWasIssuedBeforeTheGuardBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const life = 15*time.Minute + 30*time.Second
		issued := time.Now()
		time.Sleep(time.Minute)
		began := time.Now()
		g := &tokenprofile.MemoryReplayGuard{UnknownUntil: began.Add(life)}
		if first(t, g, "i", "old", issued.Add(life)) {
			t.Error("a token from before is admitted")
		}
		if !first(t, g, "i", "new", time.Now().Add(life)) {
			t.Error("a token from after is refused")
		}
		if first(t, g, "i", "new", time.Now().Add(life)) {
			t.Error("and is admitted again")
		}
	})
}

// Forgetting is spread over calls: no one waits for all that has expired.
func TestForgettingIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &tokenprofile.MemoryReplayGuard{}
		for n := range 1000 {
			first(t, g, "i", fmt.Sprint(n), time.Now().Add(time.Second))
		}
		time.Sleep(time.Second)
		before := g.Remembered()
		first(t, g, "i", "x", time.Now().Add(time.Hour))
		if forgot := before - g.Remembered() + 1; forgot < 2 || forgot > 10 {
			t.Errorf("one call forgot %d, want a few", forgot)
		}
		for n := range 500 {
			first(t, g, "i", fmt.Sprint("y", n), time.Now().Add(time.Hour))
		}
		if got := g.Remembered(); got != 501 {
			t.Errorf("%d are remembered, want the 501 that are good", got)
		}
	})
}

// Of many goroutines with the same id exactly one is first.
func TestConcurrentReplay(t *testing.T) {
	var g tokenprofile.MemoryReplayGuard
	var mu sync.Mutex
	firsts := 0
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for n := range 50 {
				isFirst, err := g.First(t.Context(), "i", fmt.Sprint(n), time.Now().Add(time.Hour))
				if err != nil {
					t.Error(err)
				}
				if isFirst {
					mu.Lock()
					firsts++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	if firsts != 50 {
		t.Errorf("got %d firsts, want 50", firsts)
	}
}

func oneUse(replay tokenprofile.ReplayGuard) tokenprofile.Profile {
	p := profileOf("HS256")
	p.OneUse, p.Replay = true, replay
	return p
}

func TestATokenForOneUse(t *testing.T) {
	signer, verifier := pair(t, oneUse(nil))
	if !signer.OneUse() {
		t.Error("the signer does not say so")
	}
	one, two := ok(signer.Sign(t.Context(), nil))(t), ok(signer.Sign(t.Context(), nil))(t)
	ok(verifier.Verify(t.Context(), one))(t)
	_, err := verifier.Verify(t.Context(), one)
	refuses(t, err, tokenprofile.ErrReplayed)
	ok(verifier.Verify(t.Context(), two))(t)
	_, err = handmadeVerifier(t, oneUse(nil)).Verify(t.Context(), handmade(handmadeKey, goodHeader, goodPayload))
	refuses(t, err, tokenprofile.ErrClaim) // no jti
}

// recorder is a guard that keeps what it is asked.
type recorder struct {
	issuer, id string
	expiry     time.Time
	asked      int
	err        error
}

func (r *recorder) First(_ context.Context, issuer, id string, expiry time.Time) (bool, error) {
	r.issuer, r.id, r.expiry = issuer, id, expiry
	r.asked++
	return r.asked == 1, r.err
}

func TestWhatAReplayGuardIsAsked(t *testing.T) {
	guard := &recorder{}
	verifier := handmadeVerifier(t, oneUse(guard))
	for _, refused := range []string{
		handmade([]byte("another key of thirty-two bytes!"), goodHeader, payloadWith(`jti="id-1"`)),
		handmade(handmadeKey, goodHeader, payloadWith(`jti="id-1"`, `aud="x"`)),
		handmade(handmadeKey, goodHeader, payloadWith(`jti="id-1"`, `exp=1899999000`, `iat=`)),
	} {
		if _, err := verifier.Verify(t.Context(), refused); err == nil {
			t.Error("accepted")
		}
	}
	if guard.asked != 0 {
		t.Error("the guard was asked for a token that is refused for another reason")
	}
	token := handmade(handmadeKey, goodHeader, payloadWith(`jti="id-1"`))
	ok(verifier.Verify(t.Context(), token))(t)
	if want := now.Add(10*time.Minute + 30*time.Second); guard.issuer != "https://consumer.example" || guard.id != "id-1" || !guard.expiry.Equal(want) {
		t.Errorf("got %q %q %v, want the token's and %v", guard.issuer, guard.id, guard.expiry, want)
	}
	_, err := verifier.Verify(t.Context(), token)
	refuses(t, err, tokenprofile.ErrReplayed)
}

// A guard that cannot tell means refusal, and is not the token's fault.
func TestAFailingReplayGuardRefuses(t *testing.T) {
	guard := &recorder{err: errors.New("store down")}
	_, err := handmadeVerifier(t, oneUse(guard)).Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith(`jti="1"`)))
	if errors.Is(err, tokenprofile.ErrInvalid) || !errors.Is(err, guard.err) {
		t.Errorf("got %v, want %v", err, guard.err)
	}
}

// The guard of the verifier's own runs by the profile's clock.
func TestTheReplayGuardHasTheProfilesClock(t *testing.T) {
	key := keyFor(t, "EdDSA")
	p := profileOf("EdDSA")
	p.OneUse = true
	p.Now = func() time.Time { return time.Unix(1_000_000_000, 0) }
	signer, verifier := ok(p.Signer(keystore.New(key)))(t), ok(p.Verifier(trusting(key)))(t)
	token := ok(signer.Sign(t.Context(), nil))(t)
	ok(verifier.Verify(t.Context(), token))(t)
	_, err := verifier.Verify(t.Context(), token)
	refuses(t, err, tokenprofile.ErrReplayed)
}

func BenchmarkMemoryReplayGuard(b *testing.B) {
	var g tokenprofile.MemoryReplayGuard
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if _, err := g.First(b.Context(), "https://consumer.example", fmt.Sprint(n), time.Now().Add(time.Second/2)); err != nil && !errors.Is(err, tokenprofile.ErrReplayGuardFull) {
			b.Fatal(err)
		}
	}
}
