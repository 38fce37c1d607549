package tokenprofile_test

import (
	"crypto/sha512"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Whatever the algorithm: the signatures are right.
func TestHeaderRefused(t *testing.T) {
	forgers := newForgers(t)
	for _, test := range []struct {
		name, header string
		want         error
	}{
		{"no alg", `{"kid":"k1"}`, tokenprofile.ErrAlgorithm},
		{"alg none", `{"alg":"none","kid":"k1"}`, tokenprofile.ErrAlgorithm},
		{"alg None", `{"alg":"None","kid":"k1"}`, tokenprofile.ErrAlgorithm},
		{"alg nOnE", `{"alg":"nOnE","kid":"k1"}`, tokenprofile.ErrAlgorithm},
		{"alg empty", `{"alg":"","kid":"k1"}`, tokenprofile.ErrAlgorithm},
		{"alg null", `{"alg":null,"kid":"k1"}`, tokenprofile.ErrAlgorithm},
		{"alg an array", `{"alg":["HS256"],"kid":"k1"}`, tokenprofile.ErrAlgorithm},
		{"alg in lower case", `{"alg":"hs256","kid":"k1"}`, tokenprofile.ErrAlgorithm},
		{"alg with a space", `{"alg":"HS256 ","kid":"k1"}`, tokenprofile.ErrAlgorithm},
		{"the alg of a longer hash", `{"alg":"HS512","kid":"k1"}`, tokenprofile.ErrAlgorithm},
		{"an unknown alg", `{"alg":"XX999","kid":"k1"}`, tokenprofile.ErrAlgorithm},
		{"alg twice", `{"alg":"HS256","alg":"none","kid":"k1"}`, tokenprofile.ErrMalformed},
		{"alg twice, once escaped", `{"alg":"HS256","\u0061lg":"none","kid":"k1"}`, tokenprofile.ErrMalformed},
		{"a twin of alg", `{"alg":"HS256","Alg":"none","kid":"k1"}`, tokenprofile.ErrMalformed},
		{"a twin of kid by Unicode folding", `{"alg":"HS256","kid":"k1","\u212aid":"k2"}`, tokenprofile.ErrMalformed},
		{"crit with an unknown name", `{"alg":"HS256","kid":"k1","crit":["x"],"x":1}`, tokenprofile.ErrCritical},
		{"crit with a name that is not there", `{"alg":"HS256","kid":"k1","crit":["x"]}`, tokenprofile.ErrCritical},
		{"crit with a registered name", `{"alg":"HS256","kid":"k1","crit":["alg"]}`, tokenprofile.ErrCritical},
		{"crit empty", `{"alg":"HS256","kid":"k1","crit":[]}`, tokenprofile.ErrCritical},
		{"crit a string", `{"alg":"HS256","kid":"k1","crit":"x","x":1}`, tokenprofile.ErrCritical},
		{"crit null", `{"alg":"HS256","kid":"k1","crit":null}`, tokenprofile.ErrCritical},
		{"b64 false", `{"alg":"HS256","kid":"k1","b64":false,"crit":["b64"]}`, tokenprofile.ErrMalformed},
		{"b64 true", `{"alg":"HS256","kid":"k1","b64":true}`, tokenprofile.ErrMalformed},
		{"zip", `{"alg":"HS256","kid":"k1","zip":"DEF"}`, tokenprofile.ErrMalformed},
		{"typ of another kind", `{"alg":"HS256","kid":"k1","typ":"at+jwt"}`, tokenprofile.ErrType},
		{"typ a number", `{"alg":"HS256","kid":"k1","typ":1}`, tokenprofile.ErrType},
		{"typ empty", `{"alg":"HS256","kid":"k1","typ":""}`, tokenprofile.ErrType},
		{"cty not the profile's", `{"alg":"HS256","kid":"k1","cty":"JWT"}`, tokenprofile.ErrType},
		{"an unknown kid", `{"alg":"HS256","kid":"k2"}`, tokenprofile.ErrUnknownKey},
		{"kid in another case", `{"alg":"HS256","kid":"K1"}`, tokenprofile.ErrUnknownKey},
		{"kid empty", `{"alg":"HS256","kid":""}`, tokenprofile.ErrUnknownKey},
		{"kid a number", `{"alg":"HS256","kid":1}`, tokenprofile.ErrUnknownKey},
		{"kid an array", `{"alg":"HS256","kid":["k1"]}`, tokenprofile.ErrUnknownKey},
		{"kid null", `{"alg":"HS256","kid":null}`, tokenprofile.ErrUnknownKey},
		{"kid a path", `{"alg":"HS256","kid":"../../dev/null"}`, tokenprofile.ErrUnknownKey},
		{"kid of 257 bytes", `{"alg":"HS256","kid":"` + strings.Repeat("k", 257) + `"}`, tokenprofile.ErrUnknownKey},
		{"something after the header", `{"alg":"HS256","kid":"k1"}x`, tokenprofile.ErrMalformed},
		{"the header null", `null`, tokenprofile.ErrMalformed},
		{"the header empty", ``, tokenprofile.ErrMalformed},
	} {
		for _, forger := range forgers {
			t.Run(string(forger.algorithm)+" "+test.name, func(t *testing.T) {
				_, err := forger.verifier.Verify(t.Context(), forger.token(t, test.header, goodPayload))
				refuses(t, err, test.want)
			})
		}
	}
}

func TestTypeIsTheProfiles(t *testing.T) {
	for _, test := range []struct {
		name, profile, header string
		accepted              bool
	}{
		{"none by default", ``, `{"alg":"HS256","kid":"k1"}`, true},
		{"JWT by default", ``, `{"alg":"HS256","kid":"k1","typ":"JWT"}`, true},
		{"jwt by default", ``, `{"alg":"HS256","kid":"k1","typ":"jwt"}`, true},
		{"application/jwt by default", ``, `{"alg":"HS256","kid":"k1","typ":"application/jwt"}`, true},
		{"JWT explicitly", `JWT`, `{"alg":"HS256","kid":"k1","typ":"JWT"}`, true},
		{"at+jwt where demanded", `at+jwt`, `{"alg":"HS256","kid":"k1","typ":"at+jwt"}`, true},
		{"in another case", `at+jwt`, `{"alg":"HS256","kid":"k1","typ":"AT+JWT"}`, true},
		{"with application/", `at+jwt`, `{"alg":"HS256","kid":"k1","typ":"application/at+jwt"}`, true},
		{"without application/", `application/at+jwt`, `{"alg":"HS256","kid":"k1","typ":"at+jwt"}`, true},
		{"none where demanded", `at+jwt`, `{"alg":"HS256","kid":"k1"}`, false},
		{"JWT where another is demanded", `at+jwt`, `{"alg":"HS256","kid":"k1","typ":"JWT"}`, false},
		{"a longer one", `at+jwt`, `{"alg":"HS256","kid":"k1","typ":"at+jwt+x"}`, false},
		{"application/ before a whole type", `a/b`, `{"alg":"HS256","kid":"k1","typ":"application/a/b"}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("HS256")
			p.Header.Type = test.profile
			_, err := handmadeVerifier(t, p).Verify(t.Context(), handmade(handmadeKey, test.header, goodPayload))
			if test.accepted && err != nil {
				t.Error(err)
			} else if !test.accepted {
				refuses(t, err, tokenprofile.ErrType)
			}
		})
	}
}

func TestContentTypeIsTheProfiles(t *testing.T) {
	p := profileOf("HS256")
	p.Header.ContentType = "example"
	signer, verifier := pair(t, p)
	if _, err := verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t)); err != nil {
		t.Error(err)
	}
	_, err := handmadeVerifier(t, p).Verify(t.Context(), handmade(handmadeKey, goodHeader, goodPayload))
	refuses(t, err, tokenprofile.ErrType)
}

func TestCriticalIsTheProfiles(t *testing.T) {
	p := profileOf("HS256")
	p.Header.Extra = map[string]any{"tenant": "t1", "level": 3, "note": "x"}
	p.Header.Critical = []string{"tenant", "level"}
	verifier := handmadeVerifier(t, p)
	for _, test := range []struct {
		name, header string
		accepted     bool
	}{
		{"as declared", `{"alg":"HS256","kid":"k1","tenant":"t1","level":3,"crit":["tenant","level"]}`, true},
		{"in another order", `{"alg":"HS256","kid":"k1","crit":["level","tenant"],"level":3,"tenant":"t1"}`, true},
		{"escaped", `{"alg":"HS256","kid":"k1","tenant":"\u00741","level":3.0,"crit":["tenan\u0074","level"]}`, true},
		{"none", `{"alg":"HS256","kid":"k1","tenant":"t1","level":3}`, false},
		{"one of two", `{"alg":"HS256","kid":"k1","tenant":"t1","level":3,"crit":["tenant"]}`, false},
		{"one twice", `{"alg":"HS256","kid":"k1","tenant":"t1","level":3,"crit":["tenant","tenant"]}`, false},
		{"one more", `{"alg":"HS256","kid":"k1","tenant":"t1","level":3,"x":1,"crit":["tenant","level","x"]}`, false},
		{"another value", `{"alg":"HS256","kid":"k1","tenant":"t2","level":3,"crit":["tenant","level"]}`, false},
		{"listed and not there", `{"alg":"HS256","kid":"k1","tenant":"t1","crit":["tenant","level"]}`, false},
		{"a number listed", `{"alg":"HS256","kid":"k1","tenant":"t1","level":3,"crit":["tenant",3]}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := verifier.Verify(t.Context(), handmade(handmadeKey, test.header, goodPayload))
			if test.accepted && err != nil {
				t.Error(err)
			} else if !test.accepted {
				refuses(t, err, tokenprofile.ErrCritical)
			}
		})
	}
}

// Where a header says keys are is ignored: it is never followed, and no source
// of keys. Whoever put their own key there has still to sign with ours.
func TestHintsAreNoSourceOfKeys(t *testing.T) {
	for _, forger := range newForgers(t) {
		for _, hint := range []string{
			`"jku":"https://attacker.example/keys"`, `"x5u":"https://attacker.example/cert"`, `"jwk":{"kty":"oct","k":"AA"}`,
			`"jwk":null`, `"jku":1`, `"x5u":[]`, `"x5c":{}`,
		} {
			if _, err := forger.verifier.Verify(t.Context(), forger.token(t, `{"alg":"HS256","kid":"k1",`+hint+`}`, goodPayload)); err != nil {
				t.Errorf("%s: got %v for a right signature", hint, err)
			}
		}
	}
	verifier := handmadeVerifier(t, profileOf("HS256"))
	embedded := `{"alg":"HS256","kid":"k1","jwk":{"kty":"oct","k":"` + textSegment("attacker") + `"}}`
	_, err := verifier.Verify(t.Context(), handmade([]byte("attacker"), embedded, goodPayload))
	refuses(t, err, tokenprofile.ErrSignature)
}

// What a header says about certificates is ignored, and never a source of keys.
func TestX5CIsNoSourceOfKeys(t *testing.T) {
	verifier := handmadeVerifier(t, profileOf("HS256"))
	header := `{"alg":"HS256","kid":"k1","x5c":["AAAA"],"x5t":"AAAA","x5t#S256":"AAAA"}`
	if _, err := verifier.Verify(t.Context(), handmade(handmadeKey, header, goodPayload)); err != nil {
		t.Error(err)
	}
	forged := sha512.Sum512(handmadeKey)
	_, err := verifier.Verify(t.Context(), handmade(forged[:], header, goodPayload))
	refuses(t, err, tokenprofile.ErrSignature)
}
