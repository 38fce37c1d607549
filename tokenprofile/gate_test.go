package tokenprofile_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func TestGateAcceptsAGoodToken(t *testing.T) {
	verifier := handmadeVerifier(t, profileOf("HS256"))
	for _, test := range []struct{ name, header, payload string }{
		{"in short", goodHeader, goodPayload},
		{"with space around the JSON", " \n" + goodHeader + "\t", "\r\n " + goodPayload + " "},
		{"with an escaped parameter name", `{"\u0061lg":"HS256","kid":"k1"}`, goodPayload},
		{"with an integer no float64 holds", goodHeader, goodPayload[:len(goodPayload)-1] + `,"id":9007199254740993}`},
		{"with depth 16", goodHeader, goodPayload[:len(goodPayload)-1] + `,"x":` + strings.Repeat("[", 15) + strings.Repeat("]", 15) + "}"},
		{"with 256 claims", goodHeader, withClaims(256)},
	} {
		t.Run(test.name, func(t *testing.T) {
			token, err := verifier.Verify(t.Context(), handmade(handmadeKey, test.header, test.payload))
			if err != nil {
				t.Fatal(err)
			}
			if string(token.Header) != test.header || string(token.Claims) != test.payload {
				t.Errorf("got %q %q, want the bytes received", token.Header, token.Claims)
			}
		})
	}
}

// withClaims is a good payload of n claims.
func withClaims(n int) string {
	var b strings.Builder
	b.WriteString(goodPayload[:len(goodPayload)-1])
	for i := range n - 5 {
		fmt.Fprintf(&b, `,"c%d":0`, i)
	}
	return b.String() + "}"
}

// Everything before a key is looked at. The MACs are right.
func TestGateRefuses(t *testing.T) {
	verifier := handmadeVerifier(t, profileOf("HS256"))
	header, payload := textSegment(goodHeader), textSegment(goodPayload)
	good := handmade(handmadeKey, goodHeader, goodPayload)
	parts := strings.Split(good, ".")
	withPayload := func(payload string) string { return handmade(handmadeKey, goodHeader, payload) }
	claim := func(text string) string {
		return withPayload(goodPayload[:len(goodPayload)-1] + "," + text + "}")
	}
	for _, test := range []struct{ name, token string }{
		{"nothing", ""},
		{"a word", "token"},
		{"one segment", header},
		{"two segments", header + "." + payload},
		{"four segments", good + "." + payload},
		{"five segments, as an encrypted token has", good + ".a.b"},
		{"dots alone", ".."},
		{"the JSON serialization", `{"payload":"` + payload + `","protected":"` + header + `","signature":"` + parts[2] + `"}`},
		{"16 KiB and one byte", good + strings.Repeat("A", 16<<10+1-len(good))},
		{"padding", macced(handmadeKey, header+"."+payload+"=")},
		{"padding after the signature", good + "="},
		{"the standard alphabet", macced(handmadeKey, strings.NewReplacer("-", "+", "_", "/").Replace(textSegment(`{"a":"`+"\xc3\xbf\xc3\xbf\xc3\xbe~~~?>"+`"}`))+"."+payload)},
		{"stray bits in the payload", macced(handmadeKey, header+"."+strayBits(payload))},
		{"stray bits in the signature", parts[0] + "." + parts[1] + "." + strayBits(parts[2])},
		{"a line break in the payload", macced(handmadeKey, header+"."+payload[:8]+"\n"+payload[8:])},
		{"a carriage return in the header", macced(handmadeKey, header[:8]+"\r"+header[8:]+"."+payload)},
		{"a line break at the end", good + "\n"},
		{"a space in front", " " + good},
		{"the scheme left in front", "Bearer " + good},
		{"a NUL at the end", good + "\x00"},
		{"percent-encoded dots", strings.ReplaceAll(good, ".", "%2E")},
		{"a byte order mark", "\ufeff" + good},
		{"a payload that is empty", withPayload("")},
		{"claims that are an array", withPayload("[" + goodPayload + "]")},
		{"claims that are null", withPayload("null")},
		{"claims that are a string", withPayload(`"` + parts[1] + `"`)},
		{"claims after a byte order mark", withPayload("\ufeff" + goodPayload)},
		{"something after the claims", withPayload(goodPayload + "x")},
		{"two objects", withPayload(goodPayload + goodPayload)},
		{"a claim twice", claim(`"sub":"admin"`)},
		{"a claim twice, once escaped", claim(`"\u0073ub":"admin"`)},
		{"a claim twice deep inside", claim(`"x":{"y":[{"a":1,"a":1}]}`)},
		{"a twin in capitals", claim(`"EXP":1`)},
		{"a twin in title case", claim(`"Sub":"admin"`)},
		{"a twin by Unicode folding", claim(`"ſub":"admin"`)},
		{"a twin by Unicode folding, escaped", claim(`"\u017fub":"admin"`)},
		{"a twin of a claim others rely on", claim(`"Cnf":{}`)},
		{"text that is not UTF-8", claim("\"x\":\"\xff\"")},
		{"a lone surrogate", claim(`"x":"\ud800"`)},
		{"an encoded surrogate", claim("\"x\":\"\xed\xa0\x80\"")},
		{"depth 17", claim(`"x":` + strings.Repeat("[", 16) + strings.Repeat("]", 16))},
		{"257 claims", withPayload(withClaims(257))},
		{"a number beyond every float64", claim(`"x":1e999999999`)},
		{"a comment", withPayload("{/**/" + goodPayload[1:])},
		{"a comma before the end", withPayload(goodPayload[:len(goodPayload)-1] + ",}")},
		{"claims cut short", withPayload(goodPayload[:len(goodPayload)-1])},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := verifier.Verify(t.Context(), test.token)
			refuses(t, err, tokenprofile.ErrMalformed)
		})
	}
}

// strayBits is another base64url text for the same bytes.
func strayBits(segment string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(segment) - 1
	return segment[:last] + string(alphabet[strings.IndexByte(alphabet, segment[last])+1])
}

func TestMaxSizeIsTheProfiles(t *testing.T) {
	p := profileOf("HS256")
	good := handmade(handmadeKey, goodHeader, goodPayload)
	p.MaxSize = len(good)
	if _, err := handmadeVerifier(t, p).Verify(t.Context(), good); err != nil {
		t.Error(err)
	}
	p.MaxSize--
	_, err := handmadeVerifier(t, p).Verify(t.Context(), good)
	refuses(t, err, tokenprofile.ErrMalformed)
}

// A refused token costs at most 64 KiB, whatever it is made of, once there are
// buffers that are used again. (Its time is in BenchmarkVerifyRejected.)
func TestARefusedTokenTakesLittleMemory(t *testing.T) {
	_, verifier := pair(t, profileOf("HS256"))
	for name, token := range hostile() {
		t.Run(name, func(t *testing.T) {
			const times = 100 // under the race detector, pools forget what they hold
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range times {
				if _, err := verifier.Verify(t.Context(), token); err == nil {
					t.Fatal("accepted")
				}
			}
			runtime.ReadMemStats(&after)
			if got := (after.TotalAlloc - before.TotalAlloc) / times; got > 64<<10 {
				t.Errorf("got %d bytes, want at most 64 KiB", got)
			}
		})
	}
}

// What the header shows is refused before the rest, which may be long, is even
// decoded; a token without segments before it is looked at.
func TestWhatTheHeaderShowsIsRefusedFirst(t *testing.T) {
	_, verifier := pair(t, profileOf("ES256"))
	for name, test := range map[string]struct {
		token string
		want  error
	}{
		"a foreign alg": {textSegment(`{"alg":"HS256"}`) + ".!.!", tokenprofile.ErrAlgorithm},
		"a foreign typ": {textSegment(`{"alg":"ES256","typ":"x"}`) + ".!.!", tokenprofile.ErrType},
		"a good one":    {textSegment(`{"alg":"ES256"}`) + ".!.!", tokenprofile.ErrMalformed},
		"no header":     {"!.!.!", tokenprofile.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verifier.Verify(t.Context(), test.token)
			refuses(t, err, test.want)
		})
	}
}

// What was read of one header is kept for the next token. It must be that
// token's own: whatever came before, each says what it says when it comes first.
func TestEachTokenHasItsOwnHeader(t *testing.T) {
	one, two := `{"alg":"HS256","kid":"1"}`, `{"alg":"HS256","kid":"2"}`
	claims := "." + textSegment(`{"iss":"i"}`)
	tokens := []struct{ text, header string }{ // header: "" is refused
		{textSegment(one) + claims + ".", one},
		{textSegment(`{"alg":"HS256","kid":"1","kid":"1"}`) + claims + ".", ""},
		{textSegment(two) + claims + ".", two},
		{textSegment(one) + "==" + claims + "=.", one},
		{textSegment(one) + claims + "=.", ""}, // its header needs padding, too
		{textSegment(`{"b64":false}`) + claims + ".", ""},
		{claims + ".", ""},
		{"?" + textSegment(one) + claims + ".", ""},
	}
	for i, before := range tokens {
		for j, after := range tokens {
			for _, token := range []struct{ text, header string }{before, after, after} {
				header, err := tokenprofile.ReadHeader(token.text)
				if string(header) != token.header || (err == nil) != (token.header != "") {
					t.Errorf("tokens %d, %d: got %q, %v, want %q", i, j, header, err, token.header)
				}
			}
		}
	}
}
