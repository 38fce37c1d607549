package keystore

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// A succession answers what has to be known of the turns before a file was
// replaced, or after, to tell who follows whom. A store may hold thousands of
// keys, so that nothing is searched.
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
	name := keyName{identity(key.public), foldedAlias(key)}
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

// relieve notes how long a key signs at least when its successor is here now:
// until that has been published for long enough, or its certificate expires.
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

// start is when a key of the new file begins to sign: when it did or was
// about to, if it is known already, but with a new certificate not before that
// is valid, for it signs under the old one; else once it has been published
// for long enough, but not after the certificates of its predecessors have
// expired. These are the keys that sign now under its alias; if none does, all
// that sign now.
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

// handover is when a key that has left the file stops signing: when the key
// that now has its alias begins; if there is none, when the last newcomer does.
func (s *succession) handover(leaving turn, newcomer time.Time) time.Time {
	if i, there := s.byAlias[foldedAlias(leaving.key)]; there {
		return later(s.now, s.turns[i].from)
	}
	return newcomer
}

// newcomer is when the last of those begins that wait and take the place of no
// other; now if there is none.
func (s *succession) newcomer(before *succession) time.Time {
	last := s.now
	for _, t := range s.turns {
		if !before.signing[foldedAlias(t.key)] {
			last = later(last, t.from)
		}
	}
	return last
}
