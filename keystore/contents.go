package keystore

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
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
	lacking error // that nobody is trusted, or nil

	usable map[entryName]bool // the entries without an error
}

// An entryName is a kind and an alias in one case.
type entryName struct {
	kind  Kind
	alias string
}

// anyAlias stands for every alias.
const anyAlias = "\x00"

func newContents(entries []Entry) (*contents, error) {
	c := &contents{format: "memory", verified: true, entries: entries, usable: make(map[entryName]bool, len(entries)+4)}
	var secrets []SecretKey
	for _, e := range entries {
		switch {
		case e.Kind == KindPrivateKey:
			c.private = append(c.private, privateKey(e))
		case e.Err == nil && e.Kind == KindSecretKey:
			secrets = append(secrets, e.SecretKey)
		}
	}
	own := ownKeys(entries)
	c.trusted = make([]PublicKey, 0, len(entries)-len(c.private)-len(secrets))
	for _, e := range entries {
		if e.Err != nil {
			continue
		}
		if e.Kind == KindCertificate || e.Kind == KindPublicKey && !own[e.PublicKey.identity] {
			c.trusted = append(c.trusted, e.PublicKey)
		}
		c.usable[entryName{e.Kind, anyAlias}] = true
		c.usable[entryName{e.Kind, format.FoldAlias(e.Alias)}] = true
	}
	c.trusted = distinct(c.trusted)
	if !slices.ContainsFunc(entries, func(e Entry) bool { return e.Kind == KindCertificate || e.Kind == KindPublicKey }) {
		c.lacking = fmt.Errorf("%w: %w: no certificate or public key to trust: the store has %s", ErrUnavailable, ErrMisconfigured, summary(entries))
	}
	c.secrets = newKeyTable(indexed(secrets))
	return c, c.checkKeyIDs()
}

// privateKey returns the entry's key, or one that only says why it cannot be
// used.
func privateKey(e Entry) PrivateKey {
	if e.Err == nil {
		return e.PrivateKey
	}
	return PrivateKey{public: PublicKey{alias: e.Alias, chain: e.Chain}, err: e.Err}
}

// ownKeys returns the identities of the keys whose private halves the store
// has.
func ownKeys(entries []Entry) map[string]bool {
	own := map[string]bool{}
	for _, e := range entries {
		if e.Kind == KindPrivateKey && e.Err == nil {
			own[e.PublicKey.identity] = true
		}
	}
	return own
}

// readable returns why an entry that could be read before no longer can, or
// nil.
func (c *contents) readable(old *view) error {
	if c.refusal != nil && old.refusal == nil {
		return c.refusal
	}
	for _, e := range c.entries {
		if e.Err != nil && old.usable[entryName{e.Kind, format.FoldAlias(e.Alias)}] {
			return fmt.Errorf("%s %q: %w", e.Kind, e.Alias, e.Err)
		}
	}
	return nil
}

// replaces returns why the contents may not replace those in force. A file that
// was written by mistake, or whose key has another password now, would take
// away keys that are in use.
func (c *contents) replaces(old *view) error {
	if err := c.readable(old); err != nil {
		return err
	}
	for _, kind := range []Kind{KindPrivateKey, KindSecretKey} {
		if old.usable[entryName{kind, anyAlias}] && !c.usable[entryName{kind, anyAlias}] {
			return fmt.Errorf("%w: no %s where there was one before", ErrNoKey, kind)
		}
	}
	if len(old.trusted) > 0 && len(c.trusted) == 0 {
		return fmt.Errorf("%w: no trusted certificate or public key where there was one before", ErrNoKey)
	}
	return checkKeyIDs(publicHalves(slices.Concat(old.decrypting, c.private)), PublicKey.Equal)
}

// checkKeyIDs refuses different keys of our own with one kid, because others
// could not tell which of them signed.
func checkKeyIDs[K interface{ KeyID() string }](keys []K, equal func(K, K) bool) error {
	byID := make(map[string]K, len(keys))
	for _, key := range keys {
		kid := key.KeyID()
		other, taken := byID[kid]
		if kid != "" && taken && !equal(other, key) {
			return fmt.Errorf("%w: two keys have the kid %q, and nobody could tell which of them signed: give each its own", ErrAmbiguous, clip(kid))
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

// publicHalves returns the public halves of the keys that can be used.
func publicHalves(keys []PrivateKey) []PublicKey {
	halves := make([]PublicKey, 0, len(keys))
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
	for i, key := range t.all {
		kid := key.KeyID()
		switch {
		case kid == "":
		case t.byID[kid] == nil:
			t.byID[kid] = t.all[i : i+1 : i+1] // most have but one
		default:
			t.byID[kid] = append(t.byID[kid], key)
		}
	}
	for kid, keys := range t.byID {
		t.byID[kid] = slices.Clip(keys)
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
	type same struct {
		kid, identity, use, ops string
		alg                     Algorithm
	}
	there := make(map[same]bool, len(keys))
	return slices.DeleteFunc(keys, func(key PublicKey) bool {
		s := same{key.kid, key.identity, key.use, strings.Join(key.ops, "\x00"), key.alg}
		twin := there[s]
		there[s] = true
		return twin
	})
}

// pool returns the trusted certificates, or why there are none.
func (c *contents) pool() (*x509.CertPool, error) {
	pool, empty := x509.NewCertPool(), true
	var refusals []error
	for _, e := range c.entries {
		switch {
		case e.Kind == KindCertificate && len(e.Chain) > 0:
			pool.AddCert(e.Chain[0])
			empty = false
		case e.Kind == KindCertificate:
			refusals = append(refusals, fmt.Errorf("certificate %q: %w", e.Alias, e.Err))
		}
	}
	switch {
	case !empty:
		return pool, nil
	case len(refusals) > 0:
		return nil, joinErrors(refusals)
	case errors.Is(c.refusal, ErrMisconfigured): // nobody opened it
		return nil, c.refusal
	}
	return nil, fmt.Errorf("%w: no trusted certificate: the store has %s", ErrNoKey, summary(c.entries))
}
