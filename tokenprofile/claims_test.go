package tokenprofile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// payloadWith is a good payload with some claims replaced: name=JSON, or name=
// for one that is left out.
func payloadWith(changes ...string) string {
	claims := map[string]string{
		"iss": `"https://consumer.example"`, "sub": `"billing"`, "aud": `"https://producer.example"`,
		"iat": "1900000000", "exp": "1900000600",
	}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		claims[name] = value
	}
	var members []string
	for _, name := range []string{"iss", "sub", "aud", "iat", "exp", "nbf", "jti", "role", "tenant", "Role"} {
		if claims[name] != "" {
			members = append(members, fmt.Sprintf("%q:%s", name, claims[name]))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestClaimsRefused(t *testing.T) {
	p := profileOf("HS256")
	p.Claims = map[string]any{"tenant": "t1"}
	p.Required = []string{"role"}
	verifier := handmadeVerifier(t, p)
	good := []string{`tenant="t1"`, `role="user"`}
	if _, err := verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith(good...))); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, change string
		want         error
	}{
		{"exp missing", `exp=`, tokenprofile.ErrClaim},
		{"exp a string", `exp="1900000600"`, tokenprofile.ErrClaim},
		{"exp a date in a string", `exp="2030-03-17T17:56:40Z"`, tokenprofile.ErrClaim},
		{"exp an empty string", `exp=""`, tokenprofile.ErrClaim},
		{"exp null", `exp=null`, tokenprofile.ErrClaim},
		{"exp true", `exp=true`, tokenprofile.ErrClaim},
		{"exp an array", `exp=[1900000600]`, tokenprofile.ErrClaim},
		{"exp an object", `exp={}`, tokenprofile.ErrClaim},
		{"exp 0, which is expired and not absent", `exp=0`, tokenprofile.ErrExpired},
		{"exp 0.5", `exp=0.5`, tokenprofile.ErrExpired},
		{"exp -1", `exp=-1`, tokenprofile.ErrClaim},
		{"exp -0", `exp=-0`, tokenprofile.ErrExpired},
		{"exp 1e300", `exp=1e300`, tokenprofile.ErrClaim},
		{"exp -1e300", `exp=-1e300`, tokenprofile.ErrClaim},
		{"exp 1e999, beyond every float64", `exp=1e999`, tokenprofile.ErrMalformed},
		{"exp in the year 10000", `exp=253402300800`, tokenprofile.ErrClaim},
		{"exp the largest int64", `exp=9223372036854775807`, tokenprofile.ErrClaim},
		{"exp one more than that", `exp=9223372036854775808`, tokenprofile.ErrClaim},
		{"exp that wraps around 64 bits", `exp=18446744075609551616`, tokenprofile.ErrClaim},
		{"exp passed", `exp=1899999970`, tokenprofile.ErrExpired},
		{"exp before iat", `exp=1899999999`, tokenprofile.ErrClaim},
		{"iat a string", `iat="1900000000"`, tokenprofile.ErrClaim},
		{"iat null", `iat=null`, tokenprofile.ErrClaim},
		{"iat beyond the leeway", `iat=1900000031`, tokenprofile.ErrNotYetValid},
		{"nbf beyond the leeway", `nbf=1900000031`, tokenprofile.ErrNotYetValid},
		{"nbf a string", `nbf="1900000000"`, tokenprofile.ErrClaim},
		{"nbf 1e300", `nbf=1e300`, tokenprofile.ErrClaim},
		{"a life longer than the profile's", `exp=1900000901`, tokenprofile.ErrLifetime},
		{"iss missing", `iss=`, tokenprofile.ErrIssuer},
		{"iss empty", `iss=""`, tokenprofile.ErrIssuer},
		{"iss a number", `iss=1`, tokenprofile.ErrIssuer},
		{"iss null", `iss=null`, tokenprofile.ErrIssuer},
		{"iss an array", `iss=["https://consumer.example"]`, tokenprofile.ErrIssuer},
		{"another iss", `iss="https://other.example"`, tokenprofile.ErrIssuer},
		{"iss with a slash more", `iss="https://consumer.example/"`, tokenprofile.ErrIssuer},
		{"iss in another case", `iss="https://Consumer.example"`, tokenprofile.ErrIssuer},
		{"aud missing", `aud=`, tokenprofile.ErrAudience},
		{"aud empty", `aud=""`, tokenprofile.ErrAudience},
		{"aud an empty array", `aud=[]`, tokenprofile.ErrAudience},
		{"aud an array of nothing", `aud=["https://producer.example",""]`, tokenprofile.ErrAudience},
		{"aud null", `aud=null`, tokenprofile.ErrAudience},
		{"aud an object", `aud={"https://producer.example":1}`, tokenprofile.ErrAudience},
		{"aud nested", `aud=[["https://producer.example"]]`, tokenprofile.ErrAudience},
		{"aud with a number", `aud=["https://producer.example",1]`, tokenprofile.ErrAudience},
		{"another aud", `aud="https://other.example"`, tokenprofile.ErrAudience},
		{"several others", `aud=["a","b"]`, tokenprofile.ErrAudience},
		{"aud that begins alike", `aud="https://producer.example.attacker.example"`, tokenprofile.ErrAudience},
		{"sub missing where one is demanded", `sub=`, tokenprofile.ErrSubject},
		{"another sub", `sub="admin"`, tokenprofile.ErrSubject},
		{"sub true", `sub=true`, tokenprofile.ErrSubject},
		{"sub empty", `sub=""`, tokenprofile.ErrSubject},
		{"sub cut short by a NUL", `sub="billing\u0000x"`, tokenprofile.ErrSubject},
		{"jti a number", `jti=1`, tokenprofile.ErrClaim},
		{"jti empty", `jti=""`, tokenprofile.ErrClaim},
		{"jti with a line break", `jti="a\nb"`, tokenprofile.ErrClaim},
		{"a required claim missing", `role=`, tokenprofile.ErrClaim},
		{"a demanded claim missing", `tenant=`, tokenprofile.ErrClaim},
		{"a demanded claim with another value", `tenant="t2"`, tokenprofile.ErrClaim},
		{"a demanded claim of another type", `tenant=["t1"]`, tokenprofile.ErrClaim},
		{"a twin of a required claim", `Role="admin"`, tokenprofile.ErrMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			payload := payloadWith(append(good, test.change)...)
			_, err := verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, payload))
			refuses(t, err, test.want)
		})
	}
}

func TestClaimsAccepted(t *testing.T) {
	verifier := handmadeVerifier(t, profileOf("HS256"))
	for _, test := range []struct {
		name    string
		changes []string
	}{
		{"exp with a fraction", []string{`exp=1900000600.5`}},
		{"exp with an exponent", []string{`exp=1.9000006e9`}},
		{"exp passed within the leeway", []string{`exp=1899999971`, `iat=1899999900`}},
		{"iat ahead within the leeway", []string{`iat=1900000030`}},
		{"nbf ahead within the leeway", []string{`nbf=1900000030`}},
		{"the longest life", []string{`exp=1900000900`}},
		{"without iat the longest life, leeway included", []string{`iat=`, `exp=1900000930`}},
		{"aud in an array", []string{`aud=["https://producer.example"]`}},
		{"aud among others", []string{`aud=["a","https://producer.example","b"]`}},
		{"aud escaped", []string{`aud="https:\/\/producer.example"`}},
		{"nbf after exp, both passed", []string{`exp=1899999990`, `iat=1899999900`, `nbf=1899999995`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith(test.changes...))); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWithoutIssuedAtTheLifetimeEndsAtExpiry(t *testing.T) {
	_, err := handmadeVerifier(t, profileOf("HS256")).Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith(`iat=`, `exp=1900000931`)))
	refuses(t, err, tokenprofile.ErrLifetime)
}

func TestLeewayIsTheProfiles(t *testing.T) {
	for _, test := range []struct {
		name   string
		leeway time.Duration
		change string
		want   error
	}{
		{"30 seconds by default", 0, `nbf=1900000030`, nil},
		{"and no more", 0, `nbf=1900000031`, tokenprofile.ErrNotYetValid},
		{"a minute", time.Minute, `nbf=1900000060`, nil},
		{"and no more than a minute", time.Minute, `nbf=1900000061`, tokenprofile.ErrNotYetValid},
		{"next to none", 1, `nbf=1900000001`, tokenprofile.ErrNotYetValid},
		{"expired a minute ago, but for the leeway", time.Minute, `exp=1899999941`, nil},
		{"expired a minute ago", time.Minute, `exp=1899999940`, tokenprofile.ErrExpired},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("HS256")
			p.Leeway = test.leeway
			payload := payloadWith(`iat=1899999900`, test.change)
			_, err := handmadeVerifier(t, p).Verify(t.Context(), handmade(handmadeKey, goodHeader, payload))
			if test.want == nil && err != nil {
				t.Error(err)
			} else if test.want != nil {
				refuses(t, err, test.want)
			}
		})
	}
}

// A demanded value is compared by what it means.
func TestDemandedValues(t *testing.T) {
	for _, test := range []struct {
		name     string
		demanded any
		received string
		accepted bool
	}{
		{"the same text", "a/b", `"a/b"`, true},
		{"the same text escaped", "a/b", `"a\/\u0062"`, true},
		{"another text", "a/b", `"a/c"`, false},
		{"the same number", 1, `1`, true},
		{"the same number with a fraction", 1, `1.0`, true},
		{"the same number with an exponent", 100, `1e2`, true},
		{"a number that a float64 cannot tell apart", int64(9007199254740993), `9007199254740992`, false},
		{"the same large number", int64(9007199254740993), `9007199254740993`, true},
		{"a number as a text", 1, `"1"`, false},
		{"true", true, `true`, true},
		{"true for 1", 1, `true`, false},
		{"null", nil, `null`, true},
		{"null for false", false, `null`, false},
		{"the same array", []any{1, "a"}, `[1, "a"]`, true},
		{"an array in another order", []any{1, "a"}, `["a",1]`, false},
		{"a longer array", []any{1}, `[1,1]`, false},
		{"the same object in another order", map[string]any{"a": 1, "b": []string{"x"}}, `{"b":["x"],"a":1}`, true},
		{"an object with a member more", map[string]any{"a": 1}, `{"a":1,"b":2}`, false},
		{"an object with another member", map[string]any{"a": 1}, `{"b":1}`, false},
		{"an array for an object", map[string]any{}, `[]`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("HS256")
			p.Claims = map[string]any{"tenant": test.demanded}
			_, err := handmadeVerifier(t, p).Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith("tenant="+test.received)))
			if test.accepted && err != nil {
				t.Error(err)
			} else if !test.accepted {
				refuses(t, err, tokenprofile.ErrClaim)
			}
		})
	}
}

// A log has room for some of what a profile wants.
func TestRefusalsShowSomeOfWhatIsWanted(t *testing.T) {
	for size, want := range map[int]string{98: `"` + strings.Repeat("x", 98) + `"`, 99: `"` + strings.Repeat("x", 99) + `...`} {
		p := profileOf("HS256")
		p.Claims = map[string]any{"role": strings.Repeat("x", size)}
		_, err := handmadeVerifier(t, p).Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith(`role="y"`)))
		refuses(t, err, tokenprofile.ErrClaim)
		if !strings.HasSuffix(err.Error(), "role is not the profile's "+want) {
			t.Errorf("%d: got %v", size, err)
		}
	}
	for count, want := range map[int]string{5: `"0" "1" "2" "3" "4"`, 6: `"0" "1" "2" "3" "4" and 1 more`} {
		p := profileOf("HS256")
		p.Audience = nil
		for n := range count {
			p.Audience = append(p.Audience, fmt.Sprint(n))
		}
		_, err := handmadeVerifier(t, p).Verify(t.Context(), handmade(handmadeKey, goodHeader, goodPayload))
		refuses(t, err, tokenprofile.ErrAudience)
		if !strings.HasSuffix(err.Error(), "aud does not name the profile's "+want) {
			t.Errorf("%d: got %v", count, err)
		}
	}
}

func TestObjectsAreComparedMemberByMember(t *testing.T) {
	p := profileOf("HS256")
	p.Claims = map[string]any{"role": map[string]any{"a": nil, "b": 1}}
	verifier := handmadeVerifier(t, p)
	for role, want := range map[string]error{
		`{"b":1.0,"a":null}`: nil, `{"a":null,"b":2}`: tokenprofile.ErrClaim,
		`{"c":null,"b":1}`: tokenprofile.ErrClaim, `{"a":null}`: tokenprofile.ErrClaim, `{"a":1,"b":1}`: tokenprofile.ErrClaim,
	} {
		if _, err := verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith(`role=`+role))); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s: got %v, want %v", role, err, want)
		}
	}
}

// Some senders write an empty sub for nobody. It means none.
func TestAnEmptySubject(t *testing.T) {
	token := handmade(handmadeKey, goodHeader, payloadWith(`sub=""`))
	p := profileOf("HS256")
	p.Subject = ""
	got := ok(handmadeVerifier(t, p).Verify(t.Context(), token))(t)
	if got.Subject != "" {
		t.Errorf("got sub %q", got.Subject)
	}
	p.Required = []string{"sub"}
	_, err := handmadeVerifier(t, p).Verify(t.Context(), token)
	refuses(t, err, tokenprofile.ErrSubject)
	signer, _ := pair(t, p)
	_, err = signer.Sign(t.Context(), map[string]any{"sub": ""})
	mentions(t, err, "sub is empty")
}
