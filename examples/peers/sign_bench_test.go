package peers_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	gojosejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v2/jwa"
	jwxjwt "github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

const (
	issuer   = "https://consumer.example"
	audience = "https://producer.example"
)

// party is one algorithm with its key in the form each library wants.
type party struct {
	algorithm       tokenprofile.Algorithm
	private, public any
}

func parties(tb testing.TB) []party {
	tb.Helper()
	secret := make([]byte, 32)
	rand.Read(secret)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return []party{
		{tokenprofile.HS256, secret, secret},
		{tokenprofile.RS256, rsaKey, &rsaKey.PublicKey},
		{tokenprofile.ES256, ecKey, &ecKey.PublicKey},
		{tokenprofile.EdDSA, edKey, edPublic},
	}
}

// secrets are a source of one secret key.
type secrets struct{ key keystore.SecretKey }

func (s secrets) SecretKeys(context.Context, string) ([]keystore.SecretKey, error) {
	return []keystore.SecretKey{s.key}, nil
}

func newSecrets(tb testing.TB, key []byte) secrets {
	tb.Helper()
	secret, err := keystore.NewSecretKey(key, "")
	if err != nil {
		tb.Fatal(err)
	}
	return secrets{secret}
}

func profile(algorithm tokenprofile.Algorithm) tokenprofile.Profile {
	return tokenprofile.Profile{
		Algorithm: algorithm, Issuer: issuer, Audience: []string{audience}, Subject: "billing",
	}
}

func (p party) ours(tb testing.TB, profile tokenprofile.Profile) (*tokenprofile.Signer, *tokenprofile.Verifier) {
	tb.Helper()
	if secret, ok := p.private.([]byte); ok {
		keys := newSecrets(tb, secret)
		signer, err := profile.SecretSigner(keys)
		if err != nil {
			tb.Fatal(err)
		}
		verifier, err := profile.SecretVerifier(keys)
		if err != nil {
			tb.Fatal(err)
		}
		return signer, verifier
	}
	key, err := keystore.NewPrivateKey(p.private.(crypto.Signer))
	if err != nil {
		tb.Fatal(err)
	}
	store := keystore.New(key)
	signer, err := profile.Signer(store)
	if err != nil {
		tb.Fatal(err)
	}
	verifier, err := profile.Verifier(store)
	if err != nil {
		tb.Fatal(err)
	}
	return signer, verifier
}

// own are the three claims that vary; with iss, sub, aud, iat and exp they are eight.
func own() map[string]any {
	return map[string]any{"order": 4711, "scope": "orders:read orders:write", "tenant": "north"}
}

func all() map[string]any {
	claims, now := own(), time.Now().Unix()
	claims["iss"], claims["sub"], claims["aud"] = issuer, "billing", audience
	claims["iat"], claims["exp"] = now, now+900
	return claims
}

// BenchmarkSign makes a token of eight claims.
func BenchmarkSign(b *testing.B) {
	for _, p := range parties(b) {
		b.Run(string(p.algorithm), func(b *testing.B) {
			signer, _ := p.ours(b, profile(p.algorithm))
			b.Run("ours", func(b *testing.B) {
				each(b, func() error { _, err := signer.Sign(context.Background(), own()); return err })
			})
			b.Run("golang-jwt", func(b *testing.B) {
				method := jwt.GetSigningMethod(string(p.algorithm))
				each(b, func() error {
					_, err := jwt.NewWithClaims(method, jwt.MapClaims(all())).SignedString(p.private)
					return err
				})
			})
			b.Run("go-jose", func(b *testing.B) {
				key := gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(p.algorithm), Key: p.private}
				signer, err := gojose.NewSigner(key, (&gojose.SignerOptions{}).WithType("JWT"))
				if err != nil {
					b.Fatal(err)
				}
				each(b, func() error { _, err := gojosejwt.Signed(signer).Claims(all()).Serialize(); return err })
			})
			b.Run("jwx", func(b *testing.B) { each(b, func() error { return signJWX(p) }) })
		})
	}
}

func signJWX(p party) error {
	token := jwxjwt.New()
	for name, value := range all() {
		if err := token.Set(name, value); err != nil {
			return err
		}
	}
	_, err := jwxjwt.Sign(token, jwxjwt.WithKey(jwa.SignatureAlgorithm(p.algorithm), p.private))
	return err
}

// BenchmarkVerify verifies a token of eight claims: signature, issuer,
// audience and times.
func BenchmarkVerify(b *testing.B) {
	for _, p := range parties(b) {
		b.Run(string(p.algorithm), func(b *testing.B) {
			uncached := profile(p.algorithm)
			uncached.CacheSize = -1
			signer, verifier := p.ours(b, uncached)
			_, caching := p.ours(b, profile(p.algorithm))
			token, err := signer.Sign(context.Background(), own())
			if err != nil {
				b.Fatal(err)
			}
			b.Run("ours", func(b *testing.B) {
				each(b, func() error { _, err := verifier.Verify(context.Background(), token); return err })
			})
			b.Run("ours-again", func(b *testing.B) {
				each(b, func() error { _, err := caching.Verify(context.Background(), token); return err })
			})
			b.Run("golang-jwt", func(b *testing.B) {
				parser := golangJWT(p.algorithm)
				each(b, func() error { _, err := parser.Parse(token, keyOf(p)); return err })
			})
			b.Run("go-jose", func(b *testing.B) { each(b, func() error { return verifyGoJOSE(p, token) }) })
			b.Run("jwx", func(b *testing.B) {
				each(b, func() error {
					_, err := jwxjwt.ParseString(token, jwxjwt.WithKey(jwa.SignatureAlgorithm(p.algorithm), p.public),
						jwxjwt.WithIssuer(issuer), jwxjwt.WithAudience(audience))
					return err
				})
			})
		})
	}
}

func golangJWT(algorithm tokenprofile.Algorithm) *jwt.Parser {
	return jwt.NewParser(jwt.WithValidMethods([]string{string(algorithm)}), jwt.WithIssuer(issuer),
		jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithJSONNumber())
}

func keyOf(p party) jwt.Keyfunc { return func(*jwt.Token) (any, error) { return p.public, nil } }

func verifyGoJOSE(p party, text string) error {
	token, err := gojosejwt.ParseSigned(text, []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(p.algorithm)})
	if err != nil {
		return err
	}
	var registered gojosejwt.Claims
	var claims map[string]any
	if err := token.Claims(p.public, &registered, &claims); err != nil {
		return err
	}
	return registered.Validate(gojosejwt.Expected{Issuer: issuer, AnyAudience: gojosejwt.Audience{audience}, Time: time.Now()})
}

func each(b *testing.B, f func() error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
}
