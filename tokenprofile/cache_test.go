package tokenprofile_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// cachedToken is a token that its verifier remembers, with what it depends on.
type cachedToken struct {
	key      keystore.PrivateKey
	source   *trust
	clock    time.Time
	verifier *tokenprofile.Verifier
	text     string
}

func newCachedToken(t *testing.T, algorithm tokenprofile.Algorithm) *cachedToken {
	c := &cachedToken{key: keyFor(t, algorithm), clock: now}
	c.source = trusting(c.key)
	p := profileOf(algorithm)
	p.Now = func() time.Time { return c.clock }
	c.verifier = ok(p.Verifier(c.source))(t)
	c.text = ok(ok(p.Signer(keystore.New(c.key)))(t).Sign(t.Context(), nil))(t)
	ok(c.verifier.Verify(t.Context(), c.text))(t)
	return c
}

func TestARememberedTokenExpires(t *testing.T) {
	c := newCachedToken(t, "ES256")
	c.clock = now.Add(15*time.Minute + 29*time.Second)
	if _, err := c.verifier.Verify(t.Context(), c.text); err != nil {
		t.Error(err)
	}
	c.clock = now.Add(15*time.Minute + 30*time.Second)
	_, err := c.verifier.Verify(t.Context(), c.text)
	refuses(t, err, tokenprofile.ErrExpired)
	c.clock = now.Add(-time.Minute) // the clock is set back
	_, err = c.verifier.Verify(t.Context(), c.text)
	refuses(t, err, tokenprofile.ErrNotYetValid)
}

func TestARemovedKeyStopsAtOnce(t *testing.T) {
	for _, algorithm := range []tokenprofile.Algorithm{"RS256", "ES256", "EdDSA"} {
		t.Run(string(algorithm), func(t *testing.T) {
			c := newCachedToken(t, algorithm)
			c.source.set(nil, nil)
			_, err := c.verifier.Verify(t.Context(), c.text)
			refuses(t, err, tokenprofile.ErrUnknownKey)
			c.source.set([]keystore.PublicKey{c.key.Public()}, nil)
			if _, err := c.verifier.Verify(t.Context(), c.text); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnotherKeyUnderTheSameKidStopsARememberedToken(t *testing.T) {
	rsa2 := ok(keystore.NewPrivateKey(ok(rsa.GenerateKey(rand.Reader, 2048))(t)))(t)
	for algorithm, other := range map[tokenprofile.Algorithm]keystore.PrivateKey{"ES256": keyFor(t, "ES256"), "RS256": rsa2} {
		c := newCachedToken(t, algorithm)
		c.source.set([]keystore.PublicKey{other.Public().WithKeyID(c.key.KeyID())}, nil)
		_, err := c.verifier.Verify(t.Context(), c.text)
		refuses(t, err, tokenprofile.ErrUnknownKey)
	}
}

// The same key loaded again is the same key.
func TestAReloadedKeyKeepsARememberedToken(t *testing.T) {
	for _, algorithm := range []tokenprofile.Algorithm{"RS256", "ES256", "EdDSA"} {
		c := newCachedToken(t, algorithm)
		var again keystore.PublicKey
		if err := again.UnmarshalJSON(ok(c.key.Public().MarshalJSON())(t)); err != nil {
			t.Fatal(err)
		}
		c.source.set([]keystore.PublicKey{again}, nil)
		if _, err := c.verifier.Verify(t.Context(), c.text); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestUnavailableKeysFailARememberedToken(t *testing.T) {
	c := newCachedToken(t, "ES256")
	c.source.set(nil, errors.New("down"))
	if _, err := c.verifier.Verify(t.Context(), c.text); !errors.Is(err, keystore.ErrUnavailable) || errors.Is(err, tokenprofile.ErrInvalid) {
		t.Errorf("got %v, want %v", err, keystore.ErrUnavailable)
	}
}

// What one caller does with a token is nothing to the next, nor is what the
// first does with it, who gets it as it is remembered.
func TestRememberedTokensAreNotShared(t *testing.T) {
	signer, verifier := pair(t, profileOf("ES256"))
	text := ok(signer.Sign(t.Context(), nil))(t)
	for range 3 {
		token := ok(verifier.Verify(t.Context(), text))(t)
		if token.Subject != "billing" || token.Audience[0] != "https://producer.example" || token.Claims[0] != '{' || token.Header[0] != '{' {
			t.Fatal("the token has changed")
		}
		token.Subject, token.Audience[0], token.Claims[0], token.Header[0] = "admin", "x", 'x', 'x'
	}
}

// A byte more or less is another token.
func TestTheWholeTokenIsRemembered(t *testing.T) {
	c := newCachedToken(t, "ES256")
	for _, token := range []string{c.text[:len(c.text)-1], c.text + "A", strayBits(c.text)} {
		if _, err := c.verifier.Verify(t.Context(), token); err == nil {
			t.Error("another token was accepted")
		}
	}
}

// Many more tokens than the cache has room for, by many goroutines. Fails under
// -race if the cache is not safe.
func TestConcurrentVerifying(t *testing.T) {
	key := keyFor(t, "EdDSA")
	p := profileOf("EdDSA")
	p.CacheSize, p.Subject = 4, ""
	signer, verifier := ok(p.Signer(keystore.New(key)))(t), ok(p.Verifier(trusting(key)))(t)
	tokens := make([]string, 20)
	for i := range tokens {
		tokens[i] = ok(signer.Sign(t.Context(), map[string]any{"sub": fmt.Sprint(i)}))(t)
	}
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 60 {
				n := (i*7 + g) % len(tokens)
				token, err := verifier.Verify(t.Context(), tokens[n])
				if err != nil || token.Subject != fmt.Sprint(n) {
					t.Errorf("token %d: got %v, %v", n, token, err)
				}
			}
		})
	}
	group.Wait()
}

// Once another key has taken the kid, a token that is remembered is refused
// for its key, any other for its signature: that shows which are remembered.
func TestTheCacheIsBounded(t *testing.T) {
	for _, test := range []struct {
		name              string
		size, least, most int
	}{
		{"none", -1, 0, 0},
		{"of four", 4, 2, 4},
		{"of one", 1, 1, 2},
		{"the default", 0, 20, 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := keyFor(t, "EdDSA")
			source := trusting(key)
			p := profileOf("EdDSA")
			p.CacheSize, p.TokenID = test.size, true
			signer, verifier := ok(p.Signer(keystore.New(key)))(t), ok(p.Verifier(source))(t)
			tokens := make([]string, 20)
			for i := range tokens {
				tokens[i] = ok(signer.Sign(t.Context(), nil))(t)
				ok(verifier.Verify(t.Context(), tokens[i]))(t)
			}
			source.set([]keystore.PublicKey{keyFor(t, "EdDSA").Public().WithKeyID(key.KeyID())}, nil)
			remembered := 0
			for _, token := range tokens {
				if _, err := verifier.Verify(t.Context(), token); errors.Is(err, tokenprofile.ErrUnknownKey) {
					remembered++
				} else {
					refuses(t, err, tokenprofile.ErrSignature)
				}
			}
			if remembered < test.least || remembered > test.most {
				t.Errorf("%d tokens are remembered, want %d to %d", remembered, test.least, test.most)
			}
		})
	}
}

// A token that is used all the time stays, however many others come by.
func TestTheCacheKeepsWhatIsUsed(t *testing.T) {
	key := keyFor(t, "EdDSA")
	source := trusting(key)
	p := profileOf("EdDSA")
	p.CacheSize, p.TokenID = 8, true
	signer, verifier := ok(p.Signer(keystore.New(key)))(t), ok(p.Verifier(source))(t)
	often := ok(signer.Sign(t.Context(), nil))(t)
	other := keyFor(t, "EdDSA").Public().WithKeyID(key.KeyID())
	ok(verifier.Verify(t.Context(), often))(t)
	for range 50 {
		source.set([]keystore.PublicKey{key.Public()}, nil)
		ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t)))(t)
		source.set([]keystore.PublicKey{other}, nil)
		_, err := verifier.Verify(t.Context(), often)
		refuses(t, err, tokenprofile.ErrUnknownKey) // of a token that is remembered
	}
}

// CacheSize is how many are kept: as many clients in turn find their tokens.
func TestTheCacheKeepsItsSize(t *testing.T) {
	const size = 64
	key := keyFor(t, "EdDSA")
	source := trusting(key)
	p := profileOf("EdDSA")
	p.CacheSize, p.TokenID = size, true
	signer, verifier := ok(p.Signer(keystore.New(key)))(t), ok(p.Verifier(source))(t)
	var tokens []string
	for range size {
		tokens = append(tokens, ok(signer.Sign(t.Context(), nil))(t))
	}
	for range 3 {
		for _, token := range tokens {
			ok(verifier.Verify(t.Context(), token))(t)
		}
	}
	if got := verifier.Remembered(); got != size {
		t.Errorf("%d tokens are remembered, want %d", got, size)
	}
	source.set([]keystore.PublicKey{keyFor(t, "EdDSA").Public().WithKeyID(key.KeyID())}, nil)
	for _, token := range tokens {
		_, err := verifier.Verify(t.Context(), token)
		refuses(t, err, tokenprofile.ErrUnknownKey) // of a token that is remembered
	}
}

// Expired tokens leave: one client that renews its token for ten days leaves
// next to nothing behind.
func TestExpiredTokensLeaveTheCache(t *testing.T) {
	key, clock := keyFor(t, "EdDSA"), now
	p := profileOf("EdDSA")
	p.TokenID, p.Now = true, func() time.Time { return clock }
	signer, verifier := ok(p.Signer(keystore.New(key)))(t), ok(p.Verifier(trusting(key)))(t)
	for range 500 {
		ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t)))(t)
		clock = clock.Add(16 * time.Minute)
		if got := verifier.Remembered(); got > 2 {
			t.Fatalf("%d tokens are remembered, of which one is live", got)
		}
	}
}
