package tokenprofile_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A world is what a verdict depends on: a clock and the keys of a source.
type world struct {
	clock  time.Time
	keys   []keystore.PrivateKey
	source *trust
	random *rand.Rand
	tokens []string
}

func newWorld(t testing.TB, seed uint64) *world {
	t.Helper()
	w := &world{clock: now, random: rand.New(rand.NewPCG(seed, 1)), source: &trust{}}
	for n := range 6 {
		w.keys = append(w.keys, keyFor(t, "EdDSA").WithKeyID(fmt.Sprint("k", n%3))) // two for each kid
	}
	for range 25 {
		w.tokens = append(w.tokens, w.token(t))
	}
	return w
}

// profile is what the tokens are judged by.
func (w *world) profile() tokenprofile.Profile {
	p := profileOf("EdDSA")
	p.Now = func() time.Time { return w.clock }
	return p
}

// token is a token of any of the keys, for the profile or not, valid at some
// time of the test.
func (w *world) token(t testing.TB) string {
	t.Helper()
	p := w.profile()
	issued := now.Add(time.Duration(w.random.IntN(600)-300) * time.Second)
	p.Now = func() time.Time { return issued }
	p.TokenID = true
	p.Lifetime = time.Duration(1+w.random.IntN(20)) * time.Minute // beyond the profile's, now and then
	p.Header.NoKeyID = w.random.IntN(4) == 0
	if w.random.IntN(6) == 0 {
		p.Audience = []string{"https://other.example"}
	}
	key := w.keys[w.random.IntN(len(w.keys))]
	return ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
}

// change lets time pass, or changes the keys, or makes them unavailable.
func (w *world) change() {
	switch w.random.IntN(6) {
	case 0, 1:
		w.clock = w.clock.Add(time.Duration(w.random.IntN(120)-20) * time.Second)
	case 2:
		w.source.set(nil, errors.New("down"))
	default:
		var keys []keystore.PublicKey
		for _, key := range w.keys {
			if w.random.IntN(4) > 0 {
				keys = append(keys, key.Public())
			}
		}
		w.source.set(keys, nil)
	}
}

// verdict is what came of a token, as far as a caller acts on it.
func verdict(token *tokenprofile.Token, err error) string {
	switch {
	case errors.Is(err, keystore.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, tokenprofile.ErrInvalid):
		return "invalid"
	case err != nil:
		return err.Error()
	}
	return token.ID + token.Subject + token.KeyID
}

// A verifier with a cache says what one without says, whatever happens to the
// clock and the keys in between.
func TestACacheChangesNoVerdict(t *testing.T) {
	accepted := 0
	for seed := range uint64(8) {
		w := newWorld(t, seed)
		plain, cached, small := w.profile(), w.profile(), w.profile()
		plain.CacheSize, small.CacheSize = -1, 3
		verifiers := []*tokenprofile.Verifier{}
		for _, p := range []tokenprofile.Profile{plain, cached, small} {
			verifiers = append(verifiers, ok(p.Verifier(w.source))(t))
		}
		for range 300 {
			if w.random.IntN(5) == 0 {
				w.change()
			}
			token := w.tokens[w.random.IntN(len(w.tokens))]
			want := verdict(verifiers[0].Verify(t.Context(), token))
			for n, verifier := range verifiers[1:] {
				if got := verdict(verifier.Verify(t.Context(), token)); got != want {
					t.Fatalf("seed %d: cache %d says %q, want %q", seed, n+1, got, want)
				}
			}
			if want != "invalid" && want != "unavailable" {
				accepted++
			}
		}
	}
	if accepted < 200 {
		t.Errorf("only %d of 2400 verdicts were good: that tests nothing", accepted)
	}
}

// Several verifiers behind one say what the right one says alone.
func TestByIssuerChangesNoVerdict(t *testing.T) {
	var verifiers []*tokenprofile.Verifier
	for _, issuer := range []string{"https://consumer.example", "https://two.example", "https://three.example"} {
		p := profileOf("HS256")
		p.Issuer = issuer
		verifiers = append(verifiers, handmadeVerifier(t, p))
	}
	issuers := ok(tokenprofile.ByIssuer(verifiers...))(t)
	for _, header := range []string{goodHeader, `{"alg":"none"}`, `{"alg":"HS256","kid":"x"}`, `{"alg":"HS256","alg":"HS256"}`, `x`} {
		for _, change := range []string{"", `iss="https://two.example"`, `iss="https://four.example"`, `iss=`, `aud="x"`, `exp=1`, `exp="x"`, `sub="x"`} {
			token := handmade(handmadeKey, header, payloadWith(change))
			want := "invalid"
			for _, verifier := range verifiers {
				if got := verdict(verifier.Verify(t.Context(), token)); got != "invalid" {
					want = got
				}
			}
			if got := verdict(issuers.Verify(t.Context(), token)); got != want {
				t.Errorf("header %s, %s: got %q, want %q", header, change, got, want)
			}
		}
	}
}

// The guard in memory admits an id exactly when a plain table of all ids does,
// and never holds more than it may.
func TestReplayGuardAgreesWithATable(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			const most = 20
			random := rand.New(rand.NewPCG(seed, 2))
			guard := &tokenprofile.MemoryReplayGuard{Max: most}
			table := map[string]time.Time{}
			for range 2000 {
				time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
				for id, expiry := range table {
					if !time.Now().Before(expiry) {
						delete(table, id)
					}
				}
				id := fmt.Sprint(random.IntN(40))
				expiry := time.Now().Add(time.Duration(1+random.IntN(40)) * time.Second)
				_, seen := table[id]
				isFirst, err := guard.First(t.Context(), "i", id, expiry)
				switch full := !seen && len(table) >= most; {
				case full && !errors.Is(err, tokenprofile.ErrReplayGuardFull):
					t.Fatalf("got %t, %v with %d ids, want %v", isFirst, err, len(table), tokenprofile.ErrReplayGuardFull)
				case !full && (err != nil || isFirst == seen):
					t.Fatalf("got %t, %v for an id seen before: %t", isFirst, err, seen)
				case !full && !seen:
					table[id] = expiry
				}
			}
		})
	}
}

// Tokens for one use are used once, whoever asks and in whatever order.
func TestOneUseInAnyOrder(t *testing.T) {
	p := profileOf("EdDSA")
	p.OneUse = true
	signer, verifier := pair(t, p)
	var tokens []string
	for range 50 {
		token := ok(signer.Sign(t.Context(), nil))(t)
		tokens = append(tokens, token, token, token)
	}
	random := rand.New(rand.NewPCG(3, 3))
	random.Shuffle(len(tokens), func(i, j int) { tokens[i], tokens[j] = tokens[j], tokens[i] })
	used := []string{}
	for _, token := range tokens {
		_, err := verifier.Verify(t.Context(), token)
		if slices.Contains(used, token) {
			refuses(t, err, tokenprofile.ErrReplayed)
			continue
		}
		if err != nil {
			t.Error(err)
		}
		used = append(used, token)
	}
}
