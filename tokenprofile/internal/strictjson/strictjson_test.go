package strictjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

func read(document string) (members []string, err error) {
	var s strictjson.Scanner
	s.Reset([]byte(document))
	for s.Next() {
		members = append(members, fmt.Sprintf("%s=%s", s.Name(), s.Value()))
	}
	return members, s.Err()
}

func TestScannerAccepts(t *testing.T) {
	for _, test := range []struct{ name, document, want string }{
		{"no member", `{}`, ``},
		{"space in every place", " \n{\t\"a\" : 1 , \"b\":[ 1 , 2 ] }\r", `a=1|b=[ 1 , 2 ]`},
		{"every kind of value", `{"s":"x","n":-1.5e+10,"t":true,"f":false,"z":null,"a":[],"o":{}}`, `s="x"|n=-1.5e+10|t=true|f=false|z=null|a=[]|o={}`},
		{"an escaped name", `{"\u0061\n":1}`, "a\n=1"},
		{"a surrogate pair", `{"\ud83d\ude00":1}`, "😀=1"},
		{"the same name in two objects", `{"a":{"a":{"a":1}},"b":{"a":1}}`, `a={"a":{"a":1}}|b={"a":1}`},
		{"names that differ in case", `{"a":1,"A":2}`, `a=1|A=2`},
		{"names of one hash", `{"costarring":1,"liquid":2}`, `costarring=1|liquid=2`},
		{"a number no float64 holds exactly", `{"a":9007199254740993}`, `a=9007199254740993`},
		{"the largest number of a float64", `{"a":1.7976931348623157e308}`, `a=1.7976931348623157e308`},
		{"a number that a float64 takes for zero", `{"a":1e-999}`, `a=1e-999`},
		{"a number of 300 digits", `{"a":` + strings.Repeat("9", 300) + `}`, `a=` + strings.Repeat("9", 300)},
		{"depth 16", `{"a":` + strings.Repeat("[", 15) + strings.Repeat("]", 15) + `}`, `a=` + strings.Repeat("[", 15) + strings.Repeat("]", 15)},
	} {
		t.Run(test.name, func(t *testing.T) {
			members, err := read(test.document)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(members, "|"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestScannerRefuses(t *testing.T) {
	duplicate := errors.New("a duplicate")
	for _, test := range []struct {
		name, document string
		want           error
	}{
		{"nothing", ``, strictjson.ErrNotObject},
		{"an array", `[]`, strictjson.ErrNotObject},
		{"null", `null`, strictjson.ErrNotObject},
		{"a byte order mark", "\ufeff{}", strictjson.ErrNotObject},
		{"two objects", `{}{}`, strictjson.ErrTrailing},
		{"a NUL after the object", "{}\x00", strictjson.ErrTrailing},
		{"an object that does not end", `{"a":1`, strictjson.ErrSyntax},
		{"a comma before the end", `{"a":1,}`, strictjson.ErrSyntax},
		{"a comma alone", `{,}`, strictjson.ErrSyntax},
		{"no comma", `{"a":1 "b":2}`, strictjson.ErrSyntax},
		{"no colon", `{"a" 1}`, strictjson.ErrSyntax},
		{"no value", `{"a":}`, strictjson.ErrSyntax},
		{"a number as a name", `{1:1}`, strictjson.ErrSyntax},
		{"single quotes", `{'a':1}`, strictjson.ErrSyntax},
		{"a comment", `{/**/"a":1}`, strictjson.ErrSyntax},
		{"a vertical tab", "{\v}", strictjson.ErrSyntax},
		{"a newline in a string", "{\"a\":\"\n\"}", strictjson.ErrSyntax},
		{"an unknown escape", `{"a":"\x"}`, strictjson.ErrSyntax},
		{"an escape cut short", `{"a":"\u00"}`, strictjson.ErrSyntax},
		{"a string cut short", `{"a":"`, strictjson.ErrSyntax},
		{"an escape at the very end", `{"a":"\`, strictjson.ErrSyntax},
		{"NaN", `{"a":NaN}`, strictjson.ErrSyntax},
		{"a plus sign", `{"a":+1}`, strictjson.ErrSyntax},
		{"a leading zero", `{"a":01}`, strictjson.ErrSyntax},
		{"a fraction without digits", `{"a":1.}`, strictjson.ErrSyntax},
		{"an exponent without digits", `{"a":1e}`, strictjson.ErrSyntax},
		{"a long number with an exponent without digits", `{"a":` + strings.Repeat("9", 200) + `e}`, strictjson.ErrSyntax},
		{"a minus alone", `{"a":-}`, strictjson.ErrSyntax},
		{"an array with a comma before its end", `{"a":[1,]}`, strictjson.ErrSyntax},
		{"an array that does not end", `{"a":[1`, strictjson.ErrSyntax},
		{"a word cut short", `{"a":tru}`, strictjson.ErrSyntax},
		{"bytes that are not UTF-8", "{\"a\":\"\xff\"}", strictjson.ErrText},
		{"an encoded surrogate", "{\"a\":\"\xed\xa0\x80\"}", strictjson.ErrText},
		{"an overlong encoding", "{\"a\":\"\xc0\xaf\"}", strictjson.ErrText},
		{"a high surrogate alone", `{"a":"\ud800"}`, strictjson.ErrText},
		{"a low surrogate alone", `{"a":"\udc00x"}`, strictjson.ErrText},
		{"two high surrogates", `{"a":"\ud800\ud800"}`, strictjson.ErrText},
		{"a lone surrogate in a name", `{"\ud800":1}`, strictjson.ErrText},
		{"a name twice", `{"a":1,"a":1}`, duplicate},
		{"a name twice, once escaped", `{"a":1,"\u0061":1}`, duplicate},
		{"a name twice deep inside", `{"x":[{"y":{"a":1,"b":2,"a":3}}]}`, duplicate},
		{"depth 17 in arrays", `{"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}`, strictjson.ErrDepth},
		{"depth 17 in objects", strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17), strictjson.ErrDepth},
		{"an exponent of four digits", `{"a":1e1000}`, strictjson.ErrExponent},
		{"a number no float64 holds, by its exponent", `{"a":66E+661}`, strictjson.ErrRange},
		{"a number no float64 holds, deep inside", `{"a":[{"b":-1.8e308}]}`, strictjson.ErrRange},
		{"a number no float64 holds, by its digits", `{"a":` + strings.Repeat("9", 309) + `}`, strictjson.ErrRange},
		{"a number no float64 holds, by both", `{"a":` + strings.Repeat("9", 211) + `e99}`, strictjson.ErrRange},
		{"257 members", manyMembers(257), strictjson.ErrMembers},
		{"257 members in several objects", `{"a":` + manyMembers(200) + `,"b":` + manyMembers(55) + `}`, strictjson.ErrMembers},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := read(test.document)
			if twice := new(strictjson.DuplicateError); errors.As(err, &twice) {
				err = duplicate
			}
			if err != test.want {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// Whoever asks once too often is told the same again.
func TestScannerStaysAtItsEnd(t *testing.T) {
	for document, want := range map[string]error{`{"a":1}`: nil, `{"a":1}}`: strictjson.ErrTrailing, `{"a":1 "b":2,"c":3}`: strictjson.ErrSyntax} {
		var s strictjson.Scanner
		s.Reset([]byte(document))
		for s.Next() {
		}
		if s.Next() || s.Err() != want {
			t.Errorf("%s: got %v, want %v", document, s.Err(), want)
		}
	}
}

func TestScannerAccepts256Members(t *testing.T) {
	members, err := read(manyMembers(strictjson.MaxMembers))
	if err != nil || len(members) != strictjson.MaxMembers {
		t.Errorf("got %d members, %v, want %d", len(members), err, strictjson.MaxMembers)
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d":0`, i)
	}
	return "{" + b.String()[1:] + "}"
}

func TestText(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"plain", `"abc"`, "abc"},
		{"empty", `""`, ""},
		{"every escape", `"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, "\"\\/\b\f\n\r\té😀"},
		{"an escape between letters", `"a\u0000b"`, "a\x00b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, ok := strictjson.Value(test.value).Text(); !ok || string(got) != test.want {
				t.Errorf("got %q, %t, want %q", got, ok, test.want)
			}
		})
	}
	if _, ok := strictjson.Value(`1`).Text(); ok {
		t.Error("a number passes for a string")
	}
}

func TestElements(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"none", `[]`, ``},
		{"one", `["a"]`, `"a"`},
		{"several with space", `[ "a" , [1,2] ,{"x":[]}, 3 ]`, `"a"|[1,2]|{"x":[]}|3`},
		{"not an array", `"a"`, ``},
	} {
		t.Run(test.name, func(t *testing.T) {
			var elements []string
			for element := range strictjson.Value(test.value).Elements() {
				elements = append(elements, string(element))
			}
			if got := strings.Join(elements, "|"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestScannerAllocatesNothing(t *testing.T) {
	document := []byte(`{"iss":"https://issuer.example","aud":["a","b"],"exp":1900000000,"x":{"y":[1,2,3]}}`)
	var s strictjson.Scanner
	read := func() {
		s.Reset(document)
		for s.Next() {
		}
	}
	if got := testing.AllocsPerRun(100, read); got != 0 || s.Err() != nil {
		t.Errorf("got %v allocations, %v", got, s.Err())
	}
}

// What the scanner accepts, encoding/json accepts too, with the same names.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,{"b":"\u0061"}],"c":-1.5e3}`, `{"a":1,"\u0061":2}`, `[`, "{\"a\":\"\xff\"}", `{"a":"\ud83d\ude00"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		names := map[string]string{}
		var s strictjson.Scanner
		s.Reset(document)
		for s.Next() {
			names[string(s.Name())] = string(s.Value())
		}
		if s.Err() != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(document, &want); err != nil {
			t.Fatalf("accepted %q, but %v", document, err)
		}
		if len(names) != len(want) {
			t.Fatalf("%q: got %d members, want %d", document, len(names), len(want))
		}
		for name, value := range want {
			if names[name] != string(value) {
				t.Errorf("%q: member %q is %q, want %q", document, name, names[name], value)
			}
		}
	})
}

// The costliest document within the limits: as many names as there may be, all
// as long as the others and alike up to their last letters.
func BenchmarkScannerWorst(b *testing.B) {
	var text strings.Builder
	for i := range strictjson.MaxMembers {
		fmt.Fprintf(&text, `,"%s%03d":0`, strings.Repeat("a", 35), i)
	}
	document := []byte("{" + text.String()[1:] + "}")
	var s strictjson.Scanner
	b.ReportAllocs()
	for b.Loop() {
		s.Reset(document)
		for s.Next() {
		}
	}
	if s.Err() != nil {
		b.Fatal(s.Err())
	}
}

func BenchmarkScanner(b *testing.B) {
	document := []byte(`{"iss":"https://issuer.example","sub":"billing","aud":"https://producer.example","exp":1900000900,"iat":1900000000,"jti":"0190b9a0-0000-7000-8000-000000000000","scope":"read write","tenant":"t1"}`)
	var s strictjson.Scanner
	b.ReportAllocs()
	for b.Loop() {
		s.Reset(document)
		for s.Next() {
		}
	}
}
