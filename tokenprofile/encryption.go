package tokenprofile

import (
	"context"
	"errors"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

var errNotBuilt = errors.New("tokenprofile: not built")

// Encryption is how a profile's tokens are encrypted.
type Encryption struct {
	KeyAlgorithm     KeyAlgorithm     `json:"keyAlgorithm" yaml:"keyAlgorithm"`
	ContentAlgorithm ContentAlgorithm `json:"contentAlgorithm" yaml:"contentAlgorithm"`
}

// A KeyAlgorithm is a JWE key management algorithm (RFC 7518 section 4.1).
type KeyAlgorithm string

// A ContentAlgorithm is a JWE content encryption algorithm (RFC 7518 section 5.1).
type ContentAlgorithm string

// EncryptionKeys are the keys a token is encrypted to: [EncryptTo], [EncryptWithSecret].
type EncryptionKeys struct{}

// EncryptTo encrypts to the holder of a private key.
func EncryptTo(keys keystore.PublicSource) EncryptionKeys { return EncryptionKeys{} }

// EncryptWithSecret encrypts with a shared key.
func EncryptWithSecret(keys keystore.SecretSource) EncryptionKeys { return EncryptionKeys{} }

// DecryptionKeys are the keys a token is decrypted with: [DecryptWith], [DecryptWithSecret].
type DecryptionKeys struct{}

// DecryptWith decrypts with a private key.
func DecryptWith(keys keystore.PrivateSource) DecryptionKeys { return DecryptionKeys{} }

// DecryptWithSecret decrypts with a shared key.
func DecryptWithSecret(keys keystore.SecretSource) DecryptionKeys { return DecryptionKeys{} }

func (e Encryption) validate() []error { return nil }

// encryptedHeader is what the profile puts in the header of an encrypted token.
type encryptedHeader struct{ typ, cty string }

func (k EncryptionKeys) encrypt(ctx context.Context, enc Encryption, h encryptedHeader, payload []byte) (string, error) {
	return "", errNotBuilt
}

func (k DecryptionKeys) decrypt(ctx context.Context, enc Encryption, token string) (header, payload []byte, err error) {
	return nil, nil, errNotBuilt
}
