package interop_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

var contentAlgorithms = []tokenprofile.ContentAlgorithm{
	tokenprofile.A128GCM, tokenprofile.A192GCM, tokenprofile.A256GCM,
	tokenprofile.A128CBCHS256, tokenprofile.A192CBCHS384, tokenprofile.A256CBCHS512,
}

// eachEncryption runs f for every pair of algorithms.
func eachEncryption(t *testing.T, keyAlgorithms []tokenprofile.KeyAlgorithm, f func(*testing.T, tokenprofile.Encryption)) {
	for _, key := range keyAlgorithms {
		for _, content := range contentAlgorithms {
			t.Run(string(key)+" "+string(content), func(t *testing.T) {
				f(t, tokenprofile.Encryption{KeyAlgorithm: key, ContentAlgorithm: content})
			})
		}
	}
}

func TestNestedTokensToRSAKeys(t *testing.T) {
	node := startPeer(t)
	recipient := publish(t, "", rsaKey())
	eachEncryption(t, []tokenprofile.KeyAlgorithm{tokenprofile.RSAOAEP, tokenprofile.RSAOAEP256}, func(t *testing.T, e tokenprofile.Encryption) {
		exchange{node: node, encryption: e, recipient: recipient, name: string(e.KeyAlgorithm)}.run(t)
	})
}

func TestNestedTokensByKeyAgreement(t *testing.T) {
	node := startPeer(t)
	algorithms := []tokenprofile.KeyAlgorithm{
		tokenprofile.ECDHES, tokenprofile.ECDHESA128KW, tokenprofile.ECDHESA192KW, tokenprofile.ECDHESA256KW,
	}
	for _, curve := range []string{"P-256", "P-384", "P-521", "X25519"} {
		t.Run(curve, func(t *testing.T) {
			recipient := publish(t, "", agreementKey(t, curve))
			eachEncryption(t, algorithms, func(t *testing.T, e tokenprofile.Encryption) {
				exchange{node: node, encryption: e, recipient: recipient, name: string(e.KeyAlgorithm) + "/" + curve}.run(t)
			})
		})
	}
}

// exchange is one nested token each way. The name is that of the peer's key.
type exchange struct {
	node       *peer
	encryption tokenprofile.Encryption
	recipient  ours
	name       string
}

func (x exchange) run(t *testing.T) {
	nested := profile(tokenprofile.ES256)
	nested.Encryption = &x.encryption

	keys := publish(t, "", signingKey(t, tokenprofile.ES256))
	signer, err := nested.Signer(keys.store, tokenprofile.EncryptTo(&jwks.Client{URL: x.node.jwks(x.name)}))
	if err != nil {
		t.Fatal(err)
	}
	checkEncrypted(t, x.node, signer, keys.url, x.request(request{Name: x.name}))

	verifier, err := nested.Verifier(&jwks.Client{URL: x.node.jwks("")}, tokenprofile.DecryptWith(x.recipient.store))
	if err != nil {
		t.Fatal(err)
	}
	inner := x.node.do(t, "sign", request{Alg: "ES256", Claims: claims()}).Token
	in := x.request(request{JWKS: x.recipient.url, KeyID: x.recipient.keyID(t), Content: "JWT", Plaintext: inner})
	checkVerified(t, verifier, x.node.do(t, "encrypt", in).Token)
}

func (x exchange) request(r request) request {
	r.Alg, r.Enc = string(x.encryption.KeyAlgorithm), string(x.encryption.ContentAlgorithm)
	return r
}

// secretSizes are in bytes. That of dir depends on the content algorithm.
var secretSizes = map[tokenprofile.KeyAlgorithm]int{
	tokenprofile.A128KW: 16, tokenprofile.A192KW: 24, tokenprofile.A256KW: 32,
	tokenprofile.A128GCMKW: 16, tokenprofile.A192GCMKW: 24, tokenprofile.A256GCMKW: 32,
}

var directSizes = map[tokenprofile.ContentAlgorithm]int{
	tokenprofile.A128GCM: 16, tokenprofile.A192GCM: 24, tokenprofile.A256GCM: 32,
	tokenprofile.A128CBCHS256: 32, tokenprofile.A192CBCHS384: 48, tokenprofile.A256CBCHS512: 64,
}

func TestNestedTokensWithSecrets(t *testing.T) {
	node := startPeer(t)
	algorithms := []tokenprofile.KeyAlgorithm{
		tokenprofile.A128KW, tokenprofile.A192KW, tokenprofile.A256KW,
		tokenprofile.A128GCMKW, tokenprofile.A192GCMKW, tokenprofile.A256GCMKW, tokenprofile.Direct,
	}
	eachEncryption(t, algorithms, func(t *testing.T, e tokenprofile.Encryption) {
		size := secretSizes[e.KeyAlgorithm]
		if e.KeyAlgorithm == tokenprofile.Direct {
			size = directSizes[e.ContentAlgorithm]
		}
		key := newSecret(t, size)
		in := request{Alg: string(e.KeyAlgorithm), Enc: string(e.ContentAlgorithm), K: key.base64url()}
		nested := profile(tokenprofile.ES256)
		nested.Encryption = &e

		keys := publish(t, "", signingKey(t, tokenprofile.ES256))
		signer, err := nested.Signer(keys.store, tokenprofile.EncryptWithSecret(key))
		if err != nil {
			t.Fatal(err)
		}
		checkEncrypted(t, node, signer, keys.url, in)

		verifier, err := nested.Verifier(&jwks.Client{URL: node.jwks("")}, tokenprofile.DecryptWithSecret(key))
		if err != nil {
			t.Fatal(err)
		}
		in.Content = "JWT"
		in.Plaintext = node.do(t, "sign", request{Alg: "ES256", Claims: claims()}).Token
		checkVerified(t, verifier, node.do(t, "encrypt", in).Token)
	})
}

func TestTokensThatAreEncryptedOnly(t *testing.T) {
	node := startPeer(t)
	key := newSecret(t, 32)
	only := profile("")
	only.Encryption = &tokenprofile.Encryption{KeyAlgorithm: tokenprofile.Direct, ContentAlgorithm: tokenprofile.A256GCM}
	signer, err := only.EncryptedOnlySigner(tokenprofile.EncryptWithSecret(key))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(t.Context(), map[string]any{"order": 4711})
	if err != nil {
		t.Fatal(err)
	}
	in := request{Alg: "dir", Enc: "A256GCM", K: key.base64url()}
	in.Token = token
	if out := node.do(t, "decrypt", in); !strings.Contains(out.Plaintext, `"order":4711`) {
		t.Errorf("got %s, want claims with order 4711", out.Plaintext)
	}
	verifier, err := only.EncryptedOnlyVerifier(tokenprofile.DecryptWithSecret(key))
	if err != nil {
		t.Fatal(err)
	}
	in.Plaintext, in.Type = jsonText(t, claims()), "JWT"
	checkVerified(t, verifier, node.do(t, "encrypt", in).Token)
}

func jsonText(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkEncrypted has jose decrypt a token of the signer, and verify what was in it.
func checkEncrypted(t *testing.T, node *peer, signer *tokenprofile.Signer, jwks string, in request) {
	t.Helper()
	token, err := signer.Sign(t.Context(), map[string]any{"order": 4711})
	if err != nil {
		t.Fatal(err)
	}
	in.Token = token
	out := node.do(t, "decrypt", in)
	if out.Header["cty"] != "JWT" {
		t.Errorf("cty: got %v, want JWT", out.Header["cty"])
	}
	verify := request{Alg: "ES256", JWKS: jwks, Token: out.Plaintext, Issuer: issuer, Audience: audience}
	if got := node.do(t, "verify", verify).Claims["order"]; got != float64(4711) {
		t.Errorf("order: got %v, want 4711", got)
	}
	in.Token = altered(token)
	if out := node.try(t, "decrypt", in); out.Error == "" {
		t.Error("jose decrypts an altered token: this test checks nothing")
	}
}
