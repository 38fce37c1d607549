// Package pbe opens what is encrypted under a password, as keystores and
// encrypted PKCS #8 name it by an AlgorithmIdentifier: PKCS #5 (RFC 8018)
// schemes 1 and 2, PKCS #12 (RFC 7292 appendix B) and the scheme of JCEKS.
package pbe

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rc4"
	"errors"
	"fmt"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/rc2"
)

// Open decrypts data with the first of the passwords that fits. They are
// UTF-8; each is tried in every form the scheme's writers are known to use.
// accept tells a right plaintext from the noise a wrong password leaves.
func Open(alg format.Algorithm, data []byte, passwords [][]byte, budget *Budget, accept func([]byte) bool) ([]byte, error) {
	s, err := schemeOf(alg)
	if err != nil {
		return nil, err
	}
	if len(passwords) == 0 {
		return nil, format.ErrPasswordRequired
	}
	for _, password := range passwords {
		for _, form := range s.forms(password) {
			plain, err := s.decrypt(form, data, budget)
			clear(form)
			if err == nil && accept(plain) {
				return plain, nil
			}
			clear(plain)
			if err != nil && !errors.Is(err, format.ErrPassword) {
				return nil, err
			}
		}
	}
	return nil, format.ErrPassword
}

// scheme is one way to encrypt under a password, with its parameters read.
type scheme struct {
	// forms are the bytes a password may stand for, the likeliest first.
	forms func(password []byte) [][]byte
	// key derives the cipher and the initialization vector; a nil vector
	// means a stream cipher in stream.
	key func(password []byte, budget *Budget) (machine, error)
}

// machine is a cipher with its key: a block cipher in CBC mode, or a stream.
type machine struct {
	block  cipher.Block
	iv     []byte
	stream cipher.Stream
}

func schemeOf(alg format.Algorithm) (scheme, error) {
	oid := alg.OID()
	switch {
	case oid == oidPBES2:
		return pbes2(alg.Parameters.FullBytes)
	case pbes1[oid].cipher != nil:
		return pbes1[oid].scheme(alg.Parameters.FullBytes)
	}
	return scheme{}, fmt.Errorf("%w: encryption %s", format.ErrUnsupported, known(oid))
}

// unread are schemes, ciphers and digests that tools write and that are not
// read here: errors name them.
var unread = map[string]string{
	"1.2.840.113549.1.5.1":      "PBES1 with MD2 and DES",
	"1.2.840.113549.1.5.4":      "PBES1 with MD2 and RC2",
	"1.2.840.113533.7.66.10":    "CAST5-CBC",
	"1.2.840.113549.2.2":        "MD2",
	"1.2.840.113549.2.4":        "MD4",
	"1.2.840.113549.2.6":        "HMAC-MD5",
	"1.2.392.200011.61.1.1.1.2": "Camellia-128-CBC",
	"1.2.392.200011.61.1.1.1.3": "Camellia-192-CBC",
	"1.2.392.200011.61.1.1.1.4": "Camellia-256-CBC",
	"1.2.410.200004.1.4":        "SEED-CBC",
	"1.2.410.200046.1.1.2":      "ARIA-128-CBC",
	"1.2.410.200046.1.1.7":      "ARIA-192-CBC",
	"1.2.410.200046.1.1.12":     "ARIA-256-CBC",
	"1.3.6.1.4.1.3029.1.2":      "Blowfish-CBC",
	"1.3.6.1.4.1.188.7.1.1.2":   "IDEA-CBC",
	"1.2.156.10197.1.104.2":     "SM4-CBC",
	"2.16.840.1.101.3.4.1.6":    "AES-128-GCM",
	"2.16.840.1.101.3.4.1.26":   "AES-192-GCM",
	"2.16.840.1.101.3.4.1.46":   "AES-256-GCM",
	"1.2.643.2.2.21":            "GOST 28147-89",
}

// known returns an identifier with its name, where it has one.
func known(oid string) string {
	if name := unread[oid]; name != "" {
		return name + " (" + oid + ")"
	}
	return oid
}

func (s scheme) decrypt(password, data []byte, budget *Budget) ([]byte, error) {
	m, err := s.key(password, budget)
	if err != nil {
		return nil, err
	}
	if m.stream != nil {
		plain := make([]byte, len(data))
		m.stream.XORKeyStream(plain, data)
		return plain, nil
	}
	size := m.block.BlockSize()
	if len(m.iv) != size {
		return nil, fmt.Errorf("%w: an initialization vector of %d bytes", format.ErrDamaged, len(m.iv))
	}
	if len(data) == 0 || len(data)%size != 0 {
		return nil, fmt.Errorf("%w: %d bytes of ciphertext are not a multiple of %d", format.ErrDamaged, len(data), size)
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(m.block, m.iv).CryptBlocks(plain, data)
	return unpad(plain, size)
}

// unpad removes the padding of RFC 8018 section 6.1.1. Wrong padding nearly
// always means a wrong password. A file is not an oracle that an attacker can
// query, so the difference reveals nothing.
func unpad(plain []byte, size int) ([]byte, error) {
	n := int(plain[len(plain)-1])
	if n == 0 || n > size || !bytes.HasSuffix(plain, bytes.Repeat([]byte{byte(n)}, n)) {
		clear(plain)
		return nil, format.ErrPassword
	}
	return plain[:len(plain)-n], nil
}

// oldScheme is a scheme whose OID says everything but salt and iterations.
type oldScheme struct {
	forms  func(password []byte) [][]byte
	derive func(h Hash, password, salt []byte, iterations, keySize int64, budget *Budget) (key, iv []byte, err error)
	hash   Hash
	size   int64 // of the key, in bytes
	cipher func(key []byte) (machine, error)
}

var pbes1 = map[string]oldScheme{
	// PKCS #12, RFC 7292 appendix C.
	"1.2.840.113549.1.12.1.1": {BMP, derivePKCS12, sha1Hash, 16, rc4Stream},
	"1.2.840.113549.1.12.1.2": {BMP, derivePKCS12, sha1Hash, 5, rc4Stream},
	"1.2.840.113549.1.12.1.3": {BMP, derivePKCS12, sha1Hash, 24, tripleDES},
	"1.2.840.113549.1.12.1.4": {BMP, derivePKCS12, sha1Hash, 16, tripleDES},
	"1.2.840.113549.1.12.1.5": {BMP, derivePKCS12, sha1Hash, 16, rc2Block},
	"1.2.840.113549.1.12.1.6": {BMP, derivePKCS12, sha1Hash, 5, rc2Block},
	// PBES1, RFC 8018 appendix A.3. Its RC2 has 64 effective bits.
	"1.2.840.113549.1.5.3":  {plain, deriveFirst, md5Hash, 8, desBlock},
	"1.2.840.113549.1.5.6":  {plain, deriveFirst, md5Hash, 8, rc2Block},
	"1.2.840.113549.1.5.10": {plain, deriveFirst, sha1Hash, 8, desBlock},
	"1.2.840.113549.1.5.11": {plain, deriveFirst, sha1Hash, 8, rc2Block},
	// JCEKS, PBEWithMD5AndTripleDES.
	"1.3.6.1.4.1.42.2.19.1": {lowBytes, deriveHalves, md5Hash, 24, tripleDES},
}

func (o oldScheme) scheme(parameters []byte) (scheme, error) {
	var p struct {
		Salt       []byte
		Iterations int64
	}
	if err := ber.Unmarshal(parameters, &p); err != nil {
		return scheme{}, err
	}
	if err := o.hash.allowed(); err != nil {
		return scheme{}, err
	}
	return scheme{o.forms, func(password []byte, budget *Budget) (machine, error) {
		key, iv, err := o.derive(o.hash, password, p.Salt, p.Iterations, o.size, budget)
		if err != nil {
			return machine{}, err
		}
		defer clear(key)
		m, err := o.cipher(key)
		m.iv = iv
		return m, err
	}}, nil
}

// deriveFirst carries out PBKDF1 (RFC 8018 section 5.1): the first half of the
// digest is the key, the rest the vector.
func deriveFirst(h Hash, password, salt []byte, iterations, keySize int64, budget *Budget) (key, iv []byte, err error) {
	if err := budget.Spend(iterations, h.block); err != nil {
		return nil, nil, err
	}
	seed := slices.Concat(password, salt)
	defer clear(seed)
	digest := repeat(h, seed, nil, iterations)
	return digest[:keySize], digest[keySize : keySize+8], nil
}

// jceksWork is less than two MD5 blocks cost, because JDKs ask for 200,000
// iterations an entry, and stores of a hundred entries are in use. Without the
// store's password it is spent on one entry at most.
const jceksWork = 2

// deriveHalves returns what JCEKS does: each half of the salt is hashed on its
// own, the password joining in at every turn.
func deriveHalves(h Hash, password, salt []byte, iterations, keySize int64, budget *Budget) (key, iv []byte, err error) {
	if len(salt) != 8 {
		return nil, nil, damaged("a salt of %d bytes, not 8", len(salt))
	}
	if err := budget.Spend(iterations, jceksWork); err != nil {
		return nil, nil, err
	}
	first, second := [4]byte(salt[:4]), [4]byte(salt[4:])
	if first == second {
		first = [4]byte{first[3], first[2], first[1], first[0]}
	}
	digest := repeat(h, first[:], password, iterations)
	digest = append(digest, repeat(h, second[:], password, iterations)...)
	return digest[:keySize], digest[keySize:], nil
}

// repeat hashes data, then each digest again, with suffix behind it every time.
func repeat(h Hash, data, suffix []byte, iterations int64) []byte {
	hash := h.New()
	digest := make([]byte, 0, hash.Size())
	for range iterations {
		hash.Reset()
		hash.Write(data)
		hash.Write(suffix)
		digest = hash.Sum(digest[:0])
		data = digest
	}
	return digest
}

func tripleDES(key []byte) (machine, error) {
	if len(key) == 16 { // Two keys: the first one comes again.
		key = slices.Concat(key, key[:8])
		defer clear(key)
	}
	return legacyBlock("3DES", func() (cipher.Block, error) { return des.NewTripleDESCipher(key) })
}

func desBlock(key []byte) (machine, error) {
	return legacyBlock("DES", func() (cipher.Block, error) { return des.NewCipher(key) })
}

func rc2Block(key []byte) (machine, error) { return rc2Effective(key, 8*len(key)) }

func rc2Effective(key []byte, effective int) (machine, error) {
	return legacyBlock("RC2", func() (cipher.Block, error) { return rc2.New(key, effective) })
}

func legacyBlock(name string, build func() (cipher.Block, error)) (machine, error) {
	if err := Legacy(name); err != nil {
		return machine{}, err
	}
	block, err := build()
	return machine{block: block}, err
}

func rc4Stream(key []byte) (machine, error) {
	if err := Legacy("RC4"); err != nil {
		return machine{}, err
	}
	stream, err := rc4.NewCipher(key)
	return machine{stream: stream}, err
}

// lowBytes returns the forms JCEKS uses: the low byte of every UTF-16 unit, or
// UTF-8, as newer JDKs do.
func lowBytes(password []byte) [][]byte {
	wide := UTF16(password)
	form, _ := narrow(wide)
	clear(wide)
	if isASCII(password) {
		return [][]byte{form}
	}
	return [][]byte{form, bytes.Clone(password)}
}
