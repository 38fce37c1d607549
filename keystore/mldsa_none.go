//go:build !go1.27

package keystore

import (
	"crypto"
	"errors"
	"fmt"
)

const hasMLDSA = false

var errMLDSA = errors.New("it needs a program built with Go 1.27 or later")

func mldsaAlgorithm(crypto.PublicKey) Algorithm { return "" }

func mldsaPublicBytes(crypto.PublicKey) []byte { return nil }

func newMLDSAPublic(a Algorithm, _ []byte) (crypto.PublicKey, error) {
	return nil, fmt.Errorf("%w: alg %q: %w", ErrUnsupported, clip(string(a)), errMLDSA)
}

func newMLDSAPrivate(crypto.PublicKey, []byte) (signer, error) { return nil, errMLDSA }

func generateMLDSA(Algorithm) (crypto.Signer, error) { return nil, errMLDSA }

func isMLDSAPrivate(crypto.PrivateKey) bool { return false }

func verifyMLDSA(crypto.PublicKey, []byte, []byte) bool { return false }
