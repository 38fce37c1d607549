package format

import "bytes"

// maxChain is how many certificates a chain may have.
const maxChain = 100

// Pool is the certificates of a store that chains are made of.
type Pool struct {
	bySubject map[string][]Cert
}

// Add puts a certificate into the pool.
func (p *Pool) Add(c Cert) {
	if p.bySubject == nil {
		p.bySubject = map[string][]Cert{}
	}
	p.bySubject[c.Subject] = append(p.bySubject[c.Subject], c)
}

// Chain is leaf and, as far as the pool has them, the issuer of each
// certificate after it.
func (p *Pool) Chain(leaf Cert) (chain [][]byte) {
	seen := map[string]bool{}
	for c, ok := leaf, true; ok && len(chain) < maxChain && !seen[string(c.Raw)]; c, ok = p.issuer(c) {
		seen[string(c.Raw)] = true
		chain = append(chain, c.Raw)
		if c.Issuer == c.Subject {
			break
		}
	}
	return chain
}

// issuer is the certificate with the name of c's issuer. Where both state the
// issuer's key, it must be the same: a CA renewed with another key keeps its
// name (RFC 5280 section 4.2.1.1).
func (p *Pool) issuer(c Cert) (issuer Cert, ok bool) {
	for _, candidate := range p.bySubject[c.Issuer] {
		switch {
		case len(c.authority) == 0 || len(candidate.subject) == 0:
			if !ok {
				issuer, ok = candidate, true
			}
		case bytes.Equal(candidate.subject, c.authority):
			return candidate, true
		}
	}
	return issuer, ok
}
