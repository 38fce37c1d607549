package tokenprofile

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// EncryptionKeys are the keys a token is encrypted with: the value of
// [EncryptTo] or [EncryptWithSecret].
type EncryptionKeys struct {
	public keystore.PublicSource
	secret keystore.SecretSource
}

// EncryptTo encrypts to whoever holds the private key: RSA-OAEP and ECDH-ES.
// Every key of the source must be the recipient's: its JWK Set (a jwks.Client)
// or its certificate in a truststore ([keystore.Store.Trust]). Where the
// source has several keys that fit, [Encryption.Recipient] says which.
func EncryptTo(keys keystore.PublicSource) EncryptionKeys { return EncryptionKeys{public: keys} }

// EncryptWithSecret encrypts with a key both ends hold: AES key wrap and dir.
func EncryptWithSecret(keys keystore.SecretSource) EncryptionKeys {
	return EncryptionKeys{secret: keys}
}

// encryptedHeader is what the profile says in the header of an encrypted
// token. The algorithms and the kid are added to it.
type encryptedHeader struct{ typ, cty string }

// check reports a kind of keys that e has no use for.
func (k EncryptionKeys) check(e Encryption) error {
	return checkKind(e, k.public != nil, k.secret != nil, "EncryptTo", "EncryptWithSecret")
}

func checkKind(e Encryption, asymmetric, secret bool, forAsymmetric, forSecret string) error {
	if want := e.KeyAlgorithm.usesSecret(); want == secret && want != asymmetric {
		return nil
	}
	if e.KeyAlgorithm.usesSecret() {
		return fmt.Errorf("tokenprofile: profile: encryption: %s needs a secret key: use %s", e.KeyAlgorithm, forSecret)
	}
	return fmt.Errorf("tokenprofile: profile: encryption: %s needs a key pair: use %s", e.KeyAlgorithm, forAsymmetric)
}

// encrypt returns the payload as a JWE in the compact serialization.
func (k EncryptionKeys) encrypt(ctx context.Context, e Encryption, h encryptedHeader, payload []byte) (string, error) {
	if err := k.check(e); err != nil {
		return "", err
	}
	key, kid, err := k.choose(ctx, e)
	if err != nil {
		return "", err
	}
	return e.seal(key, kid, h, payload)
}

func (k EncryptionKeys) choose(ctx context.Context, e Encryption) (key any, kid string, err error) {
	if k.secret != nil {
		chosen, err := k.chooseSecret(ctx, e)
		return chosen.Bytes(), chosen.KeyID(), err
	}
	chosen, err := k.choosePublic(ctx, e)
	return chosen.CryptoKey(), chosen.KeyID(), err
}

// choosePublic prefers keys that say they are for encryption. Of those it
// takes the first: an issuer that rotates shows two. Keys that do not say it
// may be meant for signatures, or be somebody else's, so there it asks.
func (k EncryptionKeys) choosePublic(ctx context.Context, e Encryption) (keystore.PublicKey, error) {
	keys, err := k.public.PublicKeys(ctx, "")
	if err != nil {
		return keystore.PublicKey{}, err
	}
	var marked, unmarked []keystore.PublicKey
	faults := []error{}
	for _, key := range keys {
		if !isRecipient(e.Recipient, key.KeyID(), key.Alias()) {
			continue
		}
		if err := e.fitsPublic(key); err != nil {
			faults = append(faults, fmt.Errorf("key %q: %w", key.KeyID(), err))
		} else if key.Permits("verify") != nil || key.Algorithm() != "" {
			marked = append(marked, key)
		} else {
			unmarked = append(unmarked, key)
		}
	}
	if len(marked) > 0 {
		return marked[0], nil
	}
	return theOnly(unmarked, e, faults)
}

func (k EncryptionKeys) chooseSecret(ctx context.Context, e Encryption) (keystore.SecretKey, error) {
	keys, err := k.secret.SecretKeys(ctx, "")
	if err != nil {
		return keystore.SecretKey{}, err
	}
	var fitting []keystore.SecretKey
	faults := []error{}
	for _, key := range keys {
		if !isRecipient(e.Recipient, key.KeyID(), key.Alias()) {
			continue
		}
		if err := e.fitsSecret(key, "wrapKey", "encrypt"); err != nil {
			faults = append(faults, fmt.Errorf("key %q: %w", key.KeyID(), err))
			continue
		}
		fitting = append(fitting, key)
	}
	return theOnly(fitting, e, faults)
}

// isRecipient compares aliases without case, as keystores do, and kids exactly.
func isRecipient(recipient, kid, alias string) bool {
	return recipient == "" || recipient == kid || alias != "" && strings.EqualFold(recipient, alias)
}

func theOnly[K any](fitting []K, e Encryption, faults []error) (only K, err error) {
	switch {
	case len(fitting) == 1:
		return fitting[0], nil
	case len(fitting) > 1:
		return only, fmt.Errorf("tokenprofile: %w: %d keys fit %s; name one as Encryption.Recipient", keystore.ErrAmbiguous, len(fitting), e.KeyAlgorithm)
	}
	return only, fmt.Errorf("tokenprofile: %w: none fits %s%s: %w", keystore.ErrNoKey, e.KeyAlgorithm, e.recipientText(), errors.Join(faults...))
}

func (e Encryption) recipientText() string {
	if e.Recipient == "" {
		return ""
	}
	return fmt.Sprintf(" and the recipient %q", e.Recipient)
}

// fitsPublic says why a key cannot be encrypted to.
func (e Encryption) fitsPublic(key keystore.PublicKey) error {
	if err := e.fitsType(key); err != nil {
		return err
	}
	return anyPermitted(key.Permits, e.operations("wrapKey", "encrypt"))
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

// fitsSecret says why a secret key does not fit: its size, the algorithm it is
// bound to, or what it may be used for. A key used directly is bound to the
// content algorithm (RFC 7518 section 4.5), though some call it "dir".
func (e Encryption) fitsSecret(key keystore.SecretKey, wrap, crypt string) error {
	if key.Size() != e.secretSize() {
		return fmt.Errorf("the key has %d bytes, and %s needs %d", key.Size(), e.KeyAlgorithm, e.secretSize())
	}
	algorithm := key.Algorithm()
	direct := e.KeyAlgorithm == Direct && algorithm == string(e.ContentAlgorithm)
	if algorithm != "" && algorithm != string(e.KeyAlgorithm) && !direct {
		return fmt.Errorf("the key is for %s", algorithm)
	}
	return anyPermitted(key.Permits, e.operations(wrap, crypt))
}
