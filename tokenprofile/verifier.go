package tokenprofile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// A Verifier admits tokens of one profile. It is safe for concurrent use.
type Verifier struct {
	profile Profile // settled
	keys    keyring // nil: encrypted only
	decrypt *DecryptionKeys
	header  expectedHeader
	claims  expectedClaims
	replay  ReplayGuard // nil: tokens may be used again
	cache   *cache      // nil: none
}

// newVerifier takes a valid profile and its keys, nil for tokens that nobody
// signs.
func newVerifier(p Profile, keys keyring, decrypt []DecryptionKeys) (*Verifier, error) {
	if err := p.wantsRecipient(); err != nil {
		return nil, err
	}
	if err := p.wantsEncryption(len(decrypt)); err != nil {
		return nil, err
	}
	if keys != nil {
		if err := keys.check(); err != nil {
			return nil, fmt.Errorf("tokenprofile: %w", err)
		}
	}
	v := &Verifier{profile: p.settled(), keys: keys}
	if len(decrypt) == 1 {
		v.decrypt = &decrypt[0]
		if err := v.decrypt.check(*p.Encryption); err != nil {
			return nil, err
		}
	}
	if err := v.build(); err != nil {
		return nil, err
	}
	return v, nil
}

func (v *Verifier) build() (err error) {
	p := &v.profile
	if v.claims, err = newExpectedClaims(p); err != nil {
		return err
	}
	if v.header, err = newExpectedHeader(p); err != nil {
		return err
	}
	switch {
	case p.OneUse && p.Replay == nil:
		v.replay = &MemoryReplayGuard{Now: p.Now}
	case p.OneUse:
		v.replay = p.Replay
	case p.CacheSize > 0 && v.keys != nil:
		v.cache = newCache(p.CacheSize)
	}
	return nil
}

// Profile returns the profile the verifier was made of, with its defaults.
func (v *Verifier) Profile() Profile {
	if v == nil || v.claims.now == nil {
		return Profile{}
	}
	return v.profile.settled()
}

// Verify returns the token if it passes every check. An error that wraps
// [ErrInvalid] is the token's fault, and wraps its reason too. Any other error
// means that the token could not be judged; with [keystore.ErrUnavailable] the
// keys are not available.
//
// The issuer is judged before a key is looked up, and the other claims only
// after the signature.
func (v *Verifier) Verify(ctx context.Context, token string) (*Token, error) {
	if v == nil || v.claims.now == nil {
		return nil, errNoVerifier
	}
	dots := signedDots
	if v.profile.Encryption != nil {
		dots = encryptedDots
	}
	r, err := receive(token, v.profile.MaxSize, dots)
	if err != nil {
		return nil, err
	}
	defer r.release()
	return v.verify(ctx, r)
}

var errNoVerifier = errors.New("tokenprofile: the verifier was not made by Profile.Verifier")

func (v *Verifier) verify(ctx context.Context, r *received) (*Token, error) {
	if known := v.cache.get(r.text); known != nil {
		return v.again(ctx, known)
	}
	verified, err := v.open(ctx, r)
	if err != nil {
		return nil, err
	}
	v.cache.put(r.text, verified)
	return verified.token, nil
}

// A verified is a token and the key that verified it. When the token comes
// again, the source must still have this key.
type verified struct {
	by    *Verifier
	token *Token
	key   trusted
	kid   keyID
}

// again judges what may have changed since the token was first verified, in the
// same order.
func (v *Verifier) again(ctx context.Context, known *verified) (*Token, error) {
	if err := v.keys.holds(ctx, known.kid, known.key); err != nil {
		return nil, err
	}
	if err := v.claims.judgeTime(known.token.IssuedAt, known.token.NotBefore, known.token.Expiry); err != nil {
		return nil, err
	}
	return known.token.clone(), nil
}

// open takes a token out of its encryption, if it has one.
func (v *Verifier) open(ctx context.Context, r *received) (verified, error) {
	if v.profile.Encryption == nil {
		return v.verifySigned(ctx, r)
	}
	token, err := receiveEncrypted(r.text)
	if err != nil {
		return verified{}, err
	}
	defer token.release()
	payload, err := v.decrypt.decrypt(ctx, *v.profile.Encryption, token)
	switch {
	case err != nil:
		return verified{}, err
	case v.keys == nil:
		return v.verifyEncrypted(ctx, token, payload)
	case !sameType(token.header.contentType, nestedType): // RFC 7519 section 5.2
		return verified{}, refuse(ErrType, "cty is not JWT")
	}
	inner, err := receive(string(payload), v.profile.MaxSize, signedDots)
	if err != nil {
		return verified{}, err
	}
	defer inner.release()
	return v.verifySigned(ctx, inner) // decrypted never counts as verified
}

func (v *Verifier) verifySigned(ctx context.Context, r *received) (verified, error) {
	if err := r.readHeader(); err != nil {
		return verified{}, err
	}
	if err := judgePadding(r, v.profile.Waive.Padding); err != nil {
		return verified{}, err
	}
	if err := v.header.judge(&r.header); err != nil {
		return verified{}, err
	}
	if err := r.readClaims(); err != nil {
		return verified{}, err
	}
	if err := v.claims.judgeIssuer(&r.claims); err != nil {
		return verified{}, err
	}
	kid := v.keyIDOf(&r.header)
	key, err := v.keys.verify(ctx, kid, r.input, r.signature)
	if err != nil {
		return verified{}, err
	}
	token, err := v.admit(ctx, r, kid.text)
	return verified{v, token, key, kid}, err
}

func (v *Verifier) keyIDOf(h *header) keyID {
	return keyID{
		text: h.keyID, given: h.hasKeyID, any: v.header.keyID != "" || v.profile.Waive.AnyKeyID,
		certificate: cmp.Or(h.x5tS256, h.x5t),
	}
}

// verifyEncrypted judges a token that nobody signed.
func (v *Verifier) verifyEncrypted(ctx context.Context, token *encryptedToken, payload []byte) (verified, error) {
	r := &received{header: token.header, rawHeader: token.header.document, payload: payload}
	if err := r.readPayload(); err != nil {
		return verified{}, err
	}
	if err := v.header.judgeType(&r.header); err != nil {
		return verified{}, err
	}
	admitted, err := v.admit(ctx, r, r.header.keyID)
	return verified{by: v, token: admitted}, err
}

// admit judges the claims, and asks the replay guard last: a token that is
// refused for another reason is not used.
func (v *Verifier) admit(ctx context.Context, r *received, kid string) (*Token, error) {
	c := &r.claims
	if err := v.claims.judge(c); err != nil {
		return nil, err
	}
	expiry, err := v.claims.expiryOf(c)
	if err != nil {
		return nil, err
	}
	c.expiry = expiry
	if err := v.claims.judgeTime(c.issuedAt, c.notBefore, c.expiry); err != nil {
		return nil, err
	}
	if err := v.useUp(ctx, c); err != nil {
		return nil, err
	}
	return newToken(r, &v.claims, kid), nil
}

func (v *Verifier) useUp(ctx context.Context, c *claims) error {
	if v.replay == nil {
		return nil
	}
	first, err := v.replay.First(ctx, string(c.issuer), string(c.id), c.expiry.Add(v.profile.Leeway))
	switch {
	case err != nil:
		return fmt.Errorf("tokenprofile: replay guard: %w", err)
	case !first:
		return refuse(ErrReplayed, "")
	}
	return nil
}

// judgePadding demands padding in every segment that needs it, or in none.
func judgePadding(r *received, wanted bool) error {
	switch {
	case !wanted && r.padded:
		return refuse(ErrMalformed, "padded, which the profile has not waived by waive.padding")
	case wanted && !r.padded && slices.ContainsFunc(bytes.Split(r.text, []byte(".")), func(segment []byte) bool { return len(segment)%4 != 0 }):
		return refuse(ErrMalformed, "without the padding that the profile has by waive.padding")
	}
	return nil
}
