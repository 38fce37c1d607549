package strictjson_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// Each value is the only one of an object, the last of an array, and between
// two others: its end must be found in each place.
var places = []string{`{"v":%s}`, `{"v": %s }`, `{"v":[%s]}`, `{"v":[0,%s ]}`, `{"a":1,"v":%s,"b":2}`, `{"o":{"v":%s},"v":1}`}

func scan(document string) error {
	var s strictjson.Scanner
	s.Reset([]byte(document))
	for s.Next() {
	}
	return s.Err()
}

func TestValidValues(t *testing.T) {
	for _, value := range []string{
		`0`, `-0`, `1`, `-1`, `10`, `1234567890`, `0.0`, `0.5`, `-0.5`, `1.0e0`, `1e1`, `1E1`, `1e+1`, `1e-1`, `0e0`, `0E+01`, `1.5E-010`,
		`123456789012345678901234567890`, `0.000000000000000000000000000000000001`, `1e300`, `-1e-999`,
		`""`, `"a"`, `" "`, `"é"`, `"日本"`, `"😀"`, "\"\x7f\"", "\"\u2028\u2029\"", `"\""`, `"\\"`, `"\/"`, `"/"`, `"\b\f\n\r\t"`,
		`"\u0000"`, `"\u001f"`, `"\u00e9"`, `"\u00E9"`, `"\uFFFF"`, `"\ufffe"`, `"\ud83d\ude00"`, `"\uD83D\uDE00"`, `"a\ud83d\ude00b"`,
		`"\ud800\udc00"`, `"\udbff\udfff"`, `"\\ud800"`, `"{}[],:"`, `"//"`, `"\u005C"`, `"\u0022"`,
		`true`, `false`, `null`, `[]`, `[ ]`, `[[]]`, `[[],[]]`, `[1,"a",null,true,false,{},[]]`, "[\n1\n,\t2\r]",
		`{}`, `{ }`, `{"a":{}}`, `{"":0}`, `{"a":0,"b":0}`, `{"a":[{"a":0},{"a":0}]}`, `{"a":0,"A":0}`, `{"\u0061":0,"b":0}`,
	} {
		for _, place := range places {
			document := fmt.Sprintf(place, value)
			if err := scan(document); err != nil {
				t.Errorf("%s: %v", document, err)
			}
			if !json.Valid([]byte(document)) {
				t.Errorf("%s: encoding/json refuses it", document)
			}
		}
	}
}

func TestInvalidValues(t *testing.T) {
	for _, value := range []string{
		``, ` `, `-`, `+`, `.`, `+1`, `--1`, `- 1`, `01`, `-01`, `00`, `0x10`, `1.`, `.5`, `-.5`, `1.e1`, `1e`, `1e+`, `1e-`, `1E`, `1e1.5`, `1ee1`, `1e1e1`,
		`1_000`, `1,000.5.5`, `0b1`, `0o7`, `1f`, `1d`, `NaN`, `nan`, `Infinity`, `-Infinity`, `inf`, `1e1000`, `1e-1000`, `1e0001`, `１`, `1 000`,
		`"`, `"a`, `a"`, `'a'`, `a`, "`a`", `"\"`, `"\x41"`, `"\a"`, `"\v"`, `"\0"`, `"\'"`, `"\ "`, `"\u"`, `"\u1"`, `"\u12"`, `"\u123"`, `"\u123g"`, `"\u 123"`,
		`"\U0041"`, `"\u{41}"`, `"\ud800"`, `"\udc00"`, `"\udbff"`, `"\udfff"`, `"\ud800\ud800"`, `"\udc00\ud800"`, `"\ud800x"`, `"\ud800\n"`, `"\ud800\u0041"`, `"\ud800\"`,
		"\"\n\"", "\"\t\"", "\"\x00\"", "\"\x1f\"", "\"\xff\"", "\"\x80\"", "\"\xc0\x80\"", "\"\xc3\"", "\"\xc3(\"", "\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"", "\"\xf0\x80\x80\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf8\x88\x80\x80\x80\"",
		`True`, `TRUE`, `tru`, `truee`, `t`, `fals`, `nul`, `nulll`, `NULL`, `None`, `nil`, `undefined`, `yes`,
		`[`, `]`, `[1`, `[1,`, `[,1]`, `[1,]`, `[1,,2]`, `[1 2]`, `[1;2]`, `[1:2]`, `["a":1]`, `[}`, `(1)`, `<1>`,
		`{`, `}`, `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1,}`, `{,"a":1}`, `{"a":1,,"b":2}`, `{"a":1 "b":2}`, `{"a" 1}`, `{"a"::1}`, `{"a"=1}`, `{"a":1;"b":2}`,
		`{a:1}`, `{'a':1}`, `{1:1}`, `{null:1}`, `{[]:1}`, `{{}:1}`, `{"a":1]`, `{"a":1}}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"\ud800":1}`, `{"a":{"b":1,"b":2}}`,
		`// 1`, `/* */ 1`, `1 /* */`, `1 // `, `# 1`, "\v1", "\f1", "\u00a01", "\u20281", "\ufeff1", `1;`, `1}`, `1]`, `#`, `@`, `\`, `\u0031`,
	} {
		for _, place := range places {
			if place == `{"v":[%s]}` && strings.TrimSpace(value) == "" {
				continue // an empty array
			}
			document := fmt.Sprintf(place, value)
			if err := scan(document); err == nil {
				t.Errorf("%q: accepted", document)
			}
		}
	}
}

// A document that is cut short, at whatever place, is refused.
func TestDocumentsCutShort(t *testing.T) {
	const document = ` {"a": [1.5e3, "\u00e9\ud83d\ude00", {"b": null, "c": [true, false]}], "d": {}, "e": "é"} `
	if err := scan(document); err != nil {
		t.Fatal(err)
	}
	for n := range strings.LastIndexByte(document, '}') {
		if err := scan(document[:n]); err == nil {
			t.Errorf("%q: accepted", document[:n])
		}
	}
}

// A document with any one byte changed is either refused, or read as
// encoding/json reads it.
func TestDocumentsWithAByteChanged(t *testing.T) {
	const document = `{"a":[1.5e3,"\u00e9x",{"b":null}],"d":{},"e":"é","f":true}`
	for at := range len(document) {
		for c := range 256 {
			changed := []byte(document)
			changed[at] = byte(c)
			if scan(string(changed)) == nil && !json.Valid(changed) {
				t.Errorf("%q: accepted, but encoding/json refuses it", changed)
			}
		}
	}
}

// One scanner reads many documents, good ones after bad ones.
func TestAScannerIsUsedAgain(t *testing.T) {
	var s strictjson.Scanner
	for range 3 {
		for _, test := range []struct {
			document string
			members  int
			good     bool
		}{
			{`{"a":1,"b":{"c":1}}`, 2, true}, {`{"a":1,"a":2}`, 1, false}, {`{"a":{"b":`, 0, false}, {``, 0, false}, {`{}`, 0, true}, {`{"a":1}x`, 1, false}, {`{"a":1,"c":2,"d":3}`, 3, true},
		} {
			s.Reset([]byte(test.document))
			members := 0
			for s.Next() {
				members++
			}
			if members != test.members || (s.Err() == nil) != test.good {
				t.Errorf("%s: got %d members, %v", test.document, members, s.Err())
			}
			if s.Next() {
				t.Errorf("%s: there is a member after the end", test.document)
			}
		}
	}
}

func TestKindsOfValues(t *testing.T) {
	for value, want := range map[string]string{
		`1`: "number", `-1`: "number", `0`: "number", `"1"`: "text", `""`: "text", `[]`: "array", `[1]`: "array",
		`{}`: "", `true`: "", `null`: "", ``: "",
	} {
		v := strictjson.Value(value)
		_, text := v.Text()
		for kind, got := range map[string]bool{"number": v.IsNumber(), "text": text, "array": v.IsArray()} {
			if got != (kind == want) {
				t.Errorf("%s is a %s: got %t", value, kind, got)
			}
		}
	}
}

func TestElementsCanBeLeftEarly(t *testing.T) {
	count := 0
	for range strictjson.Value(`[1,2,3]`).Elements() {
		if count++; count == 2 {
			break
		}
	}
	if count != 2 {
		t.Errorf("got %d elements, want 2", count)
	}
}
