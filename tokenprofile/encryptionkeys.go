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

// check reports keys of a kind that e has no use for, and keys that do not fit
// it, as far as the source has them in memory.
func (k EncryptionKeys) check(e Encryption) error {
	if err := checkKind(e, k.public != nil, k.secret != nil, "EncryptTo", "EncryptWithSecret"); err != nil {
		return err
	}
	_, _, err := k.choose(alreadyDone(), e)
	if errors.Is(err, keystore.ErrNoKey) || errors.Is(err, keystore.ErrAmbiguous) {
		return err
	}
	return nil
}

// alreadyDone is a context with which a source that has its keys in memory
// answers, and one that would have to fetch them does not.
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
// takes the first: a recipient that rotates shows two. Keys that do not say it
// may be meant for signatures, or be somebody else's, so there it asks.
func (k EncryptionKeys) choosePublic(ctx context.Context, e Encryption) (keystore.PublicKey, error) {
	keys, err := k.public.PublicKeys(ctx, "")
	if err != nil {
		return keystore.PublicKey{}, unavailable(err)
	}
	fitting, misfits := fittingFor(e, keys, e.fitsPublic)
	marked := slices.DeleteFunc(slices.Clone(fitting), func(key keystore.PublicKey) bool { return !isMarked(key) })
	if len(marked) > 0 && haveOneOwner(marked) {
		return marked[0], nil
	}
	return theOnly(fitting, e, misfits)
}

func (k EncryptionKeys) chooseSecret(ctx context.Context, e Encryption) (keystore.SecretKey, error) {
	keys, err := k.secret.SecretKeys(ctx, "")
	if err != nil {
		return keystore.SecretKey{}, unavailable(err)
	}
	fitting, misfits := fittingFor(e, keys, e.fitsEncrypting)
	return theOnly(fitting, e, misfits)
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

// fittingFor are the keys that the recipient's name and the algorithms leave,
// and why the others of that name do not fit.
func fittingFor[K interface {
	KeyID() string
	Alias() string
}](e Encryption, keys []K, fits func(K) error) (fitting []K, misfits []error) {
	named := func(key K) bool { return isRecipient(e.Recipient, key.KeyID(), key.Alias()) }
	return fittingKeys(keys, named, fits)
}

// isRecipient compares aliases without case, as keystores do, and kids exactly.
func isRecipient(recipient, kid, alias string) bool {
	return recipient == "" || recipient == kid || alias != "" && strings.EqualFold(recipient, alias)
}

func theOnly[K any](fitting []K, e Encryption, misfits []error) (only K, err error) {
	switch {
	case len(fitting) == 1:
		return fitting[0], nil
	case len(fitting) > 1:
		return only, fmt.Errorf("tokenprofile: %w: %d keys fit %s; name one as Encryption.Recipient", keystore.ErrAmbiguous, len(fitting), e.KeyAlgorithm)
	}
	if len(misfits) > 0 {
		return only, fmt.Errorf("tokenprofile: %w: none fits %s: %w", keystore.ErrNoKey, e.KeyAlgorithm, errors.Join(misfits...))
	}
	return only, fmt.Errorf("tokenprofile: %w: the source of encryption keys has none%s", keystore.ErrNoKey, e.recipientText())
}

func (e Encryption) recipientText() string {
	if e.Recipient == "" {
		return ""
	}
	return fmt.Sprintf(" for the recipient %q", e.Recipient)
}
