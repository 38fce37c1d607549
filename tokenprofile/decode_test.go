package tokenprofile_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func decoding(claims string) *tokenprofile.Token {
	return &tokenprofile.Token{Claims: json.RawMessage(claims)}
}

func TestDecode(t *testing.T) {
	type nested struct {
		City string `json:"city"`
	}
	type base struct {
		Subject string `json:"sub"`
	}
	type claims struct {
		base
		Audience []string                 `json:"aud"`
		Expiry   tokenprofile.NumericDate `json:"exp"`
		ID       int64                    `json:"id"`
		Any      any                      `json:"any"`
		Address  nested                   `json:"address"`
		Plain    string
		Hidden   string `json:"-"`
	}
	var got claims
	token := decoding(`{"sub":"s","aud":"a","exp":1900000000.5,"id":9007199254740993,"any":[9007199254740993],"address":{"city":"x"},"Plain":"p","further":1}`)
	if err := token.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := claims{
		base: base{"s"}, Audience: []string{"a"}, Expiry: tokenprofile.NumericDate{Time: time.Unix(1900000000, 5e8)},
		ID: 9007199254740993, Any: []any{json.Number("9007199254740993")}, Address: nested{"x"}, Plain: "p",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A token that no verifier returned has no claims.
func TestDecodeOfNoToken(t *testing.T) {
	for _, token := range []*tokenprofile.Token{nil, {}} {
		mentions(t, token.Decode(new(map[string]any)), "there is no token to decode")
	}
}

func TestDecodeAudience(t *testing.T) {
	type many struct {
		Audience []string `json:"aud"`
	}
	type one struct {
		Audience string `json:"aud"`
	}
	for _, test := range []struct {
		name, claims string
		target       any
		want         string
	}{
		{"a string into a slice", `{"aud":"a"}`, new(many), `&{[a]}`},
		{"an array into a slice", `{"aud":["a","b"]}`, new(many), `&{[a b]}`},
		{"a string into a string", `{"aud":"a"}`, new(one), `&{a}`},
		{"a string into a map", `{"aud":"a"}`, new(map[string]any), `&map[aud:a]`},
		{"an array into a map", `{"aud":["a"]}`, new(map[string]any), `&map[aud:[a]]`},
		{"no claims", `{}`, new(many), `&{[]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := decoding(test.claims).Decode(test.target); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(test.target); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestDecodeIntoAMapKeepsIntegers(t *testing.T) {
	var got map[string]any
	if err := decoding(`{"id":9007199254740993}`).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got["id"] != json.Number("9007199254740993") {
		t.Errorf("got %v, want 9007199254740993", got["id"])
	}
}

// decodes itself.
type own struct{ text string }

func (o *own) UnmarshalJSON(data []byte) error {
	o.text = string(data)
	return nil
}

func TestDecodeIntoWhatDecodesItself(t *testing.T) {
	var got own
	const claims = `{"aud":"a","Aud":1}`
	if err := decoding(claims).Decode(&got); err != nil || got.text != claims {
		t.Errorf("got %q, %v, want %q", got.text, err, claims)
	}
}

// encoding/json takes a claim for a field whose name differs in case: an issuer
// that lets its users name claims would let them choose their role.
func TestDecodeRefusesTwins(t *testing.T) {
	var target struct {
		Role string `json:"role"`
	}
	for _, claims := range []string{`{"role":"user","Role":"admin"}`, `{"ROLE":"admin"}`, `{"role":"user","\u0052ole":"admin"}`} {
		if err := decoding(claims).Decode(&target); !errors.Is(err, tokenprofile.ErrMalformed) {
			t.Errorf("%s: got %v, want %v", claims, err, tokenprofile.ErrMalformed)
		}
	}
	if target.Role != "" {
		t.Errorf("got role %q", target.Role)
	}
}

// A field without a tag has a name in Go's case, which no claim has.
func TestDecodeIntoFieldsWithoutTags(t *testing.T) {
	var target struct {
		Order int
		Aud   []string
	}
	if err := decoding(`{"order":7,"aud":"a"}`).Decode(&target); err != nil || target.Order != 7 || len(target.Aud) != 1 {
		t.Errorf("got %+v, %v, want order 7 and one audience", target, err)
	}
	if err := decoding(`{"order":7,"ORDER":8}`).Decode(&target); !errors.Is(err, tokenprofile.ErrMalformed) {
		t.Errorf("got %v for two claims that fit one field, want %v", err, tokenprofile.ErrMalformed)
	}
}

func TestDecodeErrorsSayTheClaimAndNotTheValue(t *testing.T) {
	const canary = "canary-7f3a"
	for _, test := range []struct {
		name, claims string
		target       any
		want         string
	}{
		{"a text for a number", `{"id":"` + canary + `"}`, &struct {
			ID int `json:"id"`
		}{}, `claim "id" does not fit the type int`},
		{"a number for a small one", `{"id":300}`, &struct {
			ID int8 `json:"id"`
		}{}, `claim "id" does not fit the type int8`},
		{"a text for a date", `{"exp":"` + canary + `"}`, &struct {
			Expiry tokenprofile.NumericDate `json:"exp"`
		}{}, `claim "exp" cannot be decoded: the date is not a number`},
		{"a text for a time", `{"at":"` + canary + `"}`, &struct {
			At time.Time `json:"at"`
		}{}, `claim "at" cannot be decoded: *time.ParseError`},
		{"a text for a json.Number", `{"n":"` + canary + `"}`, &struct {
			N json.Number `json:"n"`
		}{}, `claim "n" `},
		{"a text for a number in a text", `{"n":"` + canary + `"}`, &struct {
			N int `json:"n,string"`
		}{}, `claim "n" `},
		{"a text for what decodes itself", `{"q":"` + canary + `"}`, &struct {
			Q quoting `json:"q"`
		}{}, `claim "q" cannot be decoded`},
		{"a text behind a key of the token's own", `{"m":{"` + canary + `":"x"}}`, &struct {
			M map[string]int `json:"m"`
		}{}, `claim "m" does not fit the type int`},
		{"a key that is no number", `{"m":{"` + canary + `":1}}`, &struct {
			M map[int]int `json:"m"`
		}{}, `claim "m" does not fit the type int`},
		{"what is no base64", `{"b":"` + canary + `!"}`, &struct {
			B []byte `json:"b"`
		}{}, `claim "b" `},
		{"a number too large for a float32", `{"f":1e300}`, &struct {
			F float32 `json:"f"`
		}{}, `claim "f" does not fit the type float32`},
		{"a text in an object in an array", `{"a":[{"n":"` + canary + `"}]}`, &struct {
			A []struct {
				N int `json:"n"`
			} `json:"a"`
		}{}, `claim "a" does not fit the type int`},
		{"a text for a number of a map", `{"other":1,"n":"` + canary + `"}`, &map[string]int{}, `claim "n" does not fit the type int`},
		{"no pointer", `{}`, struct{}{}, "cannot be decoded: json: Unmarshal(non-pointer struct {})"},
		{"nil", `{}`, nil, "cannot be decoded: json: Unmarshal(nil)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := decoding(test.claims).Decode(test.target)
			mentions(t, err, test.want)
			if text := fmt.Sprintf("%v %+v %#v", err, err, err.Error()); strings.Contains(text, canary) {
				t.Errorf("got %s, which has the value", text)
			}
		})
	}
}

// The cause is there for the caller whose own method failed.
func TestDecodeErrorsHaveTheirCause(t *testing.T) {
	var target struct {
		Q quoting `json:"q"`
	}
	if err := decoding(`{"q":"x"}`).Decode(&target); !errors.Is(err, errQuoting) {
		t.Errorf("got %v, want %v behind it", err, errQuoting)
	}
}

// quoting puts the value into its error, as many do.
type quoting struct{}

var errQuoting = errors.New("not accepted")

func (quoting) UnmarshalJSON(data []byte) error { return fmt.Errorf("%w: %s", errQuoting, data) }

// A claim that encoding/json gives to no field is nobody's twin.
func TestDecodeKnowsWhichFieldsTakeClaims(t *testing.T) {
	type Base struct {
		Role string `json:"role"`
	}
	var target struct {
		Base
		hidden string
		Never  string `json:"-"`
	}
	for _, claims := range []string{`{"role":"r","base":1,"Base":2}`, `{"role":"r","hidden":1,"Hidden":2}`, `{"role":"r","never":1,"Never":2}`} {
		if err := decoding(claims).Decode(&target); err != nil || target.Role != "r" {
			t.Errorf("%s: got %+v, %v", claims, target, err)
		}
	}
	var named struct {
		Base `json:"base"`
	}
	if err := decoding(`{"BASE":{}}`).Decode(&named); !errors.Is(err, tokenprofile.ErrMalformed) {
		t.Errorf("got %v for the twin of an embedded field with a name, want %v", err, tokenprofile.ErrMalformed)
	}
	if err := decoding(`{"Role":"r"}`).Decode(&target); !errors.Is(err, tokenprofile.ErrMalformed) {
		t.Errorf("got %v for the twin of an embedded field, want %v", err, tokenprofile.ErrMalformed)
	}
	_ = target.hidden
}

func TestNumericDate(t *testing.T) {
	for _, test := range []struct {
		text string
		want time.Time
	}{
		{"1", time.Unix(1, 0)},
		{"1900000000", time.Unix(1900000000, 0)},
		{"1900000000.0", time.Unix(1900000000, 0)},
		{"1900000000.25", time.Unix(1900000000, 25e7)},
		{"1.9e9", time.Unix(1900000000, 0)},
		{"19e8", time.Unix(1900000000, 0)},
		{"253402300799", time.Unix(253402300799, 0)},
		{"253402300799.0", time.Unix(253402300799, 0)},
		{"0", time.Unix(0, 0)},
		{"0.5", time.Unix(0, 5e8)},
		{"null", time.Time{}},
	} {
		var got tokenprofile.NumericDate
		if err := json.Unmarshal([]byte(test.text), &got); err != nil || !got.Equal(test.want) {
			t.Errorf("%s: got %v, %v, want %v", test.text, got, err, test.want)
		}
	}
	for _, text := range []string{`"1"`, "-1", "-0.5", "253402300800", "253402300799.5", "1e12", "1e300", "-1e300", "18446744073709551617", "true", "[]", "{}"} {
		var got tokenprofile.NumericDate
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s: got %v, want an error", text, got)
		}
	}
}

func TestNumericDateIsWrittenInWholeSeconds(t *testing.T) {
	for _, test := range []struct {
		date time.Time
		want string
	}{{time.Unix(1900000000, 999), "1900000000"}, {time.Unix(1, 0), "1"}, {time.Time{}, "null"}, {time.Unix(253402300799, 0), "253402300799"}} {
		got, err := json.Marshal(tokenprofile.NumericDate{Time: test.date})
		if err != nil || string(got) != test.want {
			t.Errorf("%v: got %s, %v, want %s", test.date, got, err, test.want)
		}
	}
	for _, seconds := range []int64{0, -1, 253402300800} {
		if got, err := json.Marshal(tokenprofile.NumericDate{Time: time.Unix(seconds, 0)}); err == nil {
			t.Errorf("%d: got %s, want an error", seconds, got)
		}
	}
}

func TestContext(t *testing.T) {
	if token, ok := tokenprofile.FromContext(t.Context()); ok || token != nil {
		t.Errorf("got %v, %t from a context without a token", token, ok)
	}
	want := decoding(`{}`)
	if got, ok := tokenprofile.FromContext(tokenprofile.NewContext(t.Context(), want)); !ok || got != want {
		t.Errorf("got %v, %t, want the token", got, ok)
	}
	if _, ok := tokenprofile.FromContext(tokenprofile.NewContext(t.Context(), nil)); ok {
		t.Error("a nil token passes for one")
	}
}
