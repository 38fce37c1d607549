package keystore

import (
	"errors"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// The reasons a keystore, or a key in it, cannot be used. Every error of this
// package with one of these causes answers [errors.Is] for it. Its text names
// the file, if the store came from one, the alias, if it is about one entry,
// and the likely mistake.
var (
	// ErrPassword: the store or the key does not open with the password given.
	ErrPassword = format.ErrPassword
	// ErrPasswordRequired: no password was given, and nothing can be read without one.
	ErrPasswordRequired = format.ErrPasswordRequired
	// ErrDamaged: the content contradicts itself or fails its integrity check.
	ErrDamaged = format.ErrDamaged
	// ErrUnknownFormat: the content is of no format this package knows.
	ErrUnknownFormat = format.ErrUnknownFormat
	// ErrUnsupported: an algorithm, version or type that this package does not read or use.
	ErrUnsupported = format.ErrUnsupported
	// ErrLimit: a length, count, depth or work factor beyond what this package accepts.
	ErrLimit = format.ErrLimit

	// ErrNoKey: the store has no key with the alias, or no key of the kind asked for.
	ErrNoKey = errors.New("no such key")
	// ErrAmbiguous: several keys could be meant, and nothing says which.
	ErrAmbiguous = errors.New("several keys could be meant")
	// ErrNotPublic: a private or secret key where only public ones belong. Nothing of it is used.
	ErrNotPublic = errors.New("a private or secret key where a public one is expected")
	// ErrExpired: the certificate of the key is no longer valid.
	ErrExpired = errors.New("certificate expired")
	// ErrNotYetValid: the certificate of the key is not valid yet.
	ErrNotYetValid = errors.New("certificate not valid yet")
	// ErrUnverified: the store has no integrity check, and [File.AllowUnverified] is
	// not set. It is also [ErrMisconfigured].
	ErrUnverified error = unverified{errors.New("integrity not verified")}
	// ErrUnavailable: the keys are not available at the moment. It says nothing
	// about any token.
	ErrUnavailable = errors.New("keys unavailable")
	// ErrMisconfigured: the source never has a key, however long one waits. A
	// source may return it with any other of these, and constructors that are given
	// the source do.
	ErrMisconfigured = errors.New("misconfigured")
)

// unverified stores have keys, and never give one out.
type unverified struct{ error }

func (unverified) Is(target error) bool { return target == ErrMisconfigured }
