package tokenprofile

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// A keyring is what a verifier trusts: public keys, or secret ones.
type keyring interface {
	// verify returns the key that made the signature.
	verify(ctx context.Context, kid keyID, input, signature []byte) (trusted, error)
	// holds returns an error if the key is no longer the one for the kid.
	holds(ctx context.Context, kid keyID, key trusted) error
	// check reports a misfit of the keys, as far as they can be had without waiting.
	check() error
}

// trusted is a [keystore.PublicKey] or a [keystore.SecretKey].
type trusted any

// keyID is how a token names its key.
type keyID struct {
	text  string
	given bool
	fixed bool // by the profile: then the source may know the key under another
}

// A ring is a keyring of one kind of key.
type ring[K interface {
	KeyID() string
	Equal(K) bool
}] struct {
	find    func(ctx context.Context, kid string) ([]K, error)
	fits    func(K) error
	matches func(key K, input, signature []byte) bool
}

// maxCandidates is how many keys of one kid are tried. More than one is there
// only while a key is replaced under its kid.
const maxCandidates = 4

func newPublicRing(a Algorithm, source keystore.PublicSource) keyring {
	return &ring[keystore.PublicKey]{
		find:    source.PublicKeys,
		fits:    func(key keystore.PublicKey) error { return key.Fits(a) },
		matches: a.Verify,
	}
}

func newSecretRing(a Algorithm, source keystore.SecretSource) keyring {
	m := &macs{algorithm: a}
	return &ring[keystore.SecretKey]{
		find:    source.SecretKeys,
		fits:    func(key keystore.SecretKey) error { return key.FitsVerifying(a) },
		matches: m.verify,
	}
}

// check judges the keys that the source has in memory; those it would have to
// fetch are judged when they are used.
func (r *ring[K]) check() error {
	keys, err := r.find(alreadyDone(), "")
	if err != nil || len(keys) == 0 {
		return nil
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

func (r *ring[K]) verify(ctx context.Context, kid keyID, input, signature []byte) (trusted, error) {
	keys, err := r.candidates(ctx, kid)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if r.matches(key, input, signature) {
			return key, nil
		}
	}
	return nil, refuse(ErrSignature, "")
}

func (r *ring[K]) holds(ctx context.Context, kid keyID, key trusted) error {
	keys, err := r.candidates(ctx, kid)
	if err != nil {
		return err
	}
	for _, candidate := range keys {
		if same(candidate, key.(K)) {
			return nil
		}
	}
	return refuse(ErrUnknownKey, "the source no longer has it")
}

// same spares the comparison of large numbers where the source gives the very
// key it gave before.
func same[K interface{ Equal(K) bool }](a, b K) bool {
	if a, ok := any(a).(keystore.PublicKey); ok && samePointer(a.CryptoKey(), any(b).(keystore.PublicKey).CryptoKey()) {
		return true
	}
	return a.Equal(b)
}

func samePointer(a, b crypto.PublicKey) bool {
	switch a := a.(type) {
	case *rsa.PublicKey:
		b, ok := b.(*rsa.PublicKey)
		return ok && a == b
	case *ecdsa.PublicKey:
		b, ok := b.(*ecdsa.PublicKey)
		return ok && a == b
	}
	return false
}

// candidates are the keys a token with the kid may be signed by: those of
// exactly that kid; without one, the only key there is.
func (r *ring[K]) candidates(ctx context.Context, kid keyID) ([]K, error) {
	if !kid.given {
		return r.only(ctx)
	}
	c, err := r.lookUp(ctx, kid.text)
	switch {
	case err != nil:
		return nil, err
	case len(c.fitting) > 0:
		return c.fitting[:min(len(c.fitting), maxCandidates)], nil
	case len(c.misfits) > 0:
		return nil, refuse(ErrUnknownKey, errors.Join(c.misfits...).Error())
	case kid.fixed:
		return r.only(ctx)
	}
	return nil, refuse(ErrUnknownKey, fmt.Sprintf("kid %q", kid.text))
}

// only is the only key of the source that fits.
func (r *ring[K]) only(ctx context.Context) ([]K, error) {
	c, err := r.lookUp(ctx, "")
	if err != nil {
		return nil, err
	}
	if _, err := c.only("keys", "the token has to name one by its kid"); err != nil {
		return nil, refuse(ErrUnknownKey, err.Error())
	}
	return c.fitting, nil
}

// lookUp makes of any error of the source that the keys are unavailable, which
// is not the token's fault. A source that does not tell kids apart, and yields
// all its keys, shall not make a kid meaningless.
func (r *ring[K]) lookUp(ctx context.Context, kid string) (choice[K], error) {
	keys, err := r.find(ctx, kid)
	if err != nil {
		return choice[K]{}, unavailable(err)
	}
	return choose(keys, func(key K) bool { return kid == "" || key.KeyID() == kid }, r.fits), nil
}
