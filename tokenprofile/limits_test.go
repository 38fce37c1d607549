package tokenprofile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Each limit is met exactly: what reaches it passes, one more does not.
func TestLimitsOfATokenAreExact(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	claim := func(text string) string { return goodPayload[:len(goodPayload)-1] + "," + text + "}" }
	sized := func(size int) string {
		token := handmade(handmadeKey, goodHeader, goodPayload)
		for extra := (size - len(token)) * 3 / 4; ; extra-- { // a length may be impossible in base64url
			if token = handmade(handmadeKey, goodHeader, claim(`"x":"`+long(max(0, extra-7))+`"`)); len(token) <= size {
				return token
			}
		}
	}
	audiences := func(n int) string { // the last is ours
		return "[" + strings.Repeat(`"x",`, n-1) + `"https://producer.example"]`
	}
	kid := func(n int) string { return fmt.Sprintf(`{"alg":"HS256","kid":%q}`, long(n)) }
	arrays := func(n int) string { return `"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) }
	objects := func(n int) string { return `"x":` + strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, test := range []struct {
		name           string
		within, beyond string
		want           error
	}{
		{"the size of a token", sized(16 << 10), sized(16<<10 + 3), tokenprofile.ErrMalformed},
		{"the depth of arrays", handmade(handmadeKey, goodHeader, claim(arrays(15))), handmade(handmadeKey, goodHeader, claim(arrays(16))), tokenprofile.ErrMalformed},
		{"the depth of objects", handmade(handmadeKey, goodHeader, claim(objects(15))), handmade(handmadeKey, goodHeader, claim(objects(16))), tokenprofile.ErrMalformed},
		{"the depth of the header", handmade(handmadeKey, goodHeader[:len(goodHeader)-1]+","+arrays(15)+"}", goodPayload), handmade(handmadeKey, goodHeader[:len(goodHeader)-1]+","+arrays(16)+"}", goodPayload), tokenprofile.ErrMalformed},
		{"the number of claims", handmade(handmadeKey, goodHeader, withClaims(256)), handmade(handmadeKey, goodHeader, withClaims(257)), tokenprofile.ErrMalformed},
		{"the number of audiences", handmade(handmadeKey, goodHeader, payloadWith(`aud=`+audiences(256))), handmade(handmadeKey, goodHeader, payloadWith(`aud=`+audiences(257))), tokenprofile.ErrAudience},
		{"the digits of an exponent", handmade(handmadeKey, goodHeader, claim(`"x":1e-999`)), handmade(handmadeKey, goodHeader, claim(`"x":1e-1000`)), tokenprofile.ErrMalformed},
		{"the last date", handmade(handmadeKey, goodHeader, payloadWith(`iat=253402300000`, `exp=253402300799`)), handmade(handmadeKey, goodHeader, payloadWith(`iat=253402300000`, `exp=253402300800`)), tokenprofile.ErrClaim},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("HS256")
			if strings.Contains(test.name, "date") {
				p.Now = func() time.Time { return time.Unix(253402300100, 0) }
			}
			verifier := handmadeVerifier(t, p)
			if _, err := verifier.Verify(t.Context(), test.within); err != nil {
				t.Errorf("within: %v", err)
			}
			_, err := verifier.Verify(t.Context(), test.beyond)
			refuses(t, err, test.want)
		})
	}
	for _, space := range []string{"\n", "\r"} { // which decoders of base64 skip
		good := handmade(handmadeKey, goodHeader, goodPayload)
		for at := range len(good) + 1 {
			_, err := handmadeVerifier(t, profileOf("HS256")).Verify(t.Context(), good[:at]+space+good[at:])
			refuses(t, err, tokenprofile.ErrMalformed)
		}
	}
	t.Run("the length of a kid", func(t *testing.T) {
		verifier := handmadeVerifier(t, profileOf("HS256"))
		for n, detail := range map[int]string{256: "kid \"xxx", 257: "more than 256 bytes"} {
			_, err := verifier.Verify(t.Context(), handmade(handmadeKey, kid(n), goodPayload))
			refuses(t, err, tokenprofile.ErrUnknownKey)
			mentions(t, err, detail)
		}
	})
}

func TestLimitsOfAProfileAreExact(t *testing.T) {
	type profile = tokenprofile.Profile
	for _, test := range []struct {
		name           string
		within, beyond func(*profile)
	}{
		{"leeway", func(p *profile) { p.Leeway = 10 * time.Minute }, func(p *profile) { p.Leeway = 10*time.Minute + 1 }},
		{"lifetime", func(p *profile) { p.Lifetime = time.Second }, func(p *profile) { p.Lifetime = time.Second - 1 }},
		{"backdate", func(p *profile) { p.Backdate = 899 * time.Second }, func(p *profile) { p.Backdate = 900 * time.Second }},
		{"notBefore", func(p *profile) { p.NotBefore = new(time.Duration); *p.NotBefore = 899 * time.Second }, func(p *profile) { p.NotBefore = new(time.Duration); *p.NotBefore = 900 * time.Second }},
		{"maxSize", func(p *profile) { p.MaxSize = 1 << 20 }, func(p *profile) { p.MaxSize = 1<<20 + 1 }},
		{"cacheSize", func(p *profile) { p.CacheSize = 1 << 20 }, func(p *profile) { p.CacheSize = 1<<20 + 1 }},
		{"audience", func(p *profile) { p.Audience = distinct(256) }, func(p *profile) { p.Audience = distinct(257) }},
		{"encryption.recipient", func(p *profile) { p.Encryption = recipientOf(256) }, func(p *profile) { p.Encryption = recipientOf(257) }},
		{"header.kid", func(p *profile) { p.Header.KeyID = strings.Repeat("k", 256) }, func(p *profile) { p.Header.KeyID = strings.Repeat("k", 257) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("ES256")
			if test.within(&p); p.Validate() != nil {
				t.Errorf("within: %v", p.Validate())
			}
			test.beyond(&p)
			mentions(t, p.Validate(), "profile: "+test.name+":")
		})
	}
}

func recipientOf(size int) *tokenprofile.Encryption {
	return &tokenprofile.Encryption{KeyAlgorithm: tokenprofile.ECDHES, ContentAlgorithm: tokenprofile.A256GCM, Recipient: strings.Repeat("k", size)}
}

func TestSizeOfAWrittenTokenIsExact(t *testing.T) {
	p := profileOf("HS256")
	size := len(handmade(handmadeKey, goodHeader, goodPayload))
	for range 2 { // what a token has is known when there is one
		signer, _ := pair(t, p)
		token := ok(signer.Sign(t.Context(), nil))(t)
		size, p.MaxSize = len(token), len(token)
	}
	p.MaxSize = size - 1
	signer, _ := pair(t, p)
	_, err := signer.Sign(t.Context(), nil)
	mentions(t, err, fmt.Sprintf("the token has %d bytes, the profile's maxSize is %d", size, size-1))
}

func TestLimitOfADocumentIsExact(t *testing.T) {
	document := func(size int) []byte {
		const bare = `{"algorithm":"ES256","issuer":"i"}`
		return []byte(bare + strings.Repeat(" ", size-len(bare)))
	}
	if _, err := tokenprofile.Parse(document(64 << 10)); err != nil {
		t.Error(err)
	}
	_, err := tokenprofile.Parse(document(64<<10 + 1))
	mentions(t, err, "more than 65536 bytes")
}

// Times are compared to the nanosecond, leeway included.
func TestTimesAreExact(t *testing.T) {
	at := func(seconds int64, nanoseconds int) time.Time { return time.Unix(seconds, int64(nanoseconds)) }
	for _, test := range []struct {
		name, change string
		clock        time.Time
		want         error
	}{
		{"just before exp and leeway", `exp=1900000600`, at(1900000629, 999_999_999), nil},
		{"at exp and leeway", `exp=1900000600`, at(1900000630, 0), tokenprofile.ErrExpired},
		{"just before a fraction", `exp=1900000600.5`, at(1900000630, 499_000_000), nil},
		{"at a fraction", `exp=1900000600.5`, at(1900000630, 500_000_000), tokenprofile.ErrExpired},
		{"at nbf less leeway", `nbf=1900000100`, at(1900000070, 0), nil},
		{"just before nbf less leeway", `nbf=1900000100`, at(1900000069, 999_999_999), tokenprofile.ErrNotYetValid},
		{"at iat less leeway", `iat=1900000000`, at(1899999970, 0), nil},
		{"just before iat less leeway", `iat=1900000000`, at(1899999969, 999_999_999), tokenprofile.ErrNotYetValid},
		{"a life of the longest", `exp=1900000900`, at(1900000000, 0), nil},
		{"a life a millisecond longer", `exp=1900000900.001`, at(1900000000, 0), tokenprofile.ErrLifetime},
		{"exp at iat", `exp=1900000000`, at(1900000000, 0), nil},
		{"exp a millisecond before iat", `exp=1899999999.999`, at(1900000000, 0), tokenprofile.ErrClaim},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("HS256")
			p.Now = func() time.Time { return test.clock }
			_, err := handmadeVerifier(t, p).Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith(test.change)))
			if test.want == nil && err != nil {
				t.Error(err)
			} else if test.want != nil {
				refuses(t, err, test.want)
			}
		})
	}
}
