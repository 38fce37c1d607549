package tokenprofile_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// The texts are for whoever reads the log: each says what was wrong with which
// part. All begin alike.
func TestTextsOfRefusals(t *testing.T) {
	p := profileOf("HS256")
	p.Claims, p.Required = map[string]any{"tenant": "t1"}, []string{"role"}
	verifier := handmadeVerifier(t, p)
	with := func(changes ...string) string {
		return handmade(handmadeKey, goodHeader, payloadWith(append([]string{`tenant="t1"`, `role="r"`}, changes...)...))
	}
	header := func(text string) string { return handmade(handmadeKey, text, goodPayload) }
	for _, test := range []struct{ token, want string }{
		{"a.b", "malformed: not three segments"},
		{"a\n.b.c", "malformed: has a line break"},
		{"a.b.c", "malformed: not canonical base64url"},
		{strings.Repeat("a", 16<<10+1), "malformed: longer than maxSize, 16384 bytes"},
		{header(`[]`), "malformed: header: not a JSON object"},
		{header(`{"alg":"HS256","alg":"HS256"}`), "malformed: header: a name occurs twice"},
		{header(`{"alg":"HS256"} x`), "malformed: header: something follows the JSON object"},
		{header(`{"zip":"x"}`), "malformed: header parameter zip is not accepted"},
		{header(`{"Alg":"x"}`), "malformed: a header parameter differs from alg only in case"},
		{header(`{"kid":"k1"}`), "algorithm not accepted: alg is missing"},
		{header(`{"alg":1}`), "algorithm not accepted: alg is not a string"},
		{header(`{"alg":"none"}`), "algorithm not accepted: alg is not the profile's HS256"},
		{header(`{"alg":"HS256","typ":"x"}`), "type not accepted: typ is not the profile's JWT"},
		{header(`{"alg":"HS256","cty":"x"}`), "type not accepted: cty is there, and the profile has none"},
		{header(`{"alg":"HS256","kid":"k1","crit":["x"]}`), "critical header not understood: the profile declares none"},
		{header(`{"alg":"HS256","kid":"k9"}`), `unknown key: kid "k9"`},
		{handmade([]byte("x"), goodHeader, payloadWith()), "signature does not verify"},
		{with(`iss=`), "issuer not accepted: iss is missing"},
		{with(`iss="x"`), `issuer not accepted: iss is not the profile's "https://consumer.example"`},
		{with(`iss=1`), "issuer not accepted: iss is not a string"},
		{with(`aud=`), "audience not accepted: aud is missing"},
		{with(`aud="x"`), `audience not accepted: aud does not name the profile's "https://producer.example"`},
		{with(`aud=[]`), "audience not accepted: aud is empty"},
		{with(`sub="x"`), `subject not accepted: sub is not the profile's "billing"`},
		{with(`sub=""`), "subject not accepted: sub is empty"},
		{with(`sub="\u0000"`), "subject not accepted: sub has a control character"},
		{with(`exp=`), "claim not accepted: exp is missing"},
		{with(`exp="x"`), "claim not accepted: exp is not a number"},
		{with(`exp=-1`), "claim not accepted: exp is not between 0 and 253402300799"},
		{with(`exp=0`), "expired: exp is 0"},
		{with(`exp=1899999000`, `iat=`), "expired: exp passed 16m40s ago by the clock here, 2030-03-17T17:46:40Z, leeway 30s"},
		{with(`iat=1900000040`), "not yet valid: iat lies 40s ahead of the clock here, 2030-03-17T17:46:40Z, leeway 30s"},
		{with(`nbf=1900000040`), "not yet valid: nbf lies 40s ahead of the clock here, 2030-03-17T17:46:40Z, leeway 30s"},
		{with(`iat=1900000020`, `exp=1900000010`), "claim not accepted: iat is after exp"},
		{with(`exp=1900001000`), "lifetime too long: longer from iat to exp than the profile's lifetime of 15m"},
		{with(`exp=1900001000`, `iat=`), "lifetime too long: no iat, and longer until exp than the profile's lifetime of 15m"},
		{with(`role=`), "claim not accepted: role is missing"},
		{with(`tenant="t2"`), `claim not accepted: tenant is not the profile's "t1"`},
		{with(`Role="x"`), "malformed: a claim differs from role only in case"},
		{with(`jti=1`), "claim not accepted: jti is not a string"},
	} {
		_, err := verifier.Verify(t.Context(), test.token)
		if want := "tokenprofile: invalid token: " + test.want; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A caller can tell apart: the token's fault, keys that are not available, and
// a mistake in the program.
func TestKindsOfErrors(t *testing.T) {
	key := keyFor(t, "ES256")
	p := profileOf("ES256")
	token := ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
	source := trusting(key)
	verifier := ok(p.Verifier(source))(t)
	for _, test := range []struct {
		name                 string
		token                string
		keys                 []keystore.PublicKey
		fault                error
		invalid, unavailable bool
	}{
		{"good", token, []keystore.PublicKey{key.Public()}, nil, false, false},
		{"malformed", "x", []keystore.PublicKey{key.Public()}, nil, true, false},
		{"no such key", token, nil, nil, true, false},
		{"source down", token, nil, errors.New("down"), false, true},
		{"caller gone", token, nil, context.Canceled, false, true},
		{"malformed, source down", "x", nil, errors.New("down"), true, false},
	} {
		source.set(test.keys, test.fault)
		_, err := verifier.Verify(t.Context(), test.token)
		if errors.Is(err, tokenprofile.ErrInvalid) != test.invalid || errors.Is(err, keystore.ErrUnavailable) != test.unavailable {
			t.Errorf("%s: got %v, want it invalid: %t, unavailable: %t", test.name, err, test.invalid, test.unavailable)
		}
		if test.fault != nil && test.unavailable && !errors.Is(err, test.fault) {
			t.Errorf("%s: got %v, which hides %v", test.name, err, test.fault)
		}
	}
}

// What was not built answers with an error, and does not blame the token.
func TestZeroValues(t *testing.T) {
	good := handmade(handmadeKey, goodHeader, goodPayload)
	for _, token := range []string{"", good} {
		if _, err := new(tokenprofile.Verifier).Verify(t.Context(), token); err == nil || errors.Is(err, tokenprofile.ErrInvalid) {
			t.Errorf("a zero Verifier: got %v", err)
		}
		if _, err := new(tokenprofile.Issuers).Verify(t.Context(), token); err == nil || errors.Is(err, tokenprofile.ErrInvalid) {
			t.Errorf("zero Issuers: got %v", err)
		}
		if _, err := (*tokenprofile.Verifier)(nil).Verify(t.Context(), token); err == nil {
			t.Error("a nil Verifier accepts")
		}
		if _, err := (*tokenprofile.Issuers)(nil).Verify(t.Context(), token); err == nil {
			t.Error("nil Issuers accept")
		}
		if _, err := new(tokenprofile.Signer).Sign(t.Context(), nil); err == nil {
			t.Error("a zero Signer signs")
		}
		if _, err := (*tokenprofile.Signer)(nil).Sign(t.Context(), nil); err == nil {
			t.Error("a nil Signer signs")
		}
	}
	if err := (tokenprofile.Profile{}).Validate(); err == nil {
		t.Error("the zero profile is valid")
	}
	for name, call := range map[string]func() error{
		"a zero Prover":      func() error { _, err := new(tokenprofile.Prover).Prove(t.Context(), orders); return err },
		"a nil Prover":       func() error { _, err := (*tokenprofile.Prover)(nil).Prove(t.Context(), orders); return err },
		"a prover of no key": func() error { _, err := tokenprofile.NewProver(keystore.PrivateKey{}); return err },
		"a nil ProofVerifier": func() error {
			_, err := (*tokenprofile.ProofVerifier)(nil).Verify(t.Context(), "a.b.c", orders, "")
			return err
		},
		"a nil Token":                func() error { return (*tokenprofile.Token)(nil).Decode(&struct{}{}) },
		"a zero Token":               func() error { return new(tokenprofile.Token).Decode(&struct{}{}) },
		"zero keys":                  func() error { _, err := profileOf("HS256").SecretVerifier(nil); return err },
		"a nil among verifiers":      func() error { _, err := tokenprofile.ByIssuer(nil); return err },
		"a zero one among verifiers": func() error { _, err := tokenprofile.ByIssuer(new(tokenprofile.Verifier)); return err },
		"zero EncryptionKeys": func() error {
			_, err := encryptedOnlyProfile(direct).EncryptedOnlySigner(tokenprofile.EncryptionKeys{})
			return err
		},
		"zero DecryptionKeys": func() error {
			_, err := encryptedOnlyProfile(direct).EncryptedOnlyVerifier(tokenprofile.DecryptionKeys{})
			return err
		},
	} {
		if err := call(); err == nil || errors.Is(err, tokenprofile.ErrInvalid) {
			t.Errorf("%s: got %v, want an error that blames no token", name, err)
		}
	}
	var signer *tokenprofile.Signer
	var verifier *tokenprofile.Verifier
	var prover *tokenprofile.Prover
	var proofs *tokenprofile.ProofVerifier
	if signer.OneUse() || signer.Profile().Issuer != "" || verifier.Profile().Issuer != "" || prover.Thumbprint() != "" || proofs.Nonce() != "" || len(proofs.Accepts()) == 0 {
		t.Error("a nil pointer has properties")
	}
}

// A negative duration is a mistake wherever it stands, and the error names it.
func TestNegativeDurations(t *testing.T) {
	second := -time.Second
	profile := func(change func(*tokenprofile.Profile)) func() error {
		return func() error {
			p := profileOf("HS256")
			change(&p)
			return p.Validate()
		}
	}
	proofs := func(v *tokenprofile.ProofVerifier) func() error {
		return func() error {
			_, err := v.Verify(t.Context(), "a.b.c", orders, "")
			return err
		}
	}
	for _, test := range []struct {
		field string
		call  func() error
	}{
		{"lifetime", profile(func(p *tokenprofile.Profile) { p.Lifetime = second })},
		{"backdate", profile(func(p *tokenprofile.Profile) { p.Backdate = second })},
		{"notBefore", profile(func(p *tokenprofile.Profile) { p.NotBefore = &second })},
		{"leeway", profile(func(p *tokenprofile.Profile) { p.Leeway = second })},
		{"ProofVerifier.MaxAge", proofs(&tokenprofile.ProofVerifier{MaxAge: second})},
		{"ProofNonces.MaxAge", proofs(&tokenprofile.ProofVerifier{Nonces: &tokenprofile.ProofNonces{MaxAge: second}})},
	} {
		err := test.call()
		mentions(t, err, test.field)
		mentions(t, err, "-1s")
		if errors.Is(err, tokenprofile.ErrInvalid) {
			t.Errorf("%s: got %v, which blames a token", test.field, err)
		}
	}
}

// A proof is dated by the prover's clock.
func TestProverHasAClock(t *testing.T) {
	clock := func() time.Time { return now }
	prover := ok(tokenprofile.NewProver(keyFor(t, "ES256")))(t)
	prover.Now = clock
	proof := ok(prover.Prove(t.Context(), orders))(t)
	verifier := &tokenprofile.ProofVerifier{Now: clock, MaxAge: time.Second}
	ok(verifier.Verify(t.Context(), proof, orders, prover.Thumbprint()))(t)
}

// A token in the place of its hash would be printed; the mistake is told.
func TestATokenInThePlaceOfItsHash(t *testing.T) {
	proof := orders
	proof.TokenHash = "an.access.token"
	_, err := ok(tokenprofile.NewProver(keyFor(t, "ES256")))(t).Prove(t.Context(), proof)
	mentions(t, err, "HashToken")
	_, err = new(tokenprofile.ProofVerifier).Verify(t.Context(), "a.b.c", proof, "")
	mentions(t, err, "HashToken")
	if errors.Is(err, tokenprofile.ErrInvalid) {
		t.Errorf("got %v, which blames the proof", err)
	}
	if got := tokenprofile.HashToken(""); got != "" {
		t.Errorf("got %q for no token", got)
	}
}

func TestUnknownAlgorithmsOfProofs(t *testing.T) {
	v := &tokenprofile.ProofVerifier{Algorithms: []tokenprofile.Algorithm{"ES265"}}
	_, err := v.Verify(t.Context(), "a.b.c", orders, "")
	mentions(t, err, "ES256")
	if errors.Is(err, tokenprofile.ErrInvalid) {
		t.Errorf("got %v, which blames the proof", err)
	}
}

// A context reaches whatever may wait, with its values.
func TestContextsReachWhatWaits(t *testing.T) {
	type mark struct{}
	ctx := context.WithValue(t.Context(), mark{}, "m")
	reached := map[string]bool{}
	note := func(ctx context.Context, where string) {
		if ctx.Value(mark{}) == "m" {
			reached[where] = true
		}
	}
	key := keyFor(t, "ES256")
	p := profileOf("ES256")
	p.OneUse, p.Replay = true, noting{note: func(ctx context.Context) { note(ctx, "guard") }}
	p.ClaimsFunc = func(ctx context.Context) (any, error) { note(ctx, "claims"); return nil, nil }
	source := noting{key: key, note: func(ctx context.Context) { note(ctx, "source") }}
	signer, verifier := ok(p.Signer(source))(t), ok(p.Verifier(source))(t)
	reached["source"] = false
	token := ok(signer.Sign(ctx, nil))(t)
	if !reached["source"] || !reached["claims"] {
		t.Errorf("signing reached %v", reached)
	}
	reached["source"] = false
	ok(verifier.Verify(ctx, token))(t)
	if !reached["source"] || !reached["guard"] {
		t.Errorf("verifying reached %v", reached)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := signer.Sign(cancelled, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// noting is every kind of source that waits, and notes the contexts it gets.
type noting struct {
	key  keystore.PrivateKey
	note func(context.Context)
}

func (n noting) PrivateKeys(ctx context.Context) ([]keystore.PrivateKey, error) {
	n.note(ctx)
	return []keystore.PrivateKey{n.key}, nil
}

func (n noting) PublicKeys(ctx context.Context, _ string) ([]keystore.PublicKey, error) {
	n.note(ctx)
	return []keystore.PublicKey{n.key.Public()}, nil
}

func (n noting) First(ctx context.Context, _, _ string, _ time.Time) (bool, error) {
	n.note(ctx)
	return true, nil
}
