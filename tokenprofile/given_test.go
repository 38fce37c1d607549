package tokenprofile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Plain values are written as encoding/json writes them, which writes others.
func TestPlainValuesAreWrittenAsOthers(t *testing.T) {
	signer, _ := pair(t, profileOf("HS256"))
	for _, value := range []any{
		nil, true, false, 0, -1, math.MaxInt, math.MinInt, int64(math.MinInt64), int32(7), uint64(math.MaxUint64),
		0.0, math.Copysign(0, -1), 1.0, -25.0, 0.5, 1e-7, 123456789012345.0, 1e15, 1e20, 1e21, -1e300, math.MaxFloat64, float32(0.1),
		"", "plain", "<a href='&'>", `quote " and \`, "line\nend", "\x00\x1f\x7f", "grüße", "\u2028\u2029", "\U0001f600", "\ufffd",
		[]any{}, []any(nil), []any{1, "two", nil, []any{3.5}}, []string{}, []string(nil), []string{"a", "ß", `"`}, []int{1, 2}, []byte{1, 2},
		map[string]any{}, map[string]any(nil), map[string]any{"b": 1, "a": map[string]any{"z": nil, "ä": true, `"`: 0, "": 1}}, map[string]string{"b": "1", "a": "2"},
		json.Number("1.50"), json.RawMessage(` {"a" : 1} `), time.Unix(1900000000, 0).UTC(), tokenprofile.NumericDate{Time: now}, struct{ A int }{1},
	} {
		_, payload := written(t, ok(signer.Sign(t.Context(), map[string]any{"x": value}))(t))
		_, got, _ := strings.Cut(payload, `,"x":`)
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(value); err != nil || got != strings.TrimSpace(want.String())+"}" {
			t.Errorf("%#v: got %s, want %s}", value, got, &want)
		}
	}
}

// Names are written in order, so that a token is the same each time.
func TestNamesAreWrittenInOrder(t *testing.T) {
	signer, _ := pair(t, profileOf("HS256"))
	var want strings.Builder
	claims := map[string]any{}
	for n := range 40 { // more than are sorted without memory of their own
		claims[fmt.Sprintf("n%02d", 39-n)] = n
		fmt.Fprintf(&want, `,"n%02d":%d`, n, 39-n)
	}
	_, payload := written(t, ok(signer.Sign(t.Context(), claims))(t))
	if _, got, _ := strings.Cut(payload, `"iat":1900000000`); got != want.String()+"}" {
		t.Errorf("got %s, want %s}", got, &want)
	}
}

func TestValuesThatContainThemselves(t *testing.T) {
	signer, _ := pair(t, profileOf("HS256"))
	ring, list := map[string]any{"a": 1}, []any{1, nil}
	ring["b"], ring["c"], list[1] = ring, ring, list
	for name, claims := range map[string]map[string]any{"a map": ring, "a list": {"a": list}, "one within the other": {"a": []any{ring}}} {
		t.Run(name, func(t *testing.T) {
			_, err := signer.Sign(t.Context(), claims)
			mentions(t, err, "a value contains itself")
		})
	}
}

// What is deep is counted with the object that all claims are in.
func TestDepthOfGivenClaimsIsExact(t *testing.T) {
	signer, verifier := pair(t, profileOf("HS256"))
	nested := func(depth int) any {
		var value any = "x"
		for n := range depth {
			if value = []any{value}; n%2 == 0 {
				value = map[string]any{"a": value.([]any)[0]}
			}
		}
		return value
	}
	ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), map[string]any{"a": nested(15)}))(t)))(t)
	for _, depth := range []int{16, 17, 100} {
		_, err := signer.Sign(t.Context(), map[string]any{"a": nested(depth)})
		mentions(t, err, "claims given: JSON nested deeper than 16")
	}
}

// The profile's own claims count, and so do members within others.
func TestNumberOfGivenClaimsIsExact(t *testing.T) {
	p := profileOf("HS256")
	p.Claims = map[string]any{"own": map[string]any{"a": 1, "b": 2}}
	signer, verifier := pair(t, p)
	const own = 5 + 3
	for name, claims := range map[string]func(n int) map[string]any{
		"flat":   manyClaims,
		"nested": func(n int) map[string]any { return map[string]any{"a": manyClaims(n - 1)} },
	} {
		t.Run(name, func(t *testing.T) {
			ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), claims(256-own)))(t)))(t)
			_, err := signer.Sign(t.Context(), claims(257-own))
			mentions(t, err, "claims given: more than 256 JSON members")
		})
	}
}

// Whatever else is wrong with a claim that the profile sets, it is said that it
// does.
func TestClaimsThatTheProfileSets(t *testing.T) {
	p := profileOf("HS256")
	p.Claims = map[string]any{"Role": "reader"}
	p.NotBefore, p.TokenID = new(time.Duration), true
	signer, _ := pair(t, p)
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "Role"} {
		for _, value := range []any{"x", 1, []any{}, nil} {
			_, err := signer.Sign(t.Context(), map[string]any{"a": 1, name: value})
			mentions(t, err, fmt.Sprintf("claim %q is set twice", name))
		}
	}
	ok(signer.Sign(t.Context(), map[string]any{"": 1}))(t) // the name of no claim of the profile
	for _, twin := range []string{"Iss", "EXP", "role", "ſub"} {
		_, err := signer.Sign(t.Context(), map[string]any{twin: "x"})
		mentions(t, err, "only in case")
	}
	p = profileOf("ES256")
	p.Issuer, p.IssuerFunc = "", func(key keystore.PublicKey) (string, error) { return key.KeyID(), nil }
	_, err := ok(p.Signer(keystore.New(keyFor(t, "ES256"))))(t).Sign(t.Context(), map[string]any{"iss": "x"})
	mentions(t, err, `claim "iss" is set twice`)
}

// ClaimsFunc's claims and those of the call are one object.
func TestClaimsOfTwoSources(t *testing.T) {
	p := profileOf("HS256")
	p.ClaimsFunc = func(context.Context) (any, error) { return map[string]any{"a": 1}, nil }
	signer, _ := pair(t, p)
	for _, test := range []struct {
		given any
		want  string
	}{
		{nil, `"a":1`}, {map[string]any{}, `"a":1`}, {map[string]any(nil), `"a":1`}, {map[string]any{"b": 2}, `"a":1,"b":2`},
		{struct {
			B int `json:"b"`
		}{2}, `"a":1,"b":2`},
	} {
		_, payload := written(t, ok(signer.Sign(t.Context(), test.given))(t))
		if _, got, _ := strings.Cut(payload, `"iat":1900000000,`); got != test.want+"}" {
			t.Errorf("%v: got %s, want %s}", test.given, got, test.want)
		}
	}
	_, err := signer.Sign(t.Context(), map[string]any{"a": 2})
	mentions(t, err, `claim "a" is set twice`)
}
