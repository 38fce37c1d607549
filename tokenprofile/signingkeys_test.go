package tokenprofile_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// signing is a source of private keys that can be changed.
type signing struct {
	mu   sync.Mutex
	keys []keystore.PrivateKey // guarded by mu
	err  error                 // guarded by mu
}

func (s *signing) set(err error, keys ...keystore.PrivateKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.err = keys, err
}

func (s *signing) PrivateKeys(context.Context) ([]keystore.PrivateKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys), s.err
}

func parametersOf(t testing.TB, token string) (header struct {
	KeyID   string `json:"kid"`
	X5T     string `json:"x5t"`
	X5TS256 string `json:"x5t#S256"`
	X5C     []string
}) {
	t.Helper()
	text, _ := written(t, token)
	if err := json.Unmarshal([]byte(text), &header); err != nil {
		t.Fatal(err)
	}
	return header
}

func TestRotationIsNoticedWithTheNextToken(t *testing.T) {
	for _, algorithm := range []tokenprofile.Algorithm{"ES256", "EdDSA"} {
		one, two := keyFor(t, algorithm), keyFor(t, algorithm)
		source := &signing{keys: []keystore.PrivateKey{one}}
		p := profileOf(algorithm)
		signer, verifier := ok(p.Signer(source))(t), ok(p.Verifier(trusting(one, two)))(t)
		for _, key := range []keystore.PrivateKey{one, one, two, two, one, two.WithKeyID("two")} {
			source.set(nil, key)
			token := ok(signer.Sign(t.Context(), nil))(t)
			if got := parametersOf(t, token).KeyID; got != key.KeyID() {
				t.Errorf("got kid %q, want %q", got, key.KeyID())
			}
			if key.KeyID() == "two" {
				continue
			}
			if _, err := verifier.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		}
	}
}

// A kid that a file names may stay while its key is replaced.
func TestAKeyReplacedUnderItsKid(t *testing.T) {
	one, two := keyFor(t, "ES256").WithKeyID("k"), keyFor(t, "ES256").WithKeyID("k")
	source := &signing{keys: []keystore.PrivateKey{one}}
	signer := ok(profileOf("ES256").Signer(source))(t)
	verifier := ok(profileOf("ES256").Verifier(trusting(two)))(t)
	_, err := verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t))
	refuses(t, err, tokenprofile.ErrSignature)
	source.set(nil, two)
	if _, err := verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t)); err != nil {
		t.Error(err)
	}
}

func TestSecretsRotateToo(t *testing.T) {
	one, two := secretFor(t, "k", 32), secretFor(t, "k", 32) // under one kid
	source := &changing{keys: secrets{one}}
	signer := ok(profileOf("HS256").SecretSigner(source))(t)
	verifier := ok(profileOf("HS256").SecretVerifier(secrets{two}))(t)
	_, err := verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t))
	refuses(t, err, tokenprofile.ErrSignature)
	source.keys = secrets{two}
	if _, err := verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t)); err != nil {
		t.Error(err)
	}
	source.err = errors.New("down")
	if _, err := signer.Sign(t.Context(), nil); !errors.Is(err, keystore.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, keystore.ErrUnavailable)
	}
}

// changing is a source of shared keys that changes between calls.
type changing struct {
	keys secrets
	err  error
}

func (c *changing) SecretKeys(ctx context.Context, kid string) ([]keystore.SecretKey, error) {
	if c.err != nil {
		return nil, c.err
	}
	return c.keys.SecretKeys(ctx, kid)
}

// A source that cannot tell its keys fails the signing, not the building: it
// may have to fetch them.
func TestUnavailableSigningKeys(t *testing.T) {
	source := &signing{err: errors.New("vault sealed")}
	signer := ok(profileOf("ES256").Signer(source))(t)
	_, err := signer.Sign(t.Context(), nil)
	if !errors.Is(err, keystore.ErrUnavailable) || !strings.Contains(err.Error(), "vault sealed") {
		t.Errorf("got %v, want %v: vault sealed", err, keystore.ErrUnavailable)
	}
	source.set(nil, keyFor(t, "ES256"))
	if _, err := signer.Sign(t.Context(), nil); err != nil {
		t.Error(err)
	}
	source.set(nil)
	if _, err := signer.Sign(t.Context(), nil); !errors.Is(err, keystore.ErrNoKey) {
		t.Errorf("got %v, want %v", err, keystore.ErrNoKey)
	}
}

// A key whose certificate has expired does not sign; the error names the date.
func TestCertificatesThatAreNotValid(t *testing.T) {
	key := cryptoKey(t, "ES256")
	private := ok(keystore.NewPrivateKey(key, certify(t, key, x509.KeyUsageDigitalSignature)))(t)
	source := &signing{keys: []keystore.PrivateKey{private}}
	p := profileOf("ES256")
	clock := now
	p.Now = func() time.Time { return clock }
	signer := ok(p.Signer(source))(t)
	ok(signer.Sign(t.Context(), nil))(t)
	clock = now.Add(2 * time.Hour)
	if _, err := signer.Sign(t.Context(), nil); !errors.Is(err, keystore.ErrExpired) || !strings.Contains(err.Error(), "2030-03-17") {
		t.Errorf("got %v, want %v on 2030-03-17", err, keystore.ErrExpired)
	}
	_, err := p.Signer(source)
	if !errors.Is(err, keystore.ErrExpired) {
		t.Errorf("got %v, want %v", err, keystore.ErrExpired)
	}
	clock = now.Add(-2 * time.Hour)
	if _, err := signer.Sign(t.Context(), nil); !errors.Is(err, keystore.ErrNotYetValid) {
		t.Errorf("got %v, want %v", err, keystore.ErrNotYetValid)
	}
}

// authority is a chain of three: root, intermediate and the key's certificate.
func authority(t testing.TB, key signingKey) (leaf, intermediate, root *x509.Certificate) {
	t.Helper()
	rootKey, middleKey := cryptoKey(t, "ES256"), cryptoKey(t, "ES256")
	issue := func(name string, public any, parent *x509.Certificate, by signingKey) *x509.Certificate {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: name != "leaf", BasicConstraintsValid: true,
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		}
		if parent == nil {
			parent = template
		}
		return ok(x509.ParseCertificate(ok(x509.CreateCertificate(rand.Reader, template, parent, public, by))(t)))(t)
	}
	root = issue("root", rootKey.Public(), nil, rootKey)
	intermediate = issue("intermediate", middleKey.Public(), root, rootKey)
	return issue("leaf", key.Public(), intermediate, middleKey), intermediate, root
}

func TestCertificatesInTheHeader(t *testing.T) {
	key := cryptoKey(t, "ES256")
	leaf, intermediate, root := authority(t, key)
	_, stranger, _ := authority(t, key) // the same name, another key
	p := profileOf("ES256")
	p.Header = tokenprofile.Header{X5T: true, X5TS256: true, X5C: true}
	private := ok(keystore.NewPrivateKey(key, leaf, root, stranger, intermediate))(t) // in no order
	source := &signing{keys: []keystore.PrivateKey{private}}
	signer := ok(p.Signer(source))(t)
	header := parametersOf(t, ok(signer.Sign(t.Context(), nil))(t))
	sum1, sum256 := sha1.Sum(leaf.Raw), sha256.Sum256(leaf.Raw)
	if want := textSegment(string(sum1[:])); header.X5T != want {
		t.Errorf("got x5t %q, want %q", header.X5T, want)
	}
	if want := textSegment(string(sum256[:])); header.X5TS256 != want {
		t.Errorf("got x5t#S256 %q, want %q", header.X5TS256, want)
	}
	var want []string
	for _, certificate := range []*x509.Certificate{leaf, intermediate, root} {
		want = append(want, base64.StdEncoding.EncodeToString(certificate.Raw)) // not base64url: RFC 7515 section 4.1.6
	}
	if !slices.Equal(header.X5C, want) {
		t.Errorf("got %d certificates in x5c, want leaf, intermediate and root", len(header.X5C))
	}

	renewed, _, _ := authority(t, key)
	source.set(nil, ok(keystore.NewPrivateKey(key, renewed))(t))
	sum256 = sha256.Sum256(renewed.Raw)
	if got, want := parametersOf(t, ok(signer.Sign(t.Context(), nil))(t)).X5TS256, textSegment(string(sum256[:])); got != want {
		t.Errorf("got x5t#S256 %q after the certificate was renewed, want %q", got, want)
	}
	_, err := p.Signer(keystore.New(keyFor(t, "ES256")))
	mentions(t, err, "no certificate")
}

// Many goroutines, two keys in turn: each token fits its header. Fails under
// -race if the memory of the last key is not safe.
func TestConcurrentSigning(t *testing.T) {
	one, two := keyFor(t, "ES256"), keyFor(t, "ES256")
	source := &signing{keys: []keystore.PrivateKey{one}}
	p := profileOf("ES256")
	p.TokenID = true
	signer, verifier := ok(p.Signer(source))(t), ok(p.Verifier(trusting(one, two)))(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 20 {
				if i == 0 {
					source.set(nil, two)
					source.set(nil, one)
				}
				token, err := signer.Sign(t.Context(), map[string]any{"n": i})
				if err == nil {
					_, err = verifier.Verify(t.Context(), token)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// privateJWK is a P-256 key as a JWK (RFC 7518 section 6.2).
func privateJWK(t testing.TB, key signingKey, kid string) string {
	t.Helper()
	ec := key.(*ecdsa.PrivateKey)
	public := ok(ec.PublicKey.Bytes())(t) // 4, x, y
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":%q,"x":%q,"y":%q,"d":%q}`,
		kid, textSegment(string(public[1:33])), textSegment(string(public[33:])), textSegment(string(ok(ec.Bytes())(t))))
}

// A kid that no verifier would take is noticed by the signer.
func TestAKidThatIsTooLong(t *testing.T) {
	long := strings.Repeat("k", 257)
	_, err := profileOf("ES256").Signer(keystore.New(keyFor(t, "ES256").WithKeyID(long)))
	mentions(t, err, "kid has more than 256 bytes")
	_, err = profileOf("HS256").SecretSigner(secrets{secretFor(t, long, 32)})
	mentions(t, err, "kid has more than 256 bytes")
	ok(profileOf("ES256").Signer(keystore.New(keyFor(t, "ES256").WithKeyID(long[1:]))))(t)
}

// The constructor tells what every request would have met.
func TestAStoreThatGivesOutNoKeys(t *testing.T) {
	file := keystore.File{Path: "../keystore/testdata/openssl-no-mac.p12", Password: keystore.StaticPassword("changeit")}
	store := ok(file.Open())(t)
	signed, secret := profileOf("ES256"), profileOf("HS256")
	encryption := tokenprofile.Encryption{KeyAlgorithm: "ECDH-ES", ContentAlgorithm: "A128GCM"}
	for name, construct := range map[string]func() error{
		"Signer":         func() error { _, err := signed.Signer(store); return err },
		"SecretSigner":   func() error { _, err := secret.SecretSigner(store); return err },
		"SecretVerifier": func() error { _, err := secret.SecretVerifier(store); return err },
		"DecryptWith": func() error {
			p := profileOf("ES256")
			p.Encryption = &encryption
			_, err := p.Verifier(publicKeys{keyFor(t, "ES256").Public()}, tokenprofile.DecryptWith(store))
			return err
		},
	} {
		err := construct()
		if !errors.Is(err, keystore.ErrUnverified) || !errors.Is(err, keystore.ErrMisconfigured) {
			t.Errorf("%s: got %v, want %v", name, err, keystore.ErrUnverified)
			continue
		}
		mentions(t, err, file.Path)
		mentions(t, err, "AllowUnverified")
	}
	file.AllowUnverified = true
	ok(signed.Signer(ok(file.Open())(t)))(t)
}
