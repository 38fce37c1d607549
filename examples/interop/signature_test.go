package interop_test

import (
	"testing"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func TestSignaturesOfKeyPairs(t *testing.T) {
	node := startPeer(t)
	algorithms := []tokenprofile.Algorithm{
		tokenprofile.RS256, tokenprofile.RS384, tokenprofile.RS512,
		tokenprofile.PS256, tokenprofile.PS384, tokenprofile.PS512,
		tokenprofile.ES256, tokenprofile.ES384, tokenprofile.ES512, tokenprofile.EdDSA, tokenprofile.Ed25519,
	}
	for _, algorithm := range algorithms {
		t.Run("jose verifies our "+string(algorithm), func(t *testing.T) {
			keys := publish(t, algorithm, signingKey(t, algorithm))
			signer, err := profile(algorithm).Signer(keys.store)
			if err != nil {
				t.Fatal(err)
			}
			checkSigned(t, node, signer, request{Alg: string(algorithm), JWKS: keys.url})
		})
		t.Run("we verify jose's "+string(algorithm), func(t *testing.T) {
			verifier, err := profile(algorithm).Verifier(&jwks.Client{URL: node.jwks("")})
			if err != nil {
				t.Fatal(err)
			}
			checkVerified(t, verifier, node.do(t, "sign", request{Alg: string(algorithm), Claims: claims()}).Token)
		})
	}
}

func TestSignaturesOfSecrets(t *testing.T) {
	node := startPeer(t)
	for _, algorithm := range []tokenprofile.Algorithm{tokenprofile.HS256, tokenprofile.HS384, tokenprofile.HS512} {
		key := newSecret(t, 64)
		t.Run("jose verifies our "+string(algorithm), func(t *testing.T) {
			signer, err := profile(algorithm).SecretSigner(key)
			if err != nil {
				t.Fatal(err)
			}
			checkSigned(t, node, signer, request{Alg: string(algorithm), K: key.base64url()})
		})
		t.Run("we verify jose's "+string(algorithm), func(t *testing.T) {
			verifier, err := profile(algorithm).SecretVerifier(key)
			if err != nil {
				t.Fatal(err)
			}
			in := request{Alg: string(algorithm), K: key.base64url(), Claims: claims()}
			checkVerified(t, verifier, node.do(t, "sign", in).Token)
		})
	}
}

// checkSigned has jose verify a token of the signer, and refuse one of another audience.
func checkSigned(t *testing.T, node *peer, signer *tokenprofile.Signer, in request) {
	t.Helper()
	token, err := signer.Sign(t.Context(), map[string]any{"order": 4711})
	if err != nil {
		t.Fatal(err)
	}
	in.Token, in.Issuer, in.Audience = token, issuer, audience
	out := node.do(t, "verify", in)
	if out.Claims["sub"] != "billing" || out.Claims["order"] != float64(4711) {
		t.Errorf("got claims %v, want sub billing and order 4711", out.Claims)
	}
	in.Audience = "https://elsewhere.example"
	if out := node.try(t, "verify", in); out.Error == "" {
		t.Error("jose accepts our token for another audience: this test checks nothing")
	}
}

// checkVerified verifies a token of jose's, and refuses it once altered.
func checkVerified(t *testing.T, verifier *tokenprofile.Verifier, text string) {
	t.Helper()
	token, err := verifier.Verify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Order int `json:"order"`
	}
	if err := token.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if token.Subject != "billing" || got.Order != 4711 {
		t.Errorf("got sub %q and order %d, want %q and %d", token.Subject, got.Order, "billing", 4711)
	}
	if _, err := verifier.Verify(t.Context(), altered(text)); err == nil {
		t.Error("an altered token verifies")
	}
}

// altered is the token with another character before its last ten.
func altered(token string) string {
	at := len(token) - 10
	if token[at] == 'A' {
		return token[:at] + "B" + token[at+1:]
	}
	return token[:at] + "A" + token[at+1:]
}
