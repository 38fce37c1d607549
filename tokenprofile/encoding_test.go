package tokenprofile_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Whatever a name contains, it is one JSON string, and comes back the same.
func TestEveryCharacterInAName(t *testing.T) {
	p := profileOf("HS256")
	p.Subject = ""
	signer, verifier := pair(t, p)
	var names []string
	for c := range rune(0x180) {
		names = append(names, "a"+string(c)+"b", string(c)+"1")
	}
	names = append(names, `"`, `\`, `","sub":"admin`, `":1,"exp":9999999999,"x`, "\u2028", "\U0001f600", "\ufffd", "}", "{", `\u0022`, strings.Repeat("n", 4000))
	for _, name := range names {
		token, err := signer.Sign(t.Context(), map[string]any{name: name})
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		var claims map[string]any
		if err := ok(verifier.Verify(t.Context(), token))(t).Decode(&claims); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if len(claims) != 5 || claims[name] != name {
			t.Errorf("%q: got %d claims and %q", name, len(claims), claims[name])
		}
	}
}

// The same for names that the profile fixes, in claims and header.
func TestEveryCharacterInAConstant(t *testing.T) {
	for _, name := range []string{`"`, `\`, `x":0,"admin`, "a\nb", "\x00", "\u2028", "é", "", " "} {
		p := profileOf("HS256")
		p.Claims = map[string]any{name: "v"}
		p.Header.Extra = map[string]any{name: "v"}
		signer, verifier := pair(t, p)
		token := ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t)))(t)
		for part, document := range map[string][]byte{"header": token.Header, "claims": token.Claims} {
			var members map[string]any
			if err := json.Unmarshal(document, &members); err != nil || members[name] != "v" {
				t.Errorf("%s %q: got %v, %v", part, name, members[name], err)
			}
		}
	}
}

type coordinate struct{ X, Y int }

func (c coordinate) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d/%d", c.X, c.Y), nil }

type celsius float64

func (c celsius) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%q", fmt.Sprint(float64(c), " °C")), nil
}

type embedded struct {
	Inner string `json:"inner"`
}

// Claims of every Go type that encoding/json knows, written as it writes them.
func TestValuesOfEveryType(t *testing.T) {
	name := "n"
	large, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	p := profileOf("HS256")
	signer, _ := pair(t, p)
	for _, test := range []struct {
		name   string
		claims any
		want   string
	}{
		{"signed integers", map[string]any{"a": int8(-128), "b": int64(math.MinInt64)}, `"a":-128,"b":-9223372036854775808`},
		{"unsigned integers", map[string]uint64{"a": math.MaxUint64}, `"a":18446744073709551615`},
		{"an integer of any size", map[string]*big.Int{"a": large}, `"a":123456789012345678901234567890`},
		{"numbers as they are written", map[string]json.Number{"a": "1.50", "b": "1E2"}, `"a":1.50,"b":1E2`},
		{"floats", map[string]float64{"a": 0.1, "b": 1e21}, `"a":0.1,"b":1e+21`},
		{"bytes, in base64", map[string][]byte{"a": {1, 2}}, `"a":"AQI="`},
		{"a time", map[string]time.Time{"a": now.UTC()}, `"a":"2030-03-17T17:46:40Z"`},
		{"a date of ours", map[string]tokenprofile.NumericDate{"a": {Time: now}}, `"a":1900000000`},
		{"a type with a text form", map[coordinate]coordinate{{1, 2}: {3, 4}}, `"1/2":"3/4"`},
		{"a type with a JSON form", map[string]celsius{"a": 21.5}, `"a":"21.5 °C"`},
		{"keys that are integers", map[int]bool{1: true}, `"1":true`},
		{"an embedded struct", struct {
			embedded
			Outer string `json:"outer"`
		}{embedded{"i"}, "o"}, `"inner":"i","outer":"o"`},
		{"fields that are left out", struct {
			A string    `json:"a,omitempty"`
			B time.Time `json:"b,omitzero"`
			C string    `json:"-"`
			d string
			E string
		}{C: "c", d: "d", E: "e"}, `"E":"e"`},
		{"a number in a string", struct {
			A int `json:"a,string"`
		}{1}, `"a":"1"`},
		{"a pointer to a pointer", struct {
			Name **string `json:"name"`
		}{func() **string { p := &name; return &p }()}, `"name":"n"`},
		{"an empty list and none", map[string][]string{"a": {}, "b": nil}, `"a":[],"b":null`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, payload := written(t, ok(signer.Sign(t.Context(), test.claims))(t))
			_, got, _ := strings.Cut(payload, `"iat":1900000000,`)
			if got != test.want+"}" {
				t.Errorf("got %s, want %s}", got, test.want)
			}
		})
	}
}

// A type that writes something else than an object, or not JSON, or too much.
func TestValuesThatCannotBeClaims(t *testing.T) {
	type loop struct{ Next *loop }
	ring := &loop{}
	ring.Next = ring
	signer, _ := pair(t, profileOf("HS256"))
	for name, claims := range map[string]any{
		"a channel": make(chan int), "a function": func() {}, "a complex number": map[string]any{"a": 1i},
		"not a number": map[string]float64{"a": math.NaN()}, "an infinity": map[string]float64{"a": math.Inf(1)},
		"a ring": ring, "true": true, "a text": "{}", "bytes": []byte("{}"), "a time": now, "a number": json.Number("1"),
		"no JSON": json.RawMessage(`{"a":}`), "half an object": json.RawMessage(`{"a":1`), "two objects": json.RawMessage(`{}{}`),
		"an object and more": json.RawMessage(`{"a":1},"exp":1`), "a broken number": map[string]json.Number{"a": "1x"},
		"an array of objects": []map[string]any{{"a": 1}}, "a pointer to a text": new(string),
	} {
		t.Run(name, func(t *testing.T) {
			if token, err := signer.Sign(t.Context(), claims); err == nil {
				t.Errorf("signed %s", token)
			}
		})
	}
}

// What is not UTF-8 would be another text at the other end.
func TestATextThatIsNotUTF8(t *testing.T) {
	signer, _ := pair(t, profileOf("HS256"))
	bad, mended := "\xff", "\ufffd"
	for name, claims := range map[string]any{
		"in a map": map[string]string{"a": bad}, "as a name": map[string]int{bad: 1}, "in an any": map[string]any{"a": []any{1, bad}},
		"behind a pointer": map[string]*string{"a": &bad}, "in an array": map[string][1]string{"a": {bad}},
		"in a struct":      struct{ A string }{bad},
		"in an embedded":   struct{ embedded }{embedded{bad}},
		"in a type's text": map[string]spelled{"a": spelled(bad)},
		"in a type's JSON": map[string]any{"a": json.RawMessage("\"\xff\"")},
		"beside U+FFFD":    map[string]string{"a": "\ufffd", "b": bad},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := signer.Sign(t.Context(), claims)
			if err == nil || !strings.Contains(err.Error(), "not UTF-8") && !strings.Contains(err.Error(), "not valid Unicode") {
				t.Errorf("got %v, want an error that says so", err)
			}
		})
	}
	for name, claims := range map[string]any{
		"U+FFFD beside nothing": map[string]*string{"a": &mended, "b": nil},
		"U+FFFD itself":         map[string]string{"a": "\ufffd"}, "its escape": json.RawMessage(`{"a":"\ufffd"}`),
		"a field nobody writes": struct {
			A    string
			B    string `json:"-"`
			ring any
		}{"\ufffd", bad, bad},
	} {
		t.Run(name, func(t *testing.T) { ok(signer.Sign(t.Context(), claims))(t) })
	}
	p := profileOf("HS256")
	p.Claims = map[string]any{"a": bad}
	mentions(t, p.Validate(), "claims.a: has no JSON form: a string is not UTF-8")
}

type spelled []byte

func (s spelled) MarshalText() ([]byte, error) { return s, nil }

// Whatever is wrong with a claim, the error does not say its value.
func TestErrorsOfSignDoNotQuote(t *testing.T) {
	const canary = "canary-7f3a"
	signer, _ := pair(t, profileOf("HS256"))
	type ring struct {
		Canary string
		Next   *ring
	}
	endless := &ring{Canary: canary}
	endless.Next = endless
	for name, claims := range map[string]any{
		"a number that is none":       map[string]any{"a": json.Number(canary)},
		"a number that is none, deep": map[string]any{"a": []any{map[string]json.Number{"b": canary}}},
		"a number in a text": struct {
			A json.Number `json:",string"`
		}{canary},
		"a JSON method that fails": map[string]any{"a": failing(canary)},
		"a text method that fails": map[string]any{"a": failingText(canary)},
		"a key that fails":         map[failingKey]int{{canary}: 1},
		"JSON that is none":        json.RawMessage(`{"a":` + canary + `}`),
		"JSON that is none, deep":  map[string]any{"a": json.RawMessage(canary)},
		"a channel":                map[string]any{"a": []any{canary, make(chan int)}},
		"not a number":             map[string]any{"a": canary, "b": math.NaN()},
		"a ring":                   endless,
		"a text":                   canary,
		"a text that is not UTF-8": map[string]string{"a": canary + "\xff"},
		"aud":                      map[string]any{"aud": canary},
		"sub that is empty":        map[string]any{"sub": []string{canary}},
		"a date":                   map[string]any{"nbf": canary},
		"a twin":                   map[string]any{"Aud": canary},
		"too deep":                 json.RawMessage(strings.Repeat(`{"a":`, 20) + `"` + canary + `"` + strings.Repeat(`}`, 20)),
		"too large a number":       json.RawMessage(`{"a":"` + canary + `","b":1e999}`),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := signer.Sign(t.Context(), claims)
			if err == nil {
				t.Fatal("signed")
			}
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), canary) {
				t.Errorf("got %v", err)
			}
		})
	}
}

type failing string

func (f failing) MarshalJSON() ([]byte, error) { return nil, errors.New("cannot write " + string(f)) }

type failingText string

func (f failingText) MarshalText() ([]byte, error) {
	return nil, errors.New("cannot write " + string(f))
}

type failingKey struct{ text string }

func (f failingKey) MarshalText() ([]byte, error) { return nil, errors.New("cannot write " + f.text) }

// The cause is there for the caller whose own method failed.
func TestErrorsOfSignHaveTheirCause(t *testing.T) {
	signer, _ := pair(t, profileOf("HS256"))
	_, err := signer.Sign(t.Context(), map[string]any{"a": refusing{}})
	if !errors.Is(err, errRefusing) {
		t.Errorf("got %v, want %v behind it", err, errRefusing)
	}
	mentions(t, err, "the type tokenprofile_test.refusing did not write its JSON")
}

type refusing struct{}

var errRefusing = errors.New("not now")

func (refusing) MarshalJSON() ([]byte, error) { return nil, errRefusing }

// A signer can be used again after a call that failed.
func TestAFailedCallLeavesNothingBehind(t *testing.T) {
	signer, verifier := pair(t, profileOf("HS256"))
	for n := range 20 {
		for _, bad := range []any{map[string]any{"iss": "x"}, json.RawMessage(`{"a":{"b":`), map[string]any{"a": func() {}}, strings.Repeat("x", 100)} {
			if _, err := signer.Sign(t.Context(), bad); err == nil {
				t.Fatal("signed")
			}
		}
		var claims map[string]any
		if err := ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), map[string]any{"n": n}))(t)))(t).Decode(&claims); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint(n); fmt.Sprint(claims["n"]) != want || len(claims) != 6 {
			t.Errorf("got %v, want n=%s and the profile's five", claims, want)
		}
	}
}

// Tokens that come one after the other share buffers, and nothing else.
func TestBuffersAreNotShared(t *testing.T) {
	verifier := handmadeVerifier(t, profileOf("HS256"))
	var tokens []*tokenprofile.Token
	var wants []string
	for n := range 30 {
		payload := payloadWith(fmt.Sprintf(`jti="id-%s"`, strings.Repeat("x", n*7)), fmt.Sprintf(`role={"n":%d}`, n))
		tokens = append(tokens, ok(verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, payload)))(t))
		wants = append(wants, payload)
		verifier.Verify(t.Context(), handmade(handmadeKey, goodHeader, strings.Repeat("y", 900)))
	}
	for n, token := range tokens {
		if string(token.Claims) != wants[n] || string(token.Header) != goodHeader || token.ID != "id-"+strings.Repeat("x", n*7) {
			t.Errorf("token %d: got %s %s", n, token.Header, token.Claims)
		}
		var claims struct {
			Role struct {
				N int `json:"n"`
			} `json:"role"`
		}
		if err := token.Decode(&claims); err != nil || claims.Role.N != n {
			t.Errorf("token %d: got %d, %v", n, claims.Role.N, err)
		}
	}
}

// Whatever Preview shows Sign writes, for every kind of profile.
func TestPreviewIsWhatIsSigned(t *testing.T) {
	second := time.Second
	for n, change := range []func(*tokenprofile.Profile){
		func(p *tokenprofile.Profile) {},
		func(p *tokenprofile.Profile) { p.NotBefore, p.Backdate = &second, time.Minute },
		func(p *tokenprofile.Profile) { p.AudienceArray = true },
		func(p *tokenprofile.Profile) { p.Header.NoKeyID, p.Header.Type = true, "x+jwt" },
		func(p *tokenprofile.Profile) { p.Header.KeyID, p.Header.ContentType = "fixed", "y" },
		func(p *tokenprofile.Profile) { p.Claims = map[string]any{"a": map[string]any{"b": []any{1, nil}}} },
	} {
		p := profileOf("HS256")
		change(&p)
		signer, _ := pair(t, p)
		wantHeader, wantPayload := written(t, ok(signer.Sign(t.Context(), map[string]any{"c": 1}))(t))
		header, payload, err := p.Preview(map[string]any{"c": 1})
		if err != nil {
			t.Fatal(err)
		}
		var got, want map[string]any
		if json.Unmarshal(header, &got) != nil || json.Unmarshal([]byte(wantHeader), &want) != nil {
			t.Fatal("no JSON")
		}
		if p.Header.KeyID == "" {
			delete(want, "kid")
		}
		if !reflect.DeepEqual(got, want) || string(payload) != wantPayload {
			t.Errorf("profile %d: got %s %s, want %s %s", n, header, payload, wantHeader, wantPayload)
		}
	}
}
