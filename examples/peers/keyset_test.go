package peers_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http/httptest"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A verifier that finds keys by kid and alg, as jwx does by default, finds ours
// where the key set says what they are for.
func TestTheKeySetSaysTheAlgorithm(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private, err := keystore.NewPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	store := keystore.New(private)
	signer, err := profile(tokenprofile.RS256).Signer(store)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(handler *jwks.Handler) error {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest("GET", "/jwks.json", nil))
		set, err := jwk.Parse(answer.Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		_, err = jwt.Parse([]byte(token), jwt.WithKeySet(set))
		return err
	}
	if err := verify(&jwks.Handler{Source: store, Algorithm: signer.Profile().Algorithm}); err != nil {
		t.Error(err)
	}
	if verify(&jwks.Handler{Source: store}) == nil {
		t.Error("the token verifies without alg in the set: this test checks nothing")
	}
}
