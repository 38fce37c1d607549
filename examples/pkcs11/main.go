// Command pkcs11 signs a token with a key that never leaves its PKCS #11
// device: a smart card, an HSM, or SoftHSM2 for a try.
//
//	PKCS11_PIN=1234 go run . -module /usr/lib/softhsm/libsofthsm2.so -token demo -key signing
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/ThalesGroup/crypto11"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pkcs11:", err)
		os.Exit(1)
	}
}

func run() error {
	module := flag.String("module", "/usr/lib/softhsm/libsofthsm2.so", "the PKCS #11 module of the device")
	label := flag.String("token", "", "the label of the device's token")
	key := flag.String("key", "", "the label of the key pair")
	algorithm := flag.String("algorithm", "RS256", "the signature algorithm")
	flag.Parse()

	device, err := crypto11.Configure(&crypto11.Config{
		Path: *module, TokenLabel: *label, Pin: os.Getenv("PKCS11_PIN"),
	})
	if err != nil {
		return err
	}
	defer device.Close()

	store, err := Keys(device, *key)
	if err != nil {
		return err
	}
	profile := tokenprofile.Profile{
		Algorithm: tokenprofile.Algorithm(*algorithm),
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
		Subject:   "billing",
	}
	signer, err := profile.Signer(store)
	if err != nil {
		return err
	}
	token, err := signer.Sign(context.Background(), nil)
	if err != nil {
		return err
	}
	fmt.Println(token)
	return nil
}

// Keys is a store of one key pair of the device. The private key is a handle:
// each signature is made in the device.
func Keys(device *crypto11.Context, label string) (*keystore.Store, error) {
	pair, err := device.FindKeyPair(nil, []byte(label))
	if err != nil {
		return nil, fmt.Errorf("key pair %q: %w", label, err)
	}
	key, err := keystore.NewPrivateKey(pair)
	if err != nil {
		return nil, err
	}
	return keystore.New(key), nil
}
