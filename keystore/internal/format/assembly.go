package format

import (
	"bytes"
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
	err  error
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
	a.loose = append(a.loose, looseCert{cert, name, id, err})
}

// Found is what is known when it is decided whether a loose certificate is
// trusted.
type Found struct {
	Keys    int  // private keys in the store
	Unknown int  // private keys of which a certificate may be, but nobody can tell
	Chained bool // the certificate is in the chain of a key
}

// Entries gives every private key its chain and returns all entries in the
// order of the file, then the loose certificates that are trusted.
func (a *Assembly) Entries(trusted func(Found) bool) []Entry {
	var found Found
	chained := map[string]bool{}
	for i := range a.entries {
		e := &a.entries[i]
		if e.Kind != PrivateKey {
			continue
		}
		found.Keys++
		if leaf, ok := a.leaf(*e, a.ids[i]); ok {
			e.Chain = a.pool.Chain(leaf)
		} else if PublicBits(e.PKCS8) == nil {
			found.Unknown++
		}
		for _, der := range e.Chain {
			chained[string(der)] = true
		}
	}
	entries := a.entries
	MarkShadowed(entries)
	for _, c := range a.loose {
		if found.Chained = chained[string(c.Raw)]; trusted(found) {
			entries = append(entries, Entry{Alias: a.Alias(c.name), Kind: Certificate, Chain: [][]byte{c.Raw}, Untagged: true, Err: c.err})
		}
	}
	return entries
}

// leaf is the certificate of a private key: of those for its public key the
// one with its id, or its name, or the first. Where there is none, or the
// public key cannot be told, the file's own word is taken: the id, or for an
// unknown key also the name.
func (a *Assembly) leaf(e Entry, id []byte) (leaf Cert, ok bool) {
	public := PublicBits(e.PKCS8)
	best := 0
	for _, c := range a.loose {
		rank := 0
		fits := public != nil && bytes.Equal(c.publicKey, public)
		if fits {
			rank = 3
		}
		if len(id) > 0 && bytes.Equal(c.id, id) {
			rank += 2
		} else if (fits || public == nil) && strings.EqualFold(c.name, e.Alias) {
			rank++
		}
		if rank > best {
			leaf, best = c.Cert, rank
		}
	}
	return leaf, best > 0
}
