package pkcs12_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	oracle "software.sslmate.com/src/go-pkcs12"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pkcs12"
)

var encoders = []struct {
	name     string
	encoder  *oracle.Encoder
	verified bool
}{
	{"Modern2026", oracle.Modern2026, true},
	{"Modern2023", oracle.Modern2023, true},
	{"LegacyDES", oracle.LegacyDES, true},
	{"LegacyRC2", oracle.LegacyRC2, true},
	{"Passwordless", oracle.Passwordless, false},
}

// selfSigned is a key with its certificate.
func selfSigned(t *testing.T) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Unix(4e9, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// What another implementation writes, we read.
func TestKeyStoresOfAnotherImplementation(t *testing.T) {
	key, cert := selfSigned(t)
	want, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range encoders {
		password := "pässwörd"
		if !e.verified {
			password = ""
		}
		data, err := e.encoder.Encode(key, cert, nil, password)
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		store, err := pkcs12.Read(data, format.Passwords{Store: []byte(password)})
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		if len(store.Entries) != 1 || store.Unverified == e.verified {
			t.Errorf("%s: got %d entries, unverified %t", e.name, len(store.Entries), store.Unverified)
			continue
		}
		if got := store.Entries[0]; got.Err != nil || !bytes.Equal(got.PKCS8, want) || len(got.Chain) != 1 || !bytes.Equal(got.Chain[0], cert.Raw) {
			t.Errorf("%s: another key or chain, %v", e.name, got.Err)
		}
	}
}

func TestTrustStoresOfAnotherImplementation(t *testing.T) {
	_, cert := selfSigned(t)
	for _, e := range encoders {
		password := "changeit"
		if !e.verified {
			password = ""
		}
		data, err := e.encoder.EncodeTrustStoreEntries([]oracle.TrustStoreEntry{{Cert: cert, FriendlyName: "Ünïcode 世"}}, password)
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		store, err := pkcs12.Read(data, format.Passwords{Store: []byte(password)})
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		if len(store.Entries) != 1 || store.Entries[0].Alias != "Ünïcode 世" || store.Entries[0].Kind != format.Certificate || store.Entries[0].Untagged || !bytes.Equal(store.Entries[0].Chain[0], cert.Raw) {
			t.Errorf("%s: got %+v", e.name, store.Entries)
		}
	}
}
