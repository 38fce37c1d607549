package tokenprofile

import (
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // for RSA-OAEP, whose strength does not rest on SHA-1's resistance to collisions
	_ "crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/x25519"
)

// seal encrypts the payload with a key of the standard library or a secret.
// Only the names fixed below become header parameters.
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

// unseal decrypts a token that [encryptedToken.checkParts] has found well formed.
func unseal(e Encryption, key any, token []byte) ([]byte, error) {
	return contain(func() ([]byte, error) {
		return jwe.Decrypt(token, jwe.WithKey(jwa.KeyEncryptionAlgorithm(e.KeyAlgorithm), openingKey(key)))
	})
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

// DecoderPanics returns how often the decoder of encrypted tokens has panicked
// since the program began. Each panic was contained, and its token refused. Any
// number but zero is worth a report.
func DecoderPanics() uint64 { return decoderPanics.Load() }

// contain turns a panic of f into an error, without the panic's text, which may
// hold parts of the token.
func contain(f func() ([]byte, error)) (result []byte, err error) {
	defer func() {
		if recover() != nil {
			decoderPanics.Add(1)
			result, err = nil, errors.New("the encryption library panicked")
		}
	}()
	return f()
}
