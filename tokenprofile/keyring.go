package tokenprofile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// A keyring is what a verifier trusts: public keys, or secret ones.
type keyring interface {
	// verify returns the key that made the signature.
	verify(ctx context.Context, kid keyID, input, signature []byte) (trusted, error)
	// holds returns an error if the source no longer has the key under the kid.
	holds(ctx context.Context, kid keyID, key trusted) error
	// check reports that no key fits, as far as the source has them in memory.
	check() error
}

// trusted points to a [keystore.PublicKey] or a [keystore.SecretKey] among those
// of its source.
type trusted any

// keyID is how a token names its key.
type keyID struct {
	text        string
	given       bool
	any         bool   // the kid does not count: the profile waives or fixes it
	certificate string // x5t#S256 or x5t, looked at where the kid does not decide
}

// A ring is a keyring of one kind of key.
type ring[K interface {
	KeyID() string
	Equal(K) bool
}] struct {
	find           func(ctx context.Context, kid string) ([]K, error)
	fits           func(K) error
	named          func(K) bool // whether its source named its kid
	hasCertificate func(key K, thumbprint string) bool
	matches        func(key K, input, signature []byte) bool
}

// maxCandidates is how many keys are tried for one token, whatever it says.
const maxCandidates = 4

func newPublicRing(a Algorithm, source keystore.PublicSource) keyring {
	return &ring[keystore.PublicKey]{
		find:  source.PublicKeys,
		fits:  func(key keystore.PublicKey) error { return key.Fits(a) },
		named: keystore.PublicKey.KeyIDNamed,
		hasCertificate: func(key keystore.PublicKey, thumbprint string) bool {
			return key.X5TS256() == thumbprint || key.X5T() == thumbprint
		},
		matches: a.Verify,
	}
}

func newSecretRing(a Algorithm, source keystore.SecretSource) keyring {
	m := &macs{algorithm: a}
	return &ring[keystore.SecretKey]{
		find:           source.SecretKeys,
		fits:           func(key keystore.SecretKey) error { return key.FitsVerifying(a) },
		named:          func(key keystore.SecretKey) bool { return key.KeyID() != "" },
		hasCertificate: func(keystore.SecretKey, string) bool { return false },
		matches:        m.verify,
	}
}

// check judges the keys that the source has in memory; those it would have to
// fetch are judged when they are used. A source that can never have any is
// refused.
func (r *ring[K]) check() error {
	keys, err := r.find(alreadyDone(), "")
	if errors.Is(err, keystore.ErrMisconfigured) {
		return err
	}
	var misfits []error
	for _, key := range keys {
		err := r.fits(key)
		if err == nil {
			return nil
		}
		misfits = append(misfits, err)
	}
	return errors.Join(misfits...)
}

func (r *ring[K]) verify(ctx context.Context, id keyID, input, signature []byte) (trusted, error) {
	keys, err := r.candidates(ctx, id)
	if err != nil {
		return nil, err
	}
	for i := range keys {
		if r.matches(keys[i], input, signature) {
			return &keys[i], nil
		}
	}
	if id.given && !id.any && keys[0].KeyID() != id.text {
		return nil, refuse(ErrUnknownKey, fmt.Sprintf("kid %q, and no key without a kid made the signature", id.text))
	}
	if len(keys) == maxCandidates {
		return nil, refuse(ErrSignature, fmt.Sprintf("by none of the %d keys that were tried, and no more are: a kid or x5t#S256 chooses", len(keys)))
	}
	return nil, errBadSignature
}

// errBadSignature is made once: whoever sends forged tokens sends many.
var errBadSignature = refuse(ErrSignature, "")

func (r *ring[K]) holds(ctx context.Context, kid keyID, key trusted) error {
	keys, err := r.candidates(ctx, kid)
	if err != nil {
		return err
	}
	for _, candidate := range keys {
		if candidate.Equal(*key.(*K)) {
			return nil
		}
	}
	return refuse(ErrUnknownKey, "the source no longer has it")
}

// candidates returns the keys that may have signed a token: those of exactly
// its kid, if the source has any.
func (r *ring[K]) candidates(ctx context.Context, id keyID) ([]K, error) {
	if !id.given {
		return r.others(ctx, id)
	}
	c, err := r.lookUp(ctx, id.text, func(key K) bool { return key.KeyID() == id.text })
	switch {
	case len(c.fitting) > 0:
		return c.fitting[:min(len(c.fitting), maxCandidates)], nil
	case len(c.misfits) > 0:
		return nil, refuse(ErrUnknownKey, errors.Join(c.misfits...).Error())
	case err != nil && !id.any:
		return nil, err
	}
	return r.others(ctx, id)
}

// others returns the keys whose source names no kid, because then the token's
// kid decides nothing. If the token has no kid, or the profile waives it, these
// are all keys that fit.
func (r *ring[K]) others(ctx context.Context, id keyID) ([]K, error) {
	c, err := r.lookUp(ctx, "", func(key K) bool { return !id.given || id.any || !r.named(key) })
	switch {
	case err != nil:
		return nil, err
	case len(c.fitting) == 0 && id.given && len(c.misfits) == 0:
		return nil, refuse(ErrUnknownKey, fmt.Sprintf("kid %q", id.text))
	case len(c.fitting) == 0:
		return nil, refuse(ErrUnknownKey, c.none("keys").Error())
	}
	return r.narrow(c.fitting, id.certificate), nil
}

// narrow keeps the keys whose certificate the token names, if there are any. (A
// certificate may have been renewed for the same key.)
func (r *ring[K]) narrow(keys []K, certificate string) []K {
	if len(keys) > 1 && certificate != "" {
		isOther := func(key K) bool { return !r.hasCertificate(key, certificate) }
		if named := slices.DeleteFunc(slices.Clone(keys), isOther); len(named) > 0 {
			keys = named
		}
	}
	return keys[:min(len(keys), maxCandidates)]
}

// lookUp asks the source. Any error of it means that the keys are not
// available, which is not the token's fault. Keys with another kid are dropped,
// in case a source ignores the kid and yields all its keys.
func (r *ring[K]) lookUp(ctx context.Context, kid string, meant func(K) bool) (choice[K], error) {
	keys, err := r.find(ctx, kid)
	if err != nil {
		return choice[K]{}, unavailable(err)
	}
	return choose(keys, meant, r.fits), nil
}

// A choice is the keys of a source that are meant and fit, and why the others
// that are meant do not fit.
type choice[K any] struct {
	fitting []K
	misfits []error
}

// choose sorts the keys. Mostly all fit, and nothing is copied.
func choose[K any](keys []K, meant func(K) bool, fits func(K) error) (c choice[K]) {
	c.fitting = keys
	for i, key := range keys {
		isMeant := meant(key)
		var misfit error
		if isMeant {
			misfit = fits(key)
		}
		switch {
		case misfit != nil:
			c.misfits = append(c.misfits, misfit)
			fallthrough
		case !isMeant:
			if len(c.fitting) == len(keys) {
				c.fitting = slices.Clone(keys[:i])
			}
		case len(c.fitting) < len(keys):
			c.fitting = append(c.fitting, key)
		}
	}
	return c
}

// only returns the only key that fits. The caller names the remedy for several.
func (c choice[K]) only(what, remedy string) (only K, err error) {
	switch {
	case len(c.fitting) == 0:
		return only, c.none(what)
	case len(c.fitting) > 1:
		return only, fmt.Errorf("%w: %d %s fit: %s", keystore.ErrAmbiguous, len(c.fitting), what, remedy)
	}
	return c.fitting[0], nil
}

// none returns why no key is left.
func (c choice[K]) none(what string) error {
	if len(c.misfits) > 0 {
		return fmt.Errorf("%w: none of the %s fits: %w", keystore.ErrNoKey, what, errors.Join(c.misfits...))
	}
	return fmt.Errorf("%w: the source has no %s", keystore.ErrNoKey, what)
}
