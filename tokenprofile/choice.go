package tokenprofile

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// A choice is what is left of a source's keys: those that are meant and fit,
// and why the others that are meant do not.
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

// only is the only key that fits. The remedy for several is the caller's to name.
func (c choice[K]) only(what, remedy string) (only K, err error) {
	switch {
	case len(c.fitting) == 1:
		return c.fitting[0], nil
	case len(c.fitting) > 1:
		return only, fmt.Errorf("%w: %d %s fit: %s", keystore.ErrAmbiguous, len(c.fitting), what, remedy)
	}
	return only, c.none(what)
}

// none is why no key is left.
func (c choice[K]) none(what string) error {
	if len(c.misfits) > 0 {
		return fmt.Errorf("%w: none of the %s fits: %w", keystore.ErrNoKey, what, errors.Join(c.misfits...))
	}
	return fmt.Errorf("%w: the source has no %s", keystore.ErrNoKey, what)
}
