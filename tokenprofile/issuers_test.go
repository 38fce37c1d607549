package tokenprofile_test

import (
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func TestByIssuer(t *testing.T) {
	type party struct {
		signer *tokenprofile.Signer
		source *trust
	}
	parties := map[string]party{}
	var verifiers []*tokenprofile.Verifier
	for _, issuer := range []string{"https://one.example", "https://two.example"} {
		key := keyFor(t, "ES256").WithKeyID("same")
		p := profileOf("ES256")
		p.Issuer = issuer
		parties[issuer] = party{ok(p.Signer(keystore.New(key)))(t), trusting(key)}
		verifiers = append(verifiers, ok(p.Verifier(parties[issuer].source))(t))
	}
	issuers := ok(tokenprofile.ByIssuer(verifiers...))(t)
	for issuer, party := range parties {
		token := ok(party.signer.Sign(t.Context(), nil))(t)
		for range 2 {
			if got := ok(issuers.Verify(t.Context(), token))(t).Issuer; got != issuer {
				t.Errorf("got issuer %q, want %q", got, issuer)
			}
		}
	}

	asked := parties["https://one.example"].source.asked() + parties["https://two.example"].source.asked()
	stranger := handmade(handmadeKey, `{"alg":"ES256","kid":"same"}`, payloadWith(`iss="https://three.example"`))
	_, err := issuers.Verify(t.Context(), stranger)
	refuses(t, err, tokenprofile.ErrIssuer)
	_, err = issuers.Verify(t.Context(), handmade(handmadeKey, `{"alg":"ES256"}`, payloadWith(`iss=`)))
	refuses(t, err, tokenprofile.ErrIssuer)
	_, err = issuers.Verify(t.Context(), handmade(handmadeKey, `{"alg":"ES256"}`, payloadWith(`iss=["https://one.example"]`)))
	refuses(t, err, tokenprofile.ErrIssuer)
	_, err = issuers.Verify(t.Context(), "x")
	refuses(t, err, tokenprofile.ErrMalformed)
	if now := parties["https://one.example"].source.asked() + parties["https://two.example"].source.asked(); now != asked {
		t.Error("a key was looked up for a token that names no issuer of ours")
	}

	// Signed by the one, in the name of the other.
	p := profileOf("ES256")
	p.Issuer = "https://two.example"
	forged := ok(ok(p.Signer(keystore.New(keyFor(t, "ES256").WithKeyID("same"))))(t).Sign(t.Context(), nil))(t)
	_, err = issuers.Verify(t.Context(), forged)
	refuses(t, err, tokenprofile.ErrSignature)
}

// Each profile keeps its own limit.
func TestByIssuerKeepsMaxSize(t *testing.T) {
	small, large := profileOf("HS256"), profileOf("HS256")
	small.MaxSize, large.Issuer = 100, "https://large.example"
	issuers := ok(tokenprofile.ByIssuer(handmadeVerifier(t, small), handmadeVerifier(t, large)))(t)
	_, err := issuers.Verify(t.Context(), handmade(handmadeKey, goodHeader, goodPayload))
	refuses(t, err, tokenprofile.ErrMalformed)
	if _, err := issuers.Verify(t.Context(), handmade(handmadeKey, goodHeader, payloadWith(`iss="https://large.example"`))); err != nil {
		t.Error(err)
	}
}

func TestByIssuerRefuses(t *testing.T) {
	verifier := handmadeVerifier(t, profileOf("HS256"))
	_, err := tokenprofile.ByIssuer()
	mentions(t, err, "no verifier")
	_, err = tokenprofile.ByIssuer(verifier, nil)
	mentions(t, err, "verifier 1 is nil")
	_, err = tokenprofile.ByIssuer(verifier, handmadeVerifier(t, profileOf("HS256")))
	mentions(t, err, `"https://consumer.example" has two verifiers`)
	p := encryptedOnlyProfile(direct)
	encrypted := ok(p.EncryptedOnlyVerifier(tokenprofile.DecryptWithSecret(secrets{secretFor(t, "", 32)})))(t)
	_, err = tokenprofile.ByIssuer(encrypted)
	mentions(t, err, "its tokens are encrypted, so that iss cannot be seen")
}
