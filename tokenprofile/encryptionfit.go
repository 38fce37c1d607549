package tokenprofile

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// fittingKeys are those of the wanted keys that fit, and why the others do not.
func fittingKeys[K interface{ KeyID() string }](keys []K, wanted func(K) bool, fits func(K) error) (fitting []K, misfits []error) {
	for _, key := range keys {
		if !wanted(key) {
			continue
		}
		if err := fits(key); err != nil {
			misfits = append(misfits, err)
			continue
		}
		fitting = append(fitting, key)
	}
	return fitting, misfits
}

// fitsPublic says why a key cannot be encrypted to.
func (e Encryption) fitsPublic(key keystore.PublicKey) error { return key.Fits(e.KeyAlgorithm) }

// fitsPrivate says why a key cannot decrypt.
func (e Encryption) fitsPrivate(key keystore.PrivateKey) error {
	if err := key.Fits(e.KeyAlgorithm); err != nil {
		return err
	}
	switch key.CryptoKey().(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, *ecdh.PrivateKey:
		return nil
	case crypto.Decrypter:
		if e.KeyAlgorithm.Family() == keystore.FamilyOAEP { // the interface knows no key agreement
			return nil
		}
	}
	return fmt.Errorf("key %q: a private key of type %T does not work with %s", key.KeyID(), key.CryptoKey(), e.KeyAlgorithm)
}

// fitsEncrypting and fitsDecrypting say why a secret key does not fit.
func (e Encryption) fitsEncrypting(key keystore.SecretKey) error {
	return e.fitsSecret(key, "wrapKey", "encrypt")
}

func (e Encryption) fitsDecrypting(key keystore.SecretKey) error {
	return e.fitsSecret(key, "unwrapKey", "decrypt")
}

// fitsSecret says why a secret key does not fit: its size, the algorithm it is
// bound to, or what it may be used for. A key used directly is bound to the
// content algorithm (RFC 7518 section 4.5), though some call it "dir".
func (e Encryption) fitsSecret(key keystore.SecretKey, wrap, crypt string) error {
	operation := wrap
	if e.KeyAlgorithm == Direct {
		operation = crypt
	}
	bound := key.Algorithm()
	direct := e.KeyAlgorithm == Direct && bound == KeyAlgorithm(e.ContentAlgorithm)
	switch {
	case key.Size() != e.secretSize():
		return fmt.Errorf("key %q: it has %d bytes, and %s needs %d", key.KeyID(), key.Size(), e.KeyAlgorithm, e.secretSize())
	case bound != "" && bound != e.KeyAlgorithm && !direct:
		return fmt.Errorf("key %q: it is bound to the algorithm %q", key.KeyID(), bound)
	}
	if err := key.Permits(operation); err != nil {
		return fmt.Errorf("key %q: %w", key.KeyID(), err)
	}
	return nil
}
