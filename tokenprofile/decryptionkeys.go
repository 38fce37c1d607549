package tokenprofile

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
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
func DecryptWith(keys keystore.PrivateSource) DecryptionKeys { return DecryptionKeys{private: keys} }

// DecryptWithSecret decrypts with a key both ends hold: AES key wrap and dir.
func DecryptWithSecret(keys keystore.SecretSource) DecryptionKeys {
	return DecryptionKeys{secret: keys}
}

// check reports a kind of keys that e has no use for.
func (k DecryptionKeys) check(e Encryption) error {
	return checkKind(e, k.private != nil, k.secret != nil, "DecryptWith", "DecryptWithSecret")
}

// decrypt returns the header and the payload of a JWE. Whatever is wrong with
// it beyond what its header shows to everyone, the error is the same.
func (k DecryptionKeys) decrypt(ctx context.Context, e Encryption, text string) (header, payload []byte, err error) {
	token, err := receiveEncrypted(text)
	if err != nil {
		return nil, nil, err
	}
	defer token.release()
	if err := token.checkHeader(e); err != nil {
		return nil, nil, err
	}
	if err := k.check(e); err != nil {
		return nil, nil, err
	}
	key, err := k.choose(ctx, e, token.parameter("kid"))
	if err != nil {
		return nil, nil, err
	}
	payload, err = token.decrypt(e, key)
	if err != nil {
		return nil, nil, refuse(ErrDecryption, "")
	}
	return bytes.Clone(token.rawHeader), payload, nil
}

func (t *encryptedToken) decrypt(e Encryption, key any) ([]byte, error) {
	if err := t.checkParts(e, key); err != nil {
		return nil, err
	}
	plaintext, err := e.open(key, t.text)
	if err != nil {
		return nil, err
	}
	return plaintext, t.checkPadding(e.ContentAlgorithm, plaintext)
}

// choose returns the key with the kid. Without one it returns the only key
// that fits: trying several would tell a sender which one it was.
func (k DecryptionKeys) choose(ctx context.Context, e Encryption, kid string) (any, error) {
	if k.secret != nil {
		return k.chooseSecret(ctx, e, kid)
	}
	return k.choosePrivate(ctx, e, kid)
}

func (k DecryptionKeys) choosePrivate(ctx context.Context, e Encryption, kid string) (any, error) {
	keys, err := k.privateKeys(ctx)
	if err != nil {
		return nil, err
	}
	var fitting []any
	for _, key := range keys {
		if (kid == "" || kid == key.KeyID()) && e.fitsPrivate(key) == nil {
			fitting = append(fitting, key.CryptoKey())
		}
	}
	return oneOf(fitting)
}

func (k DecryptionKeys) chooseSecret(ctx context.Context, e Encryption, kid string) (any, error) {
	keys, err := k.secret.SecretKeys(ctx, kid)
	if err != nil {
		return nil, err
	}
	var fitting []any
	for _, key := range keys {
		if (kid == "" || kid == key.KeyID()) && e.fitsSecret(key, "unwrapKey", "decrypt") == nil {
			fitting = append(fitting, key.Bytes())
		}
	}
	return oneOf(fitting)
}

func oneOf(fitting []any) (any, error) {
	if len(fitting) != 1 {
		return nil, refuse(ErrUnknownKey, "")
	}
	return fitting[0], nil
}

// fitsPrivate says why a key cannot decrypt.
func (e Encryption) fitsPrivate(key keystore.PrivateKey) error {
	if err := e.fitsType(key.Public()); err != nil {
		return err
	}
	switch key.CryptoKey().(type) {
	case *ecdsa.PrivateKey, *ecdh.PrivateKey, crypto.Decrypter:
		return anyPermitted(key.Permits, e.operations("unwrapKey", "decrypt"))
	}
	return fmt.Errorf("a private key of type %T does not decrypt", key.CryptoKey())
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
