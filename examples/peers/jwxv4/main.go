// Jwxv4 is the report with jwx v4, which needs Go 1.27, beside the other peers.
//
//	cd jwxv4 && go run .
package main

import (
	"fmt"
	"os"

	"github.com/lestrrat-go/jwx/v4/jwa"
	"github.com/lestrrat-go/jwx/v4/jwt"

	"github.com/tokenprofile/tokenprofile-go/examples/peers/speed"
)

var library = speed.Library{
	Name: "jwx v4",
	Sign: func(p speed.Party) (speed.Work, error) {
		algorithm, _ := jwa.LookupSignatureAlgorithm(p.Algorithm)
		return func() error {
			token := jwt.New()
			for name, value := range speed.Claims() {
				if err := token.Set(name, value); err != nil {
					return err
				}
			}
			_, err := jwt.Sign(token, jwt.WithKey(algorithm, p.Private))
			return err
		}, nil
	},
	Verify: func(p speed.Party, token string) (speed.Work, error) {
		algorithm, _ := jwa.LookupSignatureAlgorithm(p.Algorithm)
		issuer, audience := speed.Expected()
		return func() error {
			_, err := jwt.ParseString(token, jwt.WithKey(algorithm, p.Public), jwt.WithIssuer(issuer), jwt.WithAudience(audience))
			return err
		}, nil
	},
}

func main() {
	if err := speed.Main("cd jwxv4 && go run .", "..", library); err != nil {
		fmt.Fprintln(os.Stderr, "jwxv4:", err)
		os.Exit(1)
	}
}
