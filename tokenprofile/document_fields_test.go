package tokenprofile_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A field of a document: what it takes, in the order of kinds below.
type field struct {
	path string
	kind string
}

var documentFields = []field{
	{"algorithm", "string"}, {"issuer", "string"}, {"audience", "audience"}, {"audienceArray", "bool"}, {"subject", "string"},
	{"lifetime", "duration"}, {"notBefore", "duration"}, {"backdate", "duration"}, {"leeway", "duration"},
	{"tokenID", "bool"}, {"oneUse", "bool"}, {"soleAudience", "bool"},
	{"waive", "waive"}, {"waive.omit", "list"}, {"waive.recipient", "string"}, {"waive.anyKeyID", "bool"}, {"waive.padding", "bool"},
	{"header", "header"}, {"header.typ", "string"}, {"header.cty", "string"}, {"header.kid", "string"}, {"header.noKeyID", "bool"},
	{"header.x5t", "bool"}, {"header.x5t#S256", "bool"}, {"header.x5c", "bool"}, {"header.extra", "map"}, {"header.crit", "list"},
	{"header.jku", "string"}, {"header.demanded", "list"},
	{"keyAlias", "string"}, {"newestKey", "bool"}, {"claims", "map"}, {"required", "list"},
	{"encryption", "encryption"}, {"encryption.keyAlgorithm", "string"}, {"encryption.contentAlgorithm", "string"}, {"encryption.recipient", "string"},
	{"maxSize", "int"}, {"cacheSize", "int"},
}

// documentValues are JSON values with the kinds that take them. No kind takes null.
var documentValues = map[string][]string{
	`"text"`: {"string", "audience"}, `"5m"`: {"string", "audience", "duration"}, `true`: {"bool"}, `5`: {"int"}, `1.5`: {}, `1e300`: {},
	`["a"]`: {"audience", "list"}, `[1]`: {}, `{}`: {"map", "header", "encryption", "waive"}, `{"k":1}`: {"map"}, `null`: {},
}

// at is a document with the value at the path.
func at(path, value string) string {
	outer, inner, nested := strings.Cut(path, ".")
	if nested {
		value = fmt.Sprintf(`{%q:%s}`, inner, value)
	}
	document := fmt.Sprintf(`%q:%s`, outer, value)
	for name, value := range map[string]string{"algorithm": `"ES256"`, "issuer": `"i"`} {
		if outer != name {
			document += fmt.Sprintf(`,%q:%s`, name, value)
		}
	}
	return "{" + document + "}"
}

// Every field takes the values of its kind and no other, and the error for
// another has its path.
func TestEveryFieldTakesItsKind(t *testing.T) {
	for _, field := range documentFields {
		for value, kinds := range documentValues {
			var p tokenprofile.Profile
			err := p.UnmarshalJSON([]byte(at(field.path, value)))
			switch {
			case slices.Contains(kinds, field.kind) && err != nil:
				t.Errorf("%s: %s: %v", field.path, value, err)
			case !slices.Contains(kinds, field.kind) && err == nil:
				t.Errorf("%s: %s: accepted", field.path, value)
			case err != nil:
				mentions(t, err, "tokenprofile: profile: "+field.path)
			}
		}
	}
}

// The list above is complete.
func TestEveryFieldIsListed(t *testing.T) {
	var walk func(prefix string, value reflect.Type)
	walk = func(prefix string, value reflect.Type) {
		for i := range value.NumField() {
			f := value.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			if !slices.ContainsFunc(documentFields, func(known field) bool { return known.path == prefix+name }) {
				t.Errorf("%s%s is not tested", prefix, name)
			}
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				walk(prefix+name+".", inner)
			}
		}
	}
	walk("", reflect.TypeFor[tokenprofile.Profile]())
}

// No field's name is taken in another case, or twice.
func TestNamesOfFieldsAreExact(t *testing.T) {
	for _, field := range documentFields {
		outer, inner, nested := strings.Cut(field.path, ".")
		name := outer
		if nested {
			name = inner
		}
		wrong := strings.ToUpper(name[:1]) + name[1:]
		path := strings.TrimSuffix(field.path, name) + wrong
		var p tokenprofile.Profile
		mentions(t, p.UnmarshalJSON([]byte(at(path, `"5m"`))), path+": there is no such field")
		twice := fmt.Sprintf(`{%q:1,%q:1}`, name, name)
		if nested {
			twice = fmt.Sprintf(`{%q:%s}`, outer, twice)
		}
		mentions(t, p.UnmarshalJSON([]byte(twice)), "occurs twice")
	}
}

// A profile read from a document signs and verifies as the same one in Go.
func TestADocumentMeansWhatTheLiteralMeans(t *testing.T) {
	ten := 10 * time.Second
	for _, test := range []struct {
		name, document string
		literal        tokenprofile.Profile
	}{
		{
			"the least", `{"algorithm":"HS256","issuer":"i","audience":"a"}`,
			tokenprofile.Profile{Algorithm: "HS256", Issuer: "i", Audience: []string{"a"}},
		},
		{
			"times", `{"algorithm":"HS384","issuer":"i","audience":"a","lifetime":"1h","notBefore":"10s","backdate":"10s","leeway":"1m"}`,
			tokenprofile.Profile{Algorithm: "HS384", Issuer: "i", Audience: []string{"a"}, Lifetime: time.Hour, NotBefore: &ten, Backdate: ten, Leeway: time.Minute},
		},
		{
			"claims", `{"algorithm":"HS512","issuer":"i","audience":["a","b"],"subject":"s","claims":{"n":9007199254740993,"o":{"x":[1.50]}},"required":["n"]}`,
			tokenprofile.Profile{Algorithm: "HS512", Issuer: "i", Audience: []string{"a", "b"}, Subject: "s", Required: []string{"n"}, Claims: map[string]any{
				"n": json.Number("9007199254740993"), "o": map[string]any{"x": []any{json.Number("1.50")}},
			}},
		},
		{
			"header", `{"algorithm":"HS256","issuer":"i","audience":"a","audienceArray":true,"header":{"typ":"t","cty":"c","kid":"k","extra":{"e":1},"crit":["e"]}}`,
			tokenprofile.Profile{Algorithm: "HS256", Issuer: "i", Audience: []string{"a"}, AudienceArray: true, Header: tokenprofile.Header{
				Type: "t", ContentType: "c", KeyID: "k", Extra: map[string]any{"e": json.Number("1")}, Critical: []string{"e"},
			}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			read := ok(tokenprofile.Parse([]byte(test.document)))(t)
			if !reflect.DeepEqual(read, test.literal) {
				t.Errorf("got %+v, want %+v", read, test.literal)
			}
			if got := string(ok(test.literal.MarshalJSON())(t)); got != test.document {
				t.Errorf("got %s, want %s", got, test.document)
			}
			read.Now, test.literal.Now = fixedClock, fixedClock
			keys := secrets{secretFor(t, "k1", 64)}
			one, two := ok(read.SecretSigner(keys))(t), ok(test.literal.SecretSigner(keys))(t)
			token := ok(one.Sign(t.Context(), nil))(t)
			if other := ok(two.Sign(t.Context(), nil))(t); other != token {
				t.Errorf("got %s, want %s", token, other)
			}
		})
	}
}
