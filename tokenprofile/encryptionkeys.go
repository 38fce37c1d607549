package tokenprofile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
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

// check reports keys of the wrong kind, and that no key fits, as far as the
// source has them in memory.
func (k EncryptionKeys) check(e Encryption) error {
	if err := checkKind(e, k.public != nil, k.secret != nil, "EncryptTo", "EncryptWithSecret"); err != nil {
		return err
	}
	_, _, err := k.choose(alreadyDone(), e)
	if errors.Is(err, keystore.ErrNoKey) || errors.Is(err, keystore.ErrAmbiguous) || errors.Is(err, keystore.ErrMisconfigured) {
		return err
	}
	return nil
}

// alreadyDone returns a context that is done: a source with its keys in memory
// still answers, and one that would have to fetch them does not.
func alreadyDone() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func checkKind(e Encryption, asymmetric, secret bool, forAsymmetric, forSecret string) error {
	if want := e.KeyAlgorithm.UsesSecret(); want == secret && want != asymmetric {
		return nil
	}
	if e.KeyAlgorithm.UsesSecret() {
		return fmt.Errorf("tokenprofile: profile: encryption: %s needs a secret key: use %s", e.KeyAlgorithm, forSecret)
	}
	return fmt.Errorf("tokenprofile: profile: encryption: %s needs a key pair: use %s", e.KeyAlgorithm, forAsymmetric)
}

// encrypt returns the payload as a JWE in the compact serialization.
func (k EncryptionKeys) encrypt(ctx context.Context, e Encryption, h encryptedHeader, payload []byte) (string, error) {
	key, kid, err := k.choose(ctx, e)
	if err != nil {
		return "", err
	}
	return seal(e, key, kid, h, payload)
}

func (k EncryptionKeys) choose(ctx context.Context, e Encryption) (key any, kid string, err error) {
	if k.secret != nil {
		chosen, err := k.chooseSecret(ctx, e)
		return chosen.Bytes(), chosen.KeyID(), err
	}
	chosen, err := k.choosePublic(ctx, e)
	return chosen.CryptoKey(), chosen.KeyID(), err
}

// choosePublic prefers keys that are marked for encryption. Of those it takes
// the first: a recipient that rotates shows two. Unmarked keys may be for
// signatures, or somebody else's, so that several of them are an error.
func (k EncryptionKeys) choosePublic(ctx context.Context, e Encryption) (keystore.PublicKey, error) {
	keys, err := k.public.PublicKeys(ctx, "")
	if err != nil {
		return keystore.PublicKey{}, unavailable(err)
	}
	fitting := chooseFor(e, keys, func(key keystore.PublicKey) error { return key.Fits(e.KeyAlgorithm) })
	marked := slices.DeleteFunc(slices.Clone(fitting.fitting), func(key keystore.PublicKey) bool { return !isMarked(key) })
	if len(marked) > 0 && haveOneOwner(marked) {
		return marked[0], nil
	}
	return theRecipient(fitting, e)
}

func (k EncryptionKeys) chooseSecret(ctx context.Context, e Encryption) (keystore.SecretKey, error) {
	keys, err := k.secret.SecretKeys(ctx, "")
	if err != nil {
		return keystore.SecretKey{}, unavailable(err)
	}
	return theRecipient(chooseFor(e, keys, func(key keystore.SecretKey) error { return e.fitsSecret(key, "wrapKey", "encrypt") }), e)
}

// isMarked reports whether the key is bound to the algorithm, or may not be
// used for signatures.
func isMarked(key keystore.PublicKey) bool {
	return key.Algorithm() != "" || key.Permits("verify") != nil
}

// haveOneOwner reports whether no two keys have certificates of different
// subjects: a truststore may hold those of several partners, and claims meant
// for one are not for another.
func haveOneOwner(keys []keystore.PublicKey) bool {
	var owner []byte
	for _, key := range keys {
		chain := key.Certificates()
		if len(chain) == 0 {
			continue
		}
		if owner != nil && !bytes.Equal(owner, chain[0].RawSubject) {
			return false
		}
		owner = chain[0].RawSubject
	}
	return true
}

// chooseFor chooses among the keys of the named recipient.
func chooseFor[K interface {
	KeyID() string
	Alias() string
}](e Encryption, keys []K, fits func(K) error) choice[K] {
	return choose(keys, func(key K) bool { return isRecipient(e.Recipient, key.KeyID(), key.Alias()) }, fits)
}

// isRecipient compares aliases in any case, as keystores do, and kids exactly.
func isRecipient(recipient, kid, alias string) bool {
	return recipient == "" || recipient == kid || strings.EqualFold(recipient, alias)
}

func theRecipient[K any](c choice[K], e Encryption) (K, error) {
	what := "encryption keys"
	if e.Recipient != "" {
		what += fmt.Sprintf(" for the recipient %q", e.Recipient)
	}
	key, err := c.only(what, "name one as Encryption.Recipient")
	if err != nil {
		return key, fmt.Errorf("tokenprofile: %s: %w", e.KeyAlgorithm, err)
	}
	return key, nil
}
