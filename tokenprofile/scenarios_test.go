package tokenprofile_test

import (
	"context"
	"crypto/x509"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A use is one of the example files, with the keys and claims it takes.
type use struct {
	name     string
	signer   *tokenprofile.Signer
	verifier *tokenprofile.Verifier
	claims   map[string]any
}

// uses are the example files, all with one key for each algorithm, so that
// nothing but the profiles keeps their tokens apart.
func uses(t testing.TB) (all []use) {
	t.Helper()
	keys := map[tokenprofile.Algorithm]keystore.PrivateKey{}
	for _, file := range ok(filepath.Glob("testdata/profiles/*.json"))(t) {
		p := ok(tokenprofile.Load(file))(t)
		p.Now, p.KeyAlias = fixedClock, ""
		if _, known := keys[p.Algorithm]; !known {
			key := cryptoKey(t, p.Algorithm)
			keys[p.Algorithm] = ok(keystore.NewPrivateKey(key, certify(t, key, x509.KeyUsageDigitalSignature)))(t)
		}
		u := use{name: strings.TrimSuffix(filepath.Base(file), ".json")}
		if p.Subject == "" {
			u.claims = map[string]any{"sub": "user-1", "client_id": "client-1"}
		}
		store := keystore.New(keys[p.Algorithm])
		if p.Encryption == nil {
			u.signer, u.verifier = ok(p.Signer(store))(t), ok(p.Verifier(store))(t)
		} else {
			receiver := keystore.New(keyFor(t, "ES256"))
			u.signer = ok(p.Signer(store, tokenprofile.EncryptTo(receiver)))(t)
			u.verifier = ok(p.Verifier(store, tokenprofile.DecryptWith(receiver)))(t)
		}
		all = append(all, u)
	}
	return all
}

// The tokens of one use are good for that use alone, although the keys are the
// same. The two files of the remote cases are two ends of one use.
func TestTokensOfOneUseAreNoneOfAnother(t *testing.T) {
	all := uses(t)
	if len(all) != 6 {
		t.Fatalf("got %d uses, want 6", len(all))
	}
	for _, from := range all {
		for _, to := range all {
			t.Run(from.name+" for "+to.name, func(t *testing.T) {
				token, err := to.verifier.Verify(t.Context(), ok(from.signer.Sign(t.Context(), from.claims))(t))
				kin := strings.HasPrefix(from.name, "Remotecasetype") && strings.HasPrefix(to.name, "Remotecasetype")
				switch {
				case (from.name == to.name || kin) && err != nil:
					t.Error(err)
				case from.name != to.name && !kin && !errors.Is(err, tokenprofile.ErrInvalid):
					t.Errorf("got %v, %v, want a refusal", token, err)
				}
			})
		}
	}
}

// What each use demands beyond the registered claims.
func TestWhatTheUsesDemand(t *testing.T) {
	for _, u := range uses(t) {
		for name := range u.claims {
			if strings.HasPrefix(u.name, "self") || name == "client_id" && !strings.HasPrefix(u.name, "rfc9068") {
				continue
			}
			lacking := map[string]any{}
			for other, value := range u.claims {
				if other != name {
					lacking[other] = value
				}
			}
			_, err := u.signer.Sign(t.Context(), lacking)
			mentions(t, err, `claim "`+name+`" is missing`)
		}
	}
}

// An assertion for a token endpoint is used once, wherever it arrives: the
// guard is one that several processes share.
func TestOneGuardForSeveralVerifiers(t *testing.T) {
	p := ok(tokenprofile.Load("testdata/profiles/rfc7523-assertion.json"))(t)
	p.Now = fixedClock
	key := keyFor(t, p.Algorithm)
	p.Replay = &tokenprofile.MemoryReplayGuard{Now: fixedClock}
	one, two := ok(p.Verifier(trusting(key)))(t), ok(p.Verifier(trusting(key)))(t)
	signer := ok(p.Signer(keystore.New(key)))(t)
	for range 5 {
		token := ok(signer.Sign(t.Context(), nil))(t)
		ok(one.Verify(t.Context(), token))(t)
		for _, verifier := range []*tokenprofile.Verifier{two, one} {
			_, err := verifier.Verify(t.Context(), token)
			refuses(t, err, tokenprofile.ErrReplayed)
		}
	}
}

// A jti is an issuer's own (RFC 7519 section 4.1.7): two that count alike do
// not use up each other's tokens at the guard they share.
func TestTwoIssuersWithTheSameTokenIDs(t *testing.T) {
	guard := &tokenprofile.MemoryReplayGuard{Now: fixedClock}
	signers := map[string]*tokenprofile.Signer{}
	var verifiers []*tokenprofile.Verifier
	for _, issuer := range []string{"https://one.example", "https://two.example", "https://one.example/two"} {
		p := profileOf("ES256")
		p.Issuer = issuer
		key := keyFor(t, p.Algorithm)
		signers[issuer] = ok(p.Signer(keystore.New(key)))(t) // leaves the jti to the caller
		p.OneUse, p.Replay = true, guard
		verifiers = append(verifiers, ok(p.Verifier(trusting(key)))(t))
	}
	gate := ok(tokenprofile.ByIssuer(verifiers...))(t)
	for _, id := range []string{"1", "2", "two\"1"} {
		for issuer, signer := range signers {
			token := ok(signer.Sign(t.Context(), map[string]any{"jti": id}))(t)
			if got := ok(gate.Verify(t.Context(), token))(t); got.Issuer != issuer || got.ID != id {
				t.Errorf("got %q of %q, want %q of %q", got.ID, got.Issuer, id, issuer)
			}
			_, err := gate.Verify(t.Context(), token)
			refuses(t, err, tokenprofile.ErrReplayed)
			again := ok(signer.Sign(t.Context(), map[string]any{"jti": id, "attempt": 2}))(t)
			_, err = gate.Verify(t.Context(), again)
			refuses(t, err, tokenprofile.ErrReplayed)
		}
	}
}

// Of many that send the same token at once, one succeeds.
func TestOneOfManyIsFirst(t *testing.T) {
	p := profileOf("EdDSA")
	p.OneUse = true
	signer, verifier := pair(t, p)
	for range 5 {
		token := ok(signer.Sign(t.Context(), nil))(t)
		results := make(chan error, 16)
		var group sync.WaitGroup
		for range cap(results) {
			group.Go(func() {
				_, err := verifier.Verify(t.Context(), token)
				results <- err
			})
		}
		group.Wait()
		close(results)
		accepted := 0
		for err := range results {
			if err == nil {
				accepted++
				continue
			}
			refuses(t, err, tokenprofile.ErrReplayed)
		}
		if accepted != 1 {
			t.Errorf("%d were accepted, want 1", accepted)
		}
	}
}

// A gateway keeps its callers apart by issuer, each with a key of another kind.
func TestAGatewayForManyIssuers(t *testing.T) {
	signers := map[string]*tokenprofile.Signer{}
	var verifiers []*tokenprofile.Verifier
	for _, algorithm := range append(asymmetric, hmacs...) {
		p := profileOf(algorithm)
		p.Issuer = "https://" + strings.ToLower(string(algorithm)) + ".example"
		signer, verifier := pair(t, p)
		signers[p.Issuer] = signer
		verifiers = append(verifiers, verifier)
	}
	gateway := ok(tokenprofile.ByIssuer(verifiers...))(t)
	for issuer, signer := range signers {
		token := ok(signer.Sign(t.Context(), nil))(t)
		if got := ok(gateway.Verify(t.Context(), token))(t); got.Issuer != issuer {
			t.Errorf("got %q, want %q", got.Issuer, issuer)
		}
		accepted := 0
		for _, verifier := range verifiers {
			if _, err := verifier.Verify(t.Context(), token); err == nil {
				accepted++
			}
		}
		if accepted != 1 {
			t.Errorf("%s: %d verifiers accept the token, want 1", issuer, accepted)
		}
	}
}

// Two shared keys in turn, by many goroutines: the states that are kept for
// the one never sign or verify for the other.
func TestTwoSharedKeysInTurn(t *testing.T) {
	one, two := secretFor(t, "one", 32), secretFor(t, "two", 32)
	p := profileOf("HS256")
	p.TokenID, p.CacheSize = true, -1
	verifier := ok(p.SecretVerifier(secrets{one, two}))(t)
	source := &turning{keys: []keystore.SecretKey{one, two}}
	signer := ok(p.SecretSigner(source))(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { signAndVerify(t, signer, verifier, 100) })
	}
	group.Wait()
}

// turning yields its keys in turn.
type turning struct {
	mu   sync.Mutex
	keys []keystore.SecretKey
	next int // guarded by mu
}

func (s *turning) SecretKeys(context.Context, string) ([]keystore.SecretKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return s.keys[s.next%len(s.keys):][:1], nil
}

// A key that leaked is gone with the next token, cache or not.
func TestALeakedKey(t *testing.T) {
	leaked, fresh := keyFor(t, "ES256"), keyFor(t, "ES256")
	source := trusting(leaked)
	p := profileOf("ES256")
	verifier := ok(p.Verifier(source))(t)
	thief := ok(p.Signer(keystore.New(leaked)))(t)
	seen := ok(thief.Sign(t.Context(), nil))(t)
	ok(verifier.Verify(t.Context(), seen))(t)
	source.set([]keystore.PublicKey{fresh.Public()}, nil)
	for _, token := range []string{seen, ok(thief.Sign(t.Context(), map[string]any{"n": 1}))(t)} {
		_, err := verifier.Verify(t.Context(), token)
		refuses(t, err, tokenprofile.ErrUnknownKey)
	}
	ok(verifier.Verify(t.Context(), ok(ok(p.Signer(keystore.New(fresh)))(t).Sign(t.Context(), nil))(t)))(t)
}

// Long tokens, where the profile allows them, both ways.
func TestLongTokens(t *testing.T) {
	p := profileOf("HS256")
	p.MaxSize = 1 << 20
	signer, verifier := pair(t, p)
	for _, size := range []int{1, 10_000, 100_000, 700_000} {
		text := strings.Repeat("é", size/2)
		token := ok(signer.Sign(t.Context(), map[string]any{"text": text}))(t)
		for range 2 {
			var claims struct {
				Text string `json:"text"`
			}
			if err := ok(verifier.Verify(t.Context(), token))(t).Decode(&claims); err != nil || claims.Text != text {
				t.Errorf("got %d bytes, %v, want %d", len(claims.Text), err, len(text))
			}
		}
	}
	if _, err := signer.Sign(t.Context(), map[string]any{"text": strings.Repeat("x", 1<<20)}); err == nil {
		t.Error("a token beyond maxSize was signed")
	}
}
