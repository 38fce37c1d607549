package tokenprofile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// A Signer writes tokens of one profile. It is safe for concurrent use.
type Signer struct {
	composer *composer
	keys     signingKeys // nil: encrypted only
	encrypt  *EncryptionKeys
}

// newSigner takes a valid profile and its keys, nil for tokens that nobody
// signs.
func newSigner(p Profile, keys signingKeys, encrypt []EncryptionKeys) (*Signer, error) {
	if err := p.wantsEncryption(len(encrypt)); err != nil {
		return nil, err
	}
	composer, err := newComposer(p.settled())
	if err != nil {
		return nil, err
	}
	if err := checkRequired(&composer.profile); err != nil {
		return nil, err
	}
	s := &Signer{composer: composer, keys: keys}
	if len(encrypt) == 1 {
		s.encrypt = &encrypt[0]
		if err := s.encrypt.check(*p.Encryption); err != nil {
			return nil, err
		}
	}
	if keys == nil {
		return s, nil
	}
	if err := checkKeys(keys, composer); err != nil {
		return nil, err
	}
	return s, nil
}

// Profile returns the profile the signer was made of, with its defaults.
func (s *Signer) Profile() Profile {
	if s == nil || s.composer == nil {
		return Profile{}
	}
	return s.composer.profile.settled()
}

// OneUse reports whether each token is for one request: [Profile.OneUse].
func (s *Signer) OneUse() bool { return s != nil && s.composer != nil && s.composer.profile.OneUse }

// Now returns the time by the profile's clock, which also sets the expiry of
// its tokens.
func (s *Signer) Now() time.Time {
	if s == nil || s.composer == nil {
		return time.Now()
	}
	return s.composer.profile.Now()
}

// Sign returns a token with the profile's claims and those given: a struct or
// a map, or nil for none. Claims add to the profile and never override it: one
// that the profile sets, and exp, iat and nbf, are an error that names it.
func (s *Signer) Sign(ctx context.Context, claims any) (string, error) {
	token, _, err := s.TokenWith(ctx, claims)
	return token, err
}

// Token returns a token with the profile's claims, and its expiry.
func (s *Signer) Token(ctx context.Context) (token string, expiry time.Time, err error) {
	return s.TokenWith(ctx, nil)
}

// TokenWith returns a token as [Signer.Sign] does, and its expiry.
func (s *Signer) TokenWith(ctx context.Context, claims any) (token string, expiry time.Time, err error) {
	if s == nil || s.composer == nil {
		return "", time.Time{}, errors.New("tokenprofile: the signer was not made by Profile.Signer")
	}
	b := buffers.Get().(*buffer)
	defer b.release()
	var key *signingKey
	if s.keys != nil {
		if key, err = s.keys.choose(ctx, s.composer); err != nil {
			return "", time.Time{}, err
		}
	}
	if expiry, err = s.composer.claims(ctx, b, key.issuerMember(), claims); err != nil {
		return "", time.Time{}, err
	}
	if token, err = s.secure(ctx, key, b); err != nil {
		return "", time.Time{}, err
	}
	if most := s.composer.profile.MaxSize; len(token) > most {
		return "", time.Time{}, fmt.Errorf("tokenprofile: the token has %d bytes, the profile's maxSize is %d", len(token), most)
	}
	return token, expiry, nil
}

// secure signs, then encrypts, as the profile says.
func (s *Signer) secure(ctx context.Context, key *signingKey, b *buffer) (string, error) {
	p := &s.composer.profile
	outer := encryptedHeader{typ: p.Header.typ(), cty: p.Header.ContentType}
	if p.Waive.omits("typ") {
		outer.typ = ""
	}
	if key == nil {
		return s.encrypt.encrypt(ctx, *p.Encryption, outer, b.payload)
	}
	if err := s.sign(ctx, key, b); err != nil {
		return "", err
	}
	if p.Encryption == nil {
		return string(b.token), nil
	}
	outer.cty = nestedType
	return s.encrypt.encrypt(ctx, *p.Encryption, outer, b.token)
}

// nestedType is the cty of a token within a token (RFC 7519 section 5.2).
const nestedType = "JWT"

func (s *Signer) sign(ctx context.Context, key *signingKey, b *buffer) (err error) {
	padding := s.composer.profile.Waive.Padding
	b.token = append(b.token[:0], key.segment...)
	if s.composer.profile.Header.Func != nil {
		header, err := s.composer.perToken(ctx, key.header)
		if err != nil {
			return err
		}
		b.token = appendSegment(b.token[:0], header, padding)
	}
	b.token = append(b.token, '.')
	b.token = appendSegment(b.token, b.payload, padding)
	if b.signature, err = key.sign(ctx, b.signature[:0], b.token); err != nil {
		return err
	}
	b.token = append(b.token, '.')
	b.token = appendSegment(b.token, b.signature, padding)
	return nil
}

// A buffer is where a token is made. Nothing of it may be used after release.
type buffer struct {
	payload, token, signature []byte

	// The claims given, and to read them back.
	given   []byte
	claims  claims
	scanner strictjson.Scanner
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func (b *buffer) release() {
	if cap(b.token) <= maxKept {
		buffers.Put(b)
	}
}

// checkKeys judges the keys that the source has in memory; those it would have
// to fetch are judged when they are used.
func checkKeys(keys signingKeys, c *composer) error {
	_, err := keys.choose(alreadyDone(), c)
	if errors.Is(err, keystore.ErrUnavailable) && !errors.Is(err, keystore.ErrMisconfigured) {
		return nil
	}
	return err
}

// appendSegment appends the base64url of a segment of a token.
func appendSegment(dst, segment []byte, padding bool) []byte {
	if padding {
		return padded.AppendEncode(dst, segment)
	}
	return canonical.AppendEncode(dst, segment)
}

// checkRequired reports claims that no token of the profile can have.
func checkRequired(p *Profile) error {
	if p.NotBefore == nil && slices.Contains(p.Required, "nbf") {
		return errors.New(`tokenprofile: profile: required: "nbf" is written by NotBefore alone, which is not set`)
	}
	return nil
}
