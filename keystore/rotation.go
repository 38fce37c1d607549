package keystore

import (
	"slices"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// A turn is the time in which one of the store's own keys signs. The key is
// published before its turn, and for a while after it.
type turn struct {
	key   PrivateKey
	from  time.Time // zero: from the beginning
	until time.Time // zero: as long as it is in the file
}

func (t turn) signs(now time.Time) bool {
	return !now.Before(t.from) && (t.until.IsZero() || now.Before(t.until))
}

// unpublished returns when the key is no longer published, zero for never: its
// last token has expired then, after its turn or after the end of its
// certificate.
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

// status returns the state of the turn's key.
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

// overlap is how long keys are published before and after their turns, and how
// long before its end a certificate is reported.
type overlap struct{ before, after, notice time.Duration }

// firstTurns returns the turns of a store that was just opened: every key signs
// at once, because all were there when the program began.
func firstTurns(keys []PrivateKey) []turn {
	turns := make([]turn, len(keys))
	for i, key := range keys {
		turns[i] = turn{key: key}
	}
	return turns
}

// next returns the turns after the file has been replaced. A key that is new
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
				// Its turn was near: another machine, which notices the replacement later,
				// may have signed with it.
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

// current leaves out the keys that are no longer published.
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

// A succession looks up the turns before or after a file was replaced, to tell
// which key follows which. A store may hold thousands of keys, so that
// everything is indexed.
type succession struct {
	overlap overlap
	now     time.Time
	turns   []turn

	byName  map[keyName]int      // the first turn of a key under an alias
	byKey   map[string]int       // the first turn of a key, whatever its alias
	byAlias map[string]int       // the first turn under an alias
	signing map[string]bool      // the aliases of those that sign now
	relief  map[string]time.Time // by alias: when those that sign now need no longer
	all     time.Time            // when all that sign now need no longer; zero: none signs
}

// A keyName is a key as it is known: itself, its kid and its alias.
type keyName struct{ key, alias string }

func nameOf(key PrivateKey) keyName {
	name := keyName{key.public.identity, foldedAlias(key)}
	if name.key != "" {
		name.key = key.KeyID() + "\x00" + name.key
	}
	return name
}

func foldedAlias(key PrivateKey) string { return format.FoldAlias(key.Alias()) }

func newSuccession(o overlap, turns []turn, now time.Time) *succession {
	s := &succession{
		overlap: o, now: now, turns: turns,
		byName: make(map[keyName]int, len(turns)), byKey: make(map[string]int, len(turns)), byAlias: make(map[string]int, len(turns)),
		signing: map[string]bool{}, relief: map[string]time.Time{},
	}
	for i, t := range turns {
		name := nameOf(t.key)
		if name.key != "" {
			noteFirst(s.byName, name, i)
			noteFirst(s.byKey, name.key, i)
		}
		noteFirst(s.byAlias, name.alias, i)
		if t.signs(now) {
			s.signing[name.alias] = true
			s.relieve(name.alias, t)
		}
	}
	return s
}

func noteFirst[K comparable](index map[K]int, key K, i int) {
	if _, taken := index[key]; !taken {
		index[key] = i
	}
}

// relieve notes until when a key signs whose successor is in the file now:
// until the successor has been published for long enough, or the key's
// certificate expires.
func (s *succession) relieve(alias string, t turn) {
	if t.key.err != nil {
		return
	}
	end := s.now.Add(s.overlap.before)
	if cert := t.key.dated(); cert != nil && cert.NotAfter.Before(end) {
		end = cert.NotAfter
	}
	s.relief[alias], s.all = later(s.relief[alias], end), later(s.all, end)
}

// start returns when a key of the new file begins to sign: when it did or was
// about to, if it is known already, but with a new certificate not before that
// is valid, for it signs under the old one; else once it has been published for
// long enough, but not after the certificates of its predecessors have expired.
// These are the keys that sign now under its alias; if none does, all that sign
// now.
func (s *succession) start(key PrivateKey) time.Time {
	name := nameOf(key)
	i, known := s.byName[name]
	if !known {
		i, known = s.byKey[name.key]
	}
	switch {
	case known && key.notBefore().After(s.now):
		return later(s.turns[i].from, key.notBefore())
	case known:
		return s.turns[i].from
	}
	relief, replaces := s.relief[name.alias]
	if !replaces {
		relief = s.all
	}
	if !relief.IsZero() && key.notBefore().After(relief) {
		return key.notBefore()
	}
	return relief
}

// handover returns when a key that has left the file stops signing: when the
// key that now has its alias begins; without one, when the last newcomer
// begins.
func (s *succession) handover(leaving turn, newcomer time.Time) time.Time {
	if i, there := s.byAlias[foldedAlias(leaving.key)]; there {
		return later(s.now, s.turns[i].from)
	}
	return newcomer
}

// newcomer returns when the last key begins that waits and replaces no other;
// now if there is none.
func (s *succession) newcomer(before *succession) time.Time {
	last := s.now
	for _, t := range s.turns {
		if !before.signing[foldedAlias(t.key)] {
			last = later(last, t.from)
		}
	}
	return last
}
