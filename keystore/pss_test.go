package keystore_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// restricted is the algorithm of an RSASSA-PSS key with a hash, the hash of
// MGF1, and a salt.
func restricted(t *testing.T, hash, mask asn1.ObjectIdentifier, salt int) pkix.AlgorithmIdentifier {
	t.Helper()
	of := func(oid asn1.ObjectIdentifier) pkix.AlgorithmIdentifier {
		return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.NullRawValue}
	}
	parameters := must(asn1.Marshal(struct {
		Hash pkix.AlgorithmIdentifier `asn1:"explicit,tag:0"`
		MGF  pkix.AlgorithmIdentifier `asn1:"explicit,tag:1"`
		Salt int                      `asn1:"explicit,tag:2"`
	}{of(hash), pkix.AlgorithmIdentifier{
		Algorithm:  asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8},
		Parameters: asn1.RawValue{FullBytes: must(asn1.Marshal(of(mask)))},
	}, salt}))
	return pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}, Parameters: asn1.RawValue{FullBytes: parameters}}
}

// A key that was made for SHA-512 must not sign PS256: OpenSSL refuses such a
// token.
func TestParametersOfRSASSAPSSRestrictTheKey(t *testing.T) {
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	sha := func(n int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, n} }
	free := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}}
	none := free
	none.Parameters = asn1.RawValue{FullBytes: []byte{0x30, 0}}
	for _, tt := range []struct {
		name      string
		algorithm pkix.AlgorithmIdentifier
		want      keystore.Algorithm
		err       error
	}{
		{"no parameters", free, "", nil},
		{"SHA-256", restricted(t, sha(1), sha(1), 32), "PS256", nil},
		{"SHA-384 with a shorter salt", restricted(t, sha(2), sha(2), 20), "PS384", nil},
		{"SHA-512", restricted(t, sha(3), sha(3), 64), "PS512", nil},
		{"parameters that are the defaults, which is SHA-1", none, "", keystore.ErrUnsupported},
		{"SHA-224", restricted(t, sha(4), sha(4), 28), "", keystore.ErrUnsupported},
		{"a mask of another hash", restricted(t, sha(1), sha(3), 32), "", keystore.ErrUnsupported},
		{"a salt longer than the hash", restricted(t, sha(1), sha(1), 33), "", keystore.ErrUnsupported},
	} {
		pkcs8 := must(asn1.Marshal(struct {
			Version   int
			Algorithm pkix.AlgorithmIdentifier
			Key       []byte
		}{0, tt.algorithm, x509.MarshalPKCS1PrivateKey(key)}))
		bits := x509.MarshalPKCS1PublicKey(&key.PublicKey)
		spki := must(asn1.Marshal(struct {
			Algorithm pkix.AlgorithmIdentifier
			Key       asn1.BitString
		}{tt.algorithm, asn1.BitString{Bytes: bits, BitLength: 8 * len(bits)}}))
		for kind, der := range map[string][]byte{"PRIVATE KEY": pkcs8, "PUBLIC KEY": spki} {
			e := must(keystore.Parse(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), nil)).Entries()[0]
			if !errors.Is(e.Err, tt.err) || e.PublicKey.Algorithm() != tt.want || tt.err == nil && !e.PublicKey.PSSOnly() {
				t.Errorf("%s, %s: got %q, %v, want %q, %v", tt.name, kind, e.PublicKey.Algorithm(), e.Err, tt.want, tt.err)
			}
			if kind == "PRIVATE KEY" && tt.want == "PS512" {
				if e.PrivateKey.Fits("PS256") == nil || e.PrivateKey.Fits("PS512") != nil {
					t.Errorf("%s: PS256: %v, PS512: %v", tt.name, e.PrivateKey.Fits("PS256"), e.PrivateKey.Fits("PS512"))
				}
			}
		}
	}
}

func TestPublicKeyAsPEMIsReadAgain(t *testing.T) {
	for _, key := range []keystore.PublicKey{
		must(keystore.NewPublicKey(newEd25519("a").Public())),
		must(keystore.NewPublicKey(&must(rsa.GenerateKey(rand.Reader, 2048)).PublicKey)),
	} {
		again := must(must(keystore.Parse(must(key.PEM()), nil)).Trust().PublicKeys(t.Context(), key.KeyID()))
		if len(again) != 1 || !again[0].Equal(key) {
			t.Errorf("%s: got %v", key.Describe(), again)
		}
	}
	if _, err := (keystore.PublicKey{}).PEM(); err == nil {
		t.Error("the zero key has a PEM form")
	}
}

func TestHowLongKeysStayPublishedCanBeAsked(t *testing.T) {
	for _, tt := range []struct {
		store *keystore.Store
		want  string
	}{
		{must(keystore.Open("testdata/keytool-trust.jks", keystore.StaticPassword(changeit))), "24h0m0s"},
		{must(keystore.File{Path: "testdata/keytool-trust.jks", Password: keystore.StaticPassword(changeit), PublishAfter: -1}.Open()), "0s"},
	} {
		if got := tt.store.PublishedAfter().String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	if got := keystore.New().PublishedAfter().Hours(); got < 24*365*100 {
		t.Errorf("got %v hours for keys that are never replaced", got)
	}
}
