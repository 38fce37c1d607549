package keystore

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// contents is what one reading of a keystore gave. It never changes.
type contents struct {
	format   string
	verified bool
	entries  []Entry

	private []PrivateKey // one per entry, unreadable ones included
	secrets keyTable[SecretKey]
	trusted []PublicKey
	refusal error // why the store's own keys are not given out, or nil
}

func newContents(entries []Entry) (*contents, error) {
	c := &contents{format: "memory", verified: true, entries: entries}
	var secrets []SecretKey
	for _, e := range entries {
		switch {
		case e.Kind == KindPrivateKey:
			c.private = append(c.private, e.privateKey())
		case e.Err == nil && e.Kind == KindSecretKey:
			secrets = append(secrets, e.SecretKey)
		}
	}
	for _, e := range entries {
		foreign := e.Kind == KindCertificate || e.Kind == KindPublicKey && !c.owns(e.PublicKey)
		if e.Err == nil && foreign {
			c.trusted = append(c.trusted, e.PublicKey)
		}
	}
	c.trusted = distinct(c.trusted)
	c.secrets = newKeyTable(secrets)
	return c, c.checkKeyIDs()
}

// owns reports whether the store has the private half of the key.
func (c *contents) owns(key PublicKey) bool {
	return slices.ContainsFunc(c.private, func(k PrivateKey) bool { return k.err == nil && k.public.Equal(key) })
}

// privateKey is the entry's key, or one that only says why it is none.
func (e Entry) privateKey() PrivateKey {
	if e.Err == nil {
		return e.PrivateKey
	}
	return PrivateKey{public: PublicKey{alias: e.Alias, chain: e.Chain}, err: e.Err}
}

// count is how many entries of the kind can be used; with an alias, of those
// that have it.
func (c *contents) count(kind Kind, alias string) int {
	n := 0
	for _, e := range c.entries {
		if e.Kind == kind && e.Err == nil && (alias == "" || sameAlias(e.Alias, alias)) {
			n++
		}
	}
	return n
}

// readable is why an entry that could be read before no longer can, or nil.
func (c *contents) readable(old *view) error {
	if c.refusal != nil && old.refusal == nil {
		return c.refusal
	}
	for _, e := range c.entries {
		if e.Err != nil && old.count(e.Kind, e.Alias) > 0 {
			return fmt.Errorf("%s %q: %w", e.Kind, e.Alias, e.Err)
		}
	}
	return nil
}

// replaces is why the contents may not take the place of what is in force: a
// file that was written by mistake, or without the password its key now has,
// would take away what is in use.
func (c *contents) replaces(old *view) error {
	if err := c.readable(old); err != nil {
		return err
	}
	for _, kind := range []Kind{KindPrivateKey, KindSecretKey, KindCertificate, KindPublicKey} {
		if old.count(kind, "") > 0 && c.count(kind, "") == 0 {
			return fmt.Errorf("%w: no %s where there was one before", ErrNoKey, kind)
		}
	}
	return checkKeyIDs(publicHalves(slices.Concat(old.decrypting, c.private)), PublicKey.Equal)
}

// sameAlias compares as Java does, without case.
func sameAlias(a, b string) bool { return strings.EqualFold(a, b) }

// checkKeyIDs refuses different keys of our own under one kid: others could not
// tell which of them signed.
func checkKeyIDs[K interface{ KeyID() string }](keys []K, equal func(K, K) bool) error {
	byID := make(map[string]K, len(keys))
	for _, key := range keys {
		kid := key.KeyID()
		other, taken := byID[kid]
		if kid != "" && taken && !equal(other, key) {
			return fmt.Errorf("%w: two keys have the kid %q", ErrAmbiguous, clip(kid))
		}
		byID[kid] = key
	}
	return nil
}

func (c *contents) checkKeyIDs() error {
	return errors.Join(
		checkKeyIDs(publicHalves(c.private), PublicKey.Equal),
		checkKeyIDs(c.secrets.all, SecretKey.Equal),
	)
}

// publicHalves are those of the keys that can be used.
func publicHalves(keys []PrivateKey) []PublicKey {
	var halves []PublicKey
	for _, key := range keys {
		if key.err == nil {
			halves = append(halves, key.public)
		}
	}
	return halves
}

// keyTable answers look-ups by kid without allocating.
type keyTable[K interface{ KeyID() string }] struct {
	all  []K
	byID map[string][]K
}

func newKeyTable[K interface{ KeyID() string }](keys []K) keyTable[K] {
	t := keyTable[K]{all: slices.Clip(keys), byID: make(map[string][]K, len(keys))}
	for _, key := range keys {
		if kid := key.KeyID(); kid != "" {
			t.byID[kid] = slices.Clip(append(t.byID[kid], key))
		}
	}
	return t
}

func (t keyTable[K]) find(kid string) []K {
	if kid == "" {
		return t.all
	}
	return t.byID[kid]
}

// distinct leaves out a key that is there already under the same kid, for the
// same use.
func distinct(keys []PublicKey) []PublicKey {
	byID := make(map[string][]PublicKey, len(keys))
	return slices.DeleteFunc(keys, func(key PublicKey) bool {
		twin := func(other PublicKey) bool { return other.Equal(key) && other.usage.equal(key.usage) }
		if slices.ContainsFunc(byID[key.kid], twin) {
			return true
		}
		byID[key.kid] = append(byID[key.kid], key)
		return false
	})
}

// pool returns the trusted certificates.
func (c *contents) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, e := range c.entries {
		if e.Kind == KindCertificate && len(e.Chain) > 0 {
			pool.AddCert(e.Chain[0])
		}
	}
	return pool
}

// earliest keeps the first of the moments that lie in the future.
func earliest(now time.Time, moments ...time.Time) time.Time {
	var first time.Time
	for _, t := range moments {
		if !t.IsZero() && t.After(now) && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
