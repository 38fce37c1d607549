package keystore_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// mixed is a store of an own key and a partner's certificate, as a file.
func mixed(t testing.TB) (store *keystore.Store, own keystore.PrivateKey, foreign *x509.Certificate) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mixed.p12")
	own, foreign = generate(t, "ES256", "CN=own"), partner(t, "partner")
	entries := []keystore.Entry{{Alias: "own", PrivateKey: own}, {Alias: "partner", Chain: []*x509.Certificate{foreign}}}
	if err := keystore.WriteFile(path, keystore.StaticPassword(changeit), entries...); err != nil {
		t.Fatal(err)
	}
	return must(keystore.Open(path, keystore.StaticPassword(changeit))), own, foreign
}

func TestOwnAndTrustedKeysAreTwoSources(t *testing.T) {
	store, own, foreign := mixed(t)
	ctx := t.Context()
	theirs := must(keystore.NewPublicKey(foreign.PublicKey))
	for name, keys := range map[string][]keystore.PublicKey{
		"published":     must(store.PublishedKeys(ctx)),
		"public":        must(store.PublicKeys(ctx, "")),
		"public by kid": must(store.PublicKeys(ctx, own.KeyID())),
	} {
		if len(keys) != 1 || !keys[0].Equal(own.Public()) {
			t.Errorf("%s: got %v, want our own key alone", name, keys)
		}
	}
	if got := must(store.PublicKeys(ctx, theirs.KeyID())); len(got) != 0 {
		t.Errorf("got %v by the partner's kid among our own", got)
	}
	for _, kid := range []string{"", theirs.KeyID()} {
		if got := must(store.Trust().PublicKeys(ctx, kid)); len(got) != 1 || !got[0].Equal(theirs) {
			t.Errorf("kid %q: got %v trusted, want the partner's", kid, got)
		}
	}
	if got := must(store.Trust().PublicKeys(ctx, own.KeyID())); len(got) != 0 {
		t.Errorf("got %v trusted by our own kid", got)
	}
	if _, publishes := store.Trust().(keystore.Publisher); publishes {
		t.Error("trusted keys can be published")
	}
}

func TestTrustedKeyCountsWhileItsCertificateIsValid(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		cert := must(keystore.Generate("ES256", "CN=partner", now.Add(time.Hour), now.Add(2*time.Hour))).Public().Certificates()[0]
		store := must(keystore.Parse(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), nil))
		for _, want := range []int{0, 1, 0} {
			if got := must(store.Trust().PublicKeys(t.Context(), "")); len(got) != want {
				t.Errorf("after %v: got %d keys, want %d", time.Since(now), len(got), want)
			}
			time.Sleep(90 * time.Minute)
		}
	})
}

// authority issues a certificate for a key.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB, name string) authority {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return authority{key, must(x509.ParseCertificate(der))}
}

func (a authority) issue(t testing.TB, key crypto.PublicKey, name string) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		DNSNames: []string{name},
	}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, a.cert, key, a.key))))
}

func encodePEM(key crypto.PrivateKey, certs ...*x509.Certificate) string {
	var text string
	if key != nil {
		text = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))}))
	}
	for _, cert := range certs {
		text += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	}
	return text
}

func TestX5CIsAsFarAsSignaturesCarry(t *testing.T) {
	ca, impostor := newAuthority(t, "ca"), newAuthority(t, "ca") // of one name
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	leaf := ca.issue(t, key.Public(), "leaf")
	for name, tt := range map[string]struct {
		issuer *x509.Certificate
		want   int
	}{"the issuer": {ca.cert, 2}, "another of the issuer's name": {impostor.cert, 1}} {
		store := must(keystore.Parse([]byte(encodePEM(key, leaf, tt.issuer)), nil))
		keys := must(store.PrivateKeys(t.Context()))
		if got := len(keys[0].Public().Certificates()); got != tt.want {
			t.Errorf("with %s: got a chain of %d, want %d", name, got, tt.want)
		}
	}
}

func TestTLSFromAStore(t *testing.T) {
	ca := newAuthority(t, "ca")
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	store := must(keystore.Parse([]byte(encodePEM(key, ca.issue(t, key.Public(), "localhost"), ca.cert)), nil))
	trust := must(keystore.Parse([]byte(encodePEM(nil, ca.cert)), nil))
	certificate := func() (*tls.Certificate, error) { return store.TLSCertificate("") }
	server := &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate() },
		ClientAuth:     tls.RequireAndVerifyClientCert, ClientCAs: must(trust.CertPool()),
	}
	client := &tls.Config{
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate() },
		RootCAs:              must(trust.CertPool()), ServerName: "localhost",
	}
	here, there := net.Pipe()
	go func() {
		conn := tls.Server(there, server)
		io.Copy(conn, conn)
	}()
	conn := tls.Client(here, client)
	defer conn.Close()
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 5)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "hello" {
		t.Errorf("got %q, %v", answer, err)
	}
}

// refusedCertificate has a negative serial number, which old authorities wrote.
func refusedCertificate(t *testing.T) []byte {
	t.Helper()
	der := newAuthority(t, "old").cert.Raw
	changed := bytes.Replace(der, []byte{2, 1, 1, 0x30}, []byte{2, 1, 0x81, 0x30}, 1) // serialNumber 1, and the algorithm behind it
	if bytes.Equal(changed, der) {
		t.Fatal("the certificate has no serial number where it should")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: changed})
}

func TestCertPoolIsNeverEmpty(t *testing.T) {
	good := []byte(encodePEM(nil, newAuthority(t, "ca").cert))
	bad := refusedCertificate(t)
	tests := []struct {
		name, content string
		want          string // of the error; empty: a pool
	}{
		{"a certificate", string(good), ""},
		{"one beside another that is refused", string(bad) + string(good), ""},
		{"one that is refused", string(bad), `DIR/trust.pem: certificate "1": unsupported algorithm: a certificate that crypto/x509 refuses: x509: negative serial number`},
		{"a key alone", encodePEM(newEC(elliptic.P256())), "DIR/trust.pem: no such key: no trusted certificate: the store has 1 private key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "trust.pem")
			install(t, path, tt.content)
			store := must(keystore.Open(path, nil))
			pool, err := store.CertPool()
			if tt.want == "" {
				if err != nil || pool.Equal(x509.NewCertPool()) {
					t.Errorf("got %v and error %v, want a pool that is not empty", pool, err)
				}
				return
			}
			if want := "keystore: " + strings.ReplaceAll(tt.want, "DIR", filepath.Dir(path)); pool != nil || err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
	entry := must(keystore.Parse(append(bad, good...), nil)).Entries()[0]
	if !errors.Is(entry.Err, keystore.ErrUnsupported) || !strings.Contains(entry.Err.Error(), "negative serial number") {
		t.Errorf("the entry: got %v, want the reason of crypto/x509", entry.Err)
	}
}

func TestTLSCertificateIsRefused(t *testing.T) {
	now := time.Now()
	expired := must(keystore.Generate("ES256", "CN=a", now.AddDate(-1, 0, 0), now.AddDate(0, 0, -1)))
	x25519 := must(keystore.NewPrivateKey(must(ecdh.X25519().GenerateKey(rand.Reader))))
	bare := must(keystore.NewPrivateKey(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))))
	tests := []struct {
		name  string
		store *keystore.Store
		alias string
		want  error // nil: any
	}{
		{"an empty store", keystore.New(), "", keystore.ErrNoKey},
		{"a wrong alias", keystore.New(generate(t, "ES256", "CN=a")), "b", keystore.ErrNoKey},
		{"an expired certificate", keystore.New(expired), "", keystore.ErrExpired},
		{"a key without certificate", keystore.New(bare), "", nil},
		{"an X25519 key", keystore.New(x25519), "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.store.TLSCertificate(tt.alias); err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestTwoEntriesOfOneKeyArePublishedOnce(t *testing.T) {
	text := pemEntry(t, "a", "same", time.Now(), time.Now().AddDate(1, 0, 0)) + pemEntry(t, "b", "same", time.Now(), time.Now().AddDate(2, 0, 0))
	store := must(keystore.Parse([]byte(text), nil))
	if got := must(store.PrivateKeys(t.Context())); len(got) != 2 {
		t.Errorf("got %d private keys, want 2", len(got))
	}
	if got := must(store.PublishedKeys(t.Context())); len(got) != 1 {
		t.Errorf("got %d published keys, want 1", len(got))
	}
}

func TestKeyIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.pem")
	install(t, path, bundle(t, "a:1 b:2"))
	file := keystore.File{Path: path, KeyID: func(alias string, key keystore.PublicKey) string { return alias + "-" + key.KeyID()[:4] }}
	keys := must(must(file.Open()).PrivateKeys(t.Context()))
	for _, key := range keys {
		thumbprint := must(keystore.NewPublicKey(key.Public().CryptoKey())).KeyID()
		if got, want := key.KeyID(), key.Alias()+"-"+thumbprint[:4]; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	file.KeyID = func(string, keystore.PublicKey) string { return "always the same" }
	if _, err := file.Open(); err == nil {
		t.Error("two keys of one kid are accepted")
	}
}

func TestBarePublicKeysAreTrusted(t *testing.T) {
	own, foreign := newEC(elliptic.P256()), newEC(elliptic.P384())
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048)).Public().(*rsa.PublicKey)
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	text := block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(foreign.Public()))) +
		block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(rsaKey)) +
		block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(own.Public()))) + encodePEM(own)
	store := must(keystore.Parse([]byte(text), nil))
	trusted := must(store.Trust().PublicKeys(t.Context(), ""))
	var got []string
	for _, key := range trusted {
		got = append(got, key.Describe())
	}
	if want := "EC P-384, RSA 2048"; strings.Join(got, ", ") != want {
		t.Errorf("got %v trusted, want %s and not our own", got, want)
	}
	if published := must(store.PublishedKeys(t.Context())); len(published) != 1 || published[0].Describe() != "EC P-256" {
		t.Errorf("got %v published, want our own", published)
	}
}

func newEC(curve elliptic.Curve) *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(curve, rand.Reader))
}
