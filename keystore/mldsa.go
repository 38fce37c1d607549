//go:build go1.27

package keystore

import (
	"crypto"
	"crypto/mldsa"
	"errors"
	"fmt"
)

// ML-DSA (FIPS 204) in JOSE is RFC 9964. The standard library has it since Go
// 1.27; mldsa_none.go stands in for it before.
const hasMLDSA = true

// errMLDSA is why a key from a keystore cannot be used: nothing else is refused.
var errMLDSA = errors.New("it was stored without its seed, as JDK 24 and 25 do, and the standard library needs the seed: make the key with JDK 26 or with Generate")

var mldsaParameters = map[Algorithm]mldsa.Parameters{
	MLDSA44: mldsa.MLDSA44(), MLDSA65: mldsa.MLDSA65(), MLDSA87: mldsa.MLDSA87(),
}

// mldsaAlgorithm is the algorithm of a public key, "" if it is of another type.
func mldsaAlgorithm(key crypto.PublicKey) Algorithm {
	if key, ok := key.(*mldsa.PublicKey); ok && key != nil {
		return Algorithm(key.Parameters().String())
	}
	return ""
}

// mldsaPublicBytes is what a JWK has as pub.
func mldsaPublicBytes(key crypto.PublicKey) []byte { return key.(*mldsa.PublicKey).Bytes() }

func newMLDSAPublic(a Algorithm, encoded []byte) (crypto.PublicKey, error) {
	parameters, ok := mldsaParameters[a]
	if !ok {
		return nil, fmt.Errorf("%w: alg %q of an AKP key", ErrUnsupported, clip(string(a)))
	}
	key, err := mldsa.NewPublicKey(parameters, encoded)
	if err != nil {
		return nil, fmt.Errorf("member %q is not a public key of %s", "pub", a)
	}
	return key, nil
}

func newMLDSAPrivate(public crypto.PublicKey, seed []byte) (signer, error) {
	return mldsa.NewPrivateKey(public.(*mldsa.PublicKey).Parameters(), seed)
}

func generateMLDSA(a Algorithm) (crypto.Signer, error) {
	return mldsa.GenerateKey(mldsaParameters[a])
}

func isMLDSAPrivate(key crypto.PrivateKey) bool { _, ok := key.(*mldsa.PrivateKey); return ok }

func verifyMLDSA(key crypto.PublicKey, input, signature []byte) bool {
	return mldsa.Verify(key.(*mldsa.PublicKey), input, signature, nil) == nil
}
