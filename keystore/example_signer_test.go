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
