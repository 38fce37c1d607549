package tokenprofile_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// parties are the two ends of a nested token: it is signed with the signing
// key and encrypted to the recipient's.
type parties struct {
	profile            tokenprofile.Profile
	signing, recipient keystore.PrivateKey
}

func newParties(t testing.TB) parties {
	t.Helper()
	return parties{
		profile: tokenprofile.Profile{
			Algorithm: tokenprofile.ES256, Issuer: "https://consumer.example", Audience: []string{"https://producer.example"}, Subject: "billing",
			Encryption: &tokenprofile.Encryption{KeyAlgorithm: tokenprofile.ECDHESA128KW, ContentAlgorithm: tokenprofile.A128GCM},
		},
		signing:   privateKey(t, ecPair(t, elliptic.P256())),
		recipient: privateKey(t, ecPair(t, elliptic.P256())),
	}
}

func (p parties) sign(t testing.TB, claims any) string {
	t.Helper()
	signer, err := p.profile.Signer(privateKeys{p.signing}, tokenprofile.EncryptTo(publicKeys{p.recipient.Public()}))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (p parties) verifier(t testing.TB) *tokenprofile.Verifier {
	t.Helper()
	verifier, err := p.profile.Verifier(publicKeys{p.signing.Public()}, tokenprofile.DecryptWith(privateKeys{p.recipient}))
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

// signed is a profile and a token of it that is signed and not encrypted.
func (p parties) signed(t testing.TB, alter func(*tokenprofile.Profile)) (tokenprofile.Profile, string) {
	t.Helper()
	profile := p.profile
	profile.Encryption = nil
	if alter != nil {
		alter(&profile)
	}
	signer, err := profile.Signer(privateKeys{p.signing})
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return profile, token
}

// encrypt encrypts any payload to the recipient, rightly.
func (p parties) encrypt(t testing.TB, cty, payload string) string {
	t.Helper()
	to := tokenprofile.EncryptTo(publicKeys{p.recipient.Public()})
	token, err := to.Encrypt(t.Context(), *p.profile.Encryption, "", cty, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestNestedTokenIsSignedThenEncrypted(t *testing.T) {
	p := newParties(t)
	text := p.sign(t, map[string]any{"order": 4711})
	if strings.Contains(text, segment([]byte("billing"))) || strings.Count(text, ".") != 4 {
		t.Errorf("got %d dots, want an encrypted token", strings.Count(text, "."))
	}
	header := headerOf(t, text)
	if header["cty"] != "JWT" || header["kid"] != p.recipient.KeyID() {
		t.Errorf("got header %v, want cty JWT and the recipient's kid", header)
	}
	token, err := p.verifier(t).Verify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	if token.Subject != "billing" || token.KeyID != p.signing.KeyID() {
		t.Errorf("got sub %q and kid %q, want those of the signed token", token.Subject, token.KeyID)
	}
}

func TestNestedTokenIsRefused(t *testing.T) {
	p, stranger := newParties(t), newParties(t)
	_, signed := p.signed(t, nil)
	_, expired := p.signed(t, func(profile *tokenprofile.Profile) {
		profile.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	})
	_, strangers := stranger.signed(t, nil)
	_, other := p.signed(t, func(profile *tokenprofile.Profile) { profile.Audience = []string{"https://elsewhere.example"} })
	_, rest, _ := strings.Cut(signed, ".")
	none := segment([]byte(`{"alg":"none"}`)) + "." + rest[:strings.IndexByte(rest, '.')+1]
	claims := fmt.Sprintf(`{"iss":"https://consumer.example","aud":"https://producer.example","sub":"billing","exp":%d}`, time.Now().Add(time.Minute).Unix())
	toStranger := stranger
	toStranger.profile, toStranger.signing = p.profile, p.signing

	tests := []struct {
		name  string
		token string
		want  error
	}{
		{"signed and not encrypted", signed, tokenprofile.ErrMalformed},
		{"encrypted and not signed", p.encrypt(t, "JWT", claims), tokenprofile.ErrMalformed},
		{"with an inner token that nobody signed", p.encrypt(t, "JWT", none), tokenprofile.ErrAlgorithm},
		{"with an inner token of a stranger", p.encrypt(t, "JWT", strangers), tokenprofile.ErrUnknownKey},
		{"with an expired inner token", p.encrypt(t, "JWT", expired), tokenprofile.ErrExpired},
		{"with an inner token for another audience", p.encrypt(t, "JWT", other), tokenprofile.ErrAudience},
		{"with an altered inner token", p.encrypt(t, "JWT", alterPart(signed, 2, alterations["one bit"])), tokenprofile.ErrSignature},
		{"nested twice", p.encrypt(t, "JWT", p.encrypt(t, "JWT", signed)), tokenprofile.ErrMalformed},
		{"without cty", p.encrypt(t, "", signed), tokenprofile.ErrType},
		{"with another cty", p.encrypt(t, "text/plain", signed), tokenprofile.ErrType},
		{"with an empty inner token", p.encrypt(t, "JWT", ""), tokenprofile.ErrInvalid},
		{"encrypted to a stranger", toStranger.sign(t, nil), tokenprofile.ErrUnknownKey},
		{"longer than the profile allows", strings.Repeat("A", 20<<10), tokenprofile.ErrMalformed},
	}
	verifier := p.verifier(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := verifier.Verify(t.Context(), test.token); !errors.Is(err, test.want) || !errors.Is(err, tokenprofile.ErrInvalid) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestNestedTokenIsRefusedWhereOtherTokensAreMeant(t *testing.T) {
	p := newParties(t)
	text := p.sign(t, nil)
	profile, _ := p.signed(t, nil)
	signedOnly, err := profile.Verifier(publicKeys{p.signing.Public()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signedOnly.Verify(t.Context(), text); !errors.Is(err, tokenprofile.ErrMalformed) {
		t.Errorf("signed only: got %v, want %v", err, tokenprofile.ErrMalformed)
	}
	encryptedOnly, err := encryptedOnlyProfile(*p.profile.Encryption).EncryptedOnlyVerifier(tokenprofile.DecryptWith(privateKeys{p.recipient}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encryptedOnly.Verify(t.Context(), text); !errors.Is(err, tokenprofile.ErrInvalid) {
		t.Errorf("encrypted only: got %v, want %v", err, tokenprofile.ErrInvalid)
	}
}

func TestEncryptedOnlyTokens(t *testing.T) {
	p := newParties(t)
	profile := encryptedOnlyProfile(*p.profile.Encryption)
	signer, err := profile.EncryptedOnlySigner(tokenprofile.EncryptTo(publicKeys{p.recipient.Public()}))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := profile.EncryptedOnlyVerifier(tokenprofile.DecryptWith(privateKeys{p.recipient}))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signer.Sign(t.Context(), map[string]any{"order": 4711})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // there is no key that a remembered one could be held to
		token, err := verifier.Verify(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if token.Subject != "billing" || !strings.Contains(string(token.Claims), `"order":4711`) {
			t.Errorf("got sub %q and %d bytes of claims, want them as signed", token.Subject, len(token.Claims))
		}
	}
	if _, err := verifier.Verify(t.Context(), p.encrypt(t, "", `{"iss":"https://consumer.example"}`)); !errors.Is(err, tokenprofile.ErrInvalid) {
		t.Errorf("without aud and exp: got %v, want %v", err, tokenprofile.ErrInvalid)
	}
	if _, err := verifier.Verify(t.Context(), p.encrypt(t, "", "no JSON")); !errors.Is(err, tokenprofile.ErrMalformed) {
		t.Errorf("no claims: got %v, want %v", err, tokenprofile.ErrMalformed)
	}
}

// The type keeps tokens of different kinds apart where no signature does, too.
func TestTypeOfAnEncryptedOnlyToken(t *testing.T) {
	p := newParties(t)
	for _, test := range []struct {
		name            string
		written, wanted tokenprofile.Header
		good            bool
	}{
		{"the same", tokenprofile.Header{Type: "at+jwt"}, tokenprofile.Header{Type: "application/AT+JWT"}, true},
		{"another type", tokenprofile.Header{Type: "at+jwt"}, tokenprofile.Header{}, false},
		{"no type of its own", tokenprofile.Header{}, tokenprofile.Header{Type: "at+jwt"}, false},
		{"a content type", tokenprofile.Header{ContentType: "JWT"}, tokenprofile.Header{}, false},
		{"no content type", tokenprofile.Header{}, tokenprofile.Header{ContentType: "x"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			written := encryptedOnlyProfile(*p.profile.Encryption)
			wanted := written
			written.Header, wanted.Header = test.written, test.wanted
			signer := ok(written.EncryptedOnlySigner(tokenprofile.EncryptTo(publicKeys{p.recipient.Public()})))(t)
			verifier := ok(wanted.EncryptedOnlyVerifier(tokenprofile.DecryptWith(privateKeys{p.recipient})))(t)
			_, err := verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t))
			if test.good && err != nil {
				t.Error(err)
			} else if !test.good {
				refuses(t, err, tokenprofile.ErrType)
			}
		})
	}
}

// Nobody gets a verifier of unsigned tokens by leaving something out.
func TestEncryptedOnlyIsAskedForByName(t *testing.T) {
	p := newParties(t)
	encrypt, decrypt := tokenprofile.EncryptTo(publicKeys{p.recipient.Public()}), tokenprofile.DecryptWith(privateKeys{p.recipient})
	unsigned := encryptedOnlyProfile(*p.profile.Encryption)
	signed, _ := p.signed(t, nil)

	refused := map[string]func() error{
		"Verifier of a profile without algorithm":          func() error { _, err := unsigned.Verifier(publicKeys{}, decrypt); return err },
		"SecretVerifier of a profile without algorithm":    func() error { _, err := unsigned.SecretVerifier(secrets{}, decrypt); return err },
		"Signer of a profile without algorithm":            func() error { _, err := unsigned.Signer(privateKeys{}, encrypt); return err },
		"EncryptedOnlyVerifier of a nested profile":        func() error { _, err := p.profile.EncryptedOnlyVerifier(decrypt); return err },
		"EncryptedOnlySigner of a nested profile":          func() error { _, err := p.profile.EncryptedOnlySigner(encrypt); return err },
		"EncryptedOnlyVerifier of a signed profile":        func() error { _, err := signed.EncryptedOnlyVerifier(decrypt); return err },
		"Verifier of a nested profile without keys for it": func() error { _, err := p.profile.Verifier(publicKeys{p.signing.Public()}); return err },
		"Signer of a nested profile without keys for it":   func() error { _, err := p.profile.Signer(privateKeys{p.signing}); return err },
		"Verifier of a signed profile with keys to decrypt": func() error {
			_, err := signed.Verifier(publicKeys{p.signing.Public()}, decrypt)
			return err
		},
	}
	for name, build := range refused {
		t.Run(name, func(t *testing.T) {
			if build() == nil {
				t.Error("it is built")
			}
		})
	}
}

// While a key is replaced, some still encrypt to the old one and some already
// to the next.
func TestTokensDecryptWhileTheKeyIsReplaced(t *testing.T) {
	rand.Read(make([]byte, 1)) // in FIPS mode the generator is seeded from a clock that runs
	synctest.Test(t, func(t *testing.T) {
		p := newParties(t)
		path := filepath.Join(t.TempDir(), "recipient.pem")
		replaceKey(t, path)
		store, err := keystore.File{Path: path, PublishBefore: time.Hour, PublishAfter: time.Hour}.Open()
		if err != nil {
			t.Fatal(err)
		}
		decrypts := func(name, token string) {
			t.Helper()
			if _, _, err := tokenprofile.DecryptWith(store).Decrypt(t.Context(), *p.profile.Encryption, token); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		before := encryptToEach(t, store, *p.profile.Encryption)
		replaceKey(t, path)
		time.Sleep(2 * time.Second)
		during := encryptToEach(t, store, *p.profile.Encryption)
		if len(before) != 1 || len(during) != 2 {
			t.Fatalf("got %d and then %d published keys, want 1 and 2", len(before), len(during))
		}
		for name, token := range during {
			decrypts("published "+name, token)
		}
		time.Sleep(90 * time.Minute) // the new key signs, the old one is still published
		for name, token := range before {
			decrypts("replaced "+name, token)
		}
	})
}

func replaceKey(t *testing.T, path string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(ecPair(t, elliptic.P256()))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	settled := time.Now().Add(-time.Minute) // a store waits until a file is no longer written
	if err := os.Chtimes(path+".new", settled, settled); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// encryptToEach is a token to each published key, by kid.
func encryptToEach(t *testing.T, store *keystore.Store, e tokenprofile.Encryption) map[string]string {
	t.Helper()
	keys, err := store.PublishedKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{}
	for _, key := range keys {
		token, err := tokenprofile.EncryptTo(publicKeys{key}).Encrypt(t.Context(), e, "", "", []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		tokens[key.KeyID()] = token
	}
	return tokens
}

func BenchmarkNested(b *testing.B) {
	p := newParties(b)
	p.profile.CacheSize = -1
	signer, err := p.profile.Signer(privateKeys{p.signing}, tokenprofile.EncryptTo(publicKeys{p.recipient.Public()}))
	if err != nil {
		b.Fatal(err)
	}
	token := p.sign(b, nil)
	b.Run("sign", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := signer.Sign(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		verifier := p.verifier(b)
		for b.Loop() {
			if _, err := verifier.Verify(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// The buffers that tokens are taken apart in are shared, one after the other.
func TestTokensAreOpenedInParallel(t *testing.T) {
	p := newParties(t)
	p.profile.CacheSize = -1
	verifier := p.verifier(t)
	const tokens = 8
	var wait sync.WaitGroup
	for i := range tokens {
		text := p.sign(t, map[string]any{"number": i, "padding": strings.Repeat("x", i*500)})
		wait.Go(func() {
			for range 20 {
				token, err := verifier.Verify(t.Context(), text)
				if err != nil {
					t.Error(err)
					return
				}
				if want := fmt.Sprintf(`"number":%d,`, i); !strings.Contains(string(token.Claims), want) {
					t.Errorf("got claims without %s", want)
				}
			}
		})
	}
	wait.Wait()
}
