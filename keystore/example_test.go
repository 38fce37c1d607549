package keystore_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

func ExampleOpen() {
	keys, err := keystore.Open("testdata/keytool-mixed.jks", keystore.StaticPassword("changeit"))
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range keys.Entries() {
		fmt.Println(e.Alias, e.Kind, e.Algorithm, e.Bits)
	}
	// Output:
	// own private-key EC 256
	// partner trusted-certificate EC 384
}

func ExampleParse() {
	secret := []byte(`{"kty":"oct","kid":"hmac-1","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}`)
	keys, err := keystore.Parse(secret, nil)
	if err != nil {
		log.Fatal(err)
	}
	found, err := keys.SecretKeys(context.Background(), "hmac-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(keys.Format(), found[0].Algorithm(), found[0].Size(), "bytes")
	// Output: JWK HS256 33 bytes
}

func ExampleNew() {
	// Any crypto.Signer will do: a KMS, an HSM, a key made for a test.
	signer := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key, err := keystore.NewPrivateKey(signer)
	if err != nil {
		log.Fatal(err)
	}
	keys := keystore.New(key.WithKeyID("test-1"))
	published, err := keys.PublishedKeys(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(published[0].KeyID(), published[0].Describe())
	// Output: test-1 Ed25519
}

func ExampleNewPrivateKey() {
	seed, err := base64.RawURLEncoding.DecodeString("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A") // of RFC 8037 appendix A
	if err != nil {
		log.Fatal(err)
	}
	key, err := keystore.NewPrivateKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key) // no verb prints the key
	// Output: private key kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
}

func ExampleNewPublicKey() {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key, err := keystore.NewPublicKey(private.Public())
	if err != nil {
		log.Fatal(err)
	}
	jwk, err := json.Marshal(key.WithKeyID("key-1"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(jwk))
	// Output: {"crv":"Ed25519","kid":"key-1","kty":"OKP","x":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"}
}

func ExampleNewSecretKey() {
	key, err := keystore.NewSecretKey([]byte("a secret of at least 32 bytes, for HS256"), "hmac-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v, %d bytes\n", key, key.Size())
	// Output: secret key hmac-1, 40 bytes
}

func ExampleFile() {
	keys, err := keystore.File{
		Path:          "testdata/keytool-keypass.jks",
		Password:      keystore.StaticPassword("changeit"),
		KeyPasswords:  map[string]keystore.Password{"one": keystore.StaticPassword("password-one")},
		PublishBefore: 15 * time.Minute, // verifiers fetch our keys every 15 minutes
		PublishAfter:  time.Hour,        // tokens live an hour at most
		OnReload: func(err error) {
			if err != nil {
				log.Print(err)
			}
		},
	}.Open()
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range keys.Entries() {
		fmt.Println(e.Alias, e.Err)
	}
	// Output:
	// two incorrect password: the key has a password of its own: give it as File.KeyPassword, or by alias in File.KeyPasswords
	// one <nil>
}

func ExampleSelect() {
	keys, err := keystore.Open("testdata/keytool-three-keys.p12", keystore.StaticPassword("changeit"))
	if err != nil {
		log.Fatal(err)
	}
	private, err := keys.PrivateKeys(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	key, err := keystore.Select(private, keystore.Selection{Alias: "BETA", Now: time.Now()})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Alias(), key.Public().Describe())
	_, err = keystore.Select(private, keystore.Selection{Alias: "delta"})
	fmt.Println(strings.Contains(err.Error(), `no private key with alias "delta"; the store has "alpha" (EC P-256, `))
	// Output:
	// beta EC P-256
	// true
}

func ExampleByAlias() {
	store, err := keystore.Parse([]byte(`{"keys":[{"kty":"oct","kid":"north","k":"Rm9yIHRoZSBub3J0aA"},{"kty":"oct","kid":"south","k":"Rm9yIHRoZSBzb3V0aA"}]}`), nil)
	if err != nil {
		log.Fatal(err)
	}
	keys, err := store.SecretKeys(context.Background(), "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(keystore.ByAlias(keys, "North")) // the alias of a JWK is its kid
	// Output: [secret key north]
}

func ExampleStore_Trust() {
	partners, err := keystore.Open("testdata/keytool-trust.p12", keystore.StaticPassword("changeit"))
	if err != nil {
		log.Fatal(err)
	}
	trusted, err := partners.Trust().PublicKeys(context.Background(), "")
	if err != nil {
		log.Fatal(err)
	}
	published, err := partners.PublishedKeys(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(trusted) > 0, len(published))
	// Output: true 0
}

func ExampleStore_TLSCertificate() {
	keys, err := keystore.Open("testdata/keytool-mixed.p12", keystore.StaticPassword("changeit"))
	if err != nil {
		log.Fatal(err)
	}
	roots, err := keys.CertPool()
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return keys.TLSCertificate("own") // follows a rotation
		},
	}}}
	_ = client
	certificate, err := keys.TLSCertificate("own")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(certificate.Leaf.Subject)
	// Output: CN=own
}

func ExampleStore_CertPool() {
	partners, err := keystore.Open("testdata/keytool-trust.jks", nil) // trusted certificates need no password
	if err != nil {
		log.Fatal(err)
	}
	roots, err := partners.CertPool()
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{RootCAs: roots}
	fmt.Println(config.RootCAs.Equal(x509.NewCertPool()))
	// Output: false
}

func ExampleStore_Reload() {
	keys, err := keystore.Open("testdata/keytool-rsa.jks", keystore.StaticPassword("changeit"))
	if err != nil {
		log.Fatal(err)
	}
	// A key has leaked, and the file has a new one: the old one is dropped now.
	if err := keys.Reload(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(keys.Entries()))
	// Output: 1
}

func ExampleGenerate() {
	now := time.Now()
	next, err := keystore.Generate("ES256", "CN=billing,O=Example", now.AddDate(0, 0, 7), now.AddDate(1, 0, 0))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(next.Public().Describe(), next.Public().Certificates()[0].Subject)
	// Output: EC P-256 CN=billing,O=Example
}

func ExampleWriteFile() {
	dir, err := os.MkdirTemp("", "keystore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path, password := filepath.Join(dir, "billing.p12"), keystore.StaticPassword("changeit")

	key, err := keystore.Generate("EdDSA", "CN=billing", time.Now(), time.Now().AddDate(1, 0, 0))
	if err != nil {
		log.Fatal(err)
	}
	if err := keystore.WriteFile(path, password, keystore.Entry{Alias: "billing", PrivateKey: key}); err != nil {
		log.Fatal(err)
	}
	keys, err := keystore.Open(path, password)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range keys.Entries() {
		fmt.Println(e.Alias, e.Kind, e.Algorithm)
	}
	// Output: billing private-key Ed25519
}

func ExampleEnvPassword() {
	os.Setenv("CONSUMER_JKS_PASSWORD", "changeit")
	keys, err := keystore.Open("testdata/keytool-rsa.jks", keystore.EnvPassword("CONSUMER_JKS_PASSWORD"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(keys.Format())
	// Output: JKS
}

func ExampleFilePassword() {
	keys, err := keystore.Open("testdata/keytool-rsa.jks", keystore.FilePassword("/run/secrets/no-such-file"))
	fmt.Println(keys, errors.Is(err, os.ErrNotExist))
	// Output: <nil> true
}

func ExampleStaticPassword() {
	_, err := keystore.Open("testdata/keytool-rsa2048.p12", keystore.StaticPassword("guess"))
	fmt.Println(err)
	// Output: keystore: testdata/keytool-rsa2048.p12: incorrect password, or damaged file
}

func ExampleParsePublicJWK() {
	// Padded, with a leading zero in the exponent, and members that are null.
	key, err := keystore.ParsePublicJWK([]byte(`{"kty":"OKP","crv":"Ed25519","kid":"1","alg":null,"x":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.KeyID(), key.Describe())

	_, err = keystore.ParsePublicJWK([]byte(`{"kty":"oct","kid":"2","k":"c2VjcmV0"}`))
	fmt.Println(errors.Is(err, keystore.ErrNotPublic))
	// Output:
	// 1 Ed25519
	// true
}
