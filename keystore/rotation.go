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
	old = o.current(old, now)
	before := newSuccession(o, old, now)
	turns := make([]turn, len(keys), len(keys)+len(old))
	for i, key := range keys {
		turns[i] = turn{key: key, from: before.start(key)}
	}
	after := newSuccession(o, turns, now)
	newcomer := after.newcomer(before)
	for _, t := range old {
		stays, there := after.byName[nameOf(t.key)]
		renewed := there && t.signs(now) && turns[stays].from.After(now)
		if there && !renewed || t.key.err != nil {
			continue
		}
		if t.until.IsZero() || t.until.After(now) {
			switch wait := t.from.Sub(now); {
			case wait <= 0:
				t.until = after.handover(t, newcomer)
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

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
