package tokenprofile_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// The proofs of RFC 9449 sections 4.1 and 7.1, and the thumbprint of their key
// of section 6.1.
const (
	rfcHeader      = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
	rfcTokenProof  = rfcHeader + ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	rfcAccessProof = rfcHeader + ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
	rfcAccessToken = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
	rfcThumbprint  = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

// openReplay lets everything pass, as often as it comes.
type openReplay struct{}

func (openReplay) First(context.Context, string, string, time.Time) (bool, error) { return true, nil }

func TestProofsOfTheRFCVerify(t *testing.T) {
	tests := []struct {
		name, proof string
		want        tokenprofile.Proof
	}{
		{"at the token endpoint", rfcTokenProof, tokenprofile.Proof{Method: "POST", URL: "https://server.example.com/token"}},
		{"at a protected resource", rfcAccessProof, tokenprofile.Proof{Method: "GET", URL: "https://resource.example.org/protectedresource", TokenHash: tokenprofile.HashToken(rfcAccessToken)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := &tokenprofile.ProofVerifier{Replay: openReplay{}, Now: func() time.Time { return time.Unix(1562262618, 0) }}
			for _, thumbprint := range []string{"", rfcThumbprint} {
				got, err := v.Verify(t.Context(), test.proof, test.want, thumbprint)
				if err != nil || got != rfcThumbprint {
					t.Errorf("got %q and error %v, want %q", got, err, rfcThumbprint)
				}
			}
		})
	}
}

func newECKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newProver(t testing.TB, key interface{ Public() crypto.PublicKey }) *tokenprofile.Prover {
	t.Helper()
	private, err := keystore.NewPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	prover, err := tokenprofile.NewProver(private)
	if err != nil {
		t.Fatal(err)
	}
	return prover
}

var orders = tokenprofile.Proof{Method: "GET", URL: "https://api.example/orders", TokenHash: tokenprofile.HashToken(ordersToken)}

const ordersToken = "an.access.token"

func TestProofRoundTrip(t *testing.T) {
	_, ed25519Key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		algorithm tokenprofile.Algorithm
		key       interface{ Public() crypto.PublicKey }
	}{
		{tokenprofile.ES256, newECKey(t, elliptic.P256())},
		{tokenprofile.ES384, newECKey(t, elliptic.P384())},
		{tokenprofile.ES512, newECKey(t, elliptic.P521())},
		{tokenprofile.EdDSA, ed25519Key},
		{tokenprofile.PS256, rsaKey},
	}
	for _, test := range tests {
		t.Run(string(test.algorithm), func(t *testing.T) {
			prover := newProver(t, test.key)
			proof, err := prover.Prove(t.Context(), orders)
			if err != nil {
				t.Fatal(err)
			}
			only := &tokenprofile.ProofVerifier{Algorithms: []tokenprofile.Algorithm{test.algorithm}}
			got, err := only.Verify(t.Context(), proof, orders, prover.Thumbprint())
			if err != nil || got != prover.Thumbprint() {
				t.Errorf("got %q and error %v, want %q", got, err, prover.Thumbprint())
			}
		})
	}
}

func TestProverRefusesWhatItCannotSign(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skipf("this Go makes no 1024-bit key: %v", err)
	}
	private, err := keystore.NewPrivateKey(small)
	if err == nil {
		_, err = tokenprofile.NewProver(private)
	}
	if err == nil {
		t.Error("got a prover with an RSA key of 1024 bits")
	}
	if _, err := tokenprofile.NewProver(keystore.PrivateKey{}); err == nil {
		t.Error("got a prover without a key")
	}
	prover := newProver(t, newECKey(t, elliptic.P256()))
	for _, proof := range []tokenprofile.Proof{
		{URL: "https://api.example/"},
		{Method: "GET"},
		{Method: "GET", URL: "/orders"},
		{Method: "GET", URL: "ftp://api.example/"},
		{Method: "GET", URL: "https://api.example/%zz"},
	} {
		if _, err := prover.Prove(t.Context(), proof); err == nil {
			t.Errorf("got a proof for %+v", proof)
		}
	}
}

// A rawProof is a proof made by hand, so that anything can be wrong with it.
type rawProof struct {
	header, claims map[string]any
	key            *ecdsa.PrivateKey
}

func newRawProof(t testing.TB, key *ecdsa.PrivateKey) *rawProof {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	jwk := map[string]any{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
	hash := sha256.Sum256([]byte(ordersToken))
	return &rawProof{
		header: map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk},
		claims: map[string]any{"jti": rand.Text(), "htm": "GET", "htu": orders.URL, "iat": time.Now().Unix(), "ath": b64(hash[:])},
		key:    key,
	}
}

func (p *rawProof) with(part map[string]any, name string, value any) *rawProof {
	if value == nil {
		delete(part, name)
	} else {
		part[name] = value
	}
	return p
}

func (p *rawProof) String() string {
	b64 := base64.RawURLEncoding.EncodeToString
	header, _ := json.Marshal(p.header)
	claims, _ := json.Marshal(p.claims)
	input := b64(header) + "." + b64(claims)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, p.key, sum[:])
	if err != nil {
		panic(err)
	}
	return input + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func TestProofRefusals(t *testing.T) {
	key, other := newECKey(t, elliptic.P256()), newECKey(t, elliptic.P256())
	thumbprint := newProver(t, key).Thumbprint()
	now := time.Now().Unix()
	header := func(name string, value any) string {
		p := newRawProof(t, key)
		return p.with(p.header, name, value).String()
	}
	claim := func(name string, value any) string {
		p := newRawProof(t, key)
		return p.with(p.claims, name, value).String()
	}
	jwk := func(name string, value any) string {
		p := newRawProof(t, key)
		p.with(p.header["jwk"].(map[string]any), name, value)
		return p.String()
	}
	otherJWK := newRawProof(t, key)
	otherJWK.header["jwk"] = newRawProof(t, other).header["jwk"]
	good := newRawProof(t, key).String()
	tests := []struct {
		name, proof string
		reason      error
	}{
		{"none", "", tokenprofile.ErrMalformed},
		{"not three segments", "a.b", tokenprofile.ErrMalformed},
		{"padding", good + "=", tokenprofile.ErrMalformed},
		{"two in one header", good + ", " + good, tokenprofile.ErrMalformed},
		{"longer than 8 KiB", strings.Repeat("a", 8<<10+1), tokenprofile.ErrMalformed},
		{"typ is JWT", header("typ", "JWT"), tokenprofile.ErrType},
		{"no typ", header("typ", nil), tokenprofile.ErrType},
		{"no alg", header("alg", nil), tokenprofile.ErrAlgorithm},
		{"alg is none", header("alg", "none"), tokenprofile.ErrAlgorithm},
		{"alg is an HMAC", header("alg", "HS256"), tokenprofile.ErrAlgorithm},
		{"alg is not the key's", header("alg", "ES384"), tokenprofile.ErrAlgorithm},
		{"alg is another family's", header("alg", "RS256"), tokenprofile.ErrAlgorithm},
		{"alg differs in case", header("alg", "es256"), tokenprofile.ErrAlgorithm},
		{"crit", header("crit", []string{"x"}), tokenprofile.ErrCritical},
		{"b64", header("b64", false), tokenprofile.ErrMalformed},
		{"a header parameter in another case", header("JWK", map[string]any{}), tokenprofile.ErrMalformed},
		{"no jwk", header("jwk", nil), tokenprofile.ErrMalformed},
		{"jwk is a text", header("jwk", "a"), tokenprofile.ErrMalformed},
		{"jwk is an array", header("jwk", []int{1}), tokenprofile.ErrMalformed},
		{"jwk is empty", header("jwk", map[string]any{}), tokenprofile.ErrMalformed},
		{"jwk is a secret", header("jwk", map[string]any{"kty": "oct", "k": "c2VjcmV0"}), tokenprofile.ErrMalformed},
		{"jwk has the private key", jwk("d", "AQ"), tokenprofile.ErrMalformed},
		{"jwk is not on its curve", jwk("x", strings.Repeat("A", 43)), tokenprofile.ErrMalformed},
		{"jwk is for encryption", jwk("use", "enc"), tokenprofile.ErrAlgorithm},
		{"jwk is for another algorithm", jwk("alg", "ES384"), tokenprofile.ErrMalformed},
		{"another key signed", otherJWK.String(), tokenprofile.ErrUnknownKey},
		{"another client's proof", newRawProof(t, other).String(), tokenprofile.ErrUnknownKey},
		{"a signature of another proof", good[:strings.LastIndex(good, ".")] + header("a", "b")[strings.LastIndex(header("a", "b"), "."):], tokenprofile.ErrSignature},
		{"no signature", good[:strings.LastIndex(good, ".")+1], tokenprofile.ErrSignature},
		{"no jti", claim("jti", nil), tokenprofile.ErrClaim},
		{"an empty jti", claim("jti", ""), tokenprofile.ErrClaim},
		{"jti is a number", claim("jti", 1), tokenprofile.ErrClaim},
		{"jti of more than 256 bytes", claim("jti", strings.Repeat("a", 257)), tokenprofile.ErrClaim},
		{"no htm", claim("htm", nil), tokenprofile.ErrClaim},
		{"another method", claim("htm", "POST"), tokenprofile.ErrClaim},
		{"the method in another case", claim("htm", "get"), tokenprofile.ErrClaim},
		{"htm in two cases", claim("HTM", "GET"), tokenprofile.ErrMalformed},
		{"no htu", claim("htu", nil), tokenprofile.ErrClaim},
		{"another path", claim("htu", "https://api.example/order"), tokenprofile.ErrClaim},
		{"another host", claim("htu", "https://evil.example/orders"), tokenprofile.ErrClaim},
		{"another port", claim("htu", "https://api.example:8443/orders"), tokenprofile.ErrClaim},
		{"http", claim("htu", "http://api.example/orders"), tokenprofile.ErrClaim},
		{"htu is a path", claim("htu", "/orders"), tokenprofile.ErrClaim},
		{"htu is a number", claim("htu", 1), tokenprofile.ErrClaim},
		{"no iat", claim("iat", nil), tokenprofile.ErrClaim},
		{"iat is a text", claim("iat", "1"), tokenprofile.ErrClaim},
		{"iat too old", claim("iat", now-90), tokenprofile.ErrExpired},
		{"iat in the future", claim("iat", now+90), tokenprofile.ErrNotYetValid},
		{"exp has passed", claim("exp", now-1), tokenprofile.ErrExpired},
		{"exp is 0", claim("exp", 0), tokenprofile.ErrExpired},
		{"exp is a text", claim("exp", "soon"), tokenprofile.ErrClaim},
		{"nbf in the future", claim("nbf", now+90), tokenprofile.ErrNotYetValid},
		{"no ath", claim("ath", nil), tokenprofile.ErrClaim},
		{"the hash of another token", claim("ath", "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"), tokenprofile.ErrClaim},
		{"the token instead of its hash", claim("ath", ordersToken), tokenprofile.ErrClaim},
	}
	v := new(tokenprofile.ProofVerifier)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := v.Verify(t.Context(), test.proof, orders, thumbprint)
			if !errors.Is(err, tokenprofile.ErrInvalid) || !errors.Is(err, test.reason) {
				t.Errorf("got %v, want %v", err, test.reason)
			}
			if got != "" {
				t.Errorf("got thumbprint %q with the error", got)
			}
		})
	}
	// Hints are ignored: the key is the one in jwk.
	for _, hint := range []string{header("jku", "https://evil.example/"), header("x5u", "https://evil.example/"), header("x5c", []string{"MII"})} {
		if _, err := v.Verify(t.Context(), hint, orders, thumbprint); err != nil {
			t.Errorf("got %v for a proof with a hint", err)
		}
	}
	// None of them has used the good one up.
	if _, err := v.Verify(t.Context(), good, orders, thumbprint); err != nil {
		t.Errorf("got %v for the good proof", err)
	}
	if _, err := v.Verify(t.Context(), good, orders, thumbprint); !errors.Is(err, tokenprofile.ErrReplayed) {
		t.Errorf("got %v for the good proof once more, want %v", err, tokenprofile.ErrReplayed)
	}
	if _, err := v.Verify(t.Context(), otherJWK.String(), orders, ""); !errors.Is(err, tokenprofile.ErrSignature) {
		t.Errorf("got %v for another's key, want %v", err, tokenprofile.ErrSignature)
	}
}

func TestProofAlgorithmsAreThoseAccepted(t *testing.T) {
	key := newECKey(t, elliptic.P256())
	v := &tokenprofile.ProofVerifier{Algorithms: []tokenprofile.Algorithm{tokenprofile.EdDSA, tokenprofile.HS256}}
	p := newRawProof(t, key)
	if _, err := v.Verify(t.Context(), p.String(), orders, ""); !errors.Is(err, tokenprofile.ErrAlgorithm) {
		t.Errorf("got %v, want %v", err, tokenprofile.ErrAlgorithm)
	}
	// An HMAC with a public key is refused even if it is asked for.
	p.header["alg"] = "HS256"
	if _, err := v.Verify(t.Context(), p.String(), orders, ""); !errors.Is(err, tokenprofile.ErrAlgorithm) {
		t.Errorf("got %v, want %v", err, tokenprofile.ErrAlgorithm)
	}
}

func TestProofMayCallEdDSAByItsNewName(t *testing.T) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	header := `{"typ":"dpop+jwt","alg":"Ed25519","jwk":{"kty":"OKP","crv":"Ed25519","x":"` + b64(public) + `"}}`
	claims := fmt.Sprintf(`{"jti":"a","htm":"GET","htu":"https://api.example/","iat":%d}`, time.Now().Unix())
	input := b64([]byte(header)) + "." + b64([]byte(claims))
	proof := input + "." + b64(ed25519.Sign(key, []byte(input)))
	want := tokenprofile.Proof{Method: "GET", URL: "https://api.example/"}
	for _, algorithms := range [][]tokenprofile.Algorithm{nil, {tokenprofile.EdDSA}} {
		v := &tokenprofile.ProofVerifier{Algorithms: algorithms}
		if _, err := v.Verify(t.Context(), proof, want, ""); err != nil {
			t.Errorf("accepting %q: %v", algorithms, err)
		}
	}
	only := &tokenprofile.ProofVerifier{Algorithms: []tokenprofile.Algorithm{tokenprofile.ES256}}
	if _, err := only.Verify(t.Context(), proof, want, ""); !errors.Is(err, tokenprofile.ErrAlgorithm) {
		t.Errorf("got %v, want %v", err, tokenprofile.ErrAlgorithm)
	}
}

func TestProofURLsCompareInNormalForm(t *testing.T) {
	tests := []struct {
		name, htu, url string
		same           bool
	}{
		{"host in capitals", "https://API.example/a", "https://api.example/a", true},
		{"scheme in capitals", "HTTPS://api.example/a", "https://api.example/a", true},
		{"default port of https", "https://api.example:443/a", "https://api.example/a", true},
		{"default port of http", "http://api.example/a", "http://api.example:80/a", true},
		{"an empty port", "https://api.example:/a", "https://api.example/a", true},
		{"an empty path", "https://api.example", "https://api.example/", true},
		{"query and fragment", "https://api.example/a?b=c#d", "https://api.example/a?e", true},
		{"an escape of an unreserved character", "https://api.example/%7Ea%2d", "https://api.example/~a-", true},
		{"escapes of all unreserved characters at the ends", "https://api.example/%41%5A%61%7A%30%39%2D%2E%5F%7E", "https://api.example/AZaz09-._~", true},
		{"an escape in small letters", "https://api.example/%c3%a9", "https://api.example/%C3%A9", true},
		{"a letter and its escape", "https://api.example/é", "https://api.example/%C3%A9", true},
		{"dot segments", "https://api.example/a/../b/./c", "https://api.example/b/c", true},
		{"an IPv6 host", "https://[::1]:443/a", "https://[::1]/a", true},
		{"the other's default port", "http://api.example:443/a", "http://api.example/a", false},
		{"a path in capitals", "https://api.example/A", "https://api.example/a", false},
		{"an escaped slash", "https://api.example/a%2Fb", "https://api.example/a/b", false},
		{"a slash at the end", "https://api.example/a/", "https://api.example/a", false},
		{"a double slash", "https://api.example//a", "https://api.example/a", false},
		{"a user", "https://api.example@evil.example/a", "https://api.example/a", false},
		{"a host that goes on", "https://api.example.evil.example/a", "https://api.example/a", false},
		{"an escaped percent", "https://api.example/%2561", "https://api.example/a", false},
	}
	key := newECKey(t, elliptic.P256())
	v := new(tokenprofile.ProofVerifier)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newRawProof(t, key)
			p.claims["htu"] = test.htu
			want := orders
			want.URL = test.url
			_, err := v.Verify(t.Context(), p.String(), want, "")
			if got := err == nil; got != test.same {
				t.Errorf("got the same: %t (%v), want %t", got, err, test.same)
			}
		})
	}
}

func TestProofsAreRememberedByKey(t *testing.T) {
	v := new(tokenprofile.ProofVerifier)
	for _, key := range []*ecdsa.PrivateKey{newECKey(t, elliptic.P256()), newECKey(t, elliptic.P256())} {
		p := newRawProof(t, key)
		p.claims["jti"] = "the same"
		if _, err := v.Verify(t.Context(), p.String(), orders, ""); err != nil {
			t.Errorf("got %v: another key's jti is another", err)
		}
	}
}

type failingReplay struct{ error }

func (f failingReplay) First(context.Context, string, string, time.Time) (bool, error) {
	return true, f.error
}

func TestProofIsNotJudgedWithoutItsReplayGuard(t *testing.T) {
	cause := errors.New("connection refused")
	v := &tokenprofile.ProofVerifier{Replay: failingReplay{cause}}
	_, err := v.Verify(t.Context(), newRawProof(t, newECKey(t, elliptic.P256())).String(), orders, "")
	if !errors.Is(err, cause) || errors.Is(err, tokenprofile.ErrInvalid) {
		t.Errorf("got %v, want %v and not %v", err, cause, tokenprofile.ErrInvalid)
	}
}

func TestProofUsedOnceByMany(t *testing.T) {
	v := new(tokenprofile.ProofVerifier)
	proof := newRawProof(t, newECKey(t, elliptic.P256())).String()
	var passed atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := v.Verify(t.Context(), proof, orders, ""); err == nil {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if got := passed.Load(); got != 1 {
		t.Errorf("the proof passed %d times, want once", got)
	}
}

// Each limit is met exactly: what reaches it passes, one more does not.
func TestLimitsOfAProofAreExact(t *testing.T) {
	key, second := newECKey(t, elliptic.P256()), time.Unix(1_900_000_000, 0)
	at := second.Unix()
	for _, test := range []struct {
		name   string
		change func(p *rawProof)
		beyond time.Duration // how far from the second the clock stands when it is too late
		want   error
	}{
		{"the age", func(p *rawProof) {}, time.Minute, tokenprofile.ErrExpired},
		{"iat ahead", func(p *rawProof) {}, -time.Minute, tokenprofile.ErrNotYetValid},
		{"nbf ahead", func(p *rawProof) { p.claims["iat"], p.claims["nbf"] = at-60, at }, -time.Minute, tokenprofile.ErrNotYetValid},
	} {
		step := test.beyond / time.Minute // a nanosecond, in this direction
		for clock, want := range map[time.Duration]error{test.beyond: nil, test.beyond + step: test.want} {
			v := &tokenprofile.ProofVerifier{Replay: openReplay{}, Now: func() time.Time { return second.Add(clock) }}
			p := newRawProof(t, key)
			p.claims["iat"] = at
			test.change(p)
			if _, err := v.Verify(t.Context(), p.String(), orders, ""); !errors.Is(err, want) || (want == nil) != (err == nil) {
				t.Errorf("%s, %v off: got %v, want %v", test.name, clock, err, want)
			}
		}
	}
	v := new(tokenprofile.ProofVerifier)
	for size, want := range map[int]error{256: nil, 257: tokenprofile.ErrClaim} {
		p := newRawProof(t, key)
		p.claims["jti"] = strings.Repeat("j", size)
		if _, err := v.Verify(t.Context(), p.String(), orders, ""); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("a jti of %d bytes: got %v, want %v", size, err, want)
		}
	}
	short, long := "", ""
	for n := 5700; len(long) <= 8192; n++ {
		p := newRawProof(t, key)
		p.claims["more"] = strings.Repeat("m", n)
		short, long = long, p.String()
	}
	if _, err := v.Verify(t.Context(), short, orders, ""); err != nil {
		t.Errorf("%d bytes: got %v", len(short), err)
	}
	if _, err := v.Verify(t.Context(), long, orders, ""); !errors.Is(err, tokenprofile.ErrMalformed) {
		t.Errorf("%d bytes: got %v, want %v", len(long), err, tokenprofile.ErrMalformed)
	}
}

func TestProofNonces(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	clock := func() time.Time { return now }
	key := newECKey(t, elliptic.P256())
	secret := func(text string) keystore.SecretKey {
		key, err := keystore.NewSecretKey([]byte(text), "nonces")
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	shared := secret("a key of at least thirty-two bytes")
	v := &tokenprofile.ProofVerifier{Nonces: &tokenprofile.ProofNonces{Key: shared}, Now: clock}
	twin := &tokenprofile.ProofVerifier{Nonces: &tokenprofile.ProofNonces{Key: shared}, Now: clock}
	stranger := &tokenprofile.ProofVerifier{Nonces: new(tokenprofile.ProofNonces), Now: clock}
	weak := &tokenprofile.ProofVerifier{Nonces: &tokenprofile.ProofNonces{Key: secret("short")}, Now: clock}
	tests := []struct {
		name  string
		by    *tokenprofile.ProofVerifier
		nonce any
		after time.Duration
		good  bool
	}{
		{"its own", v, v.Nonce(), 0, true},
		{"its own after 4 minutes", v, v.Nonce(), 4 * time.Minute, true},
		{"its own after 5 minutes", v, v.Nonce(), 5 * time.Minute, true},
		{"its own after 5 minutes and a second", v, v.Nonce(), 5*time.Minute + time.Second, false},
		{"its own after 6 minutes", v, v.Nonce(), 6 * time.Minute, false},
		{"one of an instance with the same key", v, twin.Nonce(), 0, true},
		{"its own with a key of its own", stranger, stranger.Nonce(), 0, true},
		{"one of a stranger", v, stranger.Nonce(), 0, false},
		{"one under a short key", weak, weak.Nonce(), 0, false},
		{"none", v, nil, 0, false},
		{"a number", v, 1, 0, false},
		{"a changed one", v, "BB" + v.Nonce()[2:], 0, false},
		{"a longer one", v, v.Nonce() + "AAAA", 0, false},
		{"an empty one", v, "", 0, false},
	}
	start := now
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			now = start.Add(test.after)
			p := newRawProof(t, key)
			p.with(p.claims, "iat", now.Unix())
			_, err := test.by.Verify(t.Context(), p.with(p.claims, "nonce", test.nonce).String(), orders, "")
			if test.good && err != nil {
				t.Errorf("got %v", err)
			}
			if !test.good && !errors.Is(err, tokenprofile.ErrNonce) {
				t.Errorf("got %v, want %v", err, tokenprofile.ErrNonce)
			}
		})
	}
	if got := new(tokenprofile.ProofVerifier).Nonce(); got != "" {
		t.Errorf("got nonce %q without Nonces", got)
	}
}

func TestProofNoncesPrintNoKey(t *testing.T) {
	key, err := keystore.NewSecretKey([]byte("canary-4f1d"), "nonces")
	if err != nil {
		t.Fatal(err)
	}
	v := &tokenprofile.ProofVerifier{Nonces: &tokenprofile.ProofNonces{Key: key}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		text := fmt.Sprintf(verb+verb, v, v.Nonces)
		for _, canary := range []string{"canary", fmt.Sprintf("%x", "canary"), "99 97 110 97", "0x63, 0x61, 0x6e"} {
			if strings.Contains(text, canary) {
				t.Errorf("%s prints the key: %s", verb, text)
			}
		}
	}
}

func TestProofCarriesTheNonce(t *testing.T) {
	prover := newProver(t, newECKey(t, elliptic.P256()))
	want := orders
	want.Nonce = "eyJ7S_zG.eyJH0-Z.HX4w-7v"
	proof, err := prover.Prove(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	v := new(tokenprofile.ProofVerifier)
	if _, err := v.Verify(t.Context(), proof, want, ""); err != nil {
		t.Error(err)
	}
	want.Nonce = "another"
	if _, err := v.Verify(t.Context(), proof, want, ""); !errors.Is(err, tokenprofile.ErrNonce) {
		t.Errorf("got %v, want %v", err, tokenprofile.ErrNonce)
	}
}

func TestProofsTellNothing(t *testing.T) {
	const canary = "canary-4f1d"
	key := newECKey(t, elliptic.P256())
	v := new(tokenprofile.ProofVerifier)
	for _, name := range []string{"jti", "htm", "htu", "iat", "ath", "nonce", canary} {
		p := newRawProof(t, key)
		p.claims[name] = "https://" + canary + "/%zz"
		_, err := v.Verify(t.Context(), p.String(), tokenprofile.Proof{Method: "GET", URL: orders.URL, TokenHash: tokenprofile.HashToken(canary), Nonce: canary}, canary)
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); err == nil || strings.Contains(text, canary) {
			t.Errorf("%s: got %s", name, text)
		}
	}
	prover := newProver(t, key)
	_, err := prover.Prove(t.Context(), tokenprofile.Proof{Method: "GET", URL: "https://x/%zz" + canary})
	if text := fmt.Sprintf("%v", err); strings.Contains(text, canary) {
		t.Errorf("got %s", text)
	}
	number := new(big.Int).SetBytes(ok(key.Bytes())(t)).String()
	if text := fmt.Sprintf("%v %+v %#v", prover, prover, prover); strings.Contains(text, number) {
		t.Error("the prover prints its key")
	}
}

func TestProofIgnoresWhatItDoesNotKnow(t *testing.T) {
	p := newRawProof(t, newECKey(t, elliptic.P256()))
	maps.Copy(p.header, map[string]any{"kid": "a", "x": 1})
	maps.Copy(p.claims, map[string]any{"sub": "a", "x": []int{1}})
	p.header["typ"] = "application/DPoP+JWT"
	if _, err := new(tokenprofile.ProofVerifier).Verify(t.Context(), p.String(), orders, ""); err != nil {
		t.Error(err)
	}
}

func FuzzProof(f *testing.F) {
	f.Add(rfcTokenProof, "https://server.example.com/token")
	f.Add(rfcAccessProof, "https://resource.example.org/protectedresource?a=b")
	f.Add("e30.e30.", "https://api.example/%7e/../a")
	f.Fuzz(func(t *testing.T, proof, url string) {
		v := &tokenprofile.ProofVerifier{Replay: openReplay{}, Now: func() time.Time { return time.Unix(1562262616, 0) }}
		want := tokenprofile.Proof{Method: "POST", URL: url}
		thumbprint, err := v.Verify(t.Context(), proof, want, "")
		if err != nil {
			return
		}
		again, err := v.Verify(t.Context(), proof, want, thumbprint)
		if err != nil || again != thumbprint {
			t.Fatalf("got %q and error %v, want %q as before", again, err, thumbprint)
		}
	})
}

func BenchmarkProve(b *testing.B) {
	prover := newProver(b, newECKey(b, elliptic.P256()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := prover.Prove(b.Context(), orders); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProofVerify(b *testing.B) {
	prover := newProver(b, newECKey(b, elliptic.P256()))
	proof, err := prover.Prove(b.Context(), orders)
	if err != nil {
		b.Fatal(err)
	}
	v := &tokenprofile.ProofVerifier{Replay: openReplay{}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), proof, orders, prover.Thumbprint()); err != nil {
			b.Fatal(err)
		}
	}
}
