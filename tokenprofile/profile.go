// Package tokenprofile declares what a token says and how it is secured, once
// for both ends: what the [Signer] of a [Profile] writes, its [Verifier] demands.
package tokenprofile

import (
	"context"
	"errors"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

var errNotBuilt = errors.New("tokenprofile: not built")

// An Algorithm is the JWS algorithm of a profile (RFC 7518 section 3.1, RFC 8037).
type Algorithm string

// The algorithms a profile can have.
const (
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	ES256 Algorithm = "ES256"
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512"
	EdDSA Algorithm = "EdDSA"
	HS256 Algorithm = "HS256"
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
)

// Profile is a token profile.
type Profile struct {
	Algorithm     Algorithm      `json:"algorithm,omitempty" yaml:"algorithm,omitempty"`
	Issuer        string         `json:"issuer" yaml:"issuer"`
	Audience      []string       `json:"audience" yaml:"audience"`
	AudienceArray bool           `json:"audienceArray,omitempty" yaml:"audienceArray,omitempty"` // write a single audience as an array too
	Subject       string         `json:"subject,omitempty" yaml:"subject,omitempty"`
	Lifetime      time.Duration  `json:"lifetime,omitempty" yaml:"lifetime,omitempty"`
	NotBefore     *time.Duration `json:"notBefore,omitempty" yaml:"notBefore,omitempty"`
	Backdate      time.Duration  `json:"backdate,omitempty" yaml:"backdate,omitempty"`
	Leeway        time.Duration  `json:"leeway,omitempty" yaml:"leeway,omitempty"`
	TokenID       bool           `json:"tokenID,omitempty" yaml:"tokenID,omitempty"` // jti, a UUIDv7
	OneUse        bool           `json:"oneUse,omitempty" yaml:"oneUse,omitempty"`   // every token for one request: jti written and demanded, a second use refused
	Header        Header         `json:"header,omitzero" yaml:"header,omitempty"`
	KeyAlias      string         `json:"keyAlias,omitempty" yaml:"keyAlias,omitempty"`
	NewestKey     bool           `json:"newestKey,omitempty" yaml:"newestKey,omitempty"` // among several keys and no KeyAlias: the newest valid one
	Claims        map[string]any `json:"claims,omitempty" yaml:"claims,omitempty"`
	Required      []string       `json:"required,omitempty" yaml:"required,omitempty"`
	Encryption    *Encryption    `json:"encryption,omitempty" yaml:"encryption,omitempty"`
	MaxSize       int            `json:"maxSize,omitempty" yaml:"maxSize,omitempty"`     // bytes of a received token; zero: 16 KiB
	CacheSize     int            `json:"cacheSize,omitempty" yaml:"cacheSize,omitempty"` // verified tokens a Verifier remembers; zero: 1024, negative: none

	ClaimsFunc func(ctx context.Context) (any, error) `json:"-" yaml:"-"` // run-time values
	Replay     ReplayGuard                            `json:"-" yaml:"-"` // nil with OneUse: a bounded one in memory
	Now        func() time.Time                       `json:"-" yaml:"-"`
}

// Header is what a profile's tokens say in their JOSE header.
type Header struct {
	Type        string         `json:"typ,omitempty" yaml:"typ,omitempty"` // empty: "JWT"
	ContentType string         `json:"cty,omitempty" yaml:"cty,omitempty"`
	KeyID       string         `json:"kid,omitempty" yaml:"kid,omitempty"`         // a fixed kid instead of the key's own
	NoKeyID     bool           `json:"noKeyID,omitempty" yaml:"noKeyID,omitempty"` // write no kid
	X5T         bool           `json:"x5t,omitempty" yaml:"x5t,omitempty"`
	X5TS256     bool           `json:"x5t#S256,omitempty" yaml:"x5t#S256,omitempty"`
	X5C         bool           `json:"x5c,omitempty" yaml:"x5c,omitempty"`
	Extra       map[string]any `json:"extra,omitempty" yaml:"extra,omitempty"`
	Critical    []string       `json:"crit,omitempty" yaml:"crit,omitempty"`
}

// Encryption is how a profile's tokens are encrypted.
type Encryption struct {
	KeyAlgorithm     KeyAlgorithm     `json:"keyAlgorithm" yaml:"keyAlgorithm"`
	ContentAlgorithm ContentAlgorithm `json:"contentAlgorithm" yaml:"contentAlgorithm"`
}

// A KeyAlgorithm is a JWE key management algorithm (RFC 7518 section 4.1).
type KeyAlgorithm string

// A ContentAlgorithm is a JWE content encryption algorithm (RFC 7518 section 5.1).
type ContentAlgorithm string

// Load reads a profile from a JSON file.
func Load(path string) (Profile, error) { return Profile{}, errNotBuilt }

// Parse reads a profile from JSON.
func Parse(data []byte) (Profile, error) { return Profile{}, errNotBuilt }

// Validate reports every fault of the profile.
func (p Profile) Validate() error { return errNotBuilt }

// Preview is what Sign would write, without a key.
func (p Profile) Preview(claims any) (header, payload []byte, err error) {
	return nil, nil, errNotBuilt
}

// Signer returns a signer with the private keys.
func (p Profile) Signer(keys keystore.PrivateSource, encrypt ...EncryptionKeys) (*Signer, error) {
	return nil, errNotBuilt
}

// SecretSigner returns a signer with HMAC keys.
func (p Profile) SecretSigner(keys keystore.SecretSource, encrypt ...EncryptionKeys) (*Signer, error) {
	return nil, errNotBuilt
}

// EncryptedOnlySigner returns a signer that encrypts and does not sign.
func (p Profile) EncryptedOnlySigner(encrypt EncryptionKeys) (*Signer, error) {
	return nil, errNotBuilt
}

// Verifier returns a verifier with the public keys.
func (p Profile) Verifier(keys keystore.PublicSource, decrypt ...DecryptionKeys) (*Verifier, error) {
	return nil, errNotBuilt
}

// SecretVerifier returns a verifier with HMAC keys.
func (p Profile) SecretVerifier(keys keystore.SecretSource, decrypt ...DecryptionKeys) (*Verifier, error) {
	return nil, errNotBuilt
}

// EncryptedOnlyVerifier returns a verifier of tokens that nobody signed.
func (p Profile) EncryptedOnlyVerifier(decrypt DecryptionKeys) (*Verifier, error) {
	return nil, errNotBuilt
}

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
