package keystore_test

import (
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Whatever becomes of the keys under their aliases, renamed, exchanged,
// renewed, with certificates from later on: as long as an alias stays in the
// file, a key signs under it that is valid and was published long enough, and
// what has signed stays published.
func TestAliasAlwaysSigns(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				m := newModel(t, mathrand.New(mathrand.NewPCG(seed, 1)))
				for step := range 150 {
					if m.random.IntN(4) == 0 {
						m.replace()
					}
					time.Sleep(time.Duration(m.random.Int64N(int64(4 * time.Minute))))
					m.check(step)
				}
			})
		})
	}
}

// model is what verifiers and the owner of a store know of it.
type model struct {
	*rotating
	random    *mathrand.Rand
	aliases   map[string]string    // to what names the key in its certificate
	since     map[string]time.Time // when a kid was published
	signed    map[string]time.Time // when it signed last
	generated int
}

const (
	modelBefore = 10 * time.Minute
	modelAfter  = 30 * time.Minute
)

func newModel(t *testing.T, random *mathrand.Rand) *model {
	m := &model{rotating: &rotating{t: t}, random: random, aliases: map[string]string{"a": "first", "b": "second"}, since: map[string]time.Time{}, signed: map[string]time.Time{}}
	m.rotating = openRotating(t, m.file(), keystore.File{PublishBefore: modelBefore, PublishAfter: modelAfter})
	for _, key := range must(m.PublishedKeys(t.Context())) {
		m.since[key.KeyID()] = time.Now().Add(-modelBefore)
	}
	return m
}

// replace exchanges the keys of the two aliases, or gives one of them a new
// key, or the key of the other, which may have one of its own then.
func (m *model) replace() {
	switch alias := []string{"a", "b"}[m.random.IntN(2)]; m.random.IntN(4) {
	case 0:
		m.aliases["a"], m.aliases["b"] = m.aliases["b"], m.aliases["a"]
	default:
		m.generated++
		m.aliases[alias] = fmt.Sprintf("key %d", m.generated%7) // one that was there before comes back
	}
	if m.aliases["a"] == m.aliases["b"] {
		m.aliases["b"] = fmt.Sprintf("key %d of b", m.generated)
	}
	install(m.t, m.path, m.file())
}

// file is the store as it is now, with new certificates. A third of them, but
// not of the first file's, begin a while after they were made.
func (m *model) file() string {
	var text string
	for _, alias := range []string{"a", "b"} {
		begin := time.Now().Add(-time.Hour)
		if len(m.since) > 0 && m.random.IntN(3) == 0 {
			begin = time.Now().Add(time.Duration(m.random.Int64N(int64(20 * time.Minute))))
		}
		text += pemEntry(m.t, alias, m.aliases[alias], begin, time.Now().AddDate(1, 0, 0))
	}
	return text
}

func (m *model) check(step int) {
	signing, public := must(m.PrivateKeys(m.t.Context())), must(m.PublishedKeys(m.t.Context()))
	now := time.Now()
	for kid := range m.since {
		if slices.ContainsFunc(public, func(k keystore.PublicKey) bool { return k.KeyID() == kid }) {
			continue
		}
		if last, ok := m.signed[kid]; ok && now.Sub(last) < modelAfter {
			m.t.Errorf("step %d: %s is no longer published, %v after it signed", step, kid, now.Sub(last))
		}
		delete(m.since, kid)
	}
	for _, key := range public {
		if _, known := m.since[key.KeyID()]; !known {
			m.since[key.KeyID()] = now
		}
	}
	for _, alias := range []string{"a", "b"} {
		key, err := keystore.Select(signing, keystore.Selection{Alias: alias, Now: now})
		if err != nil {
			m.t.Errorf("step %d: nobody signs as %q: %v", step, alias, err)
			continue
		}
		if since, known := m.since[key.KeyID()]; !known || now.Sub(since) < modelBefore {
			m.t.Errorf("step %d: %s signs as %q %v after it was published", step, key.KeyID(), alias, now.Sub(since))
		}
		m.signed[key.KeyID()] = now
	}
}
