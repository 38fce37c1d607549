package keystore_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Stores of these tests are JWK Sets with Ed25519 keys, cheap to make. The
// alias of a key of a JWK Set is its kid, so that a successor has another
// alias; PEM bundles with friendly names stand for stores with fixed aliases.

// jwkSet is a set of private keys, each the same for the same kid.
func jwkSet(kids ...string) string {
	var keys []string
	for _, kid := range kids {
		seed := make([]byte, ed25519.SeedSize)
		copy(seed, kid)
		key := ed25519.NewKeyFromSeed(seed)
		keys = append(keys, fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q,"d":%q}`, kid,
			base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey)), base64.RawURLEncoding.EncodeToString(seed)))
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
}

// pemEntry is a key named as OpenSSL names it, with its certificate.
func pemEntry(t testing.TB, alias, seed string, notBefore, notAfter time.Time) string {
	t.Helper()
	key := ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32s", seed)))
	cert := selfSigned(t, key, "CN="+seed, notBefore, notAfter)
	attributes := "Bag Attributes\n    friendlyName: " + alias + "\n"
	return attributes + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))})) +
		attributes + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}

func selfSigned(t testing.TB, key crypto.Signer, name string, notBefore, notAfter time.Time) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: notBefore, NotAfter: notAfter, Subject: pkix.Name{CommonName: strings.TrimPrefix(name, "CN=")}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return must(x509.ParseCertificate(der))
}

// install puts a file in place as mv does, written an hour ago.
func install(t testing.TB, path, content string) {
	t.Helper()
	beside := path + ".new"
	if err := os.WriteFile(beside, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, beside)
	if err := os.Rename(beside, path); err != nil {
		t.Fatal(err)
	}
}

func age(t testing.TB, path string) {
	t.Helper()
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// rotating is a store under test, and what it reported.
type rotating struct {
	*keystore.Store
	t       *testing.T
	path    string
	reports []error
}

func openRotating(t *testing.T, content string, file keystore.File) *rotating {
	t.Helper()
	r := &rotating{t: t, path: filepath.Join(t.TempDir(), "consumer.jks")}
	install(t, r.path, content)
	file.Path = r.path
	file.OnReload = func(err error) { r.reports = append(r.reports, err) }
	store, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	r.Store = store
	return r
}

// expect compares who signs and who is published, after some time has passed.
// Every second somebody asks, as in a service with traffic.
func (r *rotating) expect(after time.Duration, signing, published string) {
	r.t.Helper()
	for passed := time.Duration(0); passed < after; passed += time.Second {
		time.Sleep(min(time.Second, after-passed))
		r.PrivateKeys(r.t.Context())
		if passed > 10*time.Second { // nothing happens for long
			time.Sleep(after - passed - time.Second)
			passed = after
		}
	}
	if got := kids(must(r.PrivateKeys(r.t.Context()))); got != signing {
		r.t.Errorf("after %v: got %q signing, want %q", after, got, signing)
	}
	if got := kids(must(r.PublishedKeys(r.t.Context()))); got != published {
		r.t.Errorf("after %v: got %q published, want %q", after, got, published)
	}
}

// kids names keys by kid, or those of PEM bundles by their certificate.
func kids[K interface{ KeyID() string }](keys []K) string {
	var list []string
	for _, key := range keys {
		name := key.KeyID()
		public, ok := any(key).(keystore.PublicKey)
		if private, is := any(key).(keystore.PrivateKey); is {
			public, ok = private.Public(), true
		}
		if ok && len(public.Certificates()) > 0 {
			name = public.Certificates()[0].Subject.CommonName
		}
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// inBubble is synctest.Test with random numbers. In FIPS mode their generator
// is seeded from the jitter of the clock, which stands still in there.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	rand.Read(make([]byte, 1))
	synctest.Test(t, test)
}

func TestNewKeyIsPublishedBeforeItSignsAndTheOldOneAfter(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		r.expect(0, "one", "one")
		install(t, r.path, jwkSet("two"))
		r.expect(time.Second, "one", "one two")
		r.expect(time.Hour-time.Second, "one", "one two")
		r.expect(time.Second, "two", "one two")
		r.expect(24*time.Hour-time.Second, "two", "one two")
		r.expect(time.Second, "two", "two")
		if len(r.reports) != 1 || r.reports[0] != nil {
			t.Errorf("got reports %v, want one success", r.reports)
		}
	})
}

func TestOverlapIsAdjustable(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{PublishBefore: time.Minute, PublishAfter: 2 * time.Minute})
		install(t, r.path, jwkSet("two"))
		r.expect(time.Second, "one", "one two")
		r.expect(time.Minute, "two", "one two")
		r.expect(2*time.Minute, "two", "two")
	})
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{PublishBefore: -1, PublishAfter: -1})
		install(t, r.path, jwkSet("two"))
		r.expect(time.Second, "two", "two")
	})
}

func TestRotationByAlias(t *testing.T) {
	const before, after = time.Hour, 24 * time.Hour
	tests := []struct {
		name, first, second string
		signing, states     string // until the hold is over
		then, thenPublished string
	}{
		{"a key replaced under its alias", "a:1", "a:2", "1", "a:waiting a:signing", "2", "1 2"},
		{"a key replaced under another alias", "a:1", "b:2", "1", "b:waiting a:signing", "2", "1 2"},
		{"a key added", "a:1", "a:1 b:2", "1", "a:signing b:waiting", "1 2", "1 2"},
		{"one of two replaced", "a:1 b:2", "a:1 b:3", "1 2", "a:signing b:waiting b:signing", "1 3", "1 2 3"},
		{"one of two taken away", "a:1 b:2", "a:1", "1", "a:signing b:retired", "1", "1 2"},
		{"both replaced", "a:1 b:2", "a:3 b:4", "1 2", "a:waiting b:waiting a:signing b:signing", "3 4", "1 2 3 4"},
		{"one replaced and one taken away", "a:1 b:2", "a:3", "1", "a:waiting a:signing b:retired", "3", "1 2 3"},
		{"a key under a new name", "a:1", "b:1", "1", "b:signing a:retired", "1", "1"},
		{"a key under the same name in capitals", "a:1", "A:1", "1", "A:signing", "1", "1"},
		{"two keys that change places", "a:1 b:2", "a:2 b:1", "1 2", "a:signing b:signing a:retired b:retired", "1 2", "1 2"},
		{"the same file again", "a:1", "a:1", "1", "a:signing", "1", "1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				r := openRotating(t, bundle(t, tt.first), keystore.File{PublishBefore: before, PublishAfter: after})
				install(t, r.path, bundle(t, tt.second))
				time.Sleep(time.Second)
				if got := kids(must(r.PrivateKeys(t.Context()))); got != tt.signing {
					t.Errorf("at once: got %q signing, want %q", got, tt.signing)
				}
				if got := states(r); got != tt.states {
					t.Errorf("at once: got %q, want %q", got, tt.states)
				}
				r.expect(before, tt.then, tt.thenPublished)
			})
		})
	}
}

// A kid belongs to the key: under another one verifiers do not know it yet.
func TestKeyUnderANewKeyIDWaits(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		install(t, r.path, strings.Replace(jwkSet("one"), `"kid":"one"`, `"kid":"two"`, 1))
		r.expect(time.Second, "one", "one two")
		r.expect(time.Hour, "two", "one two")
	})
}

// A key that still waits, and stays in the file, is the same key as before.
func TestWaitingKeyWaitsOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		install(t, r.path, jwkSet("one", "two"))
		r.expect(40*time.Minute, "one", "one two")
		install(t, r.path, jwkSet("one", "two", "three"))
		r.expect(time.Second, "one", "one three two")
		if got, want := states(r), "one:signing two:waiting three:waiting"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// An hour that ends between two looks ends then, not at the next look.
func TestTurnsBeginToTheMoment(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{PublishBefore: 1500 * time.Millisecond})
		install(t, r.path, jwkSet("two"))
		r.expect(time.Second, "one", "one two")
		r.expect(time.Second, "one", "one two")
		r.expect(500*time.Millisecond, "two", "one two")
	})
}

// bundle is a PEM bundle of keys written as alias:key.
func bundle(t *testing.T, keys string) string {
	var text string
	for _, key := range strings.Fields(keys) {
		alias, name, _ := strings.Cut(key, ":")
		text += pemEntry(t, alias, name, time.Now().Add(-time.Hour), time.Now().AddDate(10, 0, 0))
	}
	return text
}

func TestKeyReplacedBeforeItSignedIsForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		install(t, r.path, jwkSet("two"))
		r.expect(30*time.Minute, "one", "one two")
		install(t, r.path, jwkSet("three"))
		r.expect(30*time.Minute, "one", "one three")
		r.expect(30*time.Minute+time.Second, "three", "one three")
	})
}

// One machine of a fleet may notice the replacement a little later, and sign
// with the key meanwhile.
func TestKeyReplacedShortlyBeforeItSignedStaysPublished(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		install(t, r.path, jwkSet("two"))
		r.expect(50*time.Minute, "one", "one two")
		install(t, r.path, jwkSet("three"))
		r.expect(30*time.Minute, "one", "one three two")
		r.expect(30*time.Minute+time.Second, "three", "one three two")
		r.expect(24*time.Hour, "three", "three")
	})
}

func TestRollbackIsAtOnceWhileTheOldKeyIsStillPublished(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		install(t, r.path, jwkSet("two"))
		r.expect(2*time.Hour, "two", "one two")
		install(t, r.path, jwkSet("one"))
		r.expect(time.Second, "one", "one two")
	})
}

func TestCertificateInTheFuture(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		r := openRotating(t, pemEntry(t, "key", "one", now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)), keystore.File{})
		install(t, r.path, pemEntry(t, "key", "two", now.AddDate(0, 0, 3), now.AddDate(2, 0, 0)))
		r.expect(time.Second, "one", "one two")
		r.expect(3*24*time.Hour-2*time.Second, "one", "one two")
		r.expect(time.Second, "two", "one two")
	})
}

func TestNothingWaitsForAnExpiredCertificate(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		r := openRotating(t, pemEntry(t, "key", "one", now.AddDate(-1, 0, 0), now.Add(-time.Minute)), keystore.File{})
		install(t, r.path, pemEntry(t, "key", "two", now.AddDate(0, 0, -1), now.AddDate(1, 0, 0)))
		r.expect(time.Second, "two", "one two")
	})
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		r := openRotating(t, pemEntry(t, "key", "one", now.AddDate(-1, 0, 0), now.Add(time.Minute)), keystore.File{})
		install(t, r.path, pemEntry(t, "key", "two", now.AddDate(0, 0, -1), now.AddDate(1, 0, 0)))
		r.expect(59*time.Second, "one", "one two")
		r.expect(time.Second, "two", "one two")
	})
}

func TestExpiredKeyIsPublishedUntilItsLastTokenIsGone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		r := openRotating(t, pemEntry(t, "key", "one", now.AddDate(-1, 0, 0), now.Add(time.Minute)), keystore.File{PublishAfter: time.Hour})
		r.expect(time.Hour+30*time.Second, "one", "one")
		r.expect(time.Minute, "one", "")
	})
}

func TestReloadDropsALeakedKeyAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("zero"), keystore.File{})
		install(t, r.path, jwkSet("leaked"))
		r.expect(2*time.Hour, "leaked", "leaked zero")
		install(t, r.path, jwkSet("fresh"))
		if err := r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.expect(0, "fresh", "fresh")
		r.expect(time.Hour, "fresh", "fresh")
		if keys := must(r.DecryptionKeys(t.Context())); kids(keys) != "fresh" {
			t.Errorf("got %q decrypting, want fresh", kids(keys))
		}
	})
}

func TestReloadThatFailsChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		install(t, r.path, "{")
		if err := r.Reload(t.Context()); !errors.Is(err, keystore.ErrDamaged) || !strings.Contains(err.Error(), r.path) {
			t.Errorf("got %v, want one that names the damaged file", err)
		}
		r.expect(0, "one", "one")
	})
}

// A key that only its password keeps from being read has not been withdrawn.
func TestReloadDoesNotLoseAKeyToItsPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "consumer.jks")
	copyFile := func(name string) { install(t, path, string(must(os.ReadFile(filepath.Join("testdata", name))))) }
	copyFile("keytool-keypass.jks")
	password := "password-two"
	file := keystore.File{Path: path, Password: keystore.StaticPassword(changeit), KeyPassword: func() (string, error) { return password, nil }}
	store := must(file.Open())
	readable := func() (aliases []string) {
		for _, key := range must(store.PrivateKeys(t.Context())) {
			if key.CryptoKey() != nil {
				aliases = append(aliases, key.Alias())
			}
		}
		return aliases
	}
	if got := readable(); !slices.Equal(got, []string{"two"}) {
		t.Fatalf("got %q readable, want two", got)
	}
	password = "another"
	if err := store.Reload(t.Context()); !errors.Is(err, keystore.ErrPassword) || !strings.Contains(err.Error(), `"two"`) {
		t.Errorf("got %v, want %v and the alias", err, keystore.ErrPassword)
	}
	if got := readable(); !slices.Equal(got, []string{"two"}) {
		t.Errorf("got %q readable, want two as before", got)
	}
	copyFile("keytool-trust.jks") // without any private key: all are withdrawn
	if err := store.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	if got := readable(); len(got) > 0 {
		t.Errorf("got %q readable, though nothing is in the file", got)
	}
}

func TestReloadOfAStoreThatCameFromNoFile(t *testing.T) {
	for name, store := range map[string]*keystore.Store{"New": keystore.New(), "Parse": must(keystore.Parse([]byte(jwkSet("one")), nil))} {
		if err := store.Reload(t.Context()); err == nil {
			t.Errorf("%s: got no error, though nothing was reloaded", name)
		}
	}
}

func TestReplacementsThatKeepTheOldKeysInForce(t *testing.T) {
	tests := []struct {
		name, content string
		want          error
	}{
		{"a damaged file", `{"keys":[`, keystore.ErrDamaged},
		{"an empty file", ``, keystore.ErrUnknownFormat},
		{"HTML", `<html>`, keystore.ErrUnknownFormat},
		{"a set without keys", `{"keys":[]}`, keystore.ErrNoKey},
		{"public keys alone", `{"keys":[` + rfc7638 + `]}`, keystore.ErrNoKey},
		{"another key under the same kid", strings.Replace(jwkSet("two"), `"two"`, `"one"`, 1), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				r := openRotating(t, jwkSet("one"), keystore.File{})
				install(t, r.path, tt.content)
				r.expect(time.Second, "one", "one")
				if len(r.reports) != 1 || r.reports[0] == nil || tt.want != nil && !errors.Is(r.reports[0], tt.want) {
					t.Errorf("got reports %v, want one of %v", r.reports, tt.want)
				}
				install(t, r.path, jwkSet("two"))
				r.expect(time.Second, "one", "one two")
			})
		})
	}
}

// Whom a truststore vouches for is not forgotten because of a wrong file.
func TestTrustDoesNotVanish(t *testing.T) {
	key := newEC(elliptic.P256())
	for name, tt := range map[string]struct {
		content string
		want    error
	}{
		"a key alone":               {encodePEM(key), keystore.ErrNoKey},
		"a certificate of no use":   {string(refusedCertificate(t)), keystore.ErrUnsupported},
		"what is no file of a kind": {"nothing", keystore.ErrUnknownFormat},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				var reports []error
				file := keystore.File{Path: filepath.Join(t.TempDir(), "trust.pem"), OnReload: func(err error) { reports = append(reports, err) }}
				install(t, file.Path, encodePEM(nil, newAuthority(t, "ca").cert))
				store := must(file.Open())
				install(t, file.Path, tt.content)
				time.Sleep(2 * time.Second)
				if got := must(store.Trust().PublicKeys(t.Context(), "")); len(got) != 1 {
					t.Errorf("got %d trusted keys, want the one there was", len(got))
				}
				if len(reports) == 0 || !errors.Is(reports[0], tt.want) {
					t.Errorf("got reports %v, want %v", reports, tt.want)
				}
			})
		})
	}
}

func TestFileThatIsGoneKeepsTheKeysInForce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		if err := os.Remove(r.path); err != nil {
			t.Fatal(err)
		}
		r.expect(5*time.Second, "one", "one")
		if len(r.reports) == 0 || !errors.Is(r.reports[0], os.ErrNotExist) {
			t.Errorf("got reports %v, want %v", r.reports, os.ErrNotExist)
		}
		install(t, r.path, jwkSet("two"))
		r.expect(time.Second, "one", "one two")
	})
}

func TestFileIsTriedAgainWithBackOff(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		install(t, r.path, `{"keys":[`)
		for range 600 {
			time.Sleep(time.Second)
			r.PrivateKeys(t.Context())
		}
		// 1+2+4+8+16+32 seconds, then one a minute.
		if n := len(r.reports); n < 10 || n > 16 {
			t.Errorf("got %d attempts in ten minutes, want about 15", n)
		}
	})
}

func TestFileBeingWrittenIsLeftAlone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, bundle(t, "a:1"), keystore.File{})
		whole := bundle(t, "a:2 b:3")
		key := whole[:strings.Index(whole, "friendlyName: b")] // opens, and is not all
		time.Sleep(900 * time.Millisecond)
		if err := os.WriteFile(r.path, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		os.Chtimes(r.path, now, now)
		r.expect(100*time.Millisecond, "1", "1")
		now = time.Now()
		if err := os.WriteFile(r.path, []byte(whole), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(r.path, now, now)
		r.expect(time.Second, "1", "1 2 3")
	})
}

func TestRenameThatKeepsSizeAndTimeIsNoticed(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		before := must(os.Stat(r.path))
		install(t, r.path, jwkSet("two"))
		os.Chtimes(r.path, before.ModTime(), before.ModTime())
		after := must(os.Stat(r.path))
		if before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()) {
			t.Fatal("the files differ in size or time")
		}
		r.expect(time.Second, "one", "one two")
	})
}

func TestContentThatChangesUnderTheSameStampIsNoticedWithinAMinute(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		before := must(os.Stat(r.path))
		if err := os.WriteFile(r.path, []byte(jwkSet("two")), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(r.path, before.ModTime(), before.ModTime())
		r.expect(2*time.Minute, "one", "one two")
	})
}

// Kubernetes mounts consumer.jks -> ..data/consumer.jks, ..data -> ..2026_a,
// and renames a new ..data over the old one.
func TestKubernetesSwapOfASymbolicLinkIsNoticed(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		dir := t.TempDir()
		mount := func(version, content string) {
			if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
				t.Fatal(err)
			}
			install(t, filepath.Join(dir, version, "consumer.jks"), content)
			if err := os.Symlink(version, filepath.Join(dir, "..data_tmp")); err != nil {
				t.Skipf("no symbolic links here: %v", err)
			}
			if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
				t.Fatal(err)
			}
		}
		mount("..2026_a", jwkSet("one"))
		path := filepath.Join(dir, "consumer.jks")
		if err := os.Symlink(filepath.Join("..data", "consumer.jks"), path); err != nil {
			t.Fatal(err)
		}
		store, err := keystore.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := &rotating{Store: store, t: t, path: path}
		mount("..2026_b", jwkSet("two"))
		r.expect(time.Second, "one", "one two")
	})
}

func TestPasswordIsAskedForAtEveryLoad(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		asked := 0
		r := openRotating(t, jwkSet("one"), keystore.File{Password: func() (string, error) { asked++; return "", nil }})
		install(t, r.path, jwkSet("two"))
		r.expect(time.Second, "one", "one two")
		if asked != 2 {
			t.Errorf("got asked %d times, want 2", asked)
		}
	})
}

// Whatever is installed whenever: somebody always signs, with a key known for
// PublishBefore, and stays known for PublishAfter.
func TestNoSequenceOfReplacementsBreaksAPromise(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T) { promise(t, mathrand.New(mathrand.NewPCG(seed, 0))) })
		})
	}
}

func promise(t *testing.T, random *mathrand.Rand) {
	const before, after = 10 * time.Minute, 30 * time.Minute
	r := openRotating(t, jwkSet("start"), keystore.File{PublishBefore: before, PublishAfter: after})
	published := map[string]time.Time{"start": time.Now().Add(-before)} // since
	signed := map[string]time.Time{}                                    // last
	for step := range 200 {
		if random.IntN(4) == 0 {
			var names []string
			for range 1 + random.IntN(2) {
				names = append(names, fmt.Sprintf("key-%d", random.IntN(5)))
			}
			slices.Sort(names)
			install(t, r.path, jwkSet(slices.Compact(names)...))
		}
		time.Sleep(time.Duration(random.Int64N(int64(5 * time.Minute))))
		signing, public := must(r.PrivateKeys(t.Context())), must(r.PublishedKeys(t.Context()))
		now := time.Now()
		for kid := range published {
			if !slices.ContainsFunc(public, func(k keystore.PublicKey) bool { return k.KeyID() == kid }) {
				if last, ok := signed[kid]; ok && now.Sub(last) < after {
					t.Errorf("step %d: %s is no longer published, %v after it signed", step, kid, now.Sub(last))
				}
				delete(published, kid)
			}
		}
		for _, key := range public {
			if _, known := published[key.KeyID()]; !known {
				published[key.KeyID()] = now
			}
		}
		if len(signing) == 0 {
			t.Errorf("step %d: nobody signs", step)
		}
		for _, key := range signing {
			since, known := published[key.KeyID()]
			if !known || now.Sub(since) < before {
				t.Errorf("step %d: %s signs %v after it was published", step, key.KeyID(), now.Sub(since))
			}
			signed[key.KeyID()] = now
		}
	}
}

func TestManyGoroutinesSeeARotation(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("key-0"), keystore.File{PublishBefore: 3 * time.Second, PublishAfter: 5 * time.Second})
		var users sync.WaitGroup
		for i := range 8 {
			users.Go(func() {
				for range 2000 {
					time.Sleep(time.Duration(i+1) * 7 * time.Millisecond)
					if keys, err := r.PrivateKeys(t.Context()); err != nil || len(keys) == 0 {
						t.Errorf("got %v, %v", keys, err)
					}
					for _, key := range must(r.PublishedKeys(t.Context())) {
						if found := must(r.PublicKeys(t.Context(), key.KeyID())); len(found) > 1 {
							t.Errorf("got %d keys of kid %s", len(found), key.KeyID())
						}
					}
					r.Entries()
				}
			})
		}
		for n := range 10 {
			time.Sleep(1500 * time.Millisecond)
			install(t, r.path, jwkSet(fmt.Sprintf("key-%d", n+1)))
			if n%4 == 3 {
				if err := r.Reload(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
		users.Wait()
	})
}

func TestRenewedCertificateOfTheSameKeyCountsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		key := ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32s", "same")))
		first := selfSigned(t, key, "CN=first", now.AddDate(-1, 0, 0), now.AddDate(0, 0, 1))
		second := selfSigned(t, key, "CN=second", now.AddDate(0, 0, -1), now.AddDate(1, 0, 0))
		r := openRotating(t, encodePEM(key, first), keystore.File{})
		kid := must(r.PrivateKeys(t.Context()))[0].KeyID()
		install(t, r.path, encodePEM(key, second))
		r.expect(time.Second, "second", "second")
		if got := must(r.PrivateKeys(t.Context()))[0].KeyID(); got != kid {
			t.Errorf("got kid %s, want the key's own %s", got, kid)
		}
	})
}

func TestRenewedCertificateFromLaterOnCountsThen(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		key := ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32s", "same")))
		first := selfSigned(t, key, "CN=first", now.AddDate(-1, 0, 0), now.AddDate(0, 0, 9))
		second := selfSigned(t, key, "CN=second", now.AddDate(0, 0, 3), now.AddDate(1, 0, 0))
		r := openRotating(t, encodePEM(key, first), keystore.File{})
		install(t, r.path, encodePEM(key, second))
		r.expect(time.Second, "first", "second")
		r.expect(3*24*time.Hour-2*time.Second, "first", "second")
		r.expect(time.Second, "second", "second")
	})
}

func TestSecretKeysHaveNoOverlap(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		set := func(kids ...string) string {
			var keys []string
			for _, kid := range kids {
				keys = append(keys, fmt.Sprintf(`{"kty":"oct","kid":%q,"k":%q}`, kid, encode64(strings.Repeat(kid, 20))))
			}
			return `{"keys":[` + strings.Join(keys, ",") + `]}`
		}
		r := openRotating(t, set("one"), keystore.File{})
		install(t, r.path, set("one", "two"))
		time.Sleep(time.Second)
		if got := kids(must(r.SecretKeys(t.Context(), ""))); got != "one two" {
			t.Errorf("got %q, want both", got)
		}
		install(t, r.path, set("two"))
		time.Sleep(time.Second)
		if got := kids(must(r.SecretKeys(t.Context(), ""))); got != "two" {
			t.Errorf("got %q, want the new one alone", got)
		}
		install(t, r.path, jwkSet("private"))
		time.Sleep(time.Second)
		if got := kids(must(r.SecretKeys(t.Context(), ""))); got != "two" || !errors.Is(r.reports[len(r.reports)-1], keystore.ErrNoKey) {
			t.Errorf("got %q and reports %v, want the last good key and %v", got, r.reports, keystore.ErrNoKey)
		}
	})
}

func TestKeyUnderANewPasswordKeepsTheOldOneInForce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a.p12")
		write := func(password string) {
			key := must(keystore.Generate("ES256", "CN="+password, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)))
			if err := keystore.WriteFile(path, keystore.StaticPassword(password), keystore.Entry{Alias: "a", PrivateKey: key}); err != nil {
				t.Fatal(err)
			}
			age(t, path)
		}
		write("old")
		password := "old"
		var reports []error
		store := must(keystore.File{Path: path, Password: func() (string, error) { return password, nil }, OnReload: func(err error) { reports = append(reports, err) }}.Open())
		r := &rotating{Store: store, t: t, path: path}
		write("new")
		r.expect(time.Second, "old", "old")
		if len(reports) != 1 || !errors.Is(reports[0], keystore.ErrPassword) {
			t.Errorf("got reports %v, want %v", reports, keystore.ErrPassword)
		}
		password = "new" // the file's password comes later than the file
		r.expect(5*time.Second, "old", "new old")
	})
}
