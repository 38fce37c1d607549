package tokenprofile_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// dated is a key with a certificate of the given days, counted from now.
func dated(t testing.TB, algorithm tokenprofile.Algorithm, kid string, from, until int) keystore.PrivateKey {
	t.Helper()
	key := cryptoKey(t, algorithm)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: kid},
		NotBefore: now.AddDate(0, 0, from), NotAfter: now.AddDate(0, 0, until),
	}
	der := ok(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	return ok(keystore.NewPrivateKey(key, ok(x509.ParseCertificate(der))(t)))(t).WithKeyID(kid)
}

// Which key signs, among several: decided anew for every token.
func TestWhichKeySigns(t *testing.T) {
	old, current, next := dated(t, "ES256", "old", -400, -1), dated(t, "ES256", "current", -100, 100), dated(t, "ES256", "next", 10, 400)
	newer, misfit := dated(t, "ES256", "newer", -1, 300), dated(t, "ES384", "misfit", -1, 300)
	bare := keyFor(t, "ES256").WithKeyID("bare")
	for _, test := range []struct {
		name   string
		newest bool
		keys   []keystore.PrivateKey
		want   string // a kid
		err    error
	}{
		{"the only one", false, []keystore.PrivateKey{current}, "current", nil},
		{"the only one that fits", false, []keystore.PrivateKey{misfit, current}, "current", nil},
		{"two that fit", false, []keystore.PrivateKey{current, newer}, "", keystore.ErrAmbiguous},
		{"two, although one has expired", false, []keystore.PrivateKey{old, current}, "", keystore.ErrAmbiguous},
		{"the newest", true, []keystore.PrivateKey{current, newer}, "newer", nil},
		{"the newest, in another order", true, []keystore.PrivateKey{newer, current}, "newer", nil},
		{"the newest that is valid already", true, []keystore.PrivateKey{old, current, next}, "current", nil},
		{"the newest that fits", true, []keystore.PrivateKey{current, misfit}, "current", nil},
		{"one with a certificate rather than one without", true, []keystore.PrivateKey{bare, current}, "current", nil},
		{"an expired one", true, []keystore.PrivateKey{old}, "", keystore.ErrExpired},
		{"one that is not valid yet", true, []keystore.PrivateKey{next}, "", keystore.ErrNotYetValid},
		{"none", true, nil, "", keystore.ErrNoKey},
		{"none that fits", true, []keystore.PrivateKey{misfit, dated(t, "EdDSA", "other", -1, 1)}, "", keystore.ErrNoKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("ES256")
			p.NewestKey = test.newest
			signer, err := p.Signer(&signing{keys: test.keys})
			if test.err != nil {
				if !errors.Is(err, test.err) || errors.Is(err, tokenprofile.ErrInvalid) {
					t.Errorf("got %v, want %v", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := parametersOf(t, ok(signer.Sign(t.Context(), nil))(t)).KeyID; got != test.want {
				t.Errorf("got kid %q, want %q", got, test.want)
			}
		})
	}
}

// A key whose certificate starts in the future signs from that day on, and the
// one before it until then.
func TestKeysTakeTurnsByTheirCertificates(t *testing.T) {
	one, two := dated(t, "ES256", "one", -10, 20), dated(t, "ES256", "two", 5, 40)
	p := profileOf("ES256")
	p.NewestKey = true
	clock := now
	p.Now = func() time.Time { return clock }
	signer := ok(p.Signer(&signing{keys: []keystore.PrivateKey{one, two}}))(t)
	for _, test := range []struct {
		day  int
		want string
	}{{0, "one"}, {4, "one"}, {5, "two"}, {19, "two"}, {39, "two"}, {2, "one"}} {
		clock = now.AddDate(0, 0, test.day)
		if got := parametersOf(t, ok(signer.Sign(t.Context(), nil))(t)).KeyID; got != test.want {
			t.Errorf("day %d: got kid %q, want %q", test.day, got, test.want)
		}
	}
	clock = now.AddDate(0, 0, 41)
	if _, err := signer.Sign(t.Context(), nil); !errors.Is(err, keystore.ErrExpired) {
		t.Errorf("got %v, want %v", err, keystore.ErrExpired)
	}
}

// x5c has the key's certificate and those that certify it, in order, and
// nothing else, whatever the entry holds.
func TestChainsInTheHeader(t *testing.T) {
	key := cryptoKey(t, "ES256")
	leaf, intermediate, root := authority(t, key)
	_, otherIntermediate, otherRoot := authority(t, cryptoKey(t, "ES256"))
	self := certify(t, key, 0)
	for _, test := range []struct {
		name        string
		chain, want []*x509.Certificate
	}{
		{"the leaf alone", []*x509.Certificate{leaf}, []*x509.Certificate{leaf}},
		{"in order", []*x509.Certificate{leaf, intermediate, root}, []*x509.Certificate{leaf, intermediate, root}},
		{"in another order", []*x509.Certificate{leaf, root, intermediate}, []*x509.Certificate{leaf, intermediate, root}},
		{"without the root", []*x509.Certificate{leaf, intermediate}, []*x509.Certificate{leaf, intermediate}},
		{"with a gap", []*x509.Certificate{leaf, root}, []*x509.Certificate{leaf}},
		{"with strangers of the same names", []*x509.Certificate{leaf, otherRoot, otherIntermediate, intermediate, root}, []*x509.Certificate{leaf, intermediate, root}},
		{"each twice", []*x509.Certificate{leaf, intermediate, intermediate, root, root}, []*x509.Certificate{leaf, intermediate, root}},
		{"self-signed", []*x509.Certificate{self}, []*x509.Certificate{self}},
		{"self-signed, twice", []*x509.Certificate{self, self}, []*x509.Certificate{self}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profileOf("ES256")
			p.Header.X5C = true
			store := keystore.New(ok(keystore.NewPrivateKey(key, test.chain...))(t))
			var want []string
			for _, certificate := range test.want {
				want = append(want, base64.StdEncoding.EncodeToString(certificate.Raw))
			}
			token := ok(ok(p.Signer(store))(t).Sign(t.Context(), nil))(t)
			if got := parametersOf(t, token).X5C; !slices.Equal(got, want) {
				t.Errorf("got %d certificates, want %d", len(got), len(want))
			}
			if _, err := ok(p.Verifier(store))(t).Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
}

// Signing asks the source once for each token, verifying once for each too.
func TestSourcesAreAskedOnce(t *testing.T) {
	key := keyFor(t, "ES256")
	asked := 0
	source := noting{key: key, note: func(context.Context) { asked++ }}
	signer, verifier := ok(profileOf("ES256").Signer(source))(t), ok(profileOf("ES256").Verifier(source))(t)
	for range 5 {
		asked = 0
		token := ok(signer.Sign(t.Context(), nil))(t)
		if asked != 1 {
			t.Errorf("signing asked %d times", asked)
		}
		for range 3 {
			asked = 0
			ok(verifier.Verify(t.Context(), token))(t)
			if asked != 1 {
				t.Errorf("verifying asked %d times", asked)
			}
		}
	}
}

// The keys of a file by their aliases: a JWK Set stands for any keystore.
func TestKeyAlias(t *testing.T) {
	one, two := cryptoKey(t, "ES256"), cryptoKey(t, "ES256")
	set := fmt.Sprintf(`{"keys":[%s,%s]}`, privateJWK(t, one, "one"), privateJWK(t, two, "two"))
	store := ok(keystore.Parse([]byte(set), nil))(t)
	keys := ok(store.PrivateKeys(t.Context()))(t)
	for _, key := range keys {
		p := profileOf("ES256")
		p.KeyAlias = strings.ToUpper(key.Alias()) // as Java does: without case
		signer := ok(p.Signer(store))(t)
		if got := parametersOf(t, ok(signer.Sign(t.Context(), nil))(t)).KeyID; got != key.KeyID() {
			t.Errorf("alias %q: got kid %q, want %q", key.Alias(), got, key.KeyID())
		}
	}
	p := profileOf("ES256")
	_, err := p.Signer(store)
	if !errors.Is(err, keystore.ErrAmbiguous) {
		t.Errorf("got %v, want %v", err, keystore.ErrAmbiguous)
	}
	p.KeyAlias = "three"
	_, err = p.Signer(store)
	if !errors.Is(err, keystore.ErrNoKey) || len(keys) != 2 {
		t.Errorf("got %v, want %v", err, keystore.ErrNoKey)
	}
	for _, key := range keys {
		mentions(t, err, key.Alias())
	}
}

// Where the kid does not count, a thumbprint chooses among many keys: where it
// is waived, and among keys that have none.
func TestAThumbprintAmongManyKeys(t *testing.T) {
	var named, nameless []keystore.PrivateKey
	for n := range 10 {
		key := dated(t, "ES256", fmt.Sprint(n), -1, 1)
		named, nameless = append(named, key), append(nameless, key.WithKeyID(""))
	}
	p := profileOf("ES256")
	findsByThumbprint(t, ok(p.Verifier(trusting(nameless...)))(t), named[9])
	p.Waive.AnyKeyID = true
	findsByThumbprint(t, ok(p.Verifier(trusting(named...)))(t), named[9])
}

func findsByThumbprint(t *testing.T, verifier *tokenprofile.Verifier, key keystore.PrivateKey) {
	t.Helper()
	for _, thumbprint := range []func(*tokenprofile.Header){
		func(h *tokenprofile.Header) { h.X5TS256 = true }, func(h *tokenprofile.Header) { h.X5T = true },
	} {
		signing := profileOf("ES256")
		thumbprint(&signing.Header)
		signer := ok(signing.Signer(keystore.New(key.WithKeyID("other"))))(t)
		ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), nil))(t)))(t)
	}
}

// A secret key is chosen by its alias, without case.
func TestAliasOfASecretKey(t *testing.T) {
	set := `{"keys":[{"kty":"oct","kid":"one","k":"` + b64(32) + `"},{"kty":"oct","kid":"two","k":"` + b64(33) + `"}]}`
	store := ok(keystore.Parse([]byte(set), nil))(t)
	for _, alias := range []string{"one", "TWO"} {
		p := profileOf("HS256")
		p.KeyAlias = alias
		signer := ok(p.SecretSigner(store))(t)
		if got := parametersOf(t, ok(signer.Sign(t.Context(), nil))(t)).KeyID; got != strings.ToLower(alias) {
			t.Errorf("alias %q: got kid %q", alias, got)
		}
	}
}
