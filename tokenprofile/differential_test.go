package tokenprofile_test

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// The rules of a verifier without a waiver, as they were before any could be
// waived, written once more in the plainest way. The keys of the source are one
// with the kid k1 and one without a kid.
//
// unsure reports what these rules leave to others: texts with surrogates and
// numbers that have no one meaning.
func formerly(header, payload []byte, signedBy string) (accepted, unsure bool) {
	h, okHeader, unsureHeader := strictObject(header)
	c, okClaims, unsureClaims := strictObject(payload)
	if unsureHeader || unsureClaims {
		return false, true
	}
	return okHeader && okClaims && headerFormerly(h, signedBy) && claimsFormerly(c), false
}

func headerFormerly(h map[string]any, signedBy string) bool {
	for _, refused := range []string{"b64", "zip", "crit", "cty", "jku", "x5u", "jwk"} {
		if _, there := h[refused]; there {
			return false
		}
	}
	if hasTwin(h, registeredParameters) || h["alg"] != "HS256" {
		return false
	}
	if typ, there := h["typ"]; there {
		text, _ := typ.(string)
		if bare := strings.ToLower(text); bare != "jwt" && bare != "application/jwt" {
			return false
		}
	}
	return h["kid"] == "k1" && signedBy == "k1" // without a kid there are two keys
}

func claimsFormerly(c map[string]any) bool {
	if hasTwin(c, append(slices.Clone(twinsStill), twinsFormerly...)) {
		return false
	}
	for _, name := range []string{"iss", "sub", "jti"} {
		nobody := name == "sub" && c[name] == "" // accepted since
		if value, there := c[name]; there && !plainText(value) && !nobody {
			return false
		}
	}
	audience, isArray := c["aud"].([]any)
	if !isArray {
		audience = []any{c["aud"]}
	}
	if c["iss"] != "https://consumer.example" || !slices.Contains(audience, any("https://producer.example")) || len(audience) > 256 ||
		slices.ContainsFunc(audience, func(value any) bool { return !plainText(value) }) {
		return false
	}
	return timesFormerly(c)
}

func timesFormerly(c map[string]any) bool {
	const now, leeway, lifetime = 1900000000, 30, 900
	date := func(name string, missing float64) (float64, bool) {
		value, there := c[name]
		number, isNumber := value.(json.Number)
		seconds, err := strconv.ParseFloat(number.String(), 64)
		if !there {
			return missing, true
		}
		return seconds, isNumber && err == nil && seconds >= 1 && seconds <= 253402300799
	}
	exp, okExp := date("exp", 0)
	iat, okIat := date("iat", math.NaN())
	nbf, okNbf := date("nbf", 1)
	if !okExp || !okIat || !okNbf || now >= exp+leeway || nbf > now+leeway || iat > now+leeway || iat > exp {
		return false
	}
	if math.IsNaN(iat) {
		return exp-now <= lifetime+leeway
	}
	return exp-iat <= lifetime
}

func plainText(value any) bool {
	text, ok := value.(string)
	return ok && text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

var (
	registeredParameters = []string{"alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit", "enc", "zip", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c", "b64"}
	twinsStill           = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "act"}
	twinsFormerly        = []string{"scope", "client_id", "azp", "nonce", "roles", "groups", "auth_time", "acr", "amr"}
)

// hasTwin overlooks a twin in lower case of x5t#S256, as the verifier does.
func hasTwin(members map[string]any, names []string) bool {
	for member := range members {
		for _, name := range names {
			if member != name && strings.EqualFold(member, name) && member != "x5t#s256" {
				return true
			}
		}
	}
	return false
}

var surrogate = regexp.MustCompile(`\\u[dD][89a-fA-F]`)

// strictObject reads an object with encoding/json, token by token.
func strictObject(document []byte) (members map[string]any, ok, unsure bool) {
	if !utf8.Valid(document) || !json.Valid(document) {
		return nil, false, false
	}
	if surrogate.Match(document) {
		return nil, false, true
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	count := 0
	value, ok := strictValue(d, 0, &count)
	members, isObject := value.(map[string]any)
	return members, ok && isObject && count <= 256, false
}

func strictValue(d *json.Decoder, depth int, count *int) (any, bool) {
	token, err := d.Token()
	if err != nil || depth > 16 {
		return nil, false
	}
	switch token := token.(type) {
	case json.Number:
		exponent := token.String()[strings.LastIndexAny(token.String(), "eE")+1:]
		_, err := strconv.ParseFloat(token.String(), 64)
		if !strings.ContainsAny(token.String(), "eE") {
			exponent = ""
		}
		return token, len(strings.Trim(exponent, "+-")) <= 3 && err == nil // a number beyond float64 was taken once
	case json.Delim:
		members, elements := map[string]any{}, []any{}
		for d.More() {
			name := ""
			if token == '{' {
				read, err := d.Token()
				if err != nil {
					return nil, false
				}
				name = read.(string)
				if _, twice := members[name]; twice {
					return nil, false
				}
				*count++
			}
			value, ok := strictValue(d, depth+1, count)
			if !ok {
				return nil, false
			}
			members[name], elements = value, append(elements, value)
		}
		d.Token()
		if depth+1 > 16 {
			return nil, false
		}
		if token == '{' {
			return members, true
		}
		return elements, true
	}
	return token, true
}

// accordingTo names why a token is accepted today that was refused formerly. The
// token as it would be without that must have been accepted.
func accordingTo(header, payload []byte, signedBy string) (reasons []string) {
	h, _, _ := strictObject(header)
	c, _, _ := strictObject(payload)
	note := func(reason string) {
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	for _, hint := range []string{"jku", "x5u", "jwk"} {
		if _, there := h[hint]; there {
			delete(h, hint)
			note("a hint is ignored")
		}
	}
	if kid, there := h["kid"]; !there || kid != "k1" {
		if text, isText := kid.(string); there && (!isText || text == "" || len(text) > 256) {
			return nil
		}
		if there && signedBy == "k1" {
			return nil // the key has a name, and it is another
		}
		h["kid"], signedBy = "k1", "k1"
		note("a kid that the source does not define, or none")
	}
	for _, name := range []string{"nbf", "iat"} {
		if number, ok := c[name].(json.Number); ok {
			if seconds, err := strconv.ParseFloat(number.String(), 64); err == nil && seconds >= 0 && seconds < 1 {
				c[name] = json.Number("1")
				note("a date is 0")
			}
		}
	}
	for member := range c {
		if hasTwin(map[string]any{member: 1}, twinsFormerly) {
			delete(c, member)
			note("a twin that nobody reads")
		}
	}
	if !headerFormerly(h, signedBy) || !claimsFormerly(c) {
		return nil
	}
	return reasons
}

// Without a waiver a verifier accepts what it accepted before any could be
// waived, and besides only what has a name in accordingTo.
func FuzzNothingElseIsAccepted(f *testing.F) {
	add := func(header, payload string) {
		for by := range 3 {
			f.Add([]byte(header), []byte(payload), uint8(by))
		}
	}
	for _, header := range []string{
		goodHeader, `{"alg":"HS256"}`, `{"alg":"HS256","kid":"other"}`, `{"alg":"HS256","kid":""}`, `{"alg":"HS256","kid":1}`, `{"alg":"none","kid":"k1"}`,
		`{"alg":"HS256","kid":"k1","jku":"x","x5u":1,"jwk":{}}`, `{"alg":"HS256","kid":"k1","zip":"DEF"}`, `{"alg":"HS256","kid":"k1","b64":true}`,
		`{"alg":"HS256","kid":"k1","crit":["x"],"x":1}`, `{"alg":"HS256","kid":"k1","x5t":1,"x5t#S256":"x"}`, `{"alg":"HS256","kid":"k1","typ":"at+jwt"}`,
		`{"alg":"HS256","kid":"k1","Jku":"x"}`, `{"alg":"HS256","x5t":"x"}`, `{"alg":"HS256","kid":"k1","cty":"x"}`,
	} {
		add(header, goodPayload)
	}
	for _, changes := range [][]string{
		{`nbf=0`}, {`iat=0`}, {`iat=0.5`}, {`exp=0`}, {`nbf=-1`}, {`nbf=1e400`}, {`exp=`}, {`iat=`}, {`aud=`}, {`aud=[]`}, {`aud=["https://producer.example"]`}, {`aud="x"`},
		{`iss=""`}, {`sub=1`}, {`jti="x"`}, {`role=1`, `Role=2`}, {`exp=1900001000`}, {`nbf=1900000040`}, {`iat=1900000040`},
	} {
		add(goodHeader, payloadWith(changes...))
	}
	for _, member := range []string{`"Scope":1`, `"Act":1`, `"cnf":1,"Cnf":2`, `"client_ID":1,"client_id":2`, `"x":66E+661`, `"x":1e-999`, `"exp":1`} {
		add(goodHeader, strings.Replace(goodPayload, "{", "{"+member+",", 1))
	}
	p := profileOf("HS256")
	p.Subject, p.CacheSize = "", -1
	nameless := []byte("fedcba9876543210fedcba9876543210")
	verifier, err := p.SecretVerifier(secrets{ok(keystore.NewSecretKey(handmadeKey, "k1"))(f), ok(keystore.NewSecretKey(nameless, ""))(f)})
	if err != nil {
		f.Fatal(err)
	}
	signers := []struct {
		name string
		key  []byte
	}{{"k1", handmadeKey}, {"nameless", nameless}, {"a stranger", []byte("x")}}
	f.Fuzz(func(t *testing.T, header, payload []byte, by uint8) {
		signer := signers[int(by)%len(signers)]
		text := handmade(signer.key, string(header), string(payload))
		if len(text) > 16<<10 {
			return
		}
		former, unsure := formerly(header, payload, signer.name)
		if unsure {
			return
		}
		_, err := verifier.Verify(t.Context(), text)
		switch {
		case former && err != nil:
			t.Errorf("%s %s by %s was accepted: %v", header, payload, signer.name, err)
		case !former && err == nil && (signer.name == "a stranger" || len(accordingTo(header, payload, signer.name)) == 0):
			t.Errorf("%s %s by %s is accepted, and nothing says why", header, payload, signer.name)
		}
	})
}

// Each of the names stands for a token that was refused once.
func TestWhatIsAcceptedBesides(t *testing.T) {
	for _, test := range []struct {
		header, payload, by, want string
	}{
		{`{"alg":"HS256","kid":"k1","jku":"x"}`, goodPayload, "k1", "a hint is ignored"},
		{`{"alg":"HS256","kid":"other"}`, goodPayload, "nameless", "a kid that the source does not define, or none"},
		{`{"alg":"HS256"}`, goodPayload, "k1", "a kid that the source does not define, or none"},
		{goodHeader, payloadWith(`nbf=0`), "k1", "a date is 0"},
		{goodHeader, strings.Replace(goodPayload, "{", `{"Scope":1,`, 1), "k1", "a twin that nobody reads"},
	} {
		if former, _ := formerly([]byte(test.header), []byte(test.payload), test.by); former {
			t.Errorf("%s: was accepted before", test.want)
		}
		if got := accordingTo([]byte(test.header), []byte(test.payload), test.by); !slices.Equal(got, []string{test.want}) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	if former, _ := formerly([]byte(goodHeader), []byte(goodPayload), "k1"); !former {
		t.Error("the good token is refused by the rules of this test")
	}
}
