package tokenprofile

import (
	"fmt"
	"slices"
)

// Encryption is how a profile's tokens are encrypted (JWE, RFC 7516), in the
// compact serialization, to one recipient and without compression.
type Encryption struct {
	// KeyAlgorithm says how the recipient gets the key the content is
	// encrypted with.
	KeyAlgorithm KeyAlgorithm `json:"keyAlgorithm" yaml:"keyAlgorithm"`

	// ContentAlgorithm says how the content is encrypted.
	ContentAlgorithm ContentAlgorithm `json:"contentAlgorithm" yaml:"contentAlgorithm"`

	// Recipient is the kid or the alias of the key to encrypt with. Empty
	// means the only key that fits; or, where the source marks keys as being
	// for encryption, the first of those. A verifier does not look at it: it
	// decrypts with whichever of its keys the token names.
	Recipient string `json:"recipient,omitempty" yaml:"recipient,omitempty"`
}

// A KeyAlgorithm is a JWE key management algorithm (RFC 7518 section 4.1).
type KeyAlgorithm string

// The key management algorithms a profile can have. RSA1_5 and the
// password-based ones are not among them: the first can be made to reveal its
// plaintext, the others let a token choose how long its reader computes.
const (
	RSAOAEP      KeyAlgorithm = "RSA-OAEP"
	RSAOAEP256   KeyAlgorithm = "RSA-OAEP-256"
	ECDHES       KeyAlgorithm = "ECDH-ES"
	ECDHESA128KW KeyAlgorithm = "ECDH-ES+A128KW"
	ECDHESA192KW KeyAlgorithm = "ECDH-ES+A192KW"
	ECDHESA256KW KeyAlgorithm = "ECDH-ES+A256KW"
	A128KW       KeyAlgorithm = "A128KW"
	A192KW       KeyAlgorithm = "A192KW"
	A256KW       KeyAlgorithm = "A256KW"
	A128GCMKW    KeyAlgorithm = "A128GCMKW"
	A192GCMKW    KeyAlgorithm = "A192GCMKW"
	A256GCMKW    KeyAlgorithm = "A256GCMKW"
	Direct       KeyAlgorithm = "dir"
)

// A ContentAlgorithm is a JWE content encryption algorithm (RFC 7518 section 5.1).
type ContentAlgorithm string

// The content encryption algorithms a profile can have.
const (
	A128GCM      ContentAlgorithm = "A128GCM"
	A192GCM      ContentAlgorithm = "A192GCM"
	A256GCM      ContentAlgorithm = "A256GCM"
	A128CBCHS256 ContentAlgorithm = "A128CBC-HS256"
	A192CBCHS384 ContentAlgorithm = "A192CBC-HS384"
	A256CBCHS512 ContentAlgorithm = "A256CBC-HS512"
)

var (
	keyAlgorithms = []KeyAlgorithm{
		RSAOAEP, RSAOAEP256, ECDHES, ECDHESA128KW, ECDHESA192KW, ECDHESA256KW,
		A128KW, A192KW, A256KW, A128GCMKW, A192GCMKW, A256GCMKW, Direct,
	}
	contentAlgorithms = []ContentAlgorithm{
		A128GCM, A192GCM, A256GCM, A128CBCHS256, A192CBCHS384, A256CBCHS512,
	}
)

// validate returns every fault of the encryption, each beginning with the
// field it is in.
func (e Encryption) validate() []error {
	var faults []error
	if !slices.Contains(keyAlgorithms, e.KeyAlgorithm) {
		faults = append(faults, fmt.Errorf("keyAlgorithm: %q is not offered; want one of %v", e.KeyAlgorithm, keyAlgorithms))
	}
	if !slices.Contains(contentAlgorithms, e.ContentAlgorithm) {
		faults = append(faults, fmt.Errorf("contentAlgorithm: %q is not offered; want one of %v", e.ContentAlgorithm, contentAlgorithms))
	}
	if len(e.Recipient) > maxKeyID {
		faults = append(faults, fmt.Errorf("recipient: %d bytes, and at most %d are allowed", len(e.Recipient), maxKeyID))
	}
	return faults
}

// isRSA, isECDH and isGCMKW tell the families apart; what is left is A*KW and dir.
func (a KeyAlgorithm) isRSA() bool { return a == RSAOAEP || a == RSAOAEP256 }

func (a KeyAlgorithm) isECDH() bool {
	return a == ECDHES || a == ECDHESA128KW || a == ECDHESA192KW || a == ECDHESA256KW
}

func (a KeyAlgorithm) isGCMKW() bool { return a == A128GCMKW || a == A192GCMKW || a == A256GCMKW }

// usesSecret reports whether both ends hold the same key.
func (a KeyAlgorithm) usesSecret() bool { return !a.isRSA() && !a.isECDH() }

// secretSize is the exact length in bytes of the secret that e is used with.
func (e Encryption) secretSize() int {
	switch e.KeyAlgorithm {
	case A128KW, A128GCMKW:
		return 16
	case A192KW, A192GCMKW:
		return 24
	case A256KW, A256GCMKW:
		return 32
	}
	return e.ContentAlgorithm.keySize() // dir
}

// encryptedKeySize is the exact length in bytes of the second part of a token.
// The modulus is that of the recipient's RSA key.
func (e Encryption) encryptedKeySize(modulus int) int {
	switch {
	case e.KeyAlgorithm.isRSA():
		return modulus
	case e.KeyAlgorithm.isGCMKW():
		return e.ContentAlgorithm.keySize()
	case e.KeyAlgorithm == ECDHES, e.KeyAlgorithm == Direct:
		return 0 // RFC 7516 section 5.1 step 5: the empty octet sequence
	}
	return e.ContentAlgorithm.keySize() + aesWrapOverhead
}

// aesWrapOverhead is what AES key wrap adds (RFC 3394 section 2.2.1).
const aesWrapOverhead = 8

// keySize is the length in bytes of the key, for AES-CBC of both its halves.
func (a ContentAlgorithm) keySize() int {
	switch a {
	case A128GCM:
		return 16
	case A192GCM:
		return 24
	case A256GCM, A128CBCHS256:
		return 32
	case A192CBCHS384:
		return 48
	}
	return 64
}

func (a ContentAlgorithm) isGCM() bool { return a == A128GCM || a == A192GCM || a == A256GCM }

// ivSize and tagSize are in bytes (RFC 7518 sections 5.2.2 and 5.3).
func (a ContentAlgorithm) ivSize() int {
	if a.isGCM() {
		return gcmNonceSize
	}
	return cbcBlockSize
}

func (a ContentAlgorithm) tagSize() int {
	if a.isGCM() {
		return gcmTagSize
	}
	return a.keySize() / 2
}

const (
	gcmNonceSize = 12
	gcmTagSize   = 16
	cbcBlockSize = 16
)
