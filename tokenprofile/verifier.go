package tokenprofile

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// A Verifier admits tokens of one profile. It is safe for concurrent use.
type Verifier struct {
	profile  Profile // settled
	keys     keyring // nil: encrypted only
	decrypt  *DecryptionKeys
	demand   demand
	critical []constant
	replay   ReplayGuard // nil: tokens may be used again
	cache    *cache      // nil: none
}

// Verifier returns a verifier with the public keys, and the keys to decrypt
// with if the profile encrypts. It reports all faults of the profile, and keys
// that do not fit it as far as the source has them in memory; nothing is
// fetched before the first token.
func (p Profile) Verifier(keys keystore.PublicSource, decrypt ...DecryptionKeys) (*Verifier, error) {
	if err := p.wantsKeys(keys == nil, false); err != nil {
		return nil, err
	}
	return p.verifier(newPublicRing(p.Algorithm, keys), decrypt)
}

// SecretVerifier returns a verifier of HMACs; else it is as [Profile.Verifier].
func (p Profile) SecretVerifier(keys keystore.SecretSource, decrypt ...DecryptionKeys) (*Verifier, error) {
	if err := p.wantsKeys(keys == nil, true); err != nil {
		return nil, err
	}
	return p.verifier(newSecretRing(p.Algorithm, keys), decrypt)
}

// EncryptedOnlyVerifier returns a verifier of tokens that nobody signed: the
// profile has no Algorithm. Whoever can encrypt to the keys can make such a
// token, which is everybody where they are public.
func (p Profile) EncryptedOnlyVerifier(decrypt DecryptionKeys) (*Verifier, error) {
	if err := p.encryptedOnly(); err != nil {
		return nil, err
	}
	return p.verifier(nil, []DecryptionKeys{decrypt})
}

// wantsKeys reports a profile that is faulty, or wants another kind of key.
func (p Profile) wantsKeys(missing, secret bool) error {
	if err := p.Validate(); err != nil {
		return err
	}
	switch {
	case p.Algorithm == "":
		return errors.New("tokenprofile: profile: algorithm: is missing; tokens that are only encrypted have EncryptedOnlySigner and EncryptedOnlyVerifier")
	case secret && !p.Algorithm.UsesSecret():
		return fmt.Errorf("tokenprofile: profile: algorithm: %s does not use secret keys", p.Algorithm)
	case !secret && p.Algorithm.UsesSecret():
		return fmt.Errorf("tokenprofile: profile: algorithm: %s uses secret keys: SecretSigner and SecretVerifier", p.Algorithm)
	case missing:
		return errors.New("tokenprofile: the source of keys is nil")
	}
	return nil
}

func (p Profile) encryptedOnly() error {
	if err := p.Validate(); err != nil {
		return err
	}
	if p.Algorithm != "" {
		return fmt.Errorf("tokenprofile: profile: algorithm: is %s, but tokens that are only encrypted have none", p.Algorithm)
	}
	return nil
}

func (p Profile) verifier(keys keyring, decrypt []DecryptionKeys) (*Verifier, error) {
	if len(p.Audience) == 0 {
		return nil, errors.New("tokenprofile: profile: audience: is empty: a verifier must know which tokens are meant for it")
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

func (p Profile) wantsEncryption(given int) error {
	switch {
	case p.Encryption == nil && given > 0:
		return errors.New("tokenprofile: profile: encryption: is missing, but keys for it are given")
	case p.Encryption != nil && given != 1:
		return fmt.Errorf("tokenprofile: profile: encryption: needs its keys, once: given are %d", given)
	}
	return nil
}

func (v *Verifier) build() (err error) {
	p := v.profile
	if v.demand, err = newDemand(p); err != nil {
		return err
	}
	critical := map[string]any{}
	for _, name := range p.Header.Critical {
		critical[name] = p.Header.Extra[name]
	}
	if v.critical, err = newConstants(critical); err != nil {
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
func (v *Verifier) Profile() Profile { return v.profile.settled() }

// Verify returns the token if it is right in every point. An error that wraps
// [ErrInvalid] is the token's fault, and wraps its reason too; any other means
// that the token could not be judged, [keystore.ErrUnavailable] that the keys
// could not be had.
//
// The issuer is judged before a key is looked up, the other claims only once
// the signature stands.
func (v *Verifier) Verify(ctx context.Context, token string) (*Token, error) {
	if v == nil {
		return nil, errors.New("tokenprofile: the verifier is nil")
	}
	r, err := receive(token, v.profile.MaxSize)
	if err != nil {
		return nil, err
	}
	defer r.release()
	return v.verify(ctx, r)
}

func (v *Verifier) verify(ctx context.Context, r *received) (*Token, error) {
	sum := v.cache.sum(r.text)
	if known := v.cache.get(sum); known != nil {
		return v.again(ctx, known)
	}
	verified, err := v.open(ctx, r)
	if err != nil {
		return nil, err
	}
	v.cache.put(sum, verified)
	return verified.token, nil
}

// A verified is a token with the key that it was verified with, which the
// source must still have when the token comes again.
type verified struct {
	token *Token
	key   trusted
	kid   keyID
}

// again judges what may have changed since the token was verified first, in
// the same order.
func (v *Verifier) again(ctx context.Context, known *verified) (*Token, error) {
	if err := v.keys.holds(ctx, known.kid, known.key); err != nil {
		return nil, err
	}
	if err := v.judgeTime(known.token.IssuedAt, known.token.NotBefore, known.token.Expiry); err != nil {
		return nil, err
	}
	return known.token.clone(), nil
}

// open takes a token out of its encryption, if it has one.
func (v *Verifier) open(ctx context.Context, r *received) (verified, error) {
	if v.profile.Encryption == nil {
		return v.verifySigned(ctx, r)
	}
	header, payload, err := v.decrypt.decrypt(ctx, *v.profile.Encryption, string(r.text))
	switch {
	case err != nil:
		return verified{}, err
	case v.keys == nil:
		return v.verifyEncrypted(ctx, header, payload)
	}
	if err := judgeNested(header); err != nil {
		return verified{}, err
	}
	inner, err := receive(string(payload), v.profile.MaxSize)
	if err != nil {
		return verified{}, err
	}
	defer inner.release()
	return v.verifySigned(ctx, inner) // decrypted never counts as verified
}

func (v *Verifier) verifySigned(ctx context.Context, r *received) (verified, error) {
	if err := r.read(); err != nil {
		return verified{}, err
	}
	if err := v.judgeHeader(&r.header); err != nil {
		return verified{}, err
	}
	if err := v.demand.judgeIssuer(&r.claims); err != nil {
		return verified{}, err
	}
	kid := v.keyID(&r.header)
	key, err := v.keys.verify(ctx, kid, r.input, r.signature)
	if err != nil {
		return verified{}, err
	}
	judged, err := v.judge(ctx, r, kid.text)
	return verified{judged, key, kid}, err
}

// judgeNested demands that the encrypted token says it holds another (RFC 7519
// section 5.2).
func judgeNested(document []byte) error {
	var s strictjson.Scanner
	var h header
	if err := malformed("header", h.read(&s, document)); err != nil {
		return err
	}
	if !sameType(h.contentType, nestedType) {
		return refuse(ErrType, "cty is not JWT")
	}
	return nil
}

// verifyEncrypted judges a token that nobody signed.
func (v *Verifier) verifyEncrypted(ctx context.Context, header, payload []byte) (verified, error) {
	r := receiveds.Get().(*received)
	defer r.release()
	r.rawHeader, r.payload = header, payload
	if err := r.readJSON(); err != nil {
		return verified{}, err
	}
	if err := v.judgeType(&r.header); err != nil {
		return verified{}, err
	}
	judged, err := v.judge(ctx, r, string(r.header.keyID))
	return verified{token: judged}, err
}
