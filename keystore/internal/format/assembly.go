package format

import (
	"fmt"
	"strconv"
)

// Assembly puts the entries of a store together whose file has keys and
// certificates side by side, as PKCS #12 and PEM do.
type Assembly struct {
	entries []Entry
	ids     [][]byte // of the entries, nil where the file gives none
	certs   []*Cert  // all of them, in the order of the file
	loose   []looseCert
	leaves  map[sign]*looseCert // the first certificate with each sign
	pool    Pool
	unnamed int
}

// looseCert is a certificate not marked as trusted. It belongs to a key, to
// a chain, or is trusted after all.
type looseCert struct {
	*Cert
	name string
	id   []byte
}

// A sign is what a key and its certificate have in common, as far as it is
// looked at. Fields that are not are empty.
type sign struct{ public, id, name string }

// Alias returns the name, or without one the next number, as Java counts keys
// and trusted certificates without a name.
func (a *Assembly) Alias(name string) string {
	if name != "" {
		return name
	}
	a.unnamed++
	return strconv.Itoa(a.unnamed)
}

// Add adds a key with the id that ties it to its certificate, and returns its
// number.
func (a *Assembly) Add(e Entry, id []byte) int {
	a.entries = append(a.entries, e)
	a.ids = append(a.ids, id)
	return len(a.entries) - 1
}

// Entry returns what was added under a number.
func (a *Assembly) Entry(number int) *Entry { return &a.entries[number] }

// AddTrusted adds a certificate the file says is trusted.
func (a *Assembly) AddTrusted(alias string, der []byte) {
	a.Add(Entry{Alias: alias, Kind: Certificate, Chain: [][]byte{der}, Leaf: a.certificate(der)}, nil)
}

// AddLoose adds a certificate the file says nothing of but perhaps a name
// and an id.
func (a *Assembly) AddLoose(name string, id, der []byte) {
	a.loose = append(a.loose, looseCert{a.certificate(der), name, id})
}

func (a *Assembly) certificate(der []byte) *Cert {
	cert := &Cert{Raw: der}
	a.certs = append(a.certs, cert)
	return cert
}

// Found is what is known when it is decided whether a loose certificate is
// trusted.
type Found struct {
	Keys    int  // private keys in the store
	Unknown int  // private keys of which a certificate may be, but nobody can tell
	Chained bool // the certificate is in the chain of a key
}

// Store gives every private key its chain and returns a store of all entries in
// the order of the file, then of the loose certificates that are trusted.
func (a *Assembly) Store(trusted func(Found) bool) (*Store, error) {
	a.parse()
	a.index()
	store := new(Store)
	bits := a.publicBits(&store.Keys)
	var found Found
	chained, links := map[string]bool{}, 0
	for i := range a.entries {
		e := &a.entries[i]
		if e.Kind != PrivateKey {
			continue
		}
		found.Keys++
		leaf := a.leaf(*e, a.ids[i], bits[i])
		switch {
		case leaf != nil:
			e.Chain, e.Leaf = a.pool.Chain(leaf.Cert), leaf.Cert
			chained[string(leaf.Raw)] = true
		case bits[i] == nil:
			found.Unknown++
		}
		if links += len(e.Chain); links > MaxLinks {
			return nil, fmt.Errorf("%w: chains of more than %d certificates together", ErrLimit, MaxLinks)
		}
	}
	a.pool.used(func(c *Cert) { chained[string(c.Raw)] = true })
	MarkShadowed(a.entries)
	store.Entries = a.entries
	for _, c := range a.loose {
		if found.Chained = chained[string(c.Raw)]; trusted(found) {
			store.Entries = append(store.Entries, Entry{Alias: a.Alias(c.name), Kind: Certificate, Chain: [][]byte{c.Raw}, Leaf: c.Cert, Untagged: true, Err: c.err})
		}
	}
	return store, nil
}

// parse takes the certificates apart, side by side.
func (a *Assembly) parse() {
	Each(len(a.certs), func(i int) { a.certs[i].Parse() })
	for _, c := range a.certs {
		if c.err == nil {
			a.pool.Add(c)
		}
	}
	for i := range a.entries {
		if e := &a.entries[i]; e.Kind == Certificate {
			e.Err = e.Leaf.err
		}
	}
}

// publicBits returns the public keys of the private ones, found side by side.
// They are for finding certificates: where there are none to find, nobody asks.
func (a *Assembly) publicBits(keys *KeyReader) [][]byte {
	bits := make([][]byte, len(a.entries))
	if len(a.loose) == 0 {
		return bits
	}
	Each(len(a.entries), func(i int) {
		if a.entries[i].Kind == PrivateKey {
			bits[i] = keys.PublicBits(a.entries[i].PKCS8)
		}
	})
	return bits
}

// index notes the loose certificates under every sign a key may know them by.
func (a *Assembly) index() {
	a.leaves = make(map[sign]*looseCert, 4*len(a.loose))
	for i := range a.loose {
		c := &a.loose[i]
		public, id, name := string(c.publicKey), string(c.id), FoldAlias(c.name)
		for _, s := range []sign{{public, id, ""}, {public, "", name}, {public, "", ""}, {"", id, ""}, {"", "", name}} {
			if s != (sign{}) {
				addFirst(a.leaves, s, c)
			}
		}
	}
}

// leaf returns the certificate of a private key: of those for its public key
// the one with its id, or its name, or the first. If there is none, or the
// public key is not known, the file's own marks decide: the id, or for an
// unknown key also the name.
func (a *Assembly) leaf(e Entry, id, publicBits []byte) *looseCert {
	public, name := string(publicBits), FoldAlias(e.Alias)
	var signs []sign
	if public != "" {
		if len(id) > 0 {
			signs = append(signs, sign{public, string(id), ""})
		}
		signs = append(signs, sign{public, "", name}, sign{public, "", ""})
	}
	if len(id) > 0 {
		signs = append(signs, sign{"", string(id), ""})
	}
	if public == "" {
		signs = append(signs, sign{"", "", name})
	}
	for _, s := range signs {
		if c := a.leaves[s]; c != nil {
			return c
		}
	}
	return nil
}
