//go:build go1.27

package keystore

import (
	"crypto"
	"crypto/mldsa"
	"errors"
	"fmt"
)

// The standard library has ML-DSA since Go 1.27.
var mldsaKeys = &mldsaSupport{
	algorithm: func(key crypto.PublicKey) Algorithm {
		if key, ok := key.(*mldsa.PublicKey); ok && key != nil {
			return Algorithm(key.Parameters().String())
		}
		return ""
	},
	publicBytes: func(key crypto.PublicKey) []byte { return key.(*mldsa.PublicKey).Bytes() },
	newPublic: func(a Algorithm, encoded []byte) (crypto.PublicKey, error) {
		key, err := mldsa.NewPublicKey(mldsaParameters[a], encoded)
		if err != nil {
			return nil, fmt.Errorf("member %q is not a public key of %s", "pub", a)
		}
		return key, nil
	},
	newPrivate: func(public crypto.PublicKey, seed []byte) (signer, error) {
		return mldsa.NewPrivateKey(public.(*mldsa.PublicKey).Parameters(), seed)
	},
	generate:  func(a Algorithm) (crypto.Signer, error) { return mldsa.GenerateKey(mldsaParameters[a]) },
	isPrivate: func(key crypto.PrivateKey) bool { _, ok := key.(*mldsa.PrivateKey); return ok },
	verify: func(key crypto.PublicKey, input, signature []byte) bool {
		return mldsa.Verify(key.(*mldsa.PublicKey), input, signature, nil) == nil
	},
}

var mldsaParameters = map[Algorithm]mldsa.Parameters{
	MLDSA44: mldsa.MLDSA44(), MLDSA65: mldsa.MLDSA65(), MLDSA87: mldsa.MLDSA87(),
}

// errMLDSA is why a key from a keystore cannot be used: nothing else is refused.
var errMLDSA = errors.New("it was stored without its seed, as JDK 24 and 25 do, and the standard library needs the seed: make the key with JDK 26 or with Generate")
