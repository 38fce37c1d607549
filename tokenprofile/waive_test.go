package tokenprofile_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// waiving is a profile without what HS256 profiles of these tests have besides.
func waiving(change func(*tokenprofile.Profile)) tokenprofile.Profile {
	p := profileOf("HS256")
	p.Subject = ""
	change(&p)
	return p
}

// What receivers prescribe, every member and none besides.
func TestWhatReceiversPrescribe(t *testing.T) {
	for _, test := range []struct {
		name            string
		change          func(*tokenprofile.Profile)
		header, payload string
	}{
		{"GitHub App", func(p *tokenprofile.Profile) {
			p.Issuer, p.Audience, p.Backdate, p.Lifetime = "42", nil, time.Minute, 10*time.Minute
			p.Header.NoKeyID, p.Waive.Omit = true, []string{"aud"}
		}, `{"alg":"HS256","typ":"JWT"}`, `{"iss":"42","exp":1900000540,"iat":1899999940}`},
		{"Apple APNs", func(p *tokenprofile.Profile) {
			p.Issuer, p.Audience, p.Waive.Omit = "TEAM", nil, []string{"aud", "exp", "typ"}
		}, `{"alg":"HS256","kid":"k1"}`, `{"iss":"TEAM","iat":1900000000}`},
		{"Google, self-signed by scope", func(p *tokenprofile.Profile) {
			p.Audience, p.Subject, p.Waive.Omit = nil, "https://consumer.example", []string{"aud"}
			p.Claims = map[string]any{"scope": "s"}
		}, `{"alg":"HS256","typ":"JWT","kid":"k1"}`, `{"iss":"https://consumer.example","sub":"https://consumer.example","scope":"s","exp":1900000900,"iat":1900000000}`},
		{"Twilio", func(p *tokenprofile.Profile) {
			p.Audience, p.Header.ContentType, p.Waive.Omit = nil, "twilio-fpa;v=1", []string{"aud", "iat"}
		}, `{"alg":"HS256","typ":"JWT","cty":"twilio-fpa;v=1","kid":"k1"}`, `{"iss":"https://consumer.example","exp":1900000900}`},
		{"Zoom", func(p *tokenprofile.Profile) {
			p.Issuer, p.Audience, p.Waive.Omit = "", nil, []string{"iss", "aud"}
			p.Claims = map[string]any{"appKey": "k"}
		}, `{"alg":"HS256","typ":"JWT","kid":"k1"}`, `{"appKey":"k","exp":1900000900,"iat":1900000000}`},
		{"nothing but a date", func(p *tokenprofile.Profile) {
			p.Issuer, p.Audience, p.Waive.Omit = "", nil, []string{"iss", "aud", "exp", "typ"}
		}, `{"alg":"HS256","kid":"k1"}`, `{"iat":1900000000}`},
		{"Epic", func(p *tokenprofile.Profile) { p.Header.JKU = "https://consumer.example/jwks" },
			`{"alg":"HS256","typ":"JWT","kid":"k1","jku":"https://consumer.example/jwks"}`,
			`{"iss":"https://consumer.example","aud":"https://producer.example","exp":1900000900,"iat":1900000000}`},
		{"Cognito", func(p *tokenprofile.Profile) { p.Waive.Recipient = "client_id" },
			`{"alg":"HS256","typ":"JWT","kid":"k1"}`,
			`{"iss":"https://consumer.example","client_id":"https://producer.example","exp":1900000900,"iat":1900000000}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			signer := ok(waiving(test.change).SecretSigner(secretFor(t, "k1", 32)))(t)
			header, payload := written(t, ok(signer.Sign(t.Context(), nil))(t))
			if header != test.header || payload != test.payload {
				t.Errorf("got %s %s, want %s %s", header, payload, test.header, test.payload)
			}
		})
	}
}

// Snowflake wants the fingerprint of the key in iss.
func TestIssuerOfTheKey(t *testing.T) {
	one, two := keyFor(t, "ES256"), keyFor(t, "ES256")
	source := &privateSource{keys: []keystore.PrivateKey{one}}
	p := profileOf("ES256")
	p.Issuer, p.IssuerFunc = "", func(key keystore.PublicKey) (string, error) {
		der, err := x509.MarshalPKIXPublicKey(key.CryptoKey())
		sum := sha256.Sum256(der)
		return "ACCOUNT.USER.SHA256:" + base64.StdEncoding.EncodeToString(sum[:]), err
	}
	signer := ok(p.Signer(source))(t)
	for _, key := range []keystore.PrivateKey{one, one, two} { // it follows the key
		source.keys = []keystore.PrivateKey{key}
		_, payload := written(t, ok(signer.Sign(t.Context(), map[string]any{"x": 1}))(t))
		want := ok(p.IssuerFunc(key.Public()))(t)
		if !strings.HasPrefix(payload, fmt.Sprintf(`{"iss":%q,"sub":"billing",`, want)) {
			t.Errorf("got %s, want iss %s", payload, want)
		}
	}
	_, err := p.Verifier(trusting(one))
	mentions(t, err, "IssuerFunc")
	_, err = signer.Sign(t.Context(), map[string]any{"iss": "x"})
	mentions(t, err, `"iss" is set twice`)
	p.IssuerFunc = func(keystore.PublicKey) (string, error) { return "", nil }
	_, err = p.Signer(source)
	mentions(t, err, "IssuerFunc: the issuer is empty")
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	p.Issuer = "both"
	mentions(t, p.Validate(), "issuer: contradicts IssuerFunc")
}

type privateSource struct{ keys []keystore.PrivateKey }

func (s *privateSource) PrivateKeys(context.Context) ([]keystore.PrivateKey, error) {
	return s.keys, nil
}

// Header parameters whose value is another in every token.
func TestHeaderParametersPerToken(t *testing.T) {
	const iat = "http://openbanking.org.uk/iat"
	count := 0
	p := profileOf("HS256")
	p.Header.Extra, p.Header.Critical = map[string]any{"http://openbanking.org.uk/iss": "o"}, []string{iat, "http://openbanking.org.uk/iss"}
	p.Header.Func = func(context.Context) (map[string]any, error) {
		count++
		return map[string]any{iat: count, "nonce": fmt.Sprint(count)}, nil
	}
	signer, verifier := pair(t, p)
	for n := range 3 {
		token := ok(signer.Sign(t.Context(), nil))(t)
		header, _ := written(t, token)
		want := fmt.Sprintf(`{"alg":"HS256","typ":"JWT","kid":"k1","http://openbanking.org.uk/iss":"o","crit":["http://openbanking.org.uk/iat","http://openbanking.org.uk/iss"],"http://openbanking.org.uk/iat":%d,"nonce":"%[1]d"}`, n+1)
		if header != want {
			t.Errorf("got %s, want %s", header, want)
		}
		ok(verifier.Verify(t.Context(), token))(t)
	}
	for name, test := range map[string]struct {
		parameters map[string]any
		want       string
	}{
		"a registered one":          {map[string]any{iat: 1, "kid": "k2"}, `"kid" cannot be set here`},
		"the algorithm":             {map[string]any{iat: 1, "alg": "none"}, `"alg" cannot be set here`},
		"a twin of one":             {map[string]any{iat: 1, "ALG": "none"}, `"ALG" cannot be set here`},
		"a hint":                    {map[string]any{iat: 1, "jwk": 1}, `"jwk" cannot be set here`},
		"one of Extra":              {map[string]any{iat: 1, "http://openbanking.org.uk/iss": "x"}, "in Extra already"},
		"a critical one is missing": {map[string]any{"x": 1}, "is critical, and not there"},
		"no JSON form":              {map[string]any{iat: make(chan int)}, "has no JSON form"},
	} {
		p.Header.Func = func(context.Context) (map[string]any, error) { return test.parameters, nil }
		signer, _ := pair(t, p)
		_, err := signer.Sign(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Header.Func") {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
	none := profileOf("HS256")
	none.Header.Func = func(context.Context) (map[string]any, error) { return nil, nil }
	unchanged, _ := pair(t, none)
	if header, _ := written(t, ok(unchanged.Sign(t.Context(), nil))(t)); header != `{"alg":"HS256","typ":"JWT","kid":"k1"}` {
		t.Errorf("no parameters: got %s", header)
	}
	failing := errors.New("no nonce to be had")
	p.Header.Func = func(context.Context) (map[string]any, error) { return nil, failing }
	signer, _ = pair(t, p)
	if _, err := signer.Sign(t.Context(), nil); !errors.Is(err, failing) {
		t.Errorf("got %v, want %v", err, failing)
	}
}

// A token without room for padding is the same with and without it.
func TestATokenWithoutRoomForPadding(t *testing.T) {
	p := profileOf("HS384") // its signature has none
	p.Waive.Padding, p.Subject = true, ""
	key := secretFor(t, "", 48)
	for _, p.Header.KeyID = range []string{"k", "kk", "kkk"} {
		signer, verifier := ok(p.SecretSigner(key))(t), ok(p.SecretVerifier(key))(t)
		for _, sub := range []string{"s", "ss", "sss"} {
			token := ok(signer.Sign(t.Context(), map[string]any{"sub": sub}))(t)
			ok(verifier.Verify(t.Context(), token))(t)
			bare := strings.ReplaceAll(token, "=", "")
			if _, err := verifier.Verify(t.Context(), bare); (err == nil) != (bare == token) {
				t.Errorf("%d characters less: got %v", len(token)-len(bare), err)
			}
		}
	}
}

// What is left out cannot be given either.
func TestOmittedClaimsCannotBeGiven(t *testing.T) {
	p := waiving(func(p *tokenprofile.Profile) { p.Audience, p.Waive.Omit = nil, []string{"aud", "exp"} })
	signer := ok(p.SecretSigner(secretFor(t, "k1", 32)))(t)
	for _, name := range []string{"aud", "exp"} {
		_, err := signer.Sign(t.Context(), map[string]any{name: 1900000100})
		if err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	ok(signer.Sign(t.Context(), map[string]any{"x": 1}))(t)
}

// That a claim can never be there is told by Signer.
func TestRequiredClaimsThatCannotBe(t *testing.T) {
	p := waiving(func(p *tokenprofile.Profile) { p.Required = []string{"nbf"} })
	_, err := p.SecretSigner(secretFor(t, "k1", 32))
	mentions(t, err, "nbf")
	ok(p.SecretVerifier(secretFor(t, "k1", 32)))(t)
	p.Required, p.Waive.Omit = []string{"iat"}, []string{"iat"}
	mentions(t, p.Validate(), "waive.omit[0]: \"iat\" is required")
}

// Tokens that senders send, with the waiver that accepts them and without.
func TestWaivedTokens(t *testing.T) {
	at := func(header, payload string) string { return handmade(handmadeKey, header, payload) }
	padded := func(header, payload string) string {
		encode := base64.URLEncoding.EncodeToString
		input := encode([]byte(header)) + "." + encode([]byte(payload))
		_, signature, _ := strings.Cut(macced(handmadeKey, input), input+".")
		return input + "." + encode(decodeSegment(t, signature))
	}
	const withoutAud = `{"iss":"https://consumer.example","sub":"billing","exp":1900000600,"iat":1900000000`
	none := func(*tokenprofile.Profile) {}
	recipient := func(p *tokenprofile.Profile) { p.Audience, p.Waive.Recipient = []string{"app"}, "client_id" }
	demanded := func(p *tokenprofile.Profile) {
		p.Audience, p.Waive.Omit = nil, []string{"aud"}
		p.Header.Extra, p.Header.Demanded = map[string]any{"client": "app", "signer": "s"}, []string{"client"}
	}
	padding := func(p *tokenprofile.Profile) { p.Waive.Padding = true }
	for _, test := range []struct {
		name   string
		change func(*tokenprofile.Profile)
		token  string
		want   error
	}{
		{"a kid for every token, by default", none, at(`{"alg":"HS256","kid":"fresh"}`, goodPayload), tokenprofile.ErrUnknownKey},
		{"a kid for every token, waived", func(p *tokenprofile.Profile) { p.Waive.AnyKeyID = true }, at(`{"alg":"HS256","kid":"fresh"}`, goodPayload), nil},
		{"a kid for every token, waived, of a stranger", func(p *tokenprofile.Profile) { p.Waive.AnyKeyID = true }, handmade([]byte("x"), `{"alg":"HS256","kid":"fresh"}`, goodPayload), tokenprofile.ErrSignature},

		{"client_id, by default", none, at(goodHeader, withoutAud+`,"client_id":"app"}`), tokenprofile.ErrAudience},
		{"client_id, named", recipient, at(goodHeader, withoutAud+`,"client_id":"app"}`), nil},
		{"client_id, named, in an array", recipient, at(goodHeader, withoutAud+`,"client_id":["x","app"]}`), nil},
		{"client_id of another", recipient, at(goodHeader, withoutAud+`,"client_id":"other"}`), tokenprofile.ErrAudience},
		{"client_id missing", recipient, at(goodHeader, withoutAud+`}`), tokenprofile.ErrAudience},
		{"client_id missing, and aud in its place", recipient, at(goodHeader, withoutAud+`,"aud":"app"}`), tokenprofile.ErrAudience},
		{"client_id a number", recipient, at(goodHeader, withoutAud+`,"client_id":1}`), tokenprofile.ErrAudience},
		{"client_id empty", recipient, at(goodHeader, withoutAud+`,"client_id":""}`), tokenprofile.ErrAudience},
		{"client_id and its twin", recipient, at(goodHeader, withoutAud+`,"client_id":"app","Client_ID":"x"}`), tokenprofile.ErrMalformed},

		{"the client in the header", demanded, at(`{"alg":"HS256","kid":"k1","client":"app","signer":"any"}`, withoutAud+`}`), nil},
		{"another client in the header", demanded, at(`{"alg":"HS256","kid":"k1","client":"other"}`, withoutAud+`}`), tokenprofile.ErrHeader},
		{"no client in the header", demanded, at(`{"alg":"HS256","kid":"k1"}`, withoutAud+`}`), tokenprofile.ErrHeader},
		{"a client that is no string", demanded, at(`{"alg":"HS256","kid":"k1","client":["app"]}`, withoutAud+`}`), tokenprofile.ErrHeader},

		{"padding, by default", none, padded(goodHeader, goodPayload), tokenprofile.ErrMalformed},
		{"padding, waived", padding, padded(goodHeader, goodPayload), nil},
		{"no padding, where it is waived", padding, at(goodHeader, goodPayload), tokenprofile.ErrMalformed},
		{"padding of the signature alone left out", padding, strings.TrimSuffix(padded(goodHeader, goodPayload), "="), tokenprofile.ErrMalformed},
		{"more padding", padding, padded(goodHeader, goodPayload) + "=", tokenprofile.ErrMalformed},
		{"padding and stray bits", padding, stray(padded(goodHeader, goodPayload)), tokenprofile.ErrMalformed},

		{"no exp, by default", none, at(goodHeader, payloadWith(`exp=`)), tokenprofile.ErrClaim},
		{"no exp, waived", func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"exp"} }, at(goodHeader, payloadWith(`exp=`)), nil},
		{"no exp, waived, beyond the lifetime", func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"exp"} }, at(goodHeader, payloadWith(`exp=`, `iat=1899999000`)), tokenprofile.ErrExpired},
		{"no exp, waived, and no iat", func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"exp"} }, at(goodHeader, payloadWith(`exp=`, `iat=`)), tokenprofile.ErrClaim},
		{"an exp that has passed, where it is waived", func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"exp"} }, at(goodHeader, payloadWith(`exp=1899999900`, `iat=1899999800`)), tokenprofile.ErrExpired},
		{"no iss, by default", none, at(goodHeader, payloadWith(`iss=`)), tokenprofile.ErrIssuer},
		{"no iss, waived", func(p *tokenprofile.Profile) { p.Issuer, p.Waive.Omit = "", []string{"iss"} }, at(goodHeader, payloadWith(`iss=`)), nil},

		{"several audiences, by default", none, at(goodHeader, payloadWith(`aud=["https://producer.example","b"]`)), nil},
		{"several audiences, where it is to be the only one", func(p *tokenprofile.Profile) { p.SoleAudience = true }, at(goodHeader, payloadWith(`aud=["https://producer.example","b"]`)), tokenprofile.ErrAudience},
		{"one audience in an array, where it is to be the only one", func(p *tokenprofile.Profile) { p.SoleAudience = true }, at(goodHeader, payloadWith(`aud=["https://producer.example"]`)), nil},

		{"nbf 0", none, at(goodHeader, payloadWith(`nbf=0`)), nil},
		{"iat 0, which is long ago", none, at(goodHeader, payloadWith(`iat=0`)), tokenprofile.ErrLifetime},
		{"a twin that nobody reads", none, at(goodHeader, payloadWith(`role="a"`, `Role="b"`)), nil},
		{"a twin of a claim that is demanded", func(p *tokenprofile.Profile) { p.Required = []string{"role"} }, at(goodHeader, payloadWith(`role="a"`, `Role="b"`)), tokenprofile.ErrMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			verifier := handmadeVerifier(t, waiving(test.change))
			for range 2 { // the second time from the cache
				_, err := verifier.Verify(t.Context(), test.token)
				if test.want == nil && err != nil {
					t.Error(err)
				} else if test.want != nil {
					refuses(t, err, test.want)
				}
			}
		})
	}
}

// stray sets a bit in what is left over of the last character before the padding.
func stray(token string) string {
	i := strings.LastIndexByte(strings.TrimRight(token, "="), '.') // the signature has one "="
	signature := strings.TrimRight(token[i+1:], "=")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, signature[len(signature)-1]) | 1
	return token[:i+1] + signature[:len(signature)-1] + alphabet[last:last+1] + "="
}

// What a profile writes with its waivers, its verifier accepts.
func TestWaiversServeBothEnds(t *testing.T) {
	for name, change := range map[string]func(*tokenprofile.Profile){
		"recipient": func(p *tokenprofile.Profile) { p.Waive.Recipient = "azp" },
		"padding":   func(p *tokenprofile.Profile) { p.Waive.Padding = true },
		"exp":       func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"exp"} },
		"iss":       func(p *tokenprofile.Profile) { p.Issuer, p.Waive.Omit = "", []string{"iss"} },
		"iat":       func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"iat", "typ"} },
		"header": func(p *tokenprofile.Profile) {
			p.Audience, p.Waive.Omit, p.Header.Extra, p.Header.Demanded = nil, []string{"aud"}, map[string]any{"client": 1}, []string{"client"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			signer, verifier := pair(t, waiving(change))
			text, expiry, err := signer.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			token := ok(verifier.Verify(t.Context(), text))(t)
			if !token.Expiry.Equal(expiry) {
				t.Errorf("got expiry %v, want %v", token.Expiry, expiry)
			}
		})
	}
}

// A verifier is refused where nothing says whom a token is for.
func TestWaiversThatLeaveNoRecipient(t *testing.T) {
	p := waiving(func(p *tokenprofile.Profile) { p.Audience, p.Waive.Omit = nil, []string{"aud"} })
	_, err := p.SecretVerifier(secretFor(t, "k1", 32))
	mentions(t, err, "waive.recipient or header.demanded")
	p = waiving(func(p *tokenprofile.Profile) { p.Audience, p.Waive.Recipient = nil, "azp" })
	_, err = p.SecretVerifier(secretFor(t, "k1", 32))
	mentions(t, err, "audience: is empty")
}

func TestWaiversAreValidated(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*tokenprofile.Profile)
		want   string
	}{
		{"a name that cannot be left out", func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"alg"} }, `waive.omit[0]: "alg" is not one of aud, iss, exp, iat, typ`},
		{"a name twice", func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"typ", "typ"} }, `waive.omit[1]: "typ" occurs twice`},
		{"an issuer that is left out", func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"iss"} }, "issuer: contradicts waive.omit"},
		{"an audience that is left out", func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"aud"} }, "audience: contradicts waive.omit"},
		{"a type that is left out", func(p *tokenprofile.Profile) { p.Header.Type, p.Waive.Omit = "x", []string{"typ"} }, "header.typ: contradicts waive.omit"},
		{"no lifetime at all", func(p *tokenprofile.Profile) { p.Waive.Omit = []string{"exp", "iat"} }, "waive.omit: exp and iat"},
		{"a recipient with a field of its own", func(p *tokenprofile.Profile) { p.Waive.Recipient = "Sub" }, "waive.recipient: sub has a meaning of its own"},
		{"iss for a recipient", func(p *tokenprofile.Profile) { p.Waive.Recipient = "iss" }, "waive.recipient: iss has a meaning of its own"},
		{"a recipient that is a constant", func(p *tokenprofile.Profile) { p.Waive.Recipient, p.Claims = "azp", map[string]any{"azp": "x"} }, `waive.recipient: "azp" is one of claims`},
		{"several audiences, and only one allowed", func(p *tokenprofile.Profile) { p.Audience, p.SoleAudience = []string{"a", "b"}, true }, "soleAudience: contradicts audience"},
		{"a demanded parameter that is not there", func(p *tokenprofile.Profile) { p.Header.Demanded = []string{"client"} }, `header.demanded[0]: "client" is not in extra`},
		{"a jku with a control character", func(p *tokenprofile.Profile) { p.Header.JKU = "x\n" }, "header.jku:"},
	} {
		t.Run(test.name, func(t *testing.T) { mentions(t, waiving(test.change).Validate(), test.want) })
	}
}

// Every waiver has a name, so that none is in force unseen.
func TestEveryWaiverHasAName(t *testing.T) {
	w := tokenprofile.Waive{Omit: []string{"aud", "exp"}, Recipient: "azp", AnyKeyID: true, Padding: true}
	if got, want := w.Names(), []string{"omit aud", "omit exp", "recipient azp", "anyKeyID", "padding"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (tokenprofile.Waive{}).Names(); len(got) != 0 {
		t.Errorf("got %q for nothing", got)
	}
	if n := len(fieldsOf(w)); n != 4 {
		t.Errorf("Waive has %d fields, and 4 are named", n)
	}
}

func fieldsOf(w tokenprofile.Waive) (fields map[string]any) {
	document, _ := json.Marshal(w)
	json.Unmarshal(document, &fields)
	return fields
}

// Keys whose source names no kid: what a token calls them decides nothing. A
// thumbprint chooses among them, and at most four are tried.
func TestKeysWithoutAKid(t *testing.T) {
	p := profileOf("ES256")
	var keys []keystore.PrivateKey
	for range 6 {
		keys = append(keys, withCertificate(t, "ES256"))
	}
	sign := func(key keystore.PrivateKey, change func(*tokenprofile.Header)) string {
		p := p
		change(&p.Header)
		return ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
	}
	own := func(h *tokenprofile.Header) { h.KeyID = "partner-7" }
	byX5TS256 := func(h *tokenprofile.Header) { h.NoKeyID, h.X5TS256 = true, true }
	byX5T := func(h *tokenprofile.Header) { h.NoKeyID, h.X5T = true, true }
	nameless := func(h *tokenprofile.Header) { h.NoKeyID = true }
	for _, test := range []struct {
		name  string
		trust []keystore.PrivateKey
		token string
		want  error
	}{
		{"a kid of the sender's own", keys[:4], sign(keys[3], own), nil},
		{"a kid of the sender's own, and the fifth key", keys, sign(keys[4], own), tokenprofile.ErrUnknownKey},
		{"no kid, the fourth key", keys, sign(keys[3], nameless), nil},
		{"no kid, the fifth key", keys, sign(keys[4], nameless), tokenprofile.ErrSignature},
		{"x5t#S256, the last key", keys, sign(keys[5], byX5TS256), nil},
		{"x5t, the last key", keys, sign(keys[5], byX5T), nil},
		{"x5t#S256 of a renewed certificate", []keystore.PrivateKey{renewed(t, keys[0])}, sign(keys[0], byX5TS256), nil},
		{"x5t#S256 of a stranger", keys[:2], sign(keys[5], byX5TS256), tokenprofile.ErrSignature},
		{"a kid that another key has by name", []keystore.PrivateKey{keys[1].WithKeyID("partner-7"), keys[0]}, sign(keys[0], own), tokenprofile.ErrSignature},
		{"a kid beside keys that have names", []keystore.PrivateKey{keys[0].WithKeyID("a"), keys[1].WithKeyID("b")}, sign(keys[0], own), tokenprofile.ErrUnknownKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			verifier := ok(p.Verifier(trusting(test.trust...)))(t)
			for range 2 {
				_, err := verifier.Verify(t.Context(), test.token)
				if test.want == nil && err != nil {
					t.Error(err)
				} else if test.want != nil {
					refuses(t, err, test.want)
				}
			}
		})
	}
}

// withCertificate is a key with a self-signed certificate.
func withCertificate(t testing.TB, algorithm tokenprofile.Algorithm) keystore.PrivateKey {
	t.Helper()
	key := cryptoKey(t, algorithm)
	return ok(keystore.NewPrivateKey(key, certify(t, key, x509.KeyUsageDigitalSignature)))(t)
}

// renewed is the key with another certificate.
func renewed(t testing.TB, key keystore.PrivateKey) keystore.PrivateKey {
	t.Helper()
	signer := key.CryptoKey().(signingKey)
	return ok(keystore.NewPrivateKey(signer, certify(t, signer, x509.KeyUsageDigitalSignature)))(t)
}

// A peek tells what a token says, and judges nothing.
func TestPeek(t *testing.T) {
	token := handmade([]byte("anybody"), `{"alg":"none","jku":"x"}`, `{"iss":"anybody","exp":1}`)
	header, claims, err := tokenprofile.Peek(token)
	if err != nil || string(header) != `{"alg":"none","jku":"x"}` || string(claims) != `{"iss":"anybody","exp":1}` {
		t.Errorf("got %s %s %v", header, claims, err)
	}
	// What a verifier refuses is what somebody wants to see.
	for _, header := range []string{`{"kid":1}`, `{"alg":""}`, `{"alg":"HS256","zip":"DEF"}`, `{"typ":null}`} {
		for _, payload := range []string{`{"sub":""}`, `{"exp":0}`, `{"iss":1}`, `{"aud":[]}`, `{"Sub":"x"}`} {
			gotHeader, gotClaims, err := tokenprofile.Peek(handmade([]byte("anybody"), header, payload))
			if err != nil || string(gotHeader) != header || string(gotClaims) != payload {
				t.Errorf("got %s %s %v, want %s %s", gotHeader, gotClaims, err, header, payload)
			}
		}
	}
	key := secretFor(t, "k", 32)
	encrypted := forge(t, key.Bytes(), `{"alg":"dir","enc":"A256GCM"}`, "x")
	header, claims, err = tokenprofile.Peek(encrypted)
	if err != nil || string(header) != `{"alg":"dir","enc":"A256GCM"}` || claims != nil {
		t.Errorf("got %s %s %v", header, claims, err)
	}
	for _, text := range []string{"", "a.b", "a.b.c", "a.b.c.d.e", strings.Repeat("a", 1<<20+1)} {
		_, _, err := tokenprofile.Peek(text)
		refuses(t, err, tokenprofile.ErrMalformed)
	}
	longest := textSegment(`{}`) + "." + textSegment(`{}`) + "."
	longest += strings.Repeat("A", tokenprofile.MaxMaxSize-len(longest))
	if _, _, err := tokenprofile.Peek(longest); err != nil {
		t.Errorf("got %v for the longest text there is", err)
	}
	_, _, err = tokenprofile.Peek(longest + "A")
	refuses(t, err, tokenprofile.ErrMalformed)
}

// Nothing is compared when a secret stands for itself.
func TestASecretIsASource(t *testing.T) {
	secret := ok(keystore.NewSecretKey(handmadeKey, ""))(t)
	p := profileOf("HS256")
	token := ok(ok(p.SecretSigner(secret))(t).Sign(t.Context(), nil))(t)
	ok(ok(p.SecretVerifier(secret))(t).Verify(t.Context(), token))(t)
	if _, err := p.SecretSigner(keystore.SecretKey{}); !errors.Is(err, keystore.ErrNoKey) {
		t.Errorf("got %v for no key, want %v", err, keystore.ErrNoKey)
	}
}
