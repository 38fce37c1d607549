package pbe

import (
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"fmt"
	"hash"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// Hash is a hash function a file names.
type Hash struct {
	Name string
	New  func() hash.Hash
	// The work of one block and of one HMAC over a block, see [Budget.Spend].
	block, hmac int64
}

var (
	md5Hash   = Hash{"MD5", md5.New, 4, 12}
	sha1Hash  = Hash{"SHA-1", sha1.New, 3, 15}
	sha224    = Hash{"SHA-224", sha256.New224, 3, 9}
	sha256256 = Hash{"SHA-256", sha256.New, 3, 9}
	sha384    = Hash{"SHA-384", sha512.New384, 8, 24}
	sha512512 = Hash{"SHA-512", sha512.New, 8, 24}
	sha512224 = Hash{"SHA-512/224", sha512.New512_224, 8, 24}
	sha512256 = Hash{"SHA-512/256", sha512.New512_256, 8, 24}
	sha3224   = Hash{"SHA3-224", func() hash.Hash { return sha3.New224() }, 16, 64}
	sha3256   = Hash{"SHA3-256", func() hash.Hash { return sha3.New256() }, 16, 64}
	sha3384   = Hash{"SHA3-384", func() hash.Hash { return sha3.New384() }, 16, 64}
	sha3512   = Hash{"SHA3-512", func() hash.Hash { return sha3.New512() }, 16, 64}
)

var digests = map[string]Hash{
	"1.2.840.113549.2.5":      md5Hash,
	"1.3.14.3.2.26":           sha1Hash,
	"2.16.840.1.101.3.4.2.1":  sha256256,
	"2.16.840.1.101.3.4.2.2":  sha384,
	"2.16.840.1.101.3.4.2.3":  sha512512,
	"2.16.840.1.101.3.4.2.4":  sha224,
	"2.16.840.1.101.3.4.2.5":  sha512224,
	"2.16.840.1.101.3.4.2.6":  sha512256,
	"2.16.840.1.101.3.4.2.7":  sha3224,
	"2.16.840.1.101.3.4.2.8":  sha3256,
	"2.16.840.1.101.3.4.2.9":  sha3384,
	"2.16.840.1.101.3.4.2.10": sha3512,
}

var hmacs = map[string]Hash{
	"1.2.840.113549.2.7":  sha1Hash,
	"1.2.840.113549.2.8":  sha224,
	"1.2.840.113549.2.9":  sha256256,
	"1.2.840.113549.2.10": sha384,
	"1.2.840.113549.2.11": sha512512,
	"1.2.840.113549.2.12": sha512224,
	"1.2.840.113549.2.13": sha512256,

	"2.16.840.1.101.3.4.2.13": sha3224,
	"2.16.840.1.101.3.4.2.14": sha3256,
	"2.16.840.1.101.3.4.2.15": sha3384,
	"2.16.840.1.101.3.4.2.16": sha3512,
}

// Digest returns the hash function with that OID.
func Digest(oid string) (Hash, error) { return lookup(digests, "digest", oid) }

// HMAC returns the hash function of the HMAC with that OID (RFC 8018 appendix
// B.1).
func HMAC(oid string) (Hash, error) { return lookup(hmacs, "HMAC", oid) }

func lookup(table map[string]Hash, what, oid string) (Hash, error) {
	h, ok := table[oid]
	if !ok {
		return Hash{}, fmt.Errorf("%w: %s %s", format.ErrUnsupported, what, known(oid))
	}
	return h, h.allowed()
}

// allowed keeps MD5 and SHA-1 from being called where they would panic.
func (h Hash) allowed() error {
	if h.Name == "MD5" || h.Name == "SHA-1" {
		return Legacy(h.Name)
	}
	return nil
}

// Legacy refuses an algorithm FIPS 140-3 does not approve when the process
// runs under GODEBUG=fips140=only, where many of them panic.
func Legacy(name string) error {
	// A one-byte RC4 key is valid everywhere else.
	if _, err := rc4.NewCipher([]byte{0}); err != nil {
		return fmt.Errorf("%w: %s is not allowed in FIPS 140-only mode", format.ErrUnsupported, name)
	}
	return nil
}
