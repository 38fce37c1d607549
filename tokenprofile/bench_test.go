package tokenprofile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

var benchmarked = []tokenprofile.Algorithm{"HS256", "RS256", "ES256", "EdDSA"}

// benchmarkProfile has tokens of eight claims.
func benchmarkProfile(algorithm tokenprofile.Algorithm) tokenprofile.Profile {
	p := profileOf(algorithm)
	p.TokenID = true
	p.Claims = map[string]any{"scope": "read write", "tenant": "t1"}
	return p
}

func BenchmarkSign(b *testing.B) {
	for _, algorithm := range benchmarked {
		b.Run(string(algorithm), func(b *testing.B) {
			signer, _ := pair(b, benchmarkProfile(algorithm))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := signer.Sign(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// As Sign, with two of the claims given with each call.
func BenchmarkSignClaims(b *testing.B) {
	for _, algorithm := range benchmarked {
		b.Run(string(algorithm), func(b *testing.B) {
			p := benchmarkProfile(algorithm)
			p.Claims = nil
			signer, _ := pair(b, p)
			claims := struct {
				Scope  string `json:"scope"`
				Tenant string `json:"tenant"`
			}{"read write", "t1"}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := signer.Sign(b.Context(), claims); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{-1, 0} {
		for _, algorithm := range benchmarked {
			b.Run(fmt.Sprintf("%s/cache=%t", algorithm, size == 0), func(b *testing.B) {
				p := benchmarkProfile(algorithm)
				p.CacheSize = size
				signer, verifier := pair(b, p)
				token := ok(signer.Sign(b.Context(), nil))(b)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := verifier.Verify(b.Context(), token); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkVerifyParallel(b *testing.B) {
	signer, verifier := pair(b, benchmarkProfile("ES256"))
	token := ok(signer.Sign(b.Context(), nil))(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := verifier.Verify(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// What there is to reach: the signature alone, over the same token.
func BenchmarkRaw(b *testing.B) {
	for _, algorithm := range benchmarked {
		party := newParty(b, benchmarkProfile(algorithm))
		token := ok(party.signer.Sign(b.Context(), nil))(b)
		last := strings.LastIndexByte(token, '.')
		input, signature := []byte(token[:last]), decodeSegment(b, token[last+1:])
		b.Run(string(algorithm)+"/sign", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := party.oracle.sign(input); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(algorithm)+"/verify", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !party.oracle.verify(input, signature) {
					b.Fatal("refused")
				}
			}
		})
	}
}

// growth is how many there are of what a service has more and more of. What a
// token costs should not depend on it.
var growth = []int{1, 10, 100, 1000, 10_000}

func BenchmarkVerifyOneOfManyTokens(b *testing.B) {
	for _, n := range growth {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := benchmarkProfile("EdDSA")
			p.CacheSize = n
			signer, verifier := pair(b, p)
			tokens := make([]string, n)
			for i := range tokens {
				tokens[i] = ok(signer.Sign(b.Context(), nil))(b)
				ok(verifier.Verify(b.Context(), tokens[i]))(b)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := verifier.Verify(b.Context(), tokens[i%n]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyOneOfManyIssuers(b *testing.B) {
	for _, n := range growth {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := benchmarkProfile("EdDSA")
			keys := keystore.New(keyFor(b, "EdDSA"))
			var verifiers []*tokenprofile.Verifier
			for i := range n {
				p.Issuer, p.CacheSize = fmt.Sprintf("https://%d.example", i), -1
				verifiers = append(verifiers, ok(p.Verifier(keys))(b))
			}
			issuers := ok(tokenprofile.ByIssuer(verifiers...))(b)
			token := ok(ok(p.Signer(keys))(b).Sign(b.Context(), nil))(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := issuers.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSignWithOneOfManyKeys(b *testing.B) {
	for _, n := range growth {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			keys := make([]keystore.PrivateKey, n)
			for i := range keys {
				keys[i] = keyFor(b, "EdDSA").WithAlias(fmt.Sprint("key-", i))
			}
			p := benchmarkProfile("EdDSA")
			p.KeyAlias = fmt.Sprint("key-", n-1)
			signer := ok(p.Signer(keystore.New(keys...)))(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := signer.Sign(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	signer, verifier := pair(b, benchmarkProfile("HS256"))
	token := ok(verifier.Verify(b.Context(), ok(signer.Sign(b.Context(), nil))(b)))(b)
	b.ReportAllocs()
	for b.Loop() {
		var claims struct {
			Audience []string                 `json:"aud"`
			Expiry   tokenprofile.NumericDate `json:"exp"`
			Scope    string                   `json:"scope"`
		}
		if err := token.Decode(&claims); err != nil {
			b.Fatal(err)
		}
	}
}

// hostile are tokens made to cost as much as they can before they are refused,
// as long as they may be.
func hostile() map[string]string {
	header := textSegment(`{"alg":"HS256","kid":"k1"}`)
	const room = 12<<10 - 100 // in the payload of a token of 16 KiB
	var names strings.Builder
	for i := range 255 {
		fmt.Fprintf(&names, `,"%s%03d":0`, strings.Repeat("a", 36), i)
	}
	deep := strings.Repeat(`[`, 15) + strings.Repeat(`]`, 15)
	return map[string]string{
		"header and claims":    textSegment(`{"alg":"HS256","kid":"k1"`+names.String()[:room/2-100-room/2%43]+`}`) + "." + textSegment(`{"a":0`+names.String()[:room/2-100-room/2%43]+`}`) + ".",
		"names alike":          header + "." + textSegment("{"+names.String()[1:]+"}") + ".",
		"escaped text":         header + "." + textSegment(`{"a":"`+strings.Repeat(`\u00e9`, room/6-2)+`"}`) + ".",
		"escaped names":        header + "." + textSegment("{"+strings.ReplaceAll(names.String()[1:], "aaaaaa", `\u0061`)+"}") + ".",
		"names with an escape": header + "." + textSegment("{"+strings.ReplaceAll(names.String()[1:], `"aa`, `"\/`)+"}") + ".",
		"deep arrays":          header + "." + textSegment(`{"a":[`+deep[2:len(deep)-2]+strings.Repeat(`,`+deep[2:len(deep)-2], room/27-2)+`]}`) + ".",
		"long audience":        header + "." + textSegment(`{"aud":["a"`+strings.Repeat(`,"a"`, room/4-4)+`]}`) + ".",
		"too long":             strings.Repeat("a", 1<<20),
		"dots":                 strings.Repeat(".", 16<<10),
		"not base64":           header + "." + strings.Repeat("a", 16<<10-100) + "!.",
		"claims of text":       header + "." + textSegment(strings.Repeat(" ", room)) + ".",
	}
}

func BenchmarkVerifyRejected(b *testing.B) {
	for name, token := range hostile() {
		b.Run(name, func(b *testing.B) {
			_, verifier := pair(b, profileOf("HS256"))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verifier.Verify(b.Context(), token); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}
