package tokenprofile

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// DecryptionKeys are the keys a token is decrypted with: the value of
// [DecryptWith] or [DecryptWithSecret].
type DecryptionKeys struct {
	private keystore.DecryptionSource
	secret  keystore.SecretSource
}

// DecryptWith decrypts with a private key: RSA-OAEP and ECDH-ES. The kid of the
// token chooses the key; without a kid exactly one key must fit.
//
// A [keystore.Store] decrypts with all keys it publishes, so that tokens can be
// read while the recipient's key is replaced. [keystore.DecryptionFunc] makes a
// source of a function. A key held elsewhere decrypts if it is a
// [crypto.Decrypter] for RSA-OAEP; if it cannot be reached, that looks like a
// token that does not decrypt.
func DecryptWith(keys keystore.DecryptionSource) DecryptionKeys {
	return DecryptionKeys{private: keys}
}

// DecryptWithSecret decrypts with a key that both ends hold: AES key wrap and
// dir. The key is chosen as [DecryptWith] says.
func DecryptWithSecret(keys keystore.SecretSource) DecryptionKeys {
	return DecryptionKeys{secret: keys}
}

// check reports keys of the wrong kind, and that no key fits, as far as the
// source has them in memory.
func (k DecryptionKeys) check(e Encryption) error {
	if err := checkKind(e, k.private != nil, k.secret != nil, "DecryptWith", "DecryptWithSecret"); err != nil {
		return err
	}
	candidates, err := k.candidates(alreadyDone(), e, "")
	if errors.Is(err, keystore.ErrMisconfigured) {
		return err
	}
	if err == nil && len(candidates.fitting) == 0 && len(candidates.misfits) > 0 {
		return fmt.Errorf("tokenprofile: no key to decrypt with fits %s: %w", e.KeyAlgorithm, errors.Join(candidates.misfits...))
	}
	return nil
}

// decrypt returns the payload of a JWE. All faults that the header does not
// show to everyone have the same error.
func (k DecryptionKeys) decrypt(ctx context.Context, e Encryption, token *encryptedToken) ([]byte, error) {
	if err := token.checkHeader(e); err != nil {
		return nil, err
	}
	key, err := k.choose(ctx, e, token.header.keyID)
	if err != nil {
		return nil, err
	}
	payload, err := token.decrypt(e, key)
	if err != nil {
		return nil, refuse(ErrDecryption, "")
	}
	return payload, nil
}

// choose returns the key with the kid. Without a kid it returns the only key
// that fits: trying several would tell a sender which one it was.
func (k DecryptionKeys) choose(ctx context.Context, e Encryption, kid string) (any, error) {
	candidates, err := k.candidates(ctx, e, kid)
	if err != nil {
		return nil, unavailable(err)
	}
	key, err := candidates.only("keys to decrypt with", "the token has to name one by its kid")
	if err != nil {
		return nil, refuse(ErrUnknownKey, err.Error())
	}
	return key, nil
}

// candidates returns the keys with the kid, or all without one.
func (k DecryptionKeys) candidates(ctx context.Context, e Encryption, kid string) (choice[any], error) {
	if k.secret != nil {
		keys, err := k.secret.SecretKeys(ctx, kid)
		return candidatesOf(keys, kid, func(key keystore.SecretKey) error { return e.fitsSecret(key, "unwrapKey", "decrypt") }, func(key keystore.SecretKey) any { return key.Bytes() }), err
	}
	keys, err := k.private.DecryptionKeys(ctx)
	return candidatesOf(keys, kid, func(key keystore.PrivateKey) error { return fitsPrivate(e, key) }, func(key keystore.PrivateKey) any { return key.CryptoKey() }), err
}

func candidatesOf[K interface{ KeyID() string }](keys []K, kid string, fits func(K) error, material func(K) any) choice[any] {
	c := choose(keys, func(key K) bool { return kid == "" || kid == key.KeyID() }, fits)
	candidates := choice[any]{misfits: c.misfits}
	for _, key := range c.fitting {
		candidates.fitting = append(candidates.fitting, material(key))
	}
	return candidates
}

// fitsPrivate says why a key cannot decrypt.
func fitsPrivate(e Encryption, key keystore.PrivateKey) error {
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
