package tokenprofile_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// written is the header and the payload of a token, literally.
func written(t testing.TB, token string) (header, payload string) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("got %d segments, want 3", len(parts))
	}
	return string(decodeSegment(t, parts[0])), string(decodeSegment(t, parts[1]))
}

func TestWhatIsWritten(t *testing.T) {
	zero, minute := time.Duration(0), time.Minute
	for _, test := range []struct {
		name            string
		change          func(*tokenprofile.Profile)
		header, payload string
	}{
		{
			"the least", func(p *tokenprofile.Profile) { p.Subject = "" },
			`{"alg":"HS256","typ":"JWT","kid":"k1"}`,
			`{"iss":"https://consumer.example","aud":"https://producer.example","exp":1900000900,"iat":1900000000}`,
		},
		{
			"subject, several audiences, constants", func(p *tokenprofile.Profile) {
				p.Audience = []string{"a", "b"}
				p.Claims = map[string]any{"z": int64(9007199254740993), "a": []string{"<x>&"}, `x":0,"admin`: true}
			},
			`{"alg":"HS256","typ":"JWT","kid":"k1"}`,
			`{"iss":"https://consumer.example","sub":"billing","aud":["a","b"],"a":["<x>&"],"x\":0,\"admin":true,"z":9007199254740993,"exp":1900000900,"iat":1900000000}`,
		},
		{
			"a single audience as an array", func(p *tokenprofile.Profile) { p.AudienceArray = true },
			`{"alg":"HS256","typ":"JWT","kid":"k1"}`,
			`{"iss":"https://consumer.example","sub":"billing","aud":["https://producer.example"],"exp":1900000900,"iat":1900000000}`,
		},
		{
			"times", func(p *tokenprofile.Profile) { p.Lifetime, p.Backdate, p.NotBefore = time.Hour, minute, &zero },
			`{"alg":"HS256","typ":"JWT","kid":"k1"}`,
			`{"iss":"https://consumer.example","sub":"billing","aud":"https://producer.example","exp":1900003540,"iat":1899999940,"nbf":1899999940}`,
		},
		{
			"valid from later on", func(p *tokenprofile.Profile) { p.NotBefore = &minute },
			`{"alg":"HS256","typ":"JWT","kid":"k1"}`,
			`{"iss":"https://consumer.example","sub":"billing","aud":"https://producer.example","exp":1900000900,"iat":1900000000,"nbf":1900000060}`,
		},
		{
			"header", func(p *tokenprofile.Profile) {
				p.Header = tokenprofile.Header{Type: "at+jwt", ContentType: "x", KeyID: "mine", Extra: map[string]any{"b": 1, "a": "x"}, Critical: []string{"b"}}
			},
			`{"alg":"HS256","typ":"at+jwt","cty":"x","kid":"mine","a":"x","b":1,"crit":["b"]}`,
			`{"iss":"https://consumer.example","sub":"billing","aud":"https://producer.example","exp":1900000900,"iat":1900000000}`,
		},
		{
			"no kid", func(p *tokenprofile.Profile) { p.Header.NoKeyID = true },
			`{"alg":"HS256","typ":"JWT"}`,
			`{"iss":"https://consumer.example","sub":"billing","aud":"https://producer.example","exp":1900000900,"iat":1900000000}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("HS256")
			test.change(&p)
			signer, verifier := pair(t, p)
			token := ok(signer.Sign(t.Context(), nil))(t)
			header, payload := written(t, token)
			if header != test.header {
				t.Errorf("got header %s, want %s", header, test.header)
			}
			if payload != test.payload {
				t.Errorf("got payload %s, want %s", payload, test.payload)
			}
			if _, err := verifier.Verify(t.Context(), token); err != nil && test.name != "valid from later on" {
				t.Error(err)
			}
		})
	}
}

func TestClaimsGiven(t *testing.T) {
	type claims struct {
		Role   string   `json:"role"`
		ID     int64    `json:"id"`
		Groups []string `json:"groups,omitempty"`
	}
	p := profileOf("HS256")
	p.Subject = ""
	signer, verifier := pair(t, p)
	for _, test := range []struct {
		name   string
		claims any
		want   string // what comes after iat
	}{
		{"none", nil, ``},
		{"an empty map", map[string]any{}, ``},
		{"a nil map", map[string]any(nil), ``},
		{"a nil pointer", (*claims)(nil), ``},
		{"a struct", claims{"user", 9007199254740993, []string{"a"}}, `,"role":"user","id":9007199254740993,"groups":["a"]`},
		{"a pointer to a struct", &claims{Role: "user"}, `,"role":"user","id":0`},
		{"a map", map[string]any{"n": 1, "f": 1.5, "x": nil}, `,"f":1.5,"n":1,"x":null`},
		{"raw JSON", json.RawMessage(`{"a":1e2}`), `,"a":1e2`},
		{"a name with quotes", map[string]any{`x":0,"admin`: true}, `,"x\":0,\"admin":true`},
		{"a name with a line break", map[string]any{"a\nb": 1}, `,"a\nb":1`},
		{"markup as it is", map[string]any{"a": "<&>"}, `,"a":"<&>"`},
		{"sub, which the profile leaves open", map[string]any{"sub": "u1"}, `,"sub":"u1"`},
		{"jti, which the profile leaves open", map[string]any{"jti": "1"}, `,"jti":"1"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			token := ok(signer.Sign(t.Context(), test.claims))(t)
			if _, err := verifier.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
			_, payload := written(t, token)
			const fixed = `{"iss":"https://consumer.example","aud":"https://producer.example","exp":1900000900,"iat":1900000000`
			if got := strings.TrimPrefix(payload, fixed); got != test.want+"}" {
				t.Errorf("got %s, want %s}", got, test.want)
			}
		})
	}
}

func TestClaimsThatCannotBeGiven(t *testing.T) {
	for _, test := range []struct {
		name   string
		claims any
		want   string
	}{
		{"iss", map[string]any{"iss": "x"}, `"iss"`},
		{"iss of the profile's value", map[string]any{"iss": "https://consumer.example"}, `"iss"`},
		{"aud", map[string]any{"aud": "x"}, `"aud"`},
		{"sub", map[string]any{"sub": "x"}, `"sub"`},
		{"exp", map[string]any{"exp": 2000000000}, `"exp"`},
		{"iat", map[string]any{"iat": 0}, `"iat"`},
		{"nbf, which the profile does not write", map[string]any{"nbf": 1900000000}, `"nbf"`},
		{"jti", map[string]any{"jti": "x"}, `"jti"`},
		{"a constant", map[string]any{"tenant": "t2"}, `"tenant"`},
		{"sub by way of a raw text", json.RawMessage(`{"\u0073ub":"x"}`), `"sub"`},
		{"a twin of sub", map[string]any{"Sub": "x"}, "sub"},
		{"a twin of a constant", map[string]any{"Tenant": "x"}, "tenant"},
		{"a name twice", json.RawMessage(`{"a":1,"a":2}`), `"a"`},
		{"a text", "x", "not a JSON object"},
		{"a number", 1, "not a JSON object"},
		{"an array", []string{"a"}, "not a JSON object"},
		{"what has no JSON form", map[string]any{"f": func() {}}, "func()"},
		{"too deep", json.RawMessage(`{"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}`), "deeper"},
		{"too many", manyClaims(260), "members"},
		{"too long", map[string]any{"a": strings.Repeat("x", 16<<10)}, "maxSize"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("HS256")
			p.TokenID = true
			p.Claims = map[string]any{"tenant": "t1"}
			signer, _ := pair(t, p)
			token, err := signer.Sign(t.Context(), test.claims)
			mentions(t, err, test.want)
			if token != "" {
				t.Error("there is a token all the same")
			}
			if errors.Is(err, tokenprofile.ErrInvalid) {
				t.Error("the error is ErrInvalid, but no token was received")
			}
		})
	}
}

func manyClaims(n int) map[string]any {
	claims := map[string]any{}
	for i := range n {
		claims[fmt.Sprint("c", i)] = 0
	}
	return claims
}

// A machine whose clock was never set says so, instead of sending tokens that
// everyone refuses.
func TestAClockThatIsNotSet(t *testing.T) {
	for _, test := range []struct {
		name  string
		clock time.Time
		want  string // "": the token is good
	}{
		{"the zero time", time.Time{}, "the clock says 0001-01-01T00:00:00Z"},
		{"the start of a clock", time.Unix(0, 0), "the clock says 1970-01-01T00:00:00Z: is it set?"},
		{"so early that iat is not positive", time.Unix(60, 0), "the clock says 1970-01-01T00:01:00Z"},
		{"the first second", time.Unix(61, 0), ""},
		{"the last token", time.Unix(253402300799-840, 0), ""},
		{"one that expires too late", time.Unix(253402300800-840, 0), "the clock says 9999-12-31"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("HS256")
			p.Backdate, p.Now = time.Minute, func() time.Time { return test.clock }
			signer, verifier := pair(t, p)
			token, err := signer.Sign(t.Context(), nil)
			if test.want != "" {
				mentions(t, err, test.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ok(verifier.Verify(t.Context(), token))(t)
		})
	}
}

// encoding/json would quote the value.
func TestAClaimThatIsNoNumberIsNotQuoted(t *testing.T) {
	signer, _ := pair(t, profileOf("HS256"))
	_, err := signer.Sign(t.Context(), map[string]any{"x": json.Number("canary")})
	mentions(t, err, "a json.Number is not a number")
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

// A claim left open by the profile is judged as the verifier will.
func TestClaimsLeftOpen(t *testing.T) {
	p := profileOf("HS256")
	p.Audience, p.Subject, p.Required = nil, "", []string{"role"}
	signer := ok(p.SecretSigner(secrets{secretFor(t, "k1", 32)}))(t)
	for _, test := range []struct {
		name   string
		claims map[string]any
		want   string
	}{
		{"all there", map[string]any{"aud": "a", "role": "user"}, ""},
		{"several audiences", map[string]any{"aud": []string{"a", "b"}, "role": 1}, ""},
		{"no aud", map[string]any{"role": "user"}, `"aud"`},
		{"no role", map[string]any{"aud": "a"}, `claim "role" is missing: neither the profile nor the claims given set it`},
		{"aud empty", map[string]any{"aud": "", "role": "user"}, "aud is empty"},
		{"aud a number", map[string]any{"aud": 1, "role": "user"}, "aud is not a string"},
		{"sub a number", map[string]any{"aud": "a", "role": "user", "sub": 1}, "sub is not a string"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := signer.Sign(t.Context(), test.claims)
			if test.want == "" && err != nil {
				t.Error(err)
			} else if test.want != "" {
				mentions(t, err, test.want)
			}
		})
	}
}

// What the profile leaves open has to be given, even if nothing is.
func TestNothingGivenWhereAClaimIsLeftOpen(t *testing.T) {
	p := profileOf("HS256")
	p.Audience = nil
	_, err := ok(p.SecretSigner(secrets{secretFor(t, "k1", 32)}))(t).Sign(t.Context(), nil)
	mentions(t, err, `claim "aud" is missing`)
}

func TestClaimsFunc(t *testing.T) {
	type userKey struct{}
	p := profileOf("HS256")
	p.Subject = ""
	p.ClaimsFunc = func(ctx context.Context) (any, error) {
		user, ok := ctx.Value(userKey{}).(string)
		if !ok {
			return nil, errors.New("no user")
		}
		return map[string]any{"sub": user}, nil
	}
	signer, verifier := pair(t, p)
	ctx := context.WithValue(t.Context(), userKey{}, "u1")
	token := ok(verifier.Verify(ctx, ok(signer.Sign(ctx, map[string]any{"role": "user"}))(t)))(t)
	if token.Subject != "u1" || !strings.Contains(string(token.Claims), `"role":"user"`) {
		t.Errorf("got subject %q in %s", token.Subject, token.Claims)
	}
	_, err := signer.Sign(t.Context(), nil)
	mentions(t, err, "ClaimsFunc: no user")
	_, err = signer.Sign(ctx, map[string]any{"sub": "u2"})
	mentions(t, err, `"sub"`)
}

var uuidv7 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestTokenIDIsAUUIDv7(t *testing.T) {
	p := profileOf("HS256")
	p.TokenID = true
	signer, verifier := pair(t, p)
	seen := map[string]bool{}
	for range 100 {
		id := ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t)))(t).ID
		if !uuidv7.MatchString(id) || seen[id] {
			t.Errorf("got %q, seen before: %t", id, seen[id])
		}
		seen[id] = true
		if got, want := id[:8]+id[9:13], fmt.Sprintf("%012x", now.UnixMilli()); got != want {
			t.Errorf("got the milliseconds %s, want %s", got, want)
		}
	}
	_, err := verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, goodPayload))
	refuses(t, err, tokenprofile.ErrSignature)
	_, err = handmadeVerifier(t, p).Verify(t.Context(), handmade(handmadeKey, goodHeader, goodPayload))
	refuses(t, err, tokenprofile.ErrClaim)
}

func TestTokenTellsItsExpiry(t *testing.T) {
	signer, _ := pair(t, profileOf("HS256"))
	want := now.Add(15 * time.Minute)
	_, expiry, err := signer.Token(t.Context())
	if err != nil || !expiry.Equal(want) {
		t.Errorf("got %v, %v, want %v", expiry, err, want)
	}
	_, expiry, err = signer.TokenWith(t.Context(), map[string]any{"a": 1})
	if err != nil || !expiry.Equal(want) {
		t.Errorf("got %v, %v, want %v", expiry, err, want)
	}
}

// A signer keeps its profile, whatever becomes of the one it was made of.
func TestASignerCopiesItsProfile(t *testing.T) {
	p := profileOf("HS256")
	p.Claims = map[string]any{"tenant": "t1"}
	signer, verifier := pair(t, p)
	p.Audience[0], p.Claims["tenant"] = "https://attacker.example", "t2"
	token := ok(signer.Sign(t.Context(), nil))(t)
	if _, payload := written(t, token); strings.Contains(payload, "attacker") || strings.Contains(payload, "t2") {
		t.Errorf("got %s", payload)
	}
	signer.Profile().Audience[0] = "https://attacker.example"
	verifier.Profile().Claims["tenant"] = "t2"
	if got := signer.Profile().Audience[0]; got != "https://producer.example" {
		t.Errorf("got %q", got)
	}
	if _, err := verifier.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
	if signer.Profile().Lifetime != 15*time.Minute || verifier.Profile().Leeway != 30*time.Second {
		t.Error("the defaults are not filled in")
	}
	if signer.OneUse() {
		t.Error("the profile is not for one use")
	}
}

// Which of several keys signs.
func TestSelectionOfTheKey(t *testing.T) {
	one, two := secretFor(t, "k1", 32), secretFor(t, "k2", 32)
	p := profileOf("HS256")
	_, err := p.SecretSigner(secrets{one, two})
	if !errors.Is(err, keystore.ErrAmbiguous) {
		t.Errorf("got %v, want %v", err, keystore.ErrAmbiguous)
	}
	_, err = p.SecretSigner(secrets{})
	if !errors.Is(err, keystore.ErrNoKey) {
		t.Errorf("got %v, want %v", err, keystore.ErrNoKey)
	}
	mentions(t, err, "the source has no secret keys")
	p.KeyAlias = "signing"
	_, err = p.SecretSigner(secrets{one})
	mentions(t, err, `"signing"`)
	p.KeyAlias = ""
	signer := ok(p.SecretSigner(secrets{one, secretFor(t, "short", 16)}))(t) // one of them fits
	if header, _ := written(t, ok(signer.Sign(t.Context(), nil))(t)); !strings.Contains(header, `"kid":"k1"`) {
		t.Errorf("got %s", header)
	}
	p = profileOf("ES256")
	_, err = p.Signer(keystore.New(keyFor(t, "ES256"), keyFor(t, "ES256")))
	if !errors.Is(err, keystore.ErrAmbiguous) {
		t.Errorf("got %v, want %v", err, keystore.ErrAmbiguous)
	}
	ec := keyFor(t, "ES256")
	signer = ok(p.Signer(keystore.New(keyFor(t, "EdDSA"), ec)))(t) // one of them fits
	if header, _ := written(t, ok(signer.Sign(t.Context(), nil))(t)); !strings.Contains(header, ec.KeyID()) {
		t.Errorf("got %s, want kid %s", header, ec.KeyID())
	}
}
