package tokenprofile_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A publicSource yields what the function says: sources are written by others.
type publicSource func(kid string) ([]keystore.PublicKey, error)

func (f publicSource) PublicKeys(_ context.Context, kid string) ([]keystore.PublicKey, error) {
	return f(kid)
}

type secretSource func(kid string) ([]keystore.SecretKey, error)

func (f secretSource) SecretKeys(_ context.Context, kid string) ([]keystore.SecretKey, error) {
	return f(kid)
}

// A source that yields all its keys whatever the kid does not make an unknown
// kid known.
func TestASourceThatIgnoresTheKid(t *testing.T) {
	one, two := keyFor(t, "ES256").WithKeyID("one"), keyFor(t, "ES256").WithKeyID("two")
	p := profileOf("ES256")
	verifier := ok(p.Verifier(publicSource(func(string) ([]keystore.PublicKey, error) {
		return []keystore.PublicKey{one.Public(), two.Public()}, nil
	})))(t)
	for _, key := range []keystore.PrivateKey{one, two} {
		token := ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
		for range 2 {
			if got := ok(verifier.Verify(t.Context(), token))(t).KeyID; got != key.KeyID() {
				t.Errorf("got kid %q, want %q", got, key.KeyID())
			}
		}
		renamed := ok(ok(p.Signer(keystore.New(key.WithKeyID("other"))))(t).Sign(t.Context(), nil))(t)
		_, err := verifier.Verify(t.Context(), renamed)
		refuses(t, err, tokenprofile.ErrUnknownKey)
	}
}

// A source that yields keys of nothing, or of the wrong kind, is no reason to panic.
func TestSourcesThatYieldNonsense(t *testing.T) {
	key := keyFor(t, "ES256")
	good := key.Public()
	token := ok(ok(profileOf("ES256").Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
	for name, keys := range map[string][]keystore.PublicKey{
		"nil": nil, "none": {}, "zero keys": {{}, {}}, "a zero key under the kid": {keystore.PublicKey{}.WithKeyID(good.KeyID())},
		"another type under the kid": {keyFor(t, "EdDSA").Public().WithKeyID(good.KeyID())},
	} {
		t.Run(name, func(t *testing.T) {
			asked := false
			verifier, err := profileOf("ES256").Verifier(publicSource(func(string) ([]keystore.PublicKey, error) {
				if !asked {
					return nil, errors.New("not yet") // when the verifier is built
				}
				return keys, nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			asked = true
			_, err = verifier.Verify(t.Context(), token)
			refuses(t, err, tokenprofile.ErrUnknownKey)
		})
	}
	for name, keys := range map[string][]keystore.PublicKey{"zero keys": {{}, {}}, "another type": {keyFor(t, "EdDSA").Public()}} {
		if _, err := profileOf("ES256").Verifier(&trust{keys: keys}); err == nil || !strings.Contains(err.Error(), "does not fit ES256") {
			t.Errorf("%s: got %v, want an error that names ES256", name, err)
		}
	}
	if _, err := profileOf("ES256").Signer(&signing{keys: []keystore.PrivateKey{{}}}); err == nil {
		t.Error("a zero private key signs")
	}
	if _, err := profileOf("HS256").SecretSigner(secrets{{}}); err == nil {
		t.Error("a zero secret key signs")
	}
	if _, err := profileOf("HS256").SecretVerifier(secrets{{}}); err == nil {
		t.Error("a zero secret key verifies")
	}
}

// The good key beside others of its kid that do not fit.
func TestAGoodKeyAmongOthersOfItsKid(t *testing.T) {
	key := keyFor(t, "ES256")
	token := ok(ok(profileOf("ES256").Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
	var keys []keystore.PublicKey
	for range 10 {
		keys = append(keys, keyFor(t, "EdDSA").Public().WithKeyID(key.KeyID()))
	}
	keys = append(keys, key.Public())
	verifier := ok(profileOf("ES256").Verifier(&trust{keys: keys}))(t)
	for range 2 {
		if _, err := verifier.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
}

// The keys a source hands out are not changed.
func TestTheSourcesSliceIsLeftAlone(t *testing.T) {
	key := keyFor(t, "ES256")
	keys := []keystore.PublicKey{keyFor(t, "EdDSA").Public(), key.Public(), keyFor(t, "ES384").Public()}
	want := fmt.Sprint(keys)
	p := profileOf("ES256")
	p.Header.NoKeyID = true
	verifier := ok(p.Verifier(publicSource(func(string) ([]keystore.PublicKey, error) { return keys, nil })))(t)
	for _, noKeyID := range []bool{true, false} {
		p.Header.NoKeyID = noKeyID
		if _, err := verifier.Verify(t.Context(), ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)); err != nil {
			t.Error(err)
		}
	}
	if got := fmt.Sprint(keys); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSecretsByKid(t *testing.T) {
	one, two, nameless := secretFor(t, "one", 32), secretFor(t, "two", 32), secretFor(t, "", 32)
	sign := func(key keystore.SecretKey) string {
		return ok(ok(profileOf("HS256").SecretSigner(secrets{key}))(t).Sign(t.Context(), nil))(t)
	}
	all := secretSource(func(string) ([]keystore.SecretKey, error) {
		return []keystore.SecretKey{one, two, nameless}, nil
	})
	for _, test := range []struct {
		name   string
		source keystore.SecretSource
		token  string
		want   error
	}{
		{"by kid", secrets{one, two}, sign(two), nil},
		{"by kid, among all", all, sign(two), nil},
		{"without kid, the only one", secrets{nameless}, sign(nameless), nil},
		{"without kid, a key that has one", secrets{one}, sign(nameless), tokenprofile.ErrSignature},
		{"without kid, among several", all, sign(nameless), nil},
		{"with a kid, a key that has none", secrets{nameless}, sign(ok(keystore.NewSecretKey(nameless.Bytes(), "other"))(t)), nil},
		{"with a kid, another key that has none", secrets{nameless}, sign(one), tokenprofile.ErrUnknownKey},
		{"another kid", secrets{one}, sign(two), tokenprofile.ErrUnknownKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ok(profileOf("HS256").SecretVerifier(test.source))(t).Verify(t.Context(), test.token)
			if test.want == nil && err != nil {
				t.Error(err)
			} else if test.want != nil {
				refuses(t, err, test.want)
			}
		})
	}
}

// While keys come and go, a token whose key is there all the time is never
// refused. Fails under -race if anything between source and caller is shared.
func TestRotationRefusesNobody(t *testing.T) {
	stays := keyFor(t, "EdDSA")
	source := trusting(stays)
	p := profileOf("EdDSA")
	p.TokenID = true
	verifier := ok(p.Verifier(source))(t)
	other := p
	other.Issuer = "https://other.example"
	issuers := ok(tokenprofile.ByIssuer(verifier, ok(other.Verifier(source))(t)))(t)
	signer := ok(p.Signer(keystore.New(stays)))(t)
	stop := make(chan struct{})
	var rotation, group sync.WaitGroup
	rotation.Go(func() {
		others := []keystore.PublicKey{keyFor(t, "EdDSA").Public(), keyFor(t, "ES256").Public(), keyFor(t, "EdDSA").Public()}
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				source.set(append([]keystore.PublicKey{stays.Public()}, others[:n%4]...), nil)
			}
		}
	})
	for range 4 {
		group.Go(func() {
			for n := range 40 {
				token, err := signer.Sign(t.Context(), map[string]any{"n": n})
				for range 2 {
					if err == nil {
						_, err = verifier.Verify(t.Context(), token)
					}
					if err == nil {
						_, err = issuers.Verify(t.Context(), token)
					}
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	close(stop)
	rotation.Wait()
}

// Without a clock of its own a profile goes by the time there is.
func TestTheDefaultClock(t *testing.T) {
	secret := secretFor(t, "k1", 32)
	synctest.Test(t, func(t *testing.T) {
		for _, oneUse := range []bool{false, true} {
			p := profileOf("HS256")
			p.Now, p.OneUse = nil, oneUse
			signer, verifier := ok(p.SecretSigner(secrets{secret}))(t), ok(p.SecretVerifier(secrets{secret}))(t)
			early, late := ok(signer.Sign(t.Context(), nil))(t), ok(signer.Sign(t.Context(), nil))(t)
			time.Sleep(15*time.Minute + 30*time.Second - 1)
			ok(verifier.Verify(t.Context(), early))(t)
			time.Sleep(time.Nanosecond)
			for _, token := range []string{early, late} {
				_, err := verifier.Verify(t.Context(), token)
				refuses(t, err, tokenprofile.ErrExpired)
			}
		}
	})
}

// Parameters and claims that nobody asked for are left alone.
func TestUnknownNamesAreIgnored(t *testing.T) {
	verifier := handmadeVerifier(t, profileOf("HS256"))
	for _, header := range []string{
		`{"kid":"k1","alg":"HS256"}`,
		`{"alg":"HS256","kid":"k1","x":1,"nonce":"n","url":"https://x.example","svt":[{}],"ppt":null}`,
		`{"alg":"HS256","kid":"k1","enc":"A256GCM","epk":{},"iv":"","tag":1,"p2c":100000000,"p2s":"","apu":1,"apv":1}`,
		"{\n  \"alg\" : \"HS256\" ,\r\n\t\"kid\" : \"k1\"\n}",
	} {
		for _, payload := range []string{
			payloadWith(),
			payloadWith(`role={"Sub":"x","EXP":1}`), // twins matter in the outermost object alone
			strings.Replace(payloadWith(), "{", `{"x":1,"cnf":{"jkt":"x"},"scope":"a b",`, 1),
		} {
			if _, err := verifier.Verify(t.Context(), handmade(handmadeKey, header, payload)); err != nil {
				t.Errorf("%s %s: %v", header, payload, err)
			}
		}
	}
}

// Nothing that holds a key or a token prints it, whatever the verb.
func TestNothingOfAKeyPrints(t *testing.T) {
	const canary = "canary-canary-canary-canary-7f3a"
	secret := ok(keystore.NewSecretKey([]byte(canary), "k1"))(t)
	p := profileOf("HS256")
	signer, verifier := ok(p.SecretSigner(secrets{secret}))(t), ok(p.SecretVerifier(secrets{secret}))(t)
	token := ok(signer.Sign(t.Context(), nil))(t)
	verified := ok(verifier.Verify(t.Context(), token))(t)
	issuers := ok(tokenprofile.ByIssuer(verifier))(t)
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("x", "signer", signer, "verifier", verifier, "token", verified, "value", *verified, "issuers", issuers, "profile", p)
	texts := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{signer, verifier, issuers, verified, *verified, p} {
			texts = append(texts, fmt.Sprintf(verb, value))
		}
	}
	key := []byte(canary)
	for _, text := range texts {
		for _, form := range []string{canary, fmt.Sprintf("%x", key), fmt.Sprintf("%d", key)[1:20], fmt.Sprintf("%#v", key)[7:40], token, strings.Split(token, ".")[2]} {
			if strings.Contains(text, form) {
				t.Errorf("%q has %q", text, form)
			}
		}
	}
}

// A source that cannot say whose a kid is leaves it open, unless the kid does
// not count.
func TestASourceThatFailsForAKid(t *testing.T) {
	key := keyFor(t, "ES256")
	source := publicSource(func(kid string) ([]keystore.PublicKey, error) {
		if kid != "" {
			return nil, keystore.ErrUnavailable
		}
		return []keystore.PublicKey{key.Public()}, nil
	})
	p := profileOf("ES256")
	token := ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
	if _, err := ok(p.Verifier(source))(t).Verify(t.Context(), token); !errors.Is(err, keystore.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, keystore.ErrUnavailable)
	}
	p.Waive.AnyKeyID = true
	ok(ok(p.Verifier(source))(t).Verify(t.Context(), token))(t)
}

// A thumbprint that no certificate of the source has leaves all keys.
func TestAThumbprintOfNoCertificate(t *testing.T) {
	keys := secrets{secretFor(t, "", 32), ok(keystore.NewSecretKey(handmadeKey, ""))(t)}
	verifier := ok(profileOf("HS256").SecretVerifier(keys))(t)
	ok(verifier.Verify(t.Context(), handmade(handmadeKey, `{"alg":"HS256","x5t#S256":"AAAA"}`, goodPayload)))(t)
}

// A key that is renamed signs under its new name.
func TestAKeyThatIsRenamed(t *testing.T) {
	private, one := &privateSource{}, keyFor(t, "ES256")
	private.keys = []keystore.PrivateKey{one}
	shared := secretFor(t, "", 32)
	signers := []*tokenprofile.Signer{
		ok(profileOf("ES256").Signer(private))(t),
		ok(profileOf("HS256").SecretSigner(secretSource(func(string) ([]keystore.SecretKey, error) { return []keystore.SecretKey{shared}, nil })))(t),
	}
	for _, kid := range []string{"a", "b"} {
		private.keys, shared = []keystore.PrivateKey{one.WithKeyID(kid)}, ok(keystore.NewSecretKey(shared.Bytes(), kid))(t)
		for _, signer := range signers {
			if got := parametersOf(t, ok(signer.Sign(t.Context(), nil))(t)).KeyID; got != kid {
				t.Errorf("got kid %q, want %q", got, kid)
			}
		}
	}
}

// The clock of a signer that was not built is that of the machine.
func TestTheClockOfNoSigner(t *testing.T) {
	for _, signer := range []*tokenprofile.Signer{nil, {}} {
		if got := signer.Now(); time.Since(got).Abs() > time.Minute {
			t.Errorf("got %v", got)
		}
	}
}

// The commonest swap: the keystore, where the truststore belongs.
func TestVerifierOfAStoreThatTrustsNobody(t *testing.T) {
	p := profileOf("ES256")
	store := ok(keystore.Open("../keystore/testdata/keytool-p256.p12", keystore.StaticPassword("changeit")))(t)
	_, err := p.Verifier(store.Trust())
	if !errors.Is(err, keystore.ErrMisconfigured) {
		t.Errorf("got %v, want %v", err, keystore.ErrMisconfigured)
	}
	mentions(t, err, "keytool-p256.p12")
	mentions(t, err, "the store has 1 private key")
	ok(p.Verifier(store))(t)
}
