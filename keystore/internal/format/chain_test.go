package format_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// issue makes a certificate of subject for a new key, or for issuer's own.
func issue(t *testing.T, subject string, keyID []byte, issuer *x509.Certificate, issuerKey crypto.Signer) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: subject}, SubjectKeyId: keyID,
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(4e9, 0), IsCA: true, BasicConstraintsValid: true,
	}
	if issuer == nil {
		issuer, issuerKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func TestChain(t *testing.T) {
	old, _ := issue(t, "CA", []byte{1}, nil, nil)
	root, rootKey := issue(t, "CA", []byte{2}, nil, nil)
	sub, subKey := issue(t, "Sub", []byte{3}, root, rootKey)
	leaf, _ := issue(t, "Leaf", []byte{4}, sub, subKey)
	for _, row := range []struct {
		name string
		pool []*x509.Certificate
		want []*x509.Certificate
	}{
		{"in order", []*x509.Certificate{leaf, sub, root}, []*x509.Certificate{leaf, sub, root}},
		{"in any order", []*x509.Certificate{root, sub, leaf}, []*x509.Certificate{leaf, sub, root}},
		{"an older CA of the same name first", []*x509.Certificate{old, root, leaf, sub}, []*x509.Certificate{leaf, sub, root}},
		{"an older CA of the same name alone", []*x509.Certificate{old, leaf, sub}, []*x509.Certificate{leaf, sub}},
		{"an issuer is missing", []*x509.Certificate{leaf, root}, []*x509.Certificate{leaf}},
		{"twice the same", []*x509.Certificate{root, root, sub, sub, leaf, leaf}, []*x509.Certificate{leaf, sub, root}},
	} {
		var pool format.Pool
		for _, c := range row.pool {
			pool.Add(parsed(t, c))
		}
		chain := pool.Chain(parsed(t, leaf))
		if len(chain) != len(row.want) {
			t.Errorf("%s: got %d certificates, want %d", row.name, len(chain), len(row.want))
			continue
		}
		for i := range chain {
			if !bytes.Equal(chain[i], row.want[i].Raw) {
				t.Errorf("%s: another certificate at %d", row.name, i)
			}
		}
	}
}

// Two CAs that issue each other do not make a chain without end.
func TestChainInACircle(t *testing.T) {
	a, aKey := issue(t, "A", []byte{1}, nil, nil)
	b, bKey := issue(t, "B", []byte{2}, a, aKey)
	a2, _ := issue(t, "A", []byte{1}, b, bKey)
	var pool format.Pool
	pool.Add(parsed(t, a2))
	pool.Add(parsed(t, b))
	if chain := pool.Chain(parsed(t, b)); len(chain) != 2 {
		t.Errorf("got %d certificates, want 2", len(chain))
	}
}

// Names are the same whatever string types and case they are encoded in.
func TestNamesAreCompared(t *testing.T) {
	root, rootKey := issue(t, "My  CA", nil, nil, nil)
	renamed := *root
	renamed.RawSubject = bytes.Replace(root.RawSubject, []byte("My  CA"), []byte("MY ca "), 1)
	renamed.RawSubject = bytes.Replace(renamed.RawSubject, []byte{0x13, 6}, []byte{0x0c, 6}, 1)
	if bytes.Equal(renamed.RawSubject, root.RawSubject) {
		t.Fatal("the names are the same")
	}
	leaf, _ := issue(t, "Leaf", nil, &renamed, rootKey)
	var pool format.Pool
	pool.Add(parsed(t, root))
	if chain := pool.Chain(parsed(t, leaf)); len(chain) != 2 {
		t.Errorf("got %d certificates, want 2", len(chain))
	}
}

func parsed(t *testing.T, c *x509.Certificate) *format.Cert {
	t.Helper()
	cert, err := format.ParseCert(c.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func privateKeyDER(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// reissued is another certificate for the key of one.
func reissued(t *testing.T, cert *x509.Certificate, key crypto.Signer, issuer *x509.Certificate, issuerKey crypto.Signer) []byte {
	t.Helper()
	template := *cert
	template.SerialNumber = big.NewInt(2)
	der, err := x509.CreateCertificate(rand.Reader, &template, issuer, key.Public(), issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
