package speed

import (
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	gojosejwt "github.com/go-jose/go-jose/v4/jwt"
	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
)

var golangJWT = Library{
	Name: "golang-jwt",
	Sign: func(p Party) (Work, error) {
		method := golangjwt.GetSigningMethod(p.Algorithm)
		return func() error {
			_, err := golangjwt.NewWithClaims(method, golangjwt.MapClaims(Claims())).SignedString(p.Private)
			return err
		}, nil
	},
	Verify: func(p Party, token string) (Work, error) {
		parser := golangjwt.NewParser(golangjwt.WithValidMethods([]string{p.Algorithm}), golangjwt.WithIssuer(issuer),
			golangjwt.WithAudience(audience), golangjwt.WithExpirationRequired(), golangjwt.WithIssuedAt())
		key := func(*golangjwt.Token) (any, error) { return p.Public, nil }
		return func() error { _, err := parser.Parse(token, key); return err }, nil
	},
}

var goJOSE = Library{
	Name: "go-jose",
	Sign: func(p Party) (Work, error) {
		key := gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(p.Algorithm), Key: p.Private}
		signer, err := gojose.NewSigner(key, (&gojose.SignerOptions{}).WithType("JWT"))
		return func() error { _, err := gojosejwt.Signed(signer).Claims(Claims()).Serialize(); return err }, err
	},
	Verify: func(p Party, text string) (Work, error) {
		algorithms := []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(p.Algorithm)}
		return func() error {
			token, err := gojosejwt.ParseSigned(text, algorithms)
			if err != nil {
				return err
			}
			var registered gojosejwt.Claims
			var claims map[string]any
			if err := token.Claims(p.Public, &registered, &claims); err != nil {
				return err
			}
			return registered.Validate(gojosejwt.Expected{Issuer: issuer, AnyAudience: gojosejwt.Audience{audience}, Time: time.Now()})
		}, nil
	},
}

var jwxV3 = Library{
	Name: "jwx v3",
	Sign: func(p Party) (Work, error) {
		algorithm, _ := jwa.LookupSignatureAlgorithm(p.Algorithm)
		return func() error {
			token := jwxjwt.New()
			for name, value := range Claims() {
				if err := token.Set(name, value); err != nil {
					return err
				}
			}
			_, err := jwxjwt.Sign(token, jwxjwt.WithKey(algorithm, p.Private))
			return err
		}, nil
	},
	Verify: func(p Party, token string) (Work, error) {
		algorithm, _ := jwa.LookupSignatureAlgorithm(p.Algorithm)
		return func() error {
			_, err := jwxjwt.ParseString(token, jwxjwt.WithKey(algorithm, p.Public), jwxjwt.WithIssuer(issuer), jwxjwt.WithAudience(audience))
			return err
		}, nil
	},
}
