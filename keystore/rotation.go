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
	if cert := t.key.dated(); cert != nil && (end.IsZero() || cert.NotAfter.Before(end)) {
		end = cert.NotAfter
	}
	if end.IsZero() {
		return end
	}
	return end.Add(after)
}

// status is the state of the turn's key.
func (t turn) status(o overlap, now time.Time) KeyStatus {
	key := t.key
	s := KeyStatus{
		Alias: key.Alias(), KeyID: key.KeyID(), Type: key.public.Describe(),
		State: KeySigns, From: t.from, Until: t.unpublished(o.after), Err: key.err,
	}
	if cert := key.certificate(); cert != nil {
		s.CertificateEnd = cert.NotAfter
	}
	switch dated := key.dated(); {
	case key.err != nil:
		s.State = KeyUnusable
	case now.Before(t.from):
		s.State = KeyWaits
	case !t.signs(now):
		s.State = KeyRetires
	case dated != nil && now.After(dated.NotAfter):
		s.State = KeyExpired
	case dated != nil && now.Before(dated.NotBefore):
		s.State, s.From = KeyWaits, dated.NotBefore
	}
	return s
}

// overlap is how long keys are published before and after their turns, and
// how long before the end of a certificate somebody is told.
type overlap struct{ before, after, notice time.Duration }

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
