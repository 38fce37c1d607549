package tokenprofile_test

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A nested token: signed by the consumer, then encrypted to the producer. The
// consumer has the producer's public keys from its JWK Set or a truststore.
func ExampleEncryptTo() {
	consumer, producer, err := exampleStores()
	if err != nil {
		log.Fatal(err)
	}
	profile := tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
		Subject:   "billing",
		Encryption: &tokenprofile.Encryption{
			KeyAlgorithm:     tokenprofile.ECDHESA256KW,
			ContentAlgorithm: tokenprofile.A256GCM,
		},
	}
	signer, err := profile.Signer(consumer, tokenprofile.EncryptTo(producer))
	if err != nil {
		log.Fatal(err)
	}
	text, err := signer.Sign(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}

	verifier, err := profile.Verifier(consumer, tokenprofile.DecryptWith(producer))
	if err != nil {
		log.Fatal(err)
	}
	token, err := verifier.Verify(context.Background(), text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Issuer, token.Subject)
	// Output: https://consumer.example billing
}

// What has one set of keys for everything decrypts with those that sign.
func ExampleDecryptWith_function() {
	_, producer, err := exampleStores()
	if err != nil {
		log.Fatal(err)
	}
	keys := keystore.DecryptionFunc(producer.PrivateKeys)
	profile := tokenprofile.Profile{
		Issuer:   "https://consumer.example",
		Audience: []string{"https://producer.example"},
		Encryption: &tokenprofile.Encryption{
			KeyAlgorithm:     tokenprofile.ECDHES,
			ContentAlgorithm: tokenprofile.A256GCM,
		},
	}
	verifier, err := profile.EncryptedOnlyVerifier(tokenprofile.DecryptWith(keys))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(verifier.Profile().Encryption.KeyAlgorithm)
	// Output: ECDH-ES
}

// exampleStores are a store with a key to sign with and one with a key to
// decrypt with. A service opens them with [keystore.Open].
func exampleStores() (consumer, producer *keystore.Store, err error) {
	signing, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	decrypting, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	consumerKey, err := keystore.NewPrivateKey(signing)
	if err != nil {
		return nil, nil, err
	}
	producerKey, err := keystore.NewPrivateKey(decrypting)
	if err != nil {
		return nil, nil, err
	}
	return keystore.New(consumerKey), keystore.New(producerKey), nil
}

// A token that is encrypted with a key both ends hold, and that nobody signed.
// Whoever has the key could have made it, so that the verifier has to be asked
// for by name.
func ExampleEncryptWithSecret() {
	shared, err := keystore.Parse([]byte(`{"kty":"oct","k":"ZmFrZS1rZXktZm9yLXRoaXMtZXhhbXBsZS0zMmJ5dGU"}`), nil)
	if err != nil {
		log.Fatal(err)
	}
	profile := tokenprofile.Profile{
		Issuer:   "https://consumer.example",
		Audience: []string{"https://producer.example"},
		Subject:  "billing",
		Encryption: &tokenprofile.Encryption{
			KeyAlgorithm:     tokenprofile.Direct,
			ContentAlgorithm: tokenprofile.A256GCM,
		},
	}
	signer, err := profile.EncryptedOnlySigner(tokenprofile.EncryptWithSecret(shared))
	if err != nil {
		log.Fatal(err)
	}
	text, err := signer.Sign(context.Background(), map[string]any{"order": 4711})
	if err != nil {
		log.Fatal(err)
	}

	verifier, err := profile.EncryptedOnlyVerifier(tokenprofile.DecryptWithSecret(shared))
	if err != nil {
		log.Fatal(err)
	}
	token, err := verifier.Verify(context.Background(), text)
	if err != nil {
		log.Fatal(err)
	}
	var claims struct {
		Order int `json:"order"`
	}
	if err := token.Decode(&claims); err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Subject, claims.Order)
	// Output: billing 4711
}

// The counter belongs among a service's metrics. A damaged token is refused,
// and does not count.
func ExampleDecoderPanics() {
	before := tokenprofile.DecoderPanics()
	shared, err := keystore.Parse([]byte(`{"kty":"oct","k":"ZmFrZS1rZXktZm9yLXRoaXMtZXhhbXBsZS0zMmJ5dGU"}`), nil)
	if err != nil {
		log.Fatal(err)
	}
	profile := tokenprofile.Profile{
		Issuer:     "https://consumer.example",
		Audience:   []string{"https://producer.example"},
		Encryption: &tokenprofile.Encryption{KeyAlgorithm: tokenprofile.A256KW, ContentAlgorithm: tokenprofile.A256GCM},
	}
	verifier, err := profile.EncryptedOnlyVerifier(tokenprofile.DecryptWithSecret(shared))
	if err != nil {
		log.Fatal(err)
	}
	// Its encrypted key is missing: {"alg":"A256KW","enc":"A256GCM"}
	_, err = verifier.Verify(context.Background(), "eyJhbGciOiJBMjU2S1ciLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA")
	fmt.Println(err)
	fmt.Println(tokenprofile.DecoderPanics()-before, "panics")
	// Output:
	// tokenprofile: invalid token: decryption failed
	// 0 panics
}
