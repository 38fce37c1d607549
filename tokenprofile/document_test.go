package tokenprofile_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Every example file loads, and is written as it was read.
func TestExampleFiles(t *testing.T) {
	files := ok(filepath.Glob("testdata/profiles/*.json"))(t)
	if len(files) != 6 {
		t.Fatalf("got %d files, want 6", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			p := ok(tokenprofile.Load(file))(t)
			var want bytes.Buffer
			if err := json.Compact(&want, ok(os.ReadFile(file))(t)); err != nil {
				t.Fatal(err)
			}
			if got := ok(json.Marshal(p))(t); string(got) != want.String() {
				t.Errorf("got %s, want %s", got, want.String())
			}
			header, payload, err := p.Preview(map[string]any{"client_id": "c", "sub": "u"})
			if err != nil && !strings.Contains(err.Error(), `"sub"`) { // some set it themselves
				t.Errorf("got %s %s %v", header, payload, err)
			}
		})
	}
}

// What the consumer's file signs, the producer's file admits.
func TestRemoteCaseFiles(t *testing.T) {
	consumer := ok(tokenprofile.Load("testdata/profiles/Remotecasetype_Consumer.json"))(t)
	producer := ok(tokenprofile.Load("testdata/profiles/Remotecasetype_Producer.json"))(t)
	key := cryptoKey(t, "RS256")
	consumer.KeyAlias, consumer.Now, producer.Now = "", fixedClock, fixedClock
	private := ok(keystore.NewPrivateKey(key, certify(t, key, 0)))(t)
	signer, verifier := ok(consumer.Signer(keystore.New(private)))(t), ok(producer.Verifier(trusting(private)))(t)
	token := ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), map[string]any{"sub": "user-1"}))(t)))(t)
	if token.Subject != "user-1" {
		t.Errorf("got subject %q, want the acting user", token.Subject)
	}
	_, err := signer.Sign(t.Context(), nil)
	mentions(t, err, `claim "sub" is missing`)
}

// A document with every field comes back the same.
func TestEveryFieldRoundTrips(t *testing.T) {
	const document = `{"algorithm":"ES256","issuer":"i","audience":["a","b"],"audienceArray":true,"subject":"s",` +
		`"lifetime":"1h","notBefore":"10s","backdate":"1m30s","leeway":"1.5s","tokenID":true,"oneUse":true,` +
		`"header":{"typ":"at+jwt","cty":"x","kid":"k","jku":"https://a.example/jwks","x5t":true,"x5t#S256":true,"x5c":true,"extra":{"a":1,"b":"<"},"crit":["a"],"demanded":["b"]},` +
		`"keyAlias":"signing","claims":{"big":9007199254740993,"list":[1,2],"null":null},"required":["a"],` +
		`"waive":{"omit":["exp"],"recipient":"azp","anyKeyID":true},` +
		`"encryption":{"keyAlgorithm":"RSA-OAEP-256","contentAlgorithm":"A256GCM","recipient":"r"},"maxSize":1000,"cacheSize":-1}`
	p := ok(tokenprofile.Parse([]byte(document)))(t)
	if got := ok(p.MarshalJSON())(t); string(got) != document {
		t.Errorf("got %s, want %s", got, document)
	}
	tags := reflect.TypeFor[tokenprofile.Profile]()
	for i := range tags.NumField() {
		name, _, _ := strings.Cut(tags.Field(i).Tag.Get("json"), ",")
		if name != "-" && name != "newestKey" && name != "soleAudience" && !strings.Contains(document, `"`+name+`":`) {
			t.Errorf("field %s is not in the document of this test", name)
		}
	}
}

func TestAudienceIsAStringOrAnArray(t *testing.T) {
	for _, test := range []struct{ audience, want string }{
		{`"a"`, `"a"`}, {`["a"]`, `"a"`}, {`["a","b"]`, `["a","b"]`},
	} {
		p := ok(tokenprofile.Parse([]byte(`{"algorithm":"ES256","issuer":"i","audience":` + test.audience + `}`)))(t)
		if got, want := string(ok(p.MarshalJSON())(t)), `{"algorithm":"ES256","issuer":"i","audience":`+test.want+`}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Some editors begin a file with a byte order mark, which nobody sees.
func TestAByteOrderMarkIsPassedOver(t *testing.T) {
	p := ok(tokenprofile.Parse([]byte("\ufeff" + `{"algorithm":"ES256","issuer":"i"}`)))(t)
	if p.Issuer != "i" {
		t.Errorf("got issuer %q, want i", p.Issuer)
	}
	_, err := tokenprofile.Parse([]byte("\ufeff\ufeff{}"))
	mentions(t, err, "not a JSON object")
}

func TestDurationsInDocuments(t *testing.T) {
	for text, want := range map[string]time.Duration{"15m": 15 * time.Minute, "900s": 15 * time.Minute, "1h": time.Hour, "1h0m5s": time.Hour + 5*time.Second, "36h": 36 * time.Hour} {
		p := ok(tokenprofile.Parse([]byte(`{"algorithm":"ES256","issuer":"i","lifetime":"` + text + `"}`)))(t)
		again := ok(tokenprofile.Parse(ok(p.MarshalJSON())(t)))(t)
		if p.Lifetime != want || again.Lifetime != want {
			t.Errorf("%s: got %v, and %v when written and read again, want %v", text, p.Lifetime, again.Lifetime, want)
		}
	}
}

// Each fault is reported with its path, all of them at once, and a field that
// cannot be read is not reported as missing as well.
func TestFaultsOfADocument(t *testing.T) {
	for _, test := range []struct {
		name, document string
		want           []string
	}{
		{"nothing", ``, []string{"not a JSON object"}},
		{"not an object", `[]`, []string{"not a JSON object"}},
		{"cut short", `{"issuer":"i"`, []string{"not valid JSON"}},
		{"something behind", `{"algorithm":"ES256","issuer":"i"}x`, []string{"something follows"}},
		{"an unknown field", `{"algorithm":"ES256","issuer":"i","subjekt":"s"}`, []string{"subjekt: there is no such field"}},
		{"a field in another case", `{"algorithm":"ES256","Issuer":"i"}`, []string{"Issuer: there is no such field", "issuer: is empty"}},
		{"a field that no document has", `{"algorithm":"ES256","issuer":"i","Now":1,"-":1}`, []string{"Now: there is", "-: there is"}},
		{"a field twice", `{"algorithm":"ES256","algorithm":"RS256","issuer":"i"}`, []string{`"algorithm" occurs twice`}},
		{"a duration as a number", `{"algorithm":"ES256","issuer":"i","lifetime":900}`, []string{"lifetime: is not a duration in a string"}},
		{"a duration without unit", `{"algorithm":"ES256","issuer":"i","leeway":"30"}`, []string{`leeway: "30" is not a duration`}},
		{"null", `{"algorithm":"ES256","issuer":null}`, []string{"issuer: is not a string"}},
		{"a number for a text", `{"algorithm":"ES256","issuer":1}`, []string{"issuer: is not a string"}},
		{"a text for a switch", `{"algorithm":"ES256","issuer":"i","tokenID":"yes"}`, []string{"tokenID: is not true or false"}},
		{"a number among texts", `{"algorithm":"ES256","issuer":"i","required":["a",1]}`, []string{"required: is not an array of strings"}},
		{"a text for a list", `{"algorithm":"ES256","issuer":"i","required":"a"}`, []string{"required: is not an array of strings"}},
		{"a fraction for a number", `{"algorithm":"ES256","issuer":"i","maxSize":1.5}`, []string{"maxSize: is not a whole number"}},
		{"a list for an object", `{"algorithm":"ES256","issuer":"i","claims":[]}`, []string{"claims: is not an object"}},
		{"a text for a header", `{"algorithm":"ES256","issuer":"i","header":"x"}`, []string{"header: not a JSON object"}},
		{"several", `{"algorithm":"none","lifetime":1,"header":{"x":1,"typ":2},"encryption":{"keyAlgorithm":"RSA1_5","y":1}}`, []string{
			`algorithm: "none" is not one of`, "lifetime: is not a duration", "header.x: there is no such field", "header.typ: is not a string",
			"encryption.y: there is no such field", `encryption.keyAlgorithm: "RSA1_5" is not offered`, "issuer: is empty",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := tokenprofile.Parse([]byte(test.document))
			for _, want := range test.want {
				mentions(t, err, want)
			}
			if strings.Contains(test.document, `"issuer":`) && test.name != "cut short" && strings.Contains(err.Error(), "issuer: is empty") {
				t.Errorf("got %v, but issuer is there", err)
			}
		})
	}
}

// As part of a service's own configuration.
func TestAProfileNests(t *testing.T) {
	var config struct {
		Listen  string
		Profile tokenprofile.Profile
	}
	if err := json.Unmarshal([]byte(`{"listen":":80","profile":{"algorithm":"ES256","issuer":"i","lifetime":"5m"}}`), &config); err != nil {
		t.Fatal(err)
	}
	if config.Profile.Lifetime != 5*time.Minute {
		t.Errorf("got %v, want 5m", config.Profile.Lifetime)
	}
	err := json.Unmarshal([]byte(`{"profile":{"isuer":"i"}}`), &config)
	mentions(t, err, "isuer: there is no such field")
}

func TestLoadNamesTheFile(t *testing.T) {
	_, err := tokenprofile.Load("testdata/profiles/nobody.json")
	mentions(t, err, "nobody.json")
	file := filepath.Join(t.TempDir(), "bad.json")
	for content, want := range map[string]string{`{}`: "issuer: is empty", strings.Repeat(" ", 64<<10) + "{}": "more than 65536 bytes"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = tokenprofile.Load(file)
		mentions(t, err, want)
		mentions(t, err, "bad.json")
	}
}
