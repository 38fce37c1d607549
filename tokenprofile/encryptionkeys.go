package tokenprofile

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // for RSA-OAEP, whose strength does not rest on SHA-1's resistance to collisions
	_ "crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/x25519"

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

// choosePublic prefers keys that say they are for encryption. Of those it
// takes the first: a recipient that rotates shows two. Keys that do not say it
// may be meant for signatures, or be somebody else's, so there it asks.
func (k EncryptionKeys) choosePublic(ctx context.Context, e Encryption) (keystore.PublicKey, error) {
	keys, err := k.public.PublicKeys(ctx, "")
	if err != nil {
		return keystore.PublicKey{}, unavailable(err)
	}
	fitting := chooseFor(e, keys, e.fitsPublic)
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
	return theRecipient(chooseFor(e, keys, e.fitsEncrypting), e)
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

// chooseFor chooses among the keys that the recipient's name leaves.
func chooseFor[K interface {
	KeyID() string
	Alias() string
}](e Encryption, keys []K, fits func(K) error) choice[K] {
	return choose(keys, func(key K) bool { return isRecipient(e.Recipient, key.KeyID(), key.Alias()) }, fits)
}

// isRecipient compares aliases without case, as keystores do, and kids exactly.
func isRecipient(recipient, kid, alias string) bool {
	return recipient == "" || recipient == kid || alias != "" && strings.EqualFold(recipient, alias)
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

// seal encrypts the payload with a key of the standard library or a secret.
// Only the fixed names below become header parameters.
func seal(e Encryption, key any, kid string, h encryptedHeader, payload []byte) (string, error) {
	headers := jwe.NewHeaders()
	parameters := map[string]string{jwe.TypeKey: h.typ, jwe.ContentTypeKey: h.cty, jwe.KeyIDKey: kid}
	for name, value := range parameters {
		if value == "" {
			continue
		}
		if err := headers.Set(name, value); err != nil {
			return "", err
		}
	}
	token, err := contain(func() ([]byte, error) {
		return jwe.Encrypt(payload,
			jwe.WithKey(jwa.KeyEncryptionAlgorithm(e.KeyAlgorithm), sealingKey(key)),
			jwe.WithContentEncryption(jwa.ContentEncryptionAlgorithm(e.ContentAlgorithm)),
			jwe.WithProtectedHeaders(headers))
	})
	if err != nil {
		return "", fmt.Errorf("tokenprofile: encryption: %w", err)
	}
	return string(token), nil
}

// sealingKey and openingKey are the key in the type the library knows it by.
func sealingKey(key any) any {
	if public, ok := key.(*ecdh.PublicKey); ok {
		return x25519.PublicKey(public.Bytes())
	}
	return key
}

func openingKey(key any) any {
	switch key := key.(type) {
	case *ecdh.PrivateKey:
		return x25519.PrivateKey(append(key.Bytes(), key.PublicKey().Bytes()...))
	case crypto.Decrypter:
		return oaepDecrypter{key}
	}
	return key
}

// oaepDecrypter decrypts with an RSA key through the interface that keys held
// elsewhere (a KMS, an HSM) have too.
type oaepDecrypter struct{ key crypto.Decrypter }

func (d oaepDecrypter) DecryptKey(alg jwa.KeyEncryptionAlgorithm, encrypted []byte, _ jwe.Recipient, _ *jwe.Message) ([]byte, error) {
	hash := crypto.SHA256
	if alg == jwa.RSA_OAEP {
		hash = crypto.SHA1 // RFC 7518 section 4.3
	}
	return d.key.Decrypt(rand.Reader, encrypted, &rsa.OAEPOptions{Hash: hash})
}

var decoderPanics atomic.Uint64

// DecoderPanics is how often the decoder of encrypted tokens panicked since
// the program began. Each was contained, and its token refused. Anything but
// zero is worth a report.
func DecoderPanics() uint64 { return decoderPanics.Load() }

// contain turns a panic of f into an error. What the panic says is left out:
// it may hold parts of the token.
func contain(f func() ([]byte, error)) (result []byte, err error) {
	defer func() {
		if recover() != nil {
			decoderPanics.Add(1)
			result, err = nil, errors.New("the encryption library panicked")
		}
	}()
	return f()
}
