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
			misfits = append(misfits, fmt.Errorf("key %q: %w", key.KeyID(), err))
			continue
		}
		fitting = append(fitting, key)
	}
	return fitting, misfits
}

// fitsPublic says why a key cannot be encrypted to.
func (e Encryption) fitsPublic(key keystore.PublicKey) error {
	if err := e.fitsType(key); err != nil {
		return err
	}
	return anyPermitted(key.Permits, e.operations("wrapKey", "encrypt"))
}

// fitsPrivate says why a key cannot decrypt.
func (e Encryption) fitsPrivate(key keystore.PrivateKey) error {
	if err := e.fitsType(key.Public()); err != nil {
		return err
	}
	switch key.CryptoKey().(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, *ecdh.PrivateKey:
		return anyPermitted(key.Permits, e.operations("unwrapKey", "decrypt"))
	case crypto.Decrypter:
		if e.KeyAlgorithm.isRSA() { // the interface knows no key agreement
			return anyPermitted(key.Permits, e.operations("unwrapKey", "decrypt"))
		}
	}
	return fmt.Errorf("a private key of type %T does not work with %s", key.CryptoKey(), e.KeyAlgorithm)
}

// operations are the key_ops of RFC 7517 section 4.3 that allow e. For RSA
// both of a pair are in use: Web Crypto writes the second.
func (e Encryption) operations(wrap, crypt string) []string {
	switch {
	case e.KeyAlgorithm.isECDH():
		return []string{"deriveKey", "deriveBits"}
	case e.KeyAlgorithm.isRSA():
		return []string{wrap, crypt}
	case e.KeyAlgorithm == Direct:
		return []string{crypt}
	}
	return []string{wrap}
}

func anyPermitted(permits func(string) error, operations []string) (err error) {
	for _, operation := range operations {
		if err = permits(operation); err == nil {
			return nil
		}
	}
	return err
}

// fitsType holds the type, size and algorithm of a key against e.
func (e Encryption) fitsType(key keystore.PublicKey) error {
	if algorithm := key.Algorithm(); algorithm != "" && algorithm != string(e.KeyAlgorithm) {
		return fmt.Errorf("the key is for %s", algorithm)
	}
	switch public := key.CryptoKey().(type) {
	case *rsa.PublicKey:
		if e.KeyAlgorithm.isRSA() {
			return fitsRSA(public)
		}
	case *ecdsa.PublicKey, *ecdh.PublicKey:
		if e.KeyAlgorithm.isECDH() {
			return nil
		}
	}
	return fmt.Errorf("%s does not work with %s", e.KeyAlgorithm, key.Describe())
}

// fitsEncrypting and fitsDecrypting say why a secret key does not fit.
func (e Encryption) fitsEncrypting(key keystore.SecretKey) error {
	return e.fitsSecret(key, e.operations("wrapKey", "encrypt"))
}

func (e Encryption) fitsDecrypting(key keystore.SecretKey) error {
	return e.fitsSecret(key, e.operations("unwrapKey", "decrypt"))
}

// fitsSecret says why a secret key does not fit: its size, the algorithm it is
// bound to, or what it may be used for. A key used directly is bound to the
// content algorithm (RFC 7518 section 4.5), though some call it "dir".
func (e Encryption) fitsSecret(key keystore.SecretKey, operations []string) error {
	if key.Size() != e.secretSize() {
		return fmt.Errorf("the key has %d bytes, and %s needs %d", key.Size(), e.KeyAlgorithm, e.secretSize())
	}
	algorithm := key.Algorithm()
	direct := e.KeyAlgorithm == Direct && algorithm == string(e.ContentAlgorithm)
	if algorithm != "" && algorithm != string(e.KeyAlgorithm) && !direct {
		return fmt.Errorf("the key is for %s", algorithm)
	}
	return anyPermitted(key.Permits, operations)
}
