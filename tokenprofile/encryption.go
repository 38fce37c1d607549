package tokenprofile

import (
	"fmt"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Encryption is how a profile's tokens are encrypted (JWE, RFC 7516), in the
// compact serialization, to one recipient and without compression.
type Encryption struct {
	// KeyAlgorithm says how the recipient gets the key the content is
	// encrypted with.
	KeyAlgorithm KeyAlgorithm `json:"keyAlgorithm"`

	// ContentAlgorithm says how the content is encrypted.
	ContentAlgorithm ContentAlgorithm `json:"contentAlgorithm"`

	// Recipient is the kid or the alias of the key to encrypt with. Empty
	// means the only key that fits; or, where the source marks keys as being
	// for encryption, the first of those. A verifier does not look at it: it
	// decrypts with whichever of its keys the token names.
	Recipient string `json:"recipient,omitempty"`
}

// A KeyAlgorithm is the one of an encrypted token's key (RFC 7518 section 4.1).
type KeyAlgorithm = keystore.Algorithm

// The key management algorithms a profile can have.
const (
	RSAOAEP      = keystore.RSAOAEP
	RSAOAEP256   = keystore.RSAOAEP256
	ECDHES       = keystore.ECDHES
	ECDHESA128KW = keystore.ECDHESA128KW
	ECDHESA192KW = keystore.ECDHESA192KW
	ECDHESA256KW = keystore.ECDHESA256KW
	A128KW       = keystore.A128KW
	A192KW       = keystore.A192KW
	A256KW       = keystore.A256KW
	A128GCMKW    = keystore.A128GCMKW
	A192GCMKW    = keystore.A192GCMKW
	A256GCMKW    = keystore.A256GCMKW
	Direct       = keystore.Direct
)

// A ContentAlgorithm is a JWE content encryption algorithm (RFC 7518 section 5.1).
type ContentAlgorithm = keystore.ContentAlgorithm

// The content encryption algorithms a profile can have.
const (
	A128GCM      = keystore.A128GCM
	A192GCM      = keystore.A192GCM
	A256GCM      = keystore.A256GCM
	A128CBCHS256 = keystore.A128CBCHS256
	A192CBCHS384 = keystore.A192CBCHS384
	A256CBCHS512 = keystore.A256CBCHS512
)

func (e *Encryption) check(f *faults) {
	if there := keystore.KeyAlgorithms(); !slices.Contains(there, e.KeyAlgorithm) {
		f.add("encryption.keyAlgorithm", "%q is not offered; want one of %v", e.KeyAlgorithm, there)
	}
	if there := keystore.ContentAlgorithms(); !slices.Contains(there, e.ContentAlgorithm) {
		f.add("encryption.contentAlgorithm", "%q is not offered; want one of %v", e.ContentAlgorithm, there)
	}
	if len(e.Recipient) > maxKeyID {
		f.add("encryption.recipient", "%d bytes, and at most %d are allowed", len(e.Recipient), maxKeyID)
	}
}

// secretSize returns the exact length in bytes of the secret that e is used
// with.
func (e Encryption) secretSize() int {
	if e.KeyAlgorithm == Direct {
		return e.ContentAlgorithm.KeySize()
	}
	return e.KeyAlgorithm.KeySize()
}

// fitsSecret says why a secret key does not fit: its size, the algorithm it is
// bound to, or what it may be used for. A key used directly is bound to the
// content algorithm (RFC 7518 section 4.5), though some call it "dir".
func (e Encryption) fitsSecret(key keystore.SecretKey, wrap, crypt string) error {
	operation := wrap
	if e.KeyAlgorithm == Direct {
		operation = crypt
	}
	bound := key.Algorithm()
	direct := e.KeyAlgorithm == Direct && bound == KeyAlgorithm(e.ContentAlgorithm)
	switch {
	case key.Size() != e.secretSize():
		return fmt.Errorf("key %q: it has %d bytes, and %s needs %d", key.KeyID(), key.Size(), e.KeyAlgorithm, e.secretSize())
	case bound != "" && bound != e.KeyAlgorithm && !direct:
		return fmt.Errorf("key %q: it is bound to the algorithm %q", key.KeyID(), bound)
	}
	if err := key.Permits(operation); err != nil {
		return fmt.Errorf("key %q: %w", key.KeyID(), err)
	}
	return nil
}
