package keystore

import "fmt"

// A ContentAlgorithm is a JWE content encryption algorithm (RFC 7518 section
// 5.1).
type ContentAlgorithm string

// The content encryption algorithms.
const (
	A128GCM      ContentAlgorithm = "A128GCM"
	A192GCM      ContentAlgorithm = "A192GCM"
	A256GCM      ContentAlgorithm = "A256GCM"
	A128CBCHS256 ContentAlgorithm = "A128CBC-HS256"
	A192CBCHS384 ContentAlgorithm = "A192CBC-HS384"
	A256CBCHS512 ContentAlgorithm = "A256CBC-HS512"
)

// A contentSpec is a row of the table: sizes in bytes (RFC 7518 sections 5.2.2
// and 5.3). The key of AES-CBC is that of its MAC, then that of the cipher.
type contentSpec struct {
	name         ContentAlgorithm
	key, iv, tag int
	gcm          bool
}

const (
	gcmNonceSize = 12
	gcmTagSize   = 16
	cbcBlockSize = 16
)

var contentSpecs = []contentSpec{
	{A128GCM, 16, gcmNonceSize, gcmTagSize, true},
	{A192GCM, 24, gcmNonceSize, gcmTagSize, true},
	{A256GCM, 32, gcmNonceSize, gcmTagSize, true},
	{A128CBCHS256, 32, cbcBlockSize, 16, false},
	{A192CBCHS384, 48, cbcBlockSize, 24, false},
	{A256CBCHS512, 64, cbcBlockSize, 32, false},
}

// ContentAlgorithms lists the content encryption algorithms.
func ContentAlgorithms() []ContentAlgorithm {
	names := make([]ContentAlgorithm, len(contentSpecs))
	for i, s := range contentSpecs {
		names[i] = s.name
	}
	return names
}

func (a ContentAlgorithm) spec() contentSpec {
	for _, s := range contentSpecs {
		if s.name == a {
			return s
		}
	}
	return contentSpec{}
}

// Check returns [ErrUnsupported] for an unknown name, with a list of the known
// ones.
func (a ContentAlgorithm) Check() error {
	if a.spec().name == "" {
		return fmt.Errorf("%w: %q is not one of %s", ErrUnsupported, clip(string(a)), join(ContentAlgorithms()))
	}
	return nil
}

// KeySize returns the length of the key in bytes, for AES-CBC of both its
// halves; 0 if the name is not known, as for the next two.
func (a ContentAlgorithm) KeySize() int { return a.spec().key }

// IVSize returns the length of the initialization vector in bytes.
func (a ContentAlgorithm) IVSize() int { return a.spec().iv }

// TagSize returns the length of the authentication tag in bytes.
func (a ContentAlgorithm) TagSize() int { return a.spec().tag }

// IsGCM reports whether the content is encrypted with AES-GCM, and not with
// AES-CBC and an HMAC.
func (a ContentAlgorithm) IsGCM() bool { return a.spec().gcm }
