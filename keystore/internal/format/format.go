// Package format is what the readers of keystore formats share: the plain
// entries they yield, the errors they tell apart and the limits they keep.
// A reader takes bytes and passwords and does no I/O.
package format

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The reasons a store, or one entry of it, cannot be read. Readers wrap one
// of them with the detail (the offset, the OID, the length that is wrong).
var (
	// ErrPassword: the store or the entry does not open with the password.
	ErrPassword = errors.New("incorrect password")
	// ErrPasswordRequired: nothing can be read without a password, and none was given.
	ErrPasswordRequired = errors.New("password required")
	// ErrDamaged: the structure contradicts itself, or the integrity check
	// failed although the password is known to be right.
	ErrDamaged = errors.New("damaged file")
	// ErrUnknownFormat: the content is of no format we know.
	ErrUnknownFormat = errors.New("unknown format")
	// ErrUnsupported: a known format with an algorithm, version or type we do not read.
	ErrUnsupported = errors.New("unsupported algorithm")
	// ErrLimit: a length, count, depth or work factor exceeds what we accept.
	ErrLimit = errors.New("limit exceeded")
)

// What one file may hold. Readers keep to it before they take memory.
const (
	MaxSize    = 16 << 20 // bytes
	MaxEntries = 10_000
	MaxChain   = 100             // certificates of one key
	MaxLinks   = 10 * MaxEntries // certificates of all chains together
)

// CheckSize refuses a file too large to be a keystore.
func CheckSize(data []byte) error {
	if len(data) > MaxSize {
		return fmt.Errorf("%w: %d bytes, %d are allowed", ErrLimit, len(data), MaxSize)
	}
	return nil
}

// Kind is what an entry holds.
type Kind int

// The kinds of entries.
const (
	PrivateKey  Kind = iota + 1 // a private key and the chain that belongs to it
	SecretKey                   // a symmetric key
	Certificate                 // a trusted certificate
	PublicKey                   // a public key without a certificate
)

// Entry is one entry of a store as the file has it. Its slices may share
// memory with each other and with the file.
type Entry struct {
	Alias   string // as stored; where the store has none, the one Java would give it
	Kind    Kind
	Created time.Time // zero if the format does not say

	// PKCS8 is the private key in plain PKCS #8 (RFC 5208) DER.
	PKCS8 []byte
	// Secret is the symmetric key, SecretAlgorithm its name as Java or its
	// OID gives it ("AES", "HmacSHA256", "1.2.840.113549.2.9").
	Secret          []byte
	SecretAlgorithm string

	// SPKI is the public key of a [PublicKey] entry (RFC 5280 section 4.1).
	SPKI []byte

	// Chain holds DER certificates: of a private key its own first and each
	// issuer after it, of a trusted certificate just that one.
	Chain [][]byte
	// Leaf is the first of them, where a reader has looked into it.
	Leaf *Cert

	// Untagged is set for what Java's own reader would leave out: plain key
	// bags, certificates without Oracle's trust attribute, and entries whose
	// alias a later entry has too.
	Untagged bool

	// Err is why the entry's key could not be read. The rest of the entry is
	// as much as could be read.
	Err error
}

// Store is what a reader found in a file.
type Store struct {
	Format  string // "JKS", "JCEKS", "PKCS12", "PEM", "JWK", ...
	Entries []Entry
	// Unverified is set when no integrity check covered the entries: the
	// file has none, or no password was given to check it with.
	Unverified bool
	// Passed is what the file has besides entries, such as the labels of other PEM
	// blocks.
	Passed []string
	// Keys is what private keys are to be read with, and remembers what was spent
	// so far.
	Keys KeyReader
}

// Passwords is what a reader may try.
type Passwords struct {
	// Store opens the store; nil means none was given, which is not the
	// same as an empty one. UTF-8.
	Store []byte
	// Key yields the passwords to try for the key of an entry, in order.
	// Nil means the store's password, then the empty one.
	Key func(alias string) [][]byte
}

// ForKey returns the passwords to try for the key of an entry, in order.
func (p Passwords) ForKey(alias string) [][]byte {
	switch {
	case p.Key != nil:
		return p.Key(alias)
	case p.Store == nil:
		return nil
	case len(p.Store) == 0:
		return [][]byte{p.Store}
	}
	return [][]byte{p.Store, {}}
}

// MarkShadowed marks the entries Java would replace by a later one with the
// same alias. Aliases are compared in any case.
func MarkShadowed(entries []Entry) {
	taken := make(map[string]bool, len(entries))
	for i := len(entries) - 1; i >= 0; i-- {
		alias := FoldAlias(entries[i].Alias)
		if taken[alias] {
			entries[i].Untagged = true
		}
		taken[alias] = true
	}
}

// FoldAlias returns what all aliases have in common that [strings.EqualFold]
// calls equal, for maps.
func FoldAlias(alias string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r + 'A' - 'a'
		case r < utf8.RuneSelf:
			return r
		}
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, alias)
}
