package format

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// Assembly puts the entries of a store together whose file has keys and
// certificates side by side, as PKCS #12 and PEM do.
type Assembly struct {
	entries []Entry
	ids     [][]byte // of the entries, nil where the file gives none
	loose   []looseCert
	pool    Pool
	unnamed int
}

// looseCert is a certificate not marked as trusted. It belongs to a key, to
// a chain, or is trusted after all.
type looseCert struct {
	Cert
	name string
	id   []byte
}

// Alias is name, or where there is none the next number, as Java counts keys
// and trusted certificates without a name.
func (a *Assembly) Alias(name string) string {
	if name != "" {
		return name
	}
	a.unnamed++
	return strconv.Itoa(a.unnamed)
}

// Count is how many keys and certificates were added.
func (a *Assembly) Count() int { return len(a.entries) + len(a.loose) }

// Add adds a key with the id that ties it to its certificate.
func (a *Assembly) Add(e Entry, id []byte) {
	a.entries = append(a.entries, e)
	a.ids = append(a.ids, id)
}

// AddTrusted adds a certificate the file says is trusted.
func (a *Assembly) AddTrusted(alias string, der []byte) {
	cert, err := ParseCert(der)
	if err == nil {
		a.pool.Add(cert)
	}
	a.Add(Entry{Alias: alias, Kind: Certificate, Chain: [][]byte{der}, Err: err}, nil)
}

// AddLoose adds a certificate the file says nothing of but perhaps a name
// and an id.
func (a *Assembly) AddLoose(name string, id, der []byte) {
	cert, err := ParseCert(der)
	if err != nil {
		cert.Raw = der
	} else {
		a.pool.Add(cert)
	}
	a.loose = append(a.loose, looseCert{cert, name, id})
}

// Entries gives every private key its chain and returns all entries in the
// order of the file, then the loose certificates that are trusted: trust is
// given the number of private keys and whether a chain has the certificate.
func (a *Assembly) Entries(trust func(keys int, chained bool) bool) []Entry {
	keys, chained := 0, map[string]bool{}
	for i := range a.entries {
		e := &a.entries[i]
		if e.Kind != PrivateKey {
			continue
		}
		keys++
		if leaf, ok := a.leaf(*e, a.ids[i]); ok {
			e.Chain = a.pool.Chain(leaf)
		}
		for _, der := range e.Chain {
			chained[string(der)] = true
		}
	}
	entries := a.entries
	for _, c := range a.loose {
		if trust(keys, chained[string(c.Raw)]) {
			_, err := ParseCert(c.Raw)
			entries = append(entries, Entry{Alias: a.Alias(c.name), Kind: Certificate, Chain: [][]byte{c.Raw}, Untagged: true, Err: err})
		}
	}
	return entries
}

// leaf is the certificate of a private key. Only one for its public key will
// do where that is known; an id, then a name, decide among several, and alone
// where the public key is not known.
func (a *Assembly) leaf(e Entry, id []byte) (Cert, bool) {
	candidates := a.loose
	if public := PublicBits(e.PKCS8); public != nil {
		candidates = slices.DeleteFunc(slices.Clone(candidates), func(c looseCert) bool { return !c.Matches(public) })
		if len(candidates) == 0 {
			return Cert{}, false
		}
	}
	for _, c := range candidates {
		if len(id) > 0 && bytes.Equal(c.id, id) {
			return c.Cert, true
		}
	}
	for _, c := range candidates {
		if strings.EqualFold(c.name, e.Alias) {
			return c.Cert, true
		}
	}
	if e.PKCS8 == nil || len(candidates) == len(a.loose) && len(candidates) != 1 {
		return Cert{}, false
	}
	return candidates[0].Cert, true
}
