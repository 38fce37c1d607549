package peers_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

var contentAlgorithms = []tokenprofile.ContentAlgorithm{
	tokenprofile.A128GCM, tokenprofile.A192GCM, tokenprofile.A256GCM,
	tokenprofile.A128CBCHS256, tokenprofile.A192CBCHS384, tokenprofile.A256CBCHS512,
}

// recipient is a key in the form each library wants.
type recipient struct {
	algorithm       tokenprofile.KeyAlgorithm
	private, public any
}

// recipients are all go-jose has: everything but X25519.
func recipients(t *testing.T) (all []recipient) {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range []tokenprofile.KeyAlgorithm{tokenprofile.RSAOAEP, tokenprofile.RSAOAEP256} {
		all = append(all, recipient{algorithm, rsaKey, &rsaKey.PublicKey})
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for _, algorithm := range []tokenprofile.KeyAlgorithm{tokenprofile.ECDHES, tokenprofile.ECDHESA128KW, tokenprofile.ECDHESA192KW, tokenprofile.ECDHESA256KW} {
			all = append(all, recipient{algorithm, key, &key.PublicKey})
		}
	}
	for algorithm, size := range map[tokenprofile.KeyAlgorithm]int{
		tokenprofile.A128KW: 16, tokenprofile.A192KW: 24, tokenprofile.A256KW: 32,
		tokenprofile.A128GCMKW: 16, tokenprofile.A192GCMKW: 24, tokenprofile.A256GCMKW: 32,
	} {
		all = append(all, recipient{algorithm, secret[:size], secret[:size]})
	}
	return all
}

func TestEncryptedTokensExchangedWithGoJOSE(t *testing.T) {
	for _, r := range recipients(t) {
		for _, content := range contentAlgorithms {
			t.Run(string(r.algorithm)+" "+string(content), func(t *testing.T) {
				profile := tokenprofile.Profile{
					Issuer: issuer, Audience: []string{audience}, Subject: "billing",
					Encryption: &tokenprofile.Encryption{KeyAlgorithm: r.algorithm, ContentAlgorithm: content},
				}
				r.toGoJOSE(t, profile)
				r.fromGoJOSE(t, profile)
			})
		}
	}
}

func (r recipient) toGoJOSE(t *testing.T, profile tokenprofile.Profile) {
	t.Helper()
	encrypt, _ := r.keys(t)
	signer, err := profile.EncryptedOnlySigner(encrypt)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signer.Sign(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	algorithms, contents := []gojose.KeyAlgorithm{gojose.KeyAlgorithm(r.algorithm)}, []gojose.ContentEncryption{gojose.ContentEncryption(profile.Encryption.ContentAlgorithm)}
	token, err := gojose.ParseEncryptedCompact(text, algorithms, contents)
	if err != nil {
		t.Fatal(err)
	}
	plaintext, err := token.Decrypt(r.private)
	if err != nil || !strings.Contains(string(plaintext), `"sub":"billing"`) {
		t.Errorf("go-jose decrypts %q and %v, want our claims", plaintext, err)
	}
}

func (r recipient) fromGoJOSE(t *testing.T, profile tokenprofile.Profile) {
	t.Helper()
	to := gojose.Recipient{Algorithm: gojose.KeyAlgorithm(r.algorithm), Key: r.public}
	encrypter, err := gojose.NewEncrypter(gojose.ContentEncryption(profile.Encryption.ContentAlgorithm), to, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := encrypter.Encrypt([]byte(payloads[0]))
	if err != nil {
		t.Fatal(err)
	}
	text, err := token.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	profile.Issuer, profile.Audience, profile.Subject, profile.Now = "i", []string{"a"}, "", func() time.Time { return now }
	_, decrypt := r.keys(t)
	verifier, err := profile.EncryptedOnlyVerifier(decrypt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Verify(t.Context(), text); err != nil {
		t.Errorf("we refuse go-jose's token: %v", err)
	}
}

func (r recipient) keys(t *testing.T) (tokenprofile.EncryptionKeys, tokenprofile.DecryptionKeys) {
	t.Helper()
	if key, ok := r.private.([]byte); ok {
		keys := newSecret(t, key)
		return tokenprofile.EncryptWithSecret(keys), tokenprofile.DecryptWithSecret(keys)
	}
	key, err := keystore.NewPrivateKey(r.private.(interface{ Public() crypto.PublicKey }))
	if err != nil {
		t.Fatal(err)
	}
	store := keystore.New(key)
	return tokenprofile.EncryptTo(store), tokenprofile.DecryptWith(store)
}
