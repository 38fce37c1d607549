package keystore_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Whatever was in a file that has nothing to use is named.
func TestFileWithoutAnEntryIsAnError(t *testing.T) {
	block := func(kind string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte{0x30, 0}}))
	}
	for _, tt := range []struct{ name, data, want string }{
		{"a certificate request", block("CERTIFICATE REQUEST"), "keystore: no such key: the PEM file has neither a key nor a certificate, only CERTIFICATE REQUEST"},
		{"parameters, twice, and a list", block("EC PARAMETERS") + block("X509 CRL") + block("EC PARAMETERS"), "keystore: no such key: the PEM file has neither a key nor a certificate, only EC PARAMETERS, X509 CRL"},
		{"an empty JWK Set", `{"keys":[]}`, "keystore: no such key: the JWK Set file has no entry at all"},
	} {
		if _, err := keystore.Parse([]byte(tt.data), nil); !errors.Is(err, keystore.ErrNoKey) || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestCertificatesByKidAreLimited(t *testing.T) {
	half := strings.Repeat(pemOf(certificates(t, 1)), 5000)
	for more, want := range map[string]error{"": nil, pemOf(certificates(t, 1)): keystore.ErrLimit} {
		if _, err := keystore.Parse(must(json.Marshal(map[string]string{"one": half, "two": half + more})), nil); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestPublicKeysInDER(t *testing.T) {
	rsaKey, ecKey := &must(rsa.GenerateKey(rand.Reader, 2048)).PublicKey, newEC(elliptic.P256()).Public()
	pss := must(x509.MarshalPKIXPublicKey(rsaKey))
	pss = bytes.Replace(pss, []byte{0x86, 0xf7, 0x0d, 1, 1, 1}, []byte{0x86, 0xf7, 0x0d, 1, 1, 10}, 1)
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"a SubjectPublicKeyInfo of RSA", must(x509.MarshalPKIXPublicKey(rsaKey)), "RSA 2048"},
		{"a SubjectPublicKeyInfo of EC", must(x509.MarshalPKIXPublicKey(ecKey)), "EC P-256"},
		{"PKCS #1", x509.MarshalPKCS1PublicKey(rsaKey), "RSA 2048"},
		{"RSASSA-PSS", pss, "RSASSA-PSS 2048"},
		{"RSASSA-PSS in PEM", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pss}), "RSASSA-PSS 2048"},
	} {
		store, err := keystore.Parse(tt.data, nil)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		trusted := must(store.Trust().PublicKeys(t.Context(), ""))
		if len(trusted) != 1 || trusted[0].Describe() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, trusted, tt.want)
		}
	}
}

func TestCertificatesByKeyID(t *testing.T) {
	now := time.Now()
	certificate := func(name string) string {
		key := ed25519.NewKeyFromSeed(fmt.Appendf(nil, "%-32s", name))
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: selfSigned(t, key, "CN="+name, now.Add(-time.Hour), now.Add(time.Hour)).Raw}))
	}
	data := must(json.Marshal(map[string]string{"kid-b": certificate("b"), "kid-a": certificate("a")}))
	store := must(keystore.Parse(data, nil))
	for _, name := range []string{"a", "b"} {
		keys := must(store.Trust().PublicKeys(t.Context(), "kid-"+name))
		if len(keys) != 1 || keys[0].Certificates()[0].Subject.CommonName != name {
			t.Errorf("kid-%s: got %v", name, keys)
		}
	}
}

// Of two entries of one alias the JDK has the later one.
func TestAliasTwiceInJKS(t *testing.T) {
	now := time.Now()
	for name, magic := range map[string]string{"JKS": "\xfe\xed\xfe\xed", "JCEKS": "\xce\xce\xce\xce"} {
		data := []byte(magic + "\x00\x00\x00\x01" + "\x00\x00\x00\x02") // version 1, two entries
		for _, seed := range []string{"one", "two"} {
			cert := selfSigned(t, newEd25519(seed), "CN="+seed, now.Add(-time.Hour), now.Add(time.Hour)).Raw
			data = append(data, "\x00\x00\x00\x02"+"\x00\x01a"+"\x00\x00\x00\x00\x00\x00\x00\x00"...) // a certificate, its alias and date
			data = append(binary.BigEndian.AppendUint32(data, uint32(len(cert))), cert...)
		}
		entries := must(keystore.Parse(append(data, make([]byte, 20)...), nil)).Entries()
		if len(entries) != 1 || entries[0].Chain[0].Subject.CommonName != "two" {
			t.Errorf("%s: got %v, want the second alone", name, entries)
		}
	}
}
