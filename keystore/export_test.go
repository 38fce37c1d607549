package keystore

import (
	"bytes"
	"crypto/x509"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// ReadUnchanged reads an open file, for a test in which it changes meanwhile.
var ReadUnchanged = readUnchanged

// WithPasswords calls use with the passwords of a load, which are those the
// readers get: the store's, and those to try for an alias.
func WithPasswords(f File, use func(store []byte, key func(alias string) [][]byte)) error {
	return withPasswords(f, func(p *passwords) error {
		use(p.store, p.key)
		return nil
	})
}

// Replace gives a followed store other content, as if it had been noticed.
func Replace(s *Store, data []byte) error {
	return s.follower.take(bytes.Clone(data), stamp{}, time.Now()) // what is read is wiped
}

// FoundByAlias reports whether a key of the slice is looked up by its alias.
func FoundByAlias[K PrivateKey | SecretKey](keys []K) bool { return indexOf(keys) != nil }

// SignatureWork is what checking a signature by the key counts.
var SignatureWork = signatureWork

// CheckChain checks the signatures of a chain when so much work is left.
func CheckChain(chain []*x509.Certificate, left int64) error {
	var keys format.KeyReader
	keys.Spend(format.MaxWork - left)
	c := newCertificates(&keys)
	_, err := c.signedChain(chain)
	return err
}
