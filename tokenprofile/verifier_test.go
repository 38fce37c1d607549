package tokenprofile_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func TestWhatAVerifiedTokenSays(t *testing.T) {
	verifier := handmadeVerifier(t, profileOf("HS256"))
	payload := payloadWith(`aud=["https:\/\/producer.example","b"]`, `nbf=1899999999.5`, `jti="id-1"`)
	got := ok(verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, payload)))(t)
	want := tokenprofile.Token{
		Issuer: "https://consumer.example", Subject: "billing", ID: "id-1", KeyID: "k1",
		Audience: []string{"https://producer.example", "b"},
		IssuedAt: now, NotBefore: now.Add(-time.Second / 2), Expiry: now.Add(10 * time.Minute),
		Header: []byte(goodHeader), Claims: []byte(payload),
	}
	if !got.IssuedAt.Equal(want.IssuedAt) || !got.NotBefore.Equal(want.NotBefore) || !got.Expiry.Equal(want.Expiry) {
		t.Errorf("got times %v %v %v, want %v %v %v", got.IssuedAt, got.NotBefore, got.Expiry, want.IssuedAt, want.NotBefore, want.Expiry)
	}
	if got.Issuer != want.Issuer || got.Subject != want.Subject || got.ID != want.ID || got.KeyID != want.KeyID ||
		fmt.Sprint(got.Audience) != fmt.Sprint(want.Audience) || string(got.Claims) != string(want.Claims) || string(got.Header) != string(want.Header) {
		t.Errorf("got %q %q %q %q %q", got.Issuer, got.Subject, got.ID, got.KeyID, got.Audience)
	}
}

func TestTimesThatATokenDoesNotSayAreZero(t *testing.T) {
	verifier := handmadeVerifier(t, profileOf("HS256"))
	got := ok(verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith(`iat=`))))(t)
	if !got.IssuedAt.IsZero() || !got.NotBefore.IsZero() || got.ID != "" {
		t.Errorf("got %v %v %q", got.IssuedAt, got.NotBefore, got.ID)
	}
}

// Without kid the keys of the source that fit are tried.
func TestTokensWithoutKid(t *testing.T) {
	one, two, misfit := keyFor(t, "ES256"), keyFor(t, "ES256"), keyFor(t, "ES384")
	p := profileOf("ES256")
	p.Header.NoKeyID = true
	token := ok(ok(p.Signer(keystore.New(one)))(t).Sign(t.Context(), nil))(t)
	for _, test := range []struct {
		name string
		keys []keystore.PrivateKey
		want error
	}{
		{"one key", []keystore.PrivateKey{one}, nil},
		{"one that fits among others", []keystore.PrivateKey{misfit, one}, nil},
		{"two that fit", []keystore.PrivateKey{two, one}, nil},
		{"another one", []keystore.PrivateKey{two}, tokenprofile.ErrSignature},
		{"none", nil, tokenprofile.ErrUnknownKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ok(p.Verifier(trusting(test.keys...)))(t).Verify(t.Context(), token)
			if test.want == nil && err != nil {
				t.Error(err)
			} else if test.want != nil {
				refuses(t, err, test.want)
			}
		})
	}
}

// A kid that the profile fixes is demanded, and the source may know its key by
// another.
func TestFixedKid(t *testing.T) {
	key, other := keyFor(t, "ES256"), keyFor(t, "ES256")
	p := profileOf("ES256")
	plain := ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
	p.Header.KeyID = "mine"
	token := ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
	for _, test := range []struct {
		name, token string
		keys        []keystore.PrivateKey
		want        error
	}{
		{"under the key's own kid", token, []keystore.PrivateKey{key}, nil},
		{"under the fixed kid", token, []keystore.PrivateKey{other, key.WithKeyID("mine")}, nil},
		{"another key under the fixed kid", token, []keystore.PrivateKey{key, other.WithKeyID("mine")}, tokenprofile.ErrSignature},
		{"several keys and none of the kid", token, []keystore.PrivateKey{other, key}, nil},
		{"a token with the key's own kid", plain, []keystore.PrivateKey{key}, tokenprofile.ErrUnknownKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ok(p.Verifier(trusting(test.keys...)))(t).Verify(t.Context(), test.token)
			if test.want == nil && err != nil {
				t.Error(err)
			} else if test.want != nil {
				refuses(t, err, test.want)
			}
		})
	}
}

// While a key is replaced under its kid, both verify; no more than four are
// tried, whatever the source holds.
func TestSeveralKeysUnderOneKid(t *testing.T) {
	keys := make([]keystore.PrivateKey, 5)
	for i := range keys {
		keys[i] = keyFor(t, "ES256").WithKeyID("k")
	}
	p := profileOf("ES256")
	verifier := ok(p.Verifier(trusting(keys...)))(t)
	for i, key := range keys {
		_, err := verifier.Verify(t.Context(), ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t))
		if i < 4 && err != nil {
			t.Errorf("key %d: %v", i, err)
		} else if i >= 4 {
			refuses(t, err, tokenprofile.ErrSignature)
		}
	}
}

// Keys that are not available are not the token's fault.
func TestUnavailableKeys(t *testing.T) {
	key := keyFor(t, "ES256")
	source := trusting(key)
	p := profileOf("ES256")
	p.CacheSize = -1
	verifier := ok(p.Verifier(source))(t)
	token := ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
	for _, fault := range []error{errors.New("connection refused"), context.DeadlineExceeded, fmt.Errorf("issuer: %w", keystore.ErrUnavailable)} {
		source.set(nil, fault)
		_, err := verifier.Verify(t.Context(), token)
		if errors.Is(err, tokenprofile.ErrInvalid) || !errors.Is(err, keystore.ErrUnavailable) || !errors.Is(err, fault) {
			t.Errorf("got %v, want %v and %v", err, keystore.ErrUnavailable, fault)
		}
	}
	_, err := p.Verifier(source) // the source declines: nothing is known yet
	if err != nil {
		t.Error(err)
	}
}

// A stranger's token costs no look-up, nor does one that is malformed or of
// another algorithm or type.
func TestNoKeyIsLookedUpForNothing(t *testing.T) {
	source := trusting(keyFor(t, "ES256"))
	verifier := ok(profileOf("ES256").Verifier(source))(t)
	before := source.asked()
	const header = `{"alg":"ES256","kid":"x"}`
	for _, token := range []string{
		"a.b.c",
		handmade(handmadeKey, header, payloadWith(`iss="https://stranger.example"`)),
		handmade(handmadeKey, header, payloadWith(`iss=`)),
		handmade(handmadeKey, goodHeader, goodPayload),
		handmade(handmadeKey, `{"alg":"ES256","typ":"at+jwt"}`, goodPayload),
		handmade(handmadeKey, `{"alg":"ES256","kid":""}`, goodPayload),
	} {
		if _, err := verifier.Verify(t.Context(), token); !errors.Is(err, tokenprofile.ErrInvalid) {
			t.Errorf("got %v", err)
		}
	}
	if got := source.asked() - before; got != 0 {
		t.Errorf("%d keys were looked up, want none", got)
	}
	_, err := verifier.Verify(t.Context(), handmade(handmadeKey, header, goodPayload))
	refuses(t, err, tokenprofile.ErrUnknownKey)
	if got := source.asked() - before; got != 2 {
		t.Errorf("%d keys were looked up, want the one of the kid and those without", got)
	}
}

// An HMAC over the public key is not the signature of the private one: the
// algorithm is the profile's, and its keys are of the type it needs.
func TestAlgorithmConfusion(t *testing.T) {
	key := keyFor(t, "RS256")
	verifier := ok(profileOf("RS256").Verifier(trusting(key)))(t)
	public := ok(key.Public().MarshalJSON())(t)
	_, err := verifier.Verify(t.Context(), handmade(public, `{"alg":"HS256","kid":"`+key.KeyID()+`"}`, goodPayload))
	refuses(t, err, tokenprofile.ErrAlgorithm)
}

// One profile for both ends: every profile's verifier accepts its signer's tokens
// and no other's.
func TestTokensOfOtherProfilesNeverPass(t *testing.T) {
	key := keyFor(t, "ES256")
	base := profileOf("ES256")
	changes := map[string]struct {
		change func(*tokenprofile.Profile)
		want   error // of the base verifier
	}{
		"another issuer":   {func(p *tokenprofile.Profile) { p.Issuer = "https://other.example" }, tokenprofile.ErrIssuer},
		"another audience": {func(p *tokenprofile.Profile) { p.Audience = []string{"https://other.example"} }, tokenprofile.ErrAudience},
		"another subject":  {func(p *tokenprofile.Profile) { p.Subject = "other" }, tokenprofile.ErrSubject},
		"another type":     {func(p *tokenprofile.Profile) { p.Header.Type = "at+jwt" }, tokenprofile.ErrType},
		"a longer life":    {func(p *tokenprofile.Profile) { p.Lifetime = time.Hour }, tokenprofile.ErrLifetime},
	}
	for name, test := range changes {
		t.Run(name, func(t *testing.T) {
			p := base
			test.change(&p)
			token := ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
			if _, err := ok(p.Verifier(trusting(key)))(t).Verify(t.Context(), token); err != nil {
				t.Errorf("its own verifier: %v", err)
			}
			_, err := ok(base.Verifier(trusting(key)))(t).Verify(t.Context(), token)
			refuses(t, err, test.want)
		})
	}
}

func TestAVerifierNeedsAnAudience(t *testing.T) {
	p := profileOf("ES256")
	p.Audience = nil
	_, err := p.Verifier(trusting(keyFor(t, "ES256")))
	mentions(t, err, "audience")
}

// Errors and printed tokens say nothing that a token contains.
func TestNothingOfATokenPrints(t *testing.T) {
	const canary = "canary-7f3a"
	p := profileOf("HS256")
	p.Claims, p.Required = map[string]any{"tenant": "t1"}, []string{"role"}
	verifier := handmadeVerifier(t, p)
	texts := []string{}
	for _, change := range []string{"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "role", "tenant", "Role"} {
		for _, value := range []string{`"` + canary + `"`, `"` + canary + `\u0000"`, `["` + canary + `"]`, `{"` + canary + `":1,"` + canary + `":2}`, `"` + canary} {
			_, err := verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith(change+"="+value)))
			texts = append(texts, fmt.Sprint(err))
		}
	}
	for _, header := range []string{`{"alg":"` + canary + `"}`, `{"alg":"HS256","typ":"` + canary + `"}`, `{"alg":"HS256","` + canary + `":1,"` + canary + `":1}`, `{"alg":"HS256","crit":["` + canary + `"]}`} {
		_, err := verifier.Verify(t.Context(), handmade(handmadeKey, header, goodPayload))
		texts = append(texts, fmt.Sprint(err))
	}
	token := handmade(handmadeKey, goodHeader, payloadWith(`tenant="t1"`, `role="`+canary+`"`, `jti="`+canary+`"`))
	verified := ok(verifier.Verify(t.Context(), token))(t)
	texts = append(texts, fmt.Sprintf("%v %+v %#v %s %q %x", verified, verified, *verified, verified, *verified, verified), verified.LogValue().String())
	texts = append(texts, fmt.Sprintf("%v %+v %#v", verifier, verifier, verifier))
	for _, text := range texts {
		if strings.Contains(text, canary) || strings.Contains(text, string(handmadeKey)) || strings.Contains(text, strings.Split(token, ".")[1]) {
			t.Errorf("got %q, which has content of the token", text)
		}
	}
}

func TestEveryReasonIsInvalidToo(t *testing.T) {
	_, err := handmadeVerifier(t, profileOf("HS256")).Verify(t.Context(), "x")
	for _, other := range []error{
		tokenprofile.ErrAlgorithm, tokenprofile.ErrUnknownKey, tokenprofile.ErrSignature, tokenprofile.ErrDecryption,
		tokenprofile.ErrType, tokenprofile.ErrCritical, tokenprofile.ErrIssuer, tokenprofile.ErrAudience, tokenprofile.ErrSubject,
		tokenprofile.ErrClaim, tokenprofile.ErrExpired, tokenprofile.ErrNotYetValid, tokenprofile.ErrLifetime, tokenprofile.ErrReplayed,
	} {
		if errors.Is(err, other) {
			t.Errorf("%v is also %v", err, other)
		}
	}
	refuses(t, err, tokenprofile.ErrMalformed)
}

// A refusal names the likely mistake, where one shows.
func TestRefusalsNameTheLikelyMistake(t *testing.T) {
	token := handmade(handmadeKey, goodHeader, goodPayload)
	verifier := handmadeVerifier(t, profileOf("HS256"))
	encode := base64.URLEncoding.EncodeToString
	for text, want := range map[string]string{
		"Bearer " + token: "only the token belongs here",
		`"` + token + `"`: "only the token belongs here",
		" " + token:       "only the token belongs here",
		token[1:] + "*":   "not canonical base64url",
		encode([]byte(goodHeader+" ")) + "." + encode([]byte(goodPayload)) + ".AA==": "waive.padding",
	} {
		_, err := verifier.Verify(t.Context(), text)
		refuses(t, err, tokenprofile.ErrMalformed)
		mentions(t, err, want)
	}
	p := profileOf("ES256")
	var keys []keystore.PrivateKey
	for range 5 {
		keys = append(keys, keyFor(t, "ES256"))
	}
	p.Header.NoKeyID = true
	token = ok(ok(p.Signer(keystore.New(keys[4])))(t).Sign(t.Context(), nil))(t)
	_, err := ok(p.Verifier(trusting(keys...)))(t).Verify(t.Context(), token)
	refuses(t, err, tokenprofile.ErrSignature)
	mentions(t, err, "none of the 4 keys that were tried")
}
