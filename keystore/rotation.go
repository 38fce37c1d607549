package keystore

import (
	"slices"
	"time"
)

// A turn is the time one of the store's own keys signs. Before it the key is
// published already, after it the key stays published for a while.
type turn struct {
	key   PrivateKey
	from  time.Time // zero: since ever
	until time.Time // zero: as long as it is in the file
}

func (t turn) signs(now time.Time) bool {
	return !now.Before(t.from) && (t.until.IsZero() || now.Before(t.until))
}

// unpublished is when the key's last token has expired, zero for never: after
// its turn, or after the end of its certificate, for no token is signed then.
func (t turn) unpublished(after time.Duration) time.Time {
	end := t.until
	if cert := t.key.certificate(); cert != nil && (end.IsZero() || cert.NotAfter.Before(end)) {
		end = cert.NotAfter
	}
	if end.IsZero() {
		return end
	}
	return end.Add(after)
}

// is reports whether the turn is that of the same key under the same alias
// and kid.
func (t turn) is(key PrivateKey) bool {
	return t.isKey(key) && sameAlias(t.key.Alias(), key.Alias())
}

func (t turn) isKey(key PrivateKey) bool {
	return t.key.KeyID() == key.KeyID() && t.key.public.Equal(key.public)
}

// overlap is how long keys are published before and after their turns.
type overlap struct{ before, after time.Duration }

// firstTurns are those of a store nobody knew before: every key has its turn
// at once, for all were there when the program began.
func firstTurns(keys []PrivateKey) []turn {
	turns := make([]turn, len(keys))
	for i, key := range keys {
		turns[i] = turn{key: key}
	}
	return turns
}

// next are the turns after the file has been replaced. A key that is new
// waits; the one it replaces signs on meanwhile, and is then published until
// its last token has expired.
func (o overlap) next(old []turn, keys []PrivateKey, now time.Time) []turn {
	var turns []turn
	old = o.current(old, now)
	for _, key := range keys {
		turns = append(turns, turn{key: key, from: o.start(old, key, now)})
	}
	for _, t := range old {
		stays := slices.IndexFunc(keys, t.is)
		renewed := stays >= 0 && t.signs(now) && turns[stays].from.After(now)
		if stays >= 0 && !renewed || t.key.err != nil {
			continue
		}
		if t.until.IsZero() || t.until.After(now) {
			switch wait := t.from.Sub(now); {
			case wait <= 0:
				t.until = handover(t, old, turns[:len(keys)], now)
			case wait < o.before/2:
				// Its turn was near: a machine that notices the replacement
				// later may have signed with it.
				t.until = t.from
			default:
				continue // replaced before it ever signed
			}
		}
		if t.unpublished(o.after).After(now) {
			turns = append(turns, t)
		}
	}
	return turns
}

// current leaves out the keys that are gone for good.
func (o overlap) current(turns []turn, now time.Time) []turn {
	return slices.DeleteFunc(slices.Clone(turns), func(t turn) bool {
		return !t.until.IsZero() && !t.unpublished(o.after).After(now)
	})
}

// start is when a key of the new file begins to sign: when it did or was
// about to, if it is known already, but with a new certificate not before that
// is valid, for it signs under the old one; else once it has been published
// for long enough, but not after the certificates of its predecessors have
// expired.
func (o overlap) start(old []turn, key PrivateKey, now time.Time) time.Time {
	i := slices.IndexFunc(old, func(t turn) bool { return t.is(key) })
	if i < 0 {
		i = slices.IndexFunc(old, func(t turn) bool { return t.isKey(key) })
	}
	switch {
	case i >= 0 && key.notBefore().After(now):
		return later(old[i].from, key.notBefore())
	case i >= 0:
		return old[i].from
	}
	expiry, predecessors := time.Time{}, 0
	for _, t := range predecessorsOf(key, old, now) {
		predecessors++
		end := now.Add(o.before)
		if cert := t.key.certificate(); cert != nil && cert.NotAfter.Before(end) {
			end = cert.NotAfter
		}
		if end.After(expiry) {
			expiry = end
		}
	}
	if predecessors == 0 {
		return time.Time{}
	}
	if key.notBefore().After(expiry) {
		return key.notBefore()
	}
	return expiry
}

// predecessorsOf are the keys that sign now under the same alias; if none
// does, all that sign now.
func predecessorsOf(key PrivateKey, old []turn, now time.Time) []turn {
	var same, all []turn
	for _, t := range old {
		if t.key.err != nil || !t.signs(now) {
			continue
		}
		all = append(all, t)
		if sameAlias(t.key.Alias(), key.Alias()) {
			same = append(same, t)
		}
	}
	if len(same) > 0 {
		return same
	}
	return all
}

// handover is when a key that has left the file stops signing: when the key
// that now has its alias begins; if there is none, when the last of those
// begins that wait and take the place of no other; now if there is none either.
func handover(leaving turn, old, turns []turn, now time.Time) time.Time {
	last := now
	for _, t := range turns {
		if sameAlias(t.key.Alias(), leaving.key.Alias()) {
			return later(now, t.from)
		}
		if !slices.ContainsFunc(old, func(o turn) bool {
			return o.signs(now) && sameAlias(o.key.Alias(), t.key.Alias())
		}) {
			last = later(last, t.from)
		}
	}
	return last
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
