package pbe

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/rc4"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/rc2"
)

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

// deriveFirst is PBKDF1 (RFC 8018 section 5.1): the first half of the digest
// is the key, what follows the vector.
func deriveFirst(h Hash, password, salt []byte, iterations, keySize int64, budget *Budget) (key, iv []byte, err error) {
	if err := budget.Spend(iterations, h.block); err != nil {
		return nil, nil, err
	}
	seed := slices.Concat(password, salt)
	defer clear(seed)
	digest := repeat(h, seed, nil, iterations)
	return digest[:keySize], digest[keySize : keySize+8], nil
}

// jceksWork is less than what two MD5 blocks cost: JDKs ask for 200,000
// iterations an entry, and stores of a hundred entries are in use. Who lacks
// the store's password gets to spend it on one entry at most.
const jceksWork = 2

// deriveHalves is what JCEKS does: each half of the salt is hashed on its
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
