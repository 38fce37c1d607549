package tokenprofile_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// fullProfile sets whatever can be set together.
func fullProfile() tokenprofile.Profile {
	notBefore := time.Second
	return tokenprofile.Profile{
		Algorithm: "HS256", Issuer: "i", Audience: []string{"a", "b"}, Subject: "s",
		Lifetime: time.Hour, NotBefore: &notBefore, Backdate: time.Minute, Leeway: time.Minute, TokenID: true,
		Header:   tokenprofile.Header{Type: "t", ContentType: "c", KeyID: "k", Extra: map[string]any{"e": 1}, Critical: []string{"e"}},
		KeyAlias: "", Claims: map[string]any{"c": []any{1}}, Required: []string{"c"}, MaxSize: 2000, CacheSize: 10, Now: fixedClock,
	}
}

// Whatever the caller does to a profile later, signer and verifier keep theirs;
// and whatever is done to the one they give away.
func TestProfilesAreCopied(t *testing.T) {
	spoil := func(p tokenprofile.Profile) {
		p.Audience[0], p.Required[0], p.Header.Critical[0] = "spoilt", "spoilt", "spoilt"
		p.Claims["c"], p.Claims["spoilt"], p.Header.Extra["e"], p.Header.Extra["spoilt"] = "spoilt", 1, "spoilt", 1
		*p.NotBefore = time.Hour
	}
	given := fullProfile()
	keys := secrets{secretFor(t, "k", 32)}
	signer, verifier := ok(given.SecretSigner(keys))(t), ok(given.SecretVerifier(keys))(t)
	before := ok(fullProfile().MarshalJSON())(t)
	spoil(given)
	spoil(signer.Profile())
	spoil(verifier.Profile())
	for name, p := range map[string]tokenprofile.Profile{"signer": signer.Profile(), "verifier": verifier.Profile()} {
		if got := ok(p.MarshalJSON())(t); string(got) != string(before) {
			t.Errorf("%s: got %s, want %s", name, got, before)
		}
	}
	token := ok(signer.Sign(t.Context(), nil))(t)
	if header, payload := written(t, token); strings.Contains(header+payload, "spoilt") {
		t.Errorf("got %s %s", header, payload)
	}
	if _, err := verifier.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	p := tokenprofile.Profile{Algorithm: "HS256", Issuer: "i", Audience: []string{"a"}}
	keys := secrets{secretFor(t, "k", 32)}
	for _, got := range []tokenprofile.Profile{ok(p.SecretSigner(keys))(t).Profile(), ok(p.SecretVerifier(keys))(t).Profile()} {
		if got.Lifetime != 15*time.Minute || got.Leeway != 30*time.Second || got.MaxSize != 16<<10 || got.CacheSize != 1024 || got.Now == nil {
			t.Errorf("got lifetime %v, leeway %v, maxSize %d, cacheSize %d", got.Lifetime, got.Leeway, got.MaxSize, got.CacheSize)
		}
	}
	if !reflect.DeepEqual(p, tokenprofile.Profile{Algorithm: "HS256", Issuer: "i", Audience: []string{"a"}}) {
		t.Error("the profile itself has changed")
	}
}

// The names of RFC 7518 and RFC 8037, which end up in tokens.
func TestNamesOfAlgorithms(t *testing.T) {
	got := []tokenprofile.Algorithm{
		tokenprofile.RS256, tokenprofile.RS384, tokenprofile.RS512, tokenprofile.PS256, tokenprofile.PS384, tokenprofile.PS512,
		tokenprofile.ES256, tokenprofile.ES384, tokenprofile.ES512, tokenprofile.EdDSA, tokenprofile.Ed25519, tokenprofile.HS256, tokenprofile.HS384, tokenprofile.HS512,
	}
	if want := append(slices.Clone(asymmetric), hmacs...); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, algorithm := range []tokenprofile.Algorithm{"none", "None", "NONE", "", "HS1", "RS1", "ES256K", "EdDSA448", "ed25519", "HS256 ", "rs256", "RSA-OAEP", "dir"} {
		p := profileOf(algorithm)
		if p.Validate() == nil {
			t.Errorf("%q is accepted", algorithm)
		}
	}
}

// Every registered name in every other case, in claims that are given, that
// the profile fixes, and that are received.
func TestTwinsOfEveryRegisteredName(t *testing.T) {
	p := profileOf("HS256")
	signer, _ := pair(t, p)
	verifier := handmadeVerifier(t, p)
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "act"} {
		for _, twin := range []string{strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], name[:1] + strings.ToUpper(name[1:]), strings.ReplaceAll(name, "s", "\u017f"), strings.ReplaceAll(name, "k", "\u212a")} {
			if twin == name {
				continue
			}
			_, err := signer.Sign(t.Context(), map[string]any{twin: "x"})
			mentions(t, err, name+" only in case")
			_, err = verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, strings.Replace(goodPayload, "{", fmt.Sprintf("{%q:1,", twin), 1)))
			refuses(t, err, tokenprofile.ErrMalformed)
		}
	}
	for _, name := range []string{"alg", "typ", "cty", "kid", "crit", "b64", "zip", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "enc", "epk"} {
		for _, twin := range []string{strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], strings.ReplaceAll(name, "k", "\u212a")} {
			if twin == name {
				continue
			}
			header := fmt.Sprintf(`{"alg":"HS256","kid":"k1",%q:"x"}`, twin)
			_, err := verifier.Verify(t.Context(), handmade(handmadeKey, header, goodPayload))
			refuses(t, err, tokenprofile.ErrMalformed)
			p := profileOf("HS256")
			p.Header.Extra = map[string]any{twin: 1}
			mentions(t, p.Validate(), name+" cannot be set here")
		}
	}
}

// The pairs of a profile and keys for encryption that do not belong together.
func TestEncryptionKeysAreThoseOfTheProfile(t *testing.T) {
	store := keystore.New(keyFor(t, "ES256"))
	signed := profileOf("ES256")
	nested := signed
	nested.Encryption = &tokenprofile.Encryption{KeyAlgorithm: "ECDH-ES", ContentAlgorithm: "A256GCM"}
	only := nested
	only.Algorithm = ""
	to, with := tokenprofile.EncryptTo(store), tokenprofile.DecryptWith(store)
	failure := func(_ any, err error) error { return err }
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"no keys to encrypt to", failure(nested.Signer(store)), "encryption: needs its keys, once: given are 0"},
		{"twice", failure(nested.Signer(store, to, to)), "encryption: needs its keys, once: given are 2"},
		{"keys, and no encryption", failure(signed.Signer(store, to)), "encryption: is missing, but keys for it are given"},
		{"no keys to decrypt with", failure(nested.Verifier(store)), "encryption: needs its keys"},
		{"keys to decrypt with, and no encryption", failure(signed.Verifier(store, with)), "encryption: is missing"},
		{"encrypted only, by the name of signed", failure(only.Signer(store, to)), "EncryptedOnlySigner"},
		{"encrypted only, verified by the name of signed", failure(only.Verifier(store, with)), "EncryptedOnlyVerifier"},
		{"signed, by the name of encrypted only", failure(nested.EncryptedOnlySigner(to)), "algorithm: is ES256"},
		{"signed, verified by the name of encrypted only", failure(nested.EncryptedOnlyVerifier(with)), "algorithm: is ES256"},
		{"neither", failure(tokenprofile.Profile{Issuer: "i"}.EncryptedOnlySigner(to)), "algorithm: is missing"},
		{"neither, verified", failure(tokenprofile.Profile{Issuer: "i"}.EncryptedOnlyVerifier(with)), "algorithm: is missing"},
	} {
		t.Run(test.name, func(t *testing.T) { mentions(t, test.err, test.want) })
	}
}

// ids of tokens sort by their time, as stores of ids like it.
func TestTokenIDsSortByTime(t *testing.T) {
	p := profileOf("HS256")
	p.TokenID = true
	clock := now
	p.Now = func() time.Time { return clock }
	signer, verifier := pair(t, p)
	var ids []string
	for range 20 {
		ids = append(ids, ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t)))(t).ID)
		clock = clock.Add(time.Millisecond)
	}
	if !slices.IsSorted(ids) {
		t.Errorf("got %q, want them sorted", ids)
	}
}

// Documents that cannot be written are an error, not half a document.
func TestAProfileThatHasNoDocument(t *testing.T) {
	p := fullProfile()
	p.Claims["f"] = func() {}
	if data, err := json.Marshal(p); err == nil {
		t.Errorf("got %s", data)
	}
	p = fullProfile()
	p.Header.Extra["f"] = make(chan int)
	if data, err := p.MarshalJSON(); err == nil {
		t.Errorf("got %s", data)
	}
	if got := string(ok(tokenprofile.Profile{}.MarshalJSON())(t)); got != "{}" {
		t.Errorf("got %s for the zero profile, want {}", got)
	}
}
