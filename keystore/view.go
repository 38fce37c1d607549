package keystore

import (
	"slices"
	"time"
)

// A view holds the answers of a store until something next changes by itself.
// It is immutable, so that look-ups need no lock.
type view struct {
	*contents
	overlap overlap
	turns   []turn
	next    time.Time // when a key or a certificate changes its state; zero: none does
	until   time.Time // when the view has to be made anew: next, or a notice; zero: never

	signing    []PrivateKey
	decrypting []PrivateKey
	published  keyTable[PublicKey]
	trust      keyTable[PublicKey]
	ending     []turn // of keys whose certificates end soon, or have ended
}

func newView(c *contents, o overlap, turns []turn, now time.Time) *view {
	v := &view{contents: c, overlap: o, turns: turns}
	v.signing, v.decrypting = make([]PrivateKey, 0, len(turns)), make([]PrivateKey, 0, len(turns))
	published := make([]PublicKey, 0, len(turns))
	for _, t := range turns {
		end := t.unpublished(o.after)
		v.changes(now, t.from, t.until, end)
		if t.signs(now) {
			v.signing = append(v.signing, t.key)
		}
		if t.key.err != nil {
			continue
		}
		v.dates(t, now)
		v.decrypting = append(v.decrypting, t.key)
		if end.IsZero() || end.After(now) {
			published = append(published, t.key.public)
		}
	}
	v.signing, v.decrypting = indexed(v.signing), slices.Clip(v.decrypting)
	v.published = newKeyTable(distinct(published))
	v.trust = newKeyTable(v.valid(c.trusted, now))
	v.until = earliest(now, v.until, v.next)
	return v
}

// dates notes when the key's certificate begins and ends, and whether its end
// is near, or when it will be.
func (v *view) dates(t turn, now time.Time) {
	cert := t.key.dated()
	if cert == nil {
		return
	}
	for _, moment := range []time.Time{cert.NotBefore, cert.NotAfter.Add(1)} { // the last instant is included
		if t.signs(moment) { // else its turn decides
			v.changes(now, moment)
		}
	}
	if v.overlap.notice <= 0 || !t.until.IsZero() {
		return
	}
	near := cert.NotAfter.Add(-v.overlap.notice)
	v.until = earliest(now, v.until, near)
	if !now.Before(near) {
		v.ending = append(v.ending, t)
	}
}

// valid returns the keys without a certificate, and those whose certificate is
// valid now.
func (v *view) valid(keys []PublicKey, now time.Time) []PublicKey {
	valid := make([]PublicKey, 0, len(keys))
	for _, key := range keys {
		if len(key.chain) > 0 && !key.aside {
			cert := key.chain[0]
			v.changes(now, cert.NotBefore, cert.NotAfter.Add(1)) // the last instant is included
			if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
				continue
			}
		}
		valid = append(valid, key)
	}
	return valid
}

// changes notes the moments at which a state changes.
func (v *view) changes(now time.Time, moments ...time.Time) {
	v.next = earliest(now, v.next, moments...)
}

// at returns the view of the same contents at another time.
func (v *view) at(now time.Time) *view {
	return newView(v.contents, v.overlap, v.overlap.current(v.turns, now), now)
}

// earliest returns the first of the moments that lie in the future, if it is
// before the one known, or none is known yet.
func earliest(now, known time.Time, moments ...time.Time) time.Time {
	for _, t := range moments {
		if t.After(now) && (known.IsZero() || t.Before(known)) {
			known = t
		}
	}
	return known
}
