package tokenprofile_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// seeds are the files below the vectors, where they are at hand.
func seeds(f *testing.F, pattern string, add func(data []byte)) {
	files, err := filepath.Glob(filepath.Join(os.Getenv("TOKENPROFILE_VECTORS"), pattern))
	if os.Getenv("TOKENPROFILE_VECTORS") == "" || err != nil {
		return
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		add(data)
	}
}

// A token of any header and payload with a right MAC: what is accepted reads
// the same in encoding/json, and is exactly what was signed.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(goodHeader), []byte(goodPayload))
	f.Add([]byte(`{"alg":"HS256","kid":"k1","crit":["x"],"x":1}`), []byte(payloadWith(`aud=["a","b"]`)))
	f.Add([]byte(`{"\u0061lg":"HS256"}`), []byte(" "+goodPayload+"\n"))
	f.Add([]byte(goodHeader), []byte(payloadWith(`exp=1900000000`))) // now: accepted by the leeway
	seeds(f, "JSONTestSuite/test_parsing/*.json", func(data []byte) { f.Add([]byte(goodHeader), data) })
	p := profileOf("HS256")
	p.Subject, p.CacheSize, p.Leeway = "", -1, 30*time.Second
	key, err := keystore.NewSecretKey(handmadeKey, "k1")
	if err != nil {
		f.Fatal(err)
	}
	verifier, err := p.SecretVerifier(secrets{key})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, payload []byte) {
		token, err := verifier.Verify(t.Context(), handmade(handmadeKey, string(header), string(payload)))
		if err != nil {
			return
		}
		var oracleHeader struct{ Alg string }
		var oracle struct {
			Iss string
			Sub string
			Aud any
			Exp float64
		}
		if err := json.Unmarshal(header, &oracleHeader); err != nil || oracleHeader.Alg != "HS256" {
			t.Fatalf("accepted header %q, which reads %q, %v", header, oracleHeader.Alg, err)
		}
		if err := json.Unmarshal(payload, &oracle); err != nil {
			t.Fatalf("accepted %q: %v", payload, err)
		}
		if oracle.Iss != token.Issuer || oracle.Sub != token.Subject || !token.Expiry.Add(p.Leeway).After(now) || int64(oracle.Exp) != token.Expiry.Unix() {
			t.Errorf("accepted %q as %+v, encoding/json reads %+v", payload, token, oracle)
		}
		if !bytes.Equal(token.Claims, payload) || !bytes.Equal(token.Header, header) {
			t.Errorf("got %q %q, want what was signed", token.Header, token.Claims)
		}
	})
}

// Any other text than a good token is refused, and a token is written in one
// way: what is accepted is, segment by segment, its own canonical encoding.
func FuzzGate(f *testing.F) {
	good := handmade(handmadeKey, goodHeader, goodPayload)
	for _, seed := range []string{good, good + "=", good + "\n", "..", good[:len(good)-1], strings.ReplaceAll(good, ".", "..")} {
		f.Add(seed)
	}
	seeds(f, "strict-cases.json", func(data []byte) {
		var strict strictCases
		if err := json.Unmarshal(data, &strict); err != nil {
			f.Fatal(err)
		}
		for _, c := range strict.Cases {
			if token, err := base64.StdEncoding.DecodeString(c.Token); err == nil {
				f.Add(string(token))
			}
		}
	})
	p := profileOf("HS256")
	verifier := handmadeVerifier(f, p)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := verifier.Verify(t.Context(), text); err != nil {
			return
		}
		for _, part := range strings.Split(text, ".") {
			if decoded, err := base64.RawURLEncoding.DecodeString(part); err != nil || base64.RawURLEncoding.EncodeToString(decoded) != part {
				t.Errorf("accepted %q, which is not canonical", text)
			}
		}
	})
}

// Claims given to Sign end up in the token as they are, or there is no token;
// and what is signed is accepted.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, `{"sub":"u"}`, `{"x\":0,\"admin":true}`, `{"a":1,"a":2}`, `{"iss":"x"}`, `null`, `{"aud":"x","\u0061":[1e3]}`, `{"a":66E+661}`} {
		f.Add([]byte(seed))
	}
	seeds(f, "JSONTestSuite/test_parsing/*.json", func(data []byte) { f.Add(data) })
	p := profileOf("HS256")
	p.Subject, p.CacheSize = "", -1
	signer, verifier := pair(f, p)
	profileSets := []string{"iss", "aud", "exp", "iat"}
	f.Fuzz(func(t *testing.T, given []byte) {
		text, err := signer.Sign(t.Context(), json.RawMessage(given))
		if err != nil {
			return
		}
		token, err := verifier.Verify(t.Context(), text)
		if err != nil {
			t.Fatalf("signed %q, but %v", given, err)
		}
		var want, got map[string]any
		if json.Unmarshal(given, &want) != nil || json.Unmarshal(token.Claims, &got) != nil {
			t.Fatalf("signed %q", given)
		}
		for _, name := range profileSets {
			if _, both := want[name]; both {
				t.Errorf("%q was given and signed", name)
			}
			delete(got, name)
		}
		if len(got) != len(want) {
			t.Errorf("gave %q, got %s", given, token.Claims)
		}
	})
}

// A profile that is read is written, read again, and the same.
func FuzzProfile(f *testing.F) {
	files, err := filepath.Glob("testdata/profiles/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		p, err := tokenprofile.Parse(document)
		if err != nil {
			return
		}
		if err := p.Validate(); err != nil {
			t.Fatalf("read, but not valid: %v", err)
		}
		written, err := p.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := tokenprofile.Parse(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		rewritten, err := again.MarshalJSON()
		if err != nil || !bytes.Equal(written, rewritten) {
			t.Errorf("got %s, %v, want %s", rewritten, err, written)
		}
	})
}
