package tokenprofile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func TestByIssuer(t *testing.T) {
	type party struct {
		signer *tokenprofile.Signer
		source *trust
	}
	parties := map[string]party{}
	var verifiers []*tokenprofile.Verifier
	for _, issuer := range []string{"https://one.example", "https://two.example"} {
		key := keyFor(t, "ES256").WithKeyID("same")
		p := profileOf("ES256")
		p.Issuer = issuer
		parties[issuer] = party{ok(p.Signer(keystore.New(key)))(t), trusting(key)}
		verifiers = append(verifiers, ok(p.Verifier(parties[issuer].source))(t))
	}
	issuers := ok(tokenprofile.ByIssuer(verifiers...))(t)
	for issuer, party := range parties {
		token := ok(party.signer.Sign(t.Context(), nil))(t)
		for range 2 {
			if got := ok(issuers.Verify(t.Context(), token))(t).Issuer; got != issuer {
				t.Errorf("got issuer %q, want %q", got, issuer)
			}
		}
	}

	profiles := issuers.Profiles()
	if len(profiles) != 2 || profiles[0].Issuer != "https://one.example" || profiles[1].Issuer != "https://two.example" {
		t.Errorf("got %v, want the profiles of both in order", profiles)
	}

	asked := parties["https://one.example"].source.asked() + parties["https://two.example"].source.asked()
	stranger := handmade(handmadeKey, `{"alg":"ES256","kid":"same"}`, payloadWith(`iss="https://three.example"`))
	_, err := issuers.Verify(t.Context(), stranger)
	refuses(t, err, tokenprofile.ErrIssuer)
	_, err = issuers.Verify(t.Context(), handmade(handmadeKey, `{"alg":"ES256"}`, payloadWith(`iss=`)))
	refuses(t, err, tokenprofile.ErrIssuer)
	_, err = issuers.Verify(t.Context(), handmade(handmadeKey, `{"alg":"ES256"}`, payloadWith(`iss=["https://one.example"]`)))
	refuses(t, err, tokenprofile.ErrIssuer)
	_, err = issuers.Verify(t.Context(), "x")
	refuses(t, err, tokenprofile.ErrMalformed)
	if now := parties["https://one.example"].source.asked() + parties["https://two.example"].source.asked(); now != asked {
		t.Error("a key was looked up for a token that names no issuer of ours")
	}

	// Signed by the one, in the name of the other.
	p := profileOf("ES256")
	p.Issuer = "https://two.example"
	forged := ok(ok(p.Signer(keystore.New(keyFor(t, "ES256").WithKeyID("same"))))(t).Sign(t.Context(), nil))(t)
	_, err = issuers.Verify(t.Context(), forged)
	refuses(t, err, tokenprofile.ErrSignature)
}

// Each profile keeps its own limit.
func TestByIssuerKeepsMaxSize(t *testing.T) {
	small, large := profileOf("HS256"), profileOf("HS256")
	small.MaxSize, large.Issuer = 100, "https://large.example"
	issuers := ok(tokenprofile.ByIssuer(handmadeVerifier(t, small), handmadeVerifier(t, large)))(t)
	_, err := issuers.Verify(t.Context(), handmade(handmadeKey, goodHeader, goodPayload))
	refuses(t, err, tokenprofile.ErrMalformed)
	if _, err := issuers.Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith(`iss="https://large.example"`))); err != nil {
		t.Error(err)
	}
	token := handmade(handmadeKey, goodHeader, goodPayload)
	small.MaxSize = len(token)
	issuers = ok(tokenprofile.ByIssuer(handmadeVerifier(t, small), handmadeVerifier(t, large)))(t)
	ok(issuers.Verify(t.Context(), token))(t)
}

func TestByIssuerRefuses(t *testing.T) {
	verifier := handmadeVerifier(t, profileOf("HS256"))
	_, err := tokenprofile.ByIssuer()
	mentions(t, err, "no verifier")
	_, err = tokenprofile.ByIssuer(verifier, nil)
	mentions(t, err, "verifier 1 is nil")
	_, err = tokenprofile.ByIssuer(verifier, handmadeVerifier(t, profileOf("HS256")))
	mentions(t, err, `"https://consumer.example" has two verifiers`)
	p := encryptedOnlyProfile(direct)
	encrypted := ok(p.EncryptedOnlyVerifier(tokenprofile.DecryptWithSecret(secrets{secretFor(t, "", 32)})))(t)
	_, err = tokenprofile.ByIssuer(encrypted)
	mentions(t, err, "its tokens are encrypted, so that iss cannot be seen")
}

// One profile, an issuer for each tenant: each is judged in full.
func TestByTenant(t *testing.T) {
	shared, own := keyFor(t, "ES256").WithKeyID("shared"), keyFor(t, "ES256").WithKeyID("own")
	p := profileOf("ES256")
	p.Issuer = ""
	asked := map[string]int{}
	issuers := ok(tokenprofile.ByTenant(p, func(issuer string) keystore.PublicSource {
		asked[issuer]++
		switch {
		case issuer == "https://own.example":
			return trusting(own)
		case strings.HasPrefix(issuer, "https://login.example/") && strings.HasSuffix(issuer, "/v2.0"):
			return trusting(shared)
		}
		return nil
	}))(t)
	if got := issuers.Profiles(); len(got) != 1 || got[0].Issuer != "" || got[0].Algorithm != "ES256" {
		t.Errorf("got %v, want the one profile of all tenants", got)
	}
	sign := func(issuer string, key keystore.PrivateKey) string {
		p := p
		p.Issuer = issuer
		return ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
	}
	for _, issuer := range []string{"https://login.example/a/v2.0", "https://login.example/b/v2.0"} {
		token := sign(issuer, shared)
		for range 3 {
			if got := ok(issuers.Verify(t.Context(), token))(t).Issuer; got != issuer {
				t.Errorf("got issuer %q, want %q", got, issuer)
			}
			ok(issuers.Verify(t.Context(), sign(issuer, shared)))(t)
		}
		if asked[issuer] != 1 {
			t.Errorf("%s was asked for %d times", issuer, asked[issuer])
		}
	}
	ok(issuers.Verify(t.Context(), sign("https://own.example", own)))(t)
	_, err := issuers.Verify(t.Context(), sign("https://own.example", shared)) // another tenant's key
	refuses(t, err, tokenprofile.ErrUnknownKey)
	_, err = issuers.Verify(t.Context(), sign("https://evil.example/v2.0", shared))
	refuses(t, err, tokenprofile.ErrIssuer)
	_, err = issuers.Verify(t.Context(), sign("https://own.example", keyFor(t, "ES256").WithKeyID("own")))
	refuses(t, err, tokenprofile.ErrSignature)

	// Made-up tenants displace none that is.
	for n := range 200 {
		_, err := issuers.Verify(t.Context(), sign(fmt.Sprintf("https://login.example/%d/v2.0", n), keyFor(t, "ES256").WithKeyID("shared")))
		refuses(t, err, tokenprofile.ErrSignature)
	}
	if known, fresh := issuers.Tenants(); known != 3 || fresh > 64 {
		t.Errorf("%d tenants and %d others are kept, want 3 and 64 at most", known, fresh)
	}
	ok(issuers.Verify(t.Context(), sign("https://login.example/a/v2.0", shared)))(t)
	if asked["https://login.example/a/v2.0"] != 1 {
		t.Error("a tenant was forgotten")
	}
}

func TestByTenantRefuses(t *testing.T) {
	keys := func(string) keystore.PublicSource { return trusting() }
	for _, test := range []struct {
		name   string
		change func(*tokenprofile.Profile)
		want   string
	}{
		{"an issuer", func(p *tokenprofile.Profile) { p.Issuer = "i" }, "issuer: is set"},
		{"no audience", func(p *tokenprofile.Profile) { p.Audience = nil }, "audience: is empty"},
		{"encryption", func(p *tokenprofile.Profile) { p.Encryption = &direct }, "encryption:"},
		{"no iss", func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"iss"} }, "waive.omit: iss"},
		{"a secret", func(p *tokenprofile.Profile) { p.Algorithm = "HS256" }, "HS256 uses secret keys"},
		{"another fault", func(p *tokenprofile.Profile) { p.Leeway = -1 }, "leeway:"},
		{"an issuer that is computed", func(p *tokenprofile.Profile) {
			p.IssuerFunc = func(keystore.PublicKey) (string, error) { return "i", nil }
		}, "issuer: is computed by IssuerFunc, which is for signers"},
		{"several faults, the first", func(p *tokenprofile.Profile) { p.Issuer, p.Leeway = "i", -1 }, "issuer: is set"},
		{"several faults, the last", func(p *tokenprofile.Profile) { p.Issuer, p.Leeway = "i", -1 }, "leeway:"},
	} {
		p := profileOf("ES256")
		p.Issuer = ""
		test.change(&p)
		_, err := tokenprofile.ByTenant(p, keys)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
	p := profileOf("ES256")
	p.Issuer = ""
	_, err := tokenprofile.ByTenant(p, nil)
	mentions(t, err, "nil")
}

// A token for one use is good for one, whichever tenant it is of.
func TestByTenantOneUse(t *testing.T) {
	key := keyFor(t, "ES256")
	p := profileOf("ES256")
	p.OneUse = true
	token := ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
	p.Issuer = ""
	issuers := ok(tokenprofile.ByTenant(p, func(string) keystore.PublicSource { return trusting(key) }))(t)
	ok(issuers.Verify(t.Context(), token))(t)
	_, err := issuers.Verify(t.Context(), token)
	refuses(t, err, tokenprofile.ErrReplayed)
}

// A profile that keeps no tokens keeps none among others.
func TestByIssuerRemembersAsTheProfilesSay(t *testing.T) {
	key := keyFor(t, "ES256")
	kept, never := profileOf("ES256"), profileOf("ES256")
	never.Issuer, never.CacheSize = "https://never.example", -1
	source := trusting(key)
	issuers := ok(tokenprofile.ByIssuer(ok(kept.Verifier(source))(t), ok(never.Verifier(source))(t)))(t)
	for p, want := range map[*tokenprofile.Profile]error{&kept: tokenprofile.ErrUnknownKey, &never: tokenprofile.ErrSignature} {
		source.set([]keystore.PublicKey{key.Public()}, nil)
		token := ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
		ok(issuers.Verify(t.Context(), token))(t)
		source.set([]keystore.PublicKey{keyFor(t, "ES256").Public().WithKeyID(key.KeyID())}, nil)
		_, err := issuers.Verify(t.Context(), token)
		refuses(t, err, want)
	}
}

// A guard of the profile's own judges the one use of tenants' tokens.
func TestOneUseOfTenantsTokens(t *testing.T) {
	key, guard := keyFor(t, "ES256"), &recorder{}
	p := profileOf("ES256")
	p.OneUse, p.Replay = true, guard
	token := ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
	p.Issuer = ""
	issuers := ok(tokenprofile.ByTenant(p, func(string) keystore.PublicSource { return trusting(key) }))(t)
	ok(issuers.Verify(t.Context(), token))(t)
	_, err := issuers.Verify(t.Context(), token)
	refuses(t, err, tokenprofile.ErrReplayed)
	if guard.asked != 2 {
		t.Errorf("the guard was asked %d times, want 2", guard.asked)
	}
}

func TestAThousandAnd24TenantsAreKept(t *testing.T) {
	key := keyFor(t, "EdDSA")
	p := profileOf("EdDSA")
	p.Issuer = ""
	issuers := ok(tokenprofile.ByTenant(p, func(string) keystore.PublicSource { return trusting(key) }))(t)
	for n := range 1025 {
		p := p
		p.Issuer = fmt.Sprintf("https://%d.example", n)
		ok(issuers.Verify(t.Context(), ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)))(t)
	}
	if known, _ := issuers.Tenants(); known != 1024 {
		t.Errorf("got %d, want 1024", known)
	}
}
