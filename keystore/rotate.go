package keystore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rotation says how the signing key of a store is replaced without an
// interruption: by a cron job, or by the service itself. [Rotation.Next] does
// the arithmetic, and [WriteFile] writes the file.
//
// The new key stands in the file beside the old one, with a certificate that
// begins at the changeover. So every machine publishes it as soon as it has the
// file, and all begin to sign with it at the same moment. Their profiles set
// NewestKey.
type Rotation struct {
	// Algorithm is that of the new key. Empty: the algorithm of the newest
	// key there is, as far as its type says it ([PublicKey.DefaultAlgorithm]),
	// and RS256 for an RSA key.
	Algorithm Algorithm

	// Subject is that of the new certificate. Empty: the newest key's.
	Subject string

	// Lead is how long before the changeover the file is written. It has to be
	// longer than the time until every machine has the file and every verifier has
	// fetched the key set again. Zero: 24 hours.
	Lead time.Duration

	// Life is how long the new key signs, which its certificate says. Rotate
	// again before it ends. Zero: 90 days. It must be longer than Lead.
	Life time.Duration

	// Keep is how long a replaced key stays in the file after the changeover:
	// at least as long as a token lives, with the verifiers' leeway. Zero:
	// 24 hours.
	Keep time.Duration
}

// The values of the fields of [Rotation] that are zero.
const (
	defaultLead = 24 * time.Hour
	defaultLife = 90 * 24 * time.Hour
	defaultKeep = 24 * time.Hour
)

// Next returns the entries that the file is to have, and when the new key
// begins to sign. It drops private keys that were replaced more than Keep ago;
// all other entries stay as they are. The new key's alias is the newest key's,
// with the day of the changeover at its end.
//
// If a key is there already that begins to sign later than now, the rotation is
// under way: Next adds no key, and changeover is when that key begins. So a job
// may run daily. It is an error if a key cannot be read, or if no key has a
// certificate that tells its age.
func (r Rotation) Next(entries []Entry, now time.Time) (next []Entry, changeover time.Time, err error) {
	keys, err := rotating(entries)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("keystore: rotation: %w", err)
	}
	newest := keys[len(keys)-1]
	next = r.prune(entries, keys, now)
	if begins := newest.Chain[0].NotBefore; begins.After(now) {
		return next, begins, nil
	}
	changeover = now.Add(orDefault(r.Lead, defaultLead)).Truncate(time.Second)
	entry, err := r.entry(newest, changeover)
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, other := range next {
		if strings.EqualFold(other.Alias, entry.Alias) {
			return nil, time.Time{}, fmt.Errorf("keystore: rotation: the alias %q is taken: was it rotated today?", entry.Alias)
		}
	}
	return append(next, entry), changeover, nil
}

// rotating returns the private keys in the order in which they begin to sign.
func rotating(entries []Entry) ([]Entry, error) {
	var keys []Entry
	for _, e := range entries {
		switch {
		case e.Kind != KindPrivateKey:
			continue
		case e.Err != nil:
			return nil, fmt.Errorf("alias %q: %w", e.Alias, e.Err)
		case len(e.Chain) == 0:
			return nil, fmt.Errorf("alias %q: it has no certificate, which says when a key begins to sign", e.Alias)
		}
		keys = append(keys, e)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: there is no private key to replace; Generate makes the first", ErrNoKey)
	}
	slices.SortStableFunc(keys, func(a, b Entry) int { return a.Chain[0].NotBefore.Compare(b.Chain[0].NotBefore) })
	return keys, nil
}

// prune leaves out the keys whose successor has signed for longer than Keep.
func (r Rotation) prune(entries, keys []Entry, now time.Time) []Entry {
	gone := map[string]bool{}
	for i, key := range keys[:len(keys)-1] {
		replaced := keys[i+1].Chain[0].NotBefore
		gone[key.Alias] = now.After(replaced.Add(orDefault(r.Keep, defaultKeep)))
	}
	return slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool {
		return e.Kind == KindPrivateKey && gone[e.Alias]
	})
}

// entry returns the entry of the new key.
func (r Rotation) entry(newest Entry, changeover time.Time) (Entry, error) {
	life := orDefault(r.Life, defaultLife)
	if life <= orDefault(r.Lead, defaultLead) {
		return Entry{}, errors.New("keystore: rotation: Life is not longer than Lead: the next key would come too late")
	}
	algorithm := r.Algorithm
	if algorithm == "" {
		algorithm = newest.PublicKey.DefaultAlgorithm()
	}
	if algorithm == "" {
		algorithm = RS256
	}
	subject := r.Subject
	if subject == "" {
		subject = newest.Chain[0].Subject.String()
	}
	key, err := Generate(algorithm, subject, changeover, changeover.Add(life))
	if err != nil {
		return Entry{}, err
	}
	alias := undated(newest.Alias) + "-" + changeover.UTC().Format("20060102")
	return entryOf(key.WithAlias(alias)), nil
}

// undated returns the alias without the day that an earlier rotation put at its
// end.
func undated(alias string) string {
	const day = "-20060102"
	if len(alias) > len(day) {
		if _, err := time.Parse(day, alias[len(alias)-len(day):]); err == nil {
			return alias[:len(alias)-len(day)]
		}
	}
	return alias
}
