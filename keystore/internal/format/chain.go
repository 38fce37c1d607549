package format

import "slices"

// Pool is the certificates of a store that chains are made of. Whatever is
// asked for is looked up, never searched: a store may hold thousands of
// certificates of one name.
type Pool struct {
	named   map[string]*Cert // by subject, the first
	keyed   map[nameAndKey]*Cert
	keyless map[string]*Cert // by subject, the first that states no key
	above   map[*Cert][]*Cert
}

type nameAndKey struct{ subject, key string }

// Add puts a certificate into the pool.
func (p *Pool) Add(c *Cert) {
	if p.named == nil {
		p.named, p.keyed, p.keyless, p.above = map[string]*Cert{}, map[nameAndKey]*Cert{}, map[string]*Cert{}, map[*Cert][]*Cert{}
	}
	addFirst(p.named, c.Subject, c)
	if len(c.subject) == 0 {
		addFirst(p.keyless, c.Subject, c)
	} else {
		addFirst(p.keyed, nameAndKey{c.Subject, string(c.subject)}, c)
	}
}

// addFirst keeps what is there already.
func addFirst[K comparable, V any](index map[K]V, key K, value V) {
	if _, taken := index[key]; !taken {
		index[key] = value
	}
}

// Chain returns leaf and, as far as the pool has them, the issuer of each
// certificate after it.
func (p *Pool) Chain(leaf *Cert) (chain [][]byte) {
	chain = append(chain, leaf.Raw)
	for _, c := range p.issuers(leaf) {
		if len(chain) == MaxChain || string(c.Raw) == string(leaf.Raw) {
			break
		}
		chain = append(chain, c.Raw)
	}
	return chain
}

// issuers returns the certificates above c. They are looked up once, for many
// leaves share them.
func (p *Pool) issuers(c *Cert) []*Cert {
	first := p.issuer(c)
	if first == nil {
		return nil
	}
	if above, known := p.above[first]; known {
		return above
	}
	var above []*Cert
	for i := first; i != nil && len(above) < MaxChain && !slices.Contains(above, i); i = p.issuer(i) {
		above = append(above, i)
	}
	p.above[first] = above
	return above
}

// used calls f for every issuer of a chain that was asked for.
func (p *Pool) used(f func(*Cert)) {
	seen := map[*Cert]bool{}
	for _, above := range p.above {
		for _, c := range above {
			if !seen[c] {
				seen[c] = true
				f(c)
			}
		}
	}
}

// issuer returns the certificate with the name of c's issuer, nil for one that
// names itself. Where both state the issuer's key, it must be the same: a CA
// renewed with another key keeps its name (RFC 5280 section 4.2.1.1).
func (p *Pool) issuer(c *Cert) *Cert {
	switch {
	case c.Issuer == c.Subject:
		return nil
	case len(c.authority) == 0:
		return p.named[c.Issuer]
	}
	if exact := p.keyed[nameAndKey{c.Issuer, string(c.authority)}]; exact != nil {
		return exact
	}
	return p.keyless[c.Issuer]
}
