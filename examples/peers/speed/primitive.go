package speed

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
)

// primitive is the signature alone, as the standard library makes and checks
// it, over the input that a token has: what no library can be quicker than.
var primitive = Library{
	Name: "primitive",
	Sign: func(p Party) (Work, error) {
		token, err := sample(p)
		input, _ := split(token)
		return func() error { made = own(); return sign(p.Private, input) }, err
	},
	Verify: func(p Party, token string) (Work, error) {
		input, signature := split(token)
		if p.Algorithm == "ES256" {
			signature = inASN1(signature)
		}
		return func() error { return verify(p.Public, input, signature) }, nil
	},
}

// made are the claims that whoever signs has made before: they are no library's
// work.
var made map[string]any

// sample is a token of ours.
func sample(p Party) (string, error) {
	signer, _, err := pair(p, 0)
	if err != nil {
		return "", err
	}
	return signer.Sign(context.Background(), own())
}

func split(token string) (input, signature []byte) {
	last := strings.LastIndexByte(token, '.')
	signature, _ = base64.RawURLEncoding.DecodeString(token[last+1:])
	return []byte(token[:last]), signature
}

// inASN1 is an ES256 signature as the standard library takes it.
func inASN1(signature []byte) []byte {
	half := len(signature) / 2
	der, _ := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])})
	return der
}

func sign(key any, input []byte) (err error) {
	switch key := key.(type) {
	case []byte:
		mac(key, input)
	case *rsa.PrivateKey:
		digest := sha256.Sum256(input)
		_, err = rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	case *ecdsa.PrivateKey:
		digest := sha256.Sum256(input)
		_, err = ecdsa.SignASN1(rand.Reader, key, digest[:])
	case ed25519.PrivateKey:
		ed25519.Sign(key, input)
	}
	return err
}

func mac(key, input []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(input)
	return mac.Sum(nil)
}

var errSignature = errors.New("the signature does not verify")

func verify(key any, input, signature []byte) error {
	good := false
	switch key := key.(type) {
	case []byte:
		good = hmac.Equal(mac(key, input), signature)
	case *rsa.PublicKey:
		digest := sha256.Sum256(input)
		good = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(input)
		good = ecdsa.VerifyASN1(key, digest[:], signature)
	case ed25519.PublicKey:
		good = ed25519.Verify(key, input, signature)
	}
	if !good {
		return errSignature
	}
	return nil
}
