package keystore_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// remoteKey stands for a key in a KMS, which signs over the network.
type remoteKey struct{ *ecdsa.PrivateKey }

func (k remoteKey) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := ctx.Err(); err != nil { // a client of a KMS takes the context along
		return nil, err
	}
	return k.PrivateKey.Sign(rand.Reader, digest, opts)
}

func (k remoteKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), digest, opts)
}

// Signing with a key held elsewhere ends with the request it is for.
func ExampleContextSigner() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	var signer keystore.ContextSigner = remoteKey{key}
	private, err := keystore.NewPrivateKey(signer)
	if err != nil {
		log.Fatal(err)
	}
	digest := make([]byte, 32)
	_, err = private.Sign(context.Background(), digest, crypto.SHA256)
	fmt.Println(err)
	gone, leave := context.WithCancel(context.Background())
	leave()
	_, err = private.Sign(gone, digest, crypto.SHA256)
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// <nil>
	// true
}

// A health check asks which key signs, which comes next, and whether the last
// reload went well.
func ExampleStore_Status() {
	store, err := keystore.Open("testdata/keytool-p256.p12", keystore.StaticPassword("changeit"))
	if err != nil {
		fmt.Println(err)
		return
	}
	status := store.Status()
	fmt.Println(status.Source, status.Format, status.Err)
	for _, key := range status.Keys {
		fmt.Println(key.Alias, key.Type, key.State)
	}
	// Output:
	// testdata/keytool-p256.p12 PKCS12 <nil>
	// ec EC P-256 signing
}

// What File says of a file can be said of bytes that the program has.
func ExampleFile_Parse() {
	pem := `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
-----END PRIVATE KEY-----`
	file := keystore.File{KeyID: func(string, keystore.PublicKey) string { return "2026-11" }}
	store, err := file.Parse([]byte(pem))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range store.Entries() {
		fmt.Println(key.Algorithm, key.KeyID)
	}
	// Output: Ed25519 2026-11
}

// Some partners want a public key as a file.
func ExamplePublicKey_PEM() {
	store, err := keystore.Open("testdata/keytool-p256.p12", keystore.StaticPassword("changeit"))
	if err != nil {
		fmt.Println(err)
		return
	}
	var retainer keystore.Retainer = store
	fmt.Println("tokens may live for", retainer.PublishedAfter())
	keys, err := store.PublishedKeys(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	pem, err := keys[0].PEM()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Split(string(pem), "\n")[0])
	// Output:
	// tokens may live for 24h0m0s
	// -----BEGIN PUBLIC KEY-----
}
