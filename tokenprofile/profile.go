package tokenprofile

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// A Profile is a token profile: what a token says and how it is secured. One
// value serves both ends. It can be written as a struct literal or read from a
// file with [Load]; the zero value of every field is the secure choice.
//
// Signers and verifiers copy the profile when they are built.
//
// It nests in a service's own configuration, in JSON and in YAML, as strictly
// as in a file of its own. Such a profile is not validated before
// [Profile.Validate], a signer or a verifier looks at it.
type Profile struct {
	// Algorithm signs the token. It is empty only for tokens that are
	// encrypted and not signed: [Profile.EncryptedOnlySigner].
	Algorithm Algorithm `json:"algorithm,omitempty"`

	// Issuer is the iss claim, compared exactly. It may not be empty, unless
	// IssuerFunc computes it or Waive leaves it out.
	Issuer string `json:"issuer"`

	// Audience is the aud claim, written as a string if there is one, as an
	// array if there are several. A verifier accepts a token that is meant for
	// at least one of them, and cannot be built without any. A signer without
	// any wants the aud claim with every call of [Signer.Sign]. There may be 256.
	Audience []string `json:"audience,omitempty" document:"singly"`

	// SoleAudience demands that aud names one audience and no other, so that
	// nobody it names besides can use the token too (RFC 7523bis).
	SoleAudience bool `json:"soleAudience,omitempty"`

	// AudienceArray writes a single audience as an array too, for receivers
	// that insist. Both forms are accepted.
	AudienceArray bool `json:"audienceArray,omitempty"`

	// Subject is the sub claim. Empty: a signer writes the one given to
	// [Signer.Sign] or none, a verifier accepts any, also an empty one.
	Subject string `json:"subject,omitempty"`

	// Lifetime is how long a token lives from iat to exp when signing, and the
	// longest life accepted when verifying; for a token without iat, the
	// longest until exp. It is in whole seconds. Zero: 15 minutes.
	Lifetime time.Duration `json:"lifetime,omitempty"`

	// NotBefore is how long after iat the token becomes valid: the nbf claim.
	// It is in whole seconds and less than Lifetime. Nil: none is written. One
	// that is there is always respected.
	NotBefore *time.Duration `json:"notBefore,omitempty"`

	// Backdate is how far in the past iat lies when signing, and exp and nbf
	// with it, for receivers whose clock is late. It is in whole seconds and
	// less than Lifetime. Zero: not at all.
	Backdate time.Duration `json:"backdate,omitempty"`

	// Leeway is the clock skew allowed when verifying, at most 10 minutes.
	// Zero: 30 seconds.
	Leeway time.Duration `json:"leeway,omitempty"`

	// TokenID writes a jti claim, a UUIDv7 (RFC 9562), and demands one.
	TokenID bool `json:"tokenID,omitempty"`

	// OneUse makes every token good for one request: a jti is written and
	// demanded, and Replay is asked whether it is new. A verifier of such
	// tokens keeps no cache.
	OneUse bool `json:"oneUse,omitempty"`

	// Header is what the JOSE header says besides alg.
	Header Header `json:"header,omitzero"`

	// KeyAlias names the key that signs, in any case. Empty: the only key of the
	// source that fits; if there are several, the error lists them.
	KeyAlias string `json:"keyAlias,omitempty"`

	// NewestKey signs, among several keys and without KeyAlias, with the one
	// whose certificate became valid last.
	NewestKey bool `json:"newestKey,omitempty"`

	// Claims are further claims, written and demanded with exactly these
	// values. They may not name what has a field of its own here.
	Claims map[string]any `json:"claims,omitempty"`

	// Required are claims a token must have, whatever their value.
	Required []string `json:"required,omitempty"`

	// Waive is what the profile gives up of its strictness. Zero: nothing.
	Waive Waive `json:"waive,omitzero"`

	// Encryption encrypts the signed token. Nil: it is signed only.
	Encryption *Encryption `json:"encryption,omitempty"`

	// MaxSize is the length in bytes of the longest token that is read or
	// written, at most 1 MiB. Zero: 16 KiB.
	MaxSize int `json:"maxSize,omitempty"`

	// CacheSize is how many verified tokens a verifier remembers, so that it
	// need not verify their signature again; time, and that the key is still
	// trusted, are checked every time. At most 1,048,576. Zero: 1024. Negative:
	// none.
	CacheSize int `json:"cacheSize,omitempty"`

	// ClaimsFunc yields further claims for each token, as [Signer.Sign] takes
	// them. Nil: none.
	ClaimsFunc func(ctx context.Context) (any, error) `json:"-"`

	// IssuerFunc computes the iss claim from the key that signs, so that it
	// follows a rotation: Snowflake wants the fingerprint of the key in it. It
	// is for signers, and Issuer is empty then. Nil: Issuer it is.
	IssuerFunc func(key keystore.PublicKey) (string, error) `json:"-"`

	// Replay remembers the tokens of a OneUse profile. Nil: a
	// [MemoryReplayGuard] of the verifier's own, which suits a single process.
	Replay ReplayGuard `json:"-"`

	// Now is the clock. Nil: [time.Now].
	Now func() time.Time `json:"-"`
}

// What stands in for a field that is zero.
const (
	defaultLifetime  = 15 * time.Minute
	defaultLeeway    = 30 * time.Second
	defaultMaxSize   = 16 << 10
	defaultCacheSize = 1024
)

// Load reads a profile from a JSON file, as [Parse] does.
func Load(path string) (Profile, error) {
	var p Profile
	if err := profiles.Load(path, &p); err != nil {
		return Profile{}, err
	}
	return p, nil
}

// Parse reads a profile from JSON: an object with the names of the fields'
// tags. Durations are texts such as "15m" ([time.ParseDuration]), the audience
// a string or an array, integers in claims stay exact. An unknown or repeated
// name is an error. All faults are reported at once, those of
// [Profile.Validate] among them, each a [*Fault] with its path in the document.
func Parse(data []byte) (Profile, error) {
	var p Profile
	if err := profiles.Parse(data, &p); err != nil {
		return Profile{}, err
	}
	return p, nil
}

// Validate reports every fault of the profile at once, each a [*Fault] with the
// path of its field in the JSON form.
func (p Profile) Validate() error { return faultsOf(&p).in(profiles) }

// UnmarshalJSON reads a profile that is part of a larger configuration. It is
// as strict as [Parse], but leaves [Profile.Validate] to whoever has the whole.
func (p *Profile) UnmarshalJSON(data []byte) error {
	var decoded Profile
	if err := profiles.Decode(data, &decoded); err != nil {
		return err
	}
	*p = decoded
	return nil
}

// UnmarshalYAML reads a profile as UnmarshalJSON does, for YAML libraries.
func (p *Profile) UnmarshalYAML(unmarshal func(any) error) error {
	var decoded Profile
	if err := profiles.DecodeYAML(unmarshal, &decoded); err != nil {
		return err
	}
	*p = decoded
	return nil
}

// MarshalJSON writes the document that [Parse] reads: fields that are zero are
// left out. The functions, Replay and Now are not part of it.
func (p Profile) MarshalJSON() ([]byte, error) { return profiles.Encode(p) }

// MarshalYAML writes a profile as MarshalJSON does, for YAML libraries.
func (p Profile) MarshalYAML() (any, error) { return profiles.EncodeYAML(p) }

// recipient returns the claim that says whom a token is for, or "" where none
// does.
func (p *Profile) recipient() string {
	if p.Waive.omits("aud") {
		return ""
	}
	return cmp.Or(p.Waive.Recipient, "aud")
}

// settled returns the profile with its defaults, and nothing shared with the
// caller.
func (p Profile) settled() Profile {
	p.Audience = slices.Clone(p.Audience)
	p.Required = slices.Clone(p.Required)
	p.Claims = maps.Clone(p.Claims)
	p.Header.Extra = maps.Clone(p.Header.Extra)
	p.Header.Critical = slices.Clone(p.Header.Critical)
	p.Header.Demanded = slices.Clone(p.Header.Demanded)
	p.Waive.Omit = slices.Clone(p.Waive.Omit)
	p.NotBefore = clone(p.NotBefore)
	p.Encryption = clone(p.Encryption)
	p.Lifetime = cmp.Or(p.Lifetime, defaultLifetime)
	p.Leeway = cmp.Or(p.Leeway, defaultLeeway)
	p.MaxSize = cmp.Or(p.MaxSize, defaultMaxSize)
	p.CacheSize = cmp.Or(p.CacheSize, defaultCacheSize)
	if p.Now == nil {
		p.Now = time.Now
	}
	return p
}

func clone[T any](value *T) *T {
	if value == nil {
		return nil
	}
	copied := *value
	return &copied
}
