package tokenprofile

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// DecryptionKeys are the keys a token is decrypted with: the value of
// [DecryptWith] or [DecryptWithSecret].
type DecryptionKeys struct {
	private keystore.PrivateSource
	secret  keystore.SecretSource
}

// DecryptWith decrypts with a private key: RSA-OAEP and ECDH-ES. The kid of
// the token says which; without one there must be exactly one that fits.
//
// A [keystore.Store] decrypts with all keys it publishes, so that a token gets
// through while its recipient's key is replaced. A key held elsewhere decrypts
// if it is a [crypto.Decrypter] for RSA-OAEP; that it could not be reached
// cannot be told from a token that does not decrypt.
func DecryptWith(keys keystore.PrivateSource) DecryptionKeys { return DecryptionKeys{private: keys} }

// DecryptWithSecret decrypts with a key both ends hold: AES key wrap and dir. It
// is chosen as [DecryptWith] says.
func DecryptWithSecret(keys keystore.SecretSource) DecryptionKeys {
	return DecryptionKeys{secret: keys}
}

// check reports keys of a kind that e has no use for, and keys of which none
// fits it, as far as the source has them in memory.
func (k DecryptionKeys) check(e Encryption) error {
	if err := checkKind(e, k.private != nil, k.secret != nil, "DecryptWith", "DecryptWithSecret"); err != nil {
		return err
	}
	fitting, misfits, err := k.candidates(alreadyDone(), e, "")
	if err == nil && len(fitting) == 0 && len(misfits) > 0 {
		return fmt.Errorf("tokenprofile: no key to decrypt with fits %s: %w", e.KeyAlgorithm, errors.Join(misfits...))
	}
	return nil
}

// decrypt returns the payload of a JWE. Whatever is wrong with it beyond what
// its header shows to everyone, the error is the same.
func (k DecryptionKeys) decrypt(ctx context.Context, e Encryption, token *encryptedToken) ([]byte, error) {
	if err := token.checkHeader(e); err != nil {
		return nil, err
	}
	key, err := k.choose(ctx, e, string(token.header.keyID))
	if err != nil {
		return nil, err
	}
	payload, err := token.decrypt(e, key)
	if err != nil {
		return nil, refuse(ErrDecryption, "")
	}
	return payload, nil
}

// choose returns the key with the kid. Without one it returns the only key
// that fits: trying several would tell a sender which one it was.
func (k DecryptionKeys) choose(ctx context.Context, e Encryption, kid string) (any, error) {
	fitting, misfits, err := k.candidates(ctx, e, kid)
	switch {
	case err != nil:
		return nil, unavailable(err)
	case len(fitting) == 1:
		return fitting[0], nil
	case len(fitting) > 1:
		return nil, refuse(ErrUnknownKey, "several keys fit")
	case len(misfits) > 0:
		return nil, refuse(ErrUnknownKey, errors.Join(misfits...).Error())
	}
	return nil, refuse(ErrUnknownKey, "")
}

// candidates are the keys with the kid, or all without one, that fit e, and
// why the others do not.
func (k DecryptionKeys) candidates(ctx context.Context, e Encryption, kid string) (fitting []any, misfits []error, err error) {
	if k.secret != nil {
		keys, err := k.secret.SecretKeys(ctx, kid)
		secrets, misfits := split(keys, kid, e.fitsDecrypting)
		for _, key := range secrets {
			fitting = append(fitting, key.Bytes())
		}
		return fitting, misfits, err
	}
	keys, err := k.privateKeys(ctx)
	private, misfits := split(keys, kid, e.fitsPrivate)
	for _, key := range private {
		fitting = append(fitting, key.CryptoKey())
	}
	return fitting, misfits, err
}

func split[K interface{ KeyID() string }](keys []K, kid string, fits func(K) error) (fitting []K, misfits []error) {
	named := func(key K) bool { return kid == "" || kid == key.KeyID() }
	return fittingKeys(keys, named, fits)
}

// publicHalf is the public key of a private key, or nil of a secret.
func publicHalf(key any) crypto.PublicKey {
	if private, ok := key.(interface{ Public() crypto.PublicKey }); ok {
		return private.Public()
	}
	return nil
}

// privateKeys are all keys a token may be encrypted to. While a store rotates
// they are more than those that sign: others may already use the next key,
// which is published, and tokens to the last one are still on their way.
func (k DecryptionKeys) privateKeys(ctx context.Context) ([]keystore.PrivateKey, error) {
	if rotating, ok := k.private.(interface {
		DecryptionKeys(context.Context) ([]keystore.PrivateKey, error)
	}); ok {
		return rotating.DecryptionKeys(ctx)
	}
	return k.private.PrivateKeys(ctx)
}
