package tokenprofile_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func TestValidateAccepts(t *testing.T) {
	p := profileOf("ES256")
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	p.Audience, p.Subject = nil, "" // left to Sign
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	p.Algorithm, p.Encryption = "", &tokenprofile.Encryption{KeyAlgorithm: "dir", ContentAlgorithm: "A256GCM"}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
}

// An algorithm that is there in another release, or another mode, is named so.
func TestAnAlgorithmThatIsNotThereNow(t *testing.T) {
	p := profileOf("ML-DSA-44")
	if missing := p.Algorithm.Check(); missing != nil {
		mentions(t, p.Validate(), missing.Error())
	} else if err := p.Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateRefuses(t *testing.T) {
	type profile = tokenprofile.Profile
	second, hour, minusOne := time.Second, time.Hour, -time.Second
	for _, test := range []struct {
		name   string
		change func(*profile)
		want   string
	}{
		{"no algorithm", func(p *profile) { p.Algorithm = "" }, "algorithm: is missing"},
		{"none", func(p *profile) { p.Algorithm = "none" }, `algorithm: "none" is not one of`},
		{"an algorithm in lower case", func(p *profile) { p.Algorithm = "es256" }, "algorithm:"},
		{"an algorithm that nobody has", func(p *profile) { p.Algorithm = "ES265" }, `algorithm: "ES265" is not one of`},
		{"a key algorithm", func(p *profile) { p.Algorithm = "A256KW" }, `algorithm: "A256KW" is not one of`},
		{"IssuerFunc without a public key", func(p *profile) {
			p.Algorithm, p.Issuer = "HS256", ""
			p.IssuerFunc = func(keystore.PublicKey) (string, error) { return "i", nil }
		}, "algorithm: has no public key"},
		{"no issuer", func(p *profile) { p.Issuer = "" }, "issuer: is empty"},
		{"an issuer that is not UTF-8", func(p *profile) { p.Issuer = "\xff" }, "issuer:"},
		{"an issuer with a NUL", func(p *profile) { p.Issuer = "i\x00" }, "issuer:"},
		{"an empty audience", func(p *profile) { p.Audience = []string{"a", ""} }, "audience[1]: is empty"},
		{"an audience twice", func(p *profile) { p.Audience = []string{"a", "a"} }, "audience[1]: occurs twice"},
		{"a subject with a line break", func(p *profile) { p.Subject = "a\nb" }, "subject:"},
		{"a negative lifetime", func(p *profile) { p.Lifetime = -1 }, "lifetime:"},
		{"half a second", func(p *profile) { p.Lifetime = second / 2 }, "lifetime:"},
		{"a second and a half", func(p *profile) { p.Lifetime = second * 3 / 2 }, "lifetime: 1.5s is not in whole seconds"},
		{"backdated into the future", func(p *profile) { p.Backdate = -second }, "backdate:"},
		{"expired when it is written", func(p *profile) { p.Backdate = 15 * time.Minute }, "backdate: 15m is not less than the lifetime of 15m"},
		{"never valid", func(p *profile) { p.NotBefore = &hour }, "notBefore: 1h is not less than the lifetime of 15m"},
		{"a negative notBefore", func(p *profile) { p.NotBefore = &minusOne }, "notBefore:"},
		{"a negative leeway", func(p *profile) { p.Leeway = -1 }, "leeway:"},
		{"too much leeway", func(p *profile) { p.Leeway = 10*time.Minute + 1 }, "leeway:"},
		{"a kid of 257 bytes", func(p *profile) { p.Header.KeyID = strings.Repeat("k", 257) }, "header.kid:"},
		{"a kid, and none", func(p *profile) { p.Header.KeyID, p.Header.NoKeyID = "k", true }, "header.noKeyID:"},
		{"a typ with a line break", func(p *profile) { p.Header.Type = "a\n" }, "header.typ:"},
		{"a registered header parameter", func(p *profile) { p.Header.Extra = map[string]any{"jku": "x"} }, "header.extra.jku:"},
		{"its twin", func(p *profile) { p.Header.Extra = map[string]any{"JKU": "x"} }, "header.extra.JKU:"},
		{"a parameter without a JSON form", func(p *profile) { p.Header.Extra = map[string]any{"x": func() {}} }, "header.extra.x:"},
		{"a critical parameter that is not there", func(p *profile) { p.Header.Critical = []string{"x"} }, "header.crit[0]:"},
		{"a critical parameter twice", func(p *profile) {
			p.Header.Extra, p.Header.Critical = map[string]any{"x": 1}, []string{"x", "x"}
		}, "header.crit[1]:"},
		{"x5c of a secret key", func(p *profile) { p.Algorithm, p.Header.X5C = "HS256", true }, "header:"},
		{"a registered claim", func(p *profile) { p.Claims = map[string]any{"exp": 1} }, "claims.exp:"},
		{"its twin", func(p *profile) { p.Claims = map[string]any{"Exp": 1} }, "claims.Exp:"},
		{"its twin by Unicode folding", func(p *profile) { p.Claims = map[string]any{"i\u017fs": 1} }, "claims.i\u017fs:"},
		{"a claim whose name is not UTF-8", func(p *profile) { p.Claims = map[string]any{"\xff": 1} }, "is not UTF-8"},
		{"a claim without a JSON form", func(p *profile) { p.Claims = map[string]any{"x": math.NaN()} }, "claims.x:"},
		{"a twin of a claim that others rely on", func(p *profile) { p.Claims = map[string]any{"Act": "x"} }, "claims: malformed: a claim differs from act only in case"},
		{"a claim that is too deep", func(p *profile) { p.Claims = map[string]any{"x": nestedList(16)} }, "claims: JSON nested deeper than 16"},
		{"too many claims", func(p *profile) { p.Claims = manyClaims(257) }, "claims: more than 256 JSON members"},
		{"a header parameter that is too deep", func(p *profile) { p.Header.Extra = map[string]any{"x": nestedList(16)} }, "header.extra: JSON nested deeper than 16"},
		{"a name twice inside a claim", func(p *profile) { p.Claims = map[string]any{"x": json.RawMessage(`{"a":1,"a":2}`)} }, `claims: JSON member "a" occurs twice`},
		{"two claims that differ in case", func(p *profile) { p.Claims = map[string]any{"Tenant": 1, "tenant": 1} }, `claims: "Tenant" and "tenant"`},
		{"a required claim that is a twin", func(p *profile) { p.Required = []string{"Exp"} }, `required[0]: "Exp" differs from "exp" only in case`},
		{"a required claim that is a twin of a constant one", func(p *profile) { p.Claims, p.Required = map[string]any{"tenant": 1}, []string{"Tenant"} }, `claims: "tenant" and "Tenant"`},
		{"257 audiences", func(p *profile) { p.Audience = distinct(257) }, "audience: has more than 256 elements"},
		{"a required claim without a name", func(p *profile) { p.Required = []string{""} }, "required[0]:"},
		{"an alias, and the newest key", func(p *profile) { p.KeyAlias, p.NewestKey = "a", true }, "newestKey:"},
		{"a replay guard that is never asked", func(p *profile) { p.Replay = &tokenprofile.MemoryReplayGuard{} }, "oneUse:"},
		{"a negative size", func(p *profile) { p.MaxSize = -1 }, "maxSize:"},
		{"a size beyond 1 MiB", func(p *profile) { p.MaxSize = 1<<20 + 1 }, "maxSize:"},
		{"a huge cache", func(p *profile) { p.CacheSize = 1<<20 + 1 }, "cacheSize:"},
		{"an encryption that is not offered", func(p *profile) {
			p.Encryption = &tokenprofile.Encryption{KeyAlgorithm: "RSA1_5", ContentAlgorithm: "A256GCM"}
		}, "encryption.keyAlgorithm:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("ES256")
			test.change(&p)
			err := p.Validate()
			mentions(t, err, "tokenprofile: profile: ")
			mentions(t, err, test.want)
			_, signErr := p.Signer(keystore.New())
			_, verifyErr := p.Verifier(keystore.New())
			_, _, previewErr := p.Preview(nil)
			for _, got := range []error{signErr, verifyErr, previewErr} {
				if fmt.Sprint(got) != fmt.Sprint(err) {
					t.Errorf("got %v, want %v", got, err)
				}
			}
		})
	}
}

func nestedList(depth int) any {
	if depth == 0 {
		return 1
	}
	return []any{nestedList(depth - 1)}
}

func TestValidateReportsEveryFaultAtOnce(t *testing.T) {
	err := tokenprofile.Profile{Algorithm: "x", Leeway: -1, MaxSize: -1, Required: []string{""}}.Validate()
	for _, want := range []string{"algorithm:", "issuer:", "leeway:", "maxSize:", "required[0]:"} {
		mentions(t, err, want)
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 5 {
		t.Errorf("got %d lines, want one for each of 5 faults", lines)
	}
}

func distinct(n int) (texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprint(i))
	}
	return texts
}
