package pbe

import (
	"crypto/aes"
	"crypto/pbkdf2"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/scrypt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// maxScrypt is the most N·r may be: scrypt takes 128 bytes for each, 64 MiB.
const maxScrypt = 1 << 19

const oidPBES2 = "1.2.840.113549.1.5.13"

// pbes2 reads the scheme of RFC 8018 section 6.2: a key derivation and a
// cipher, each with its own parameters.
func pbes2(parameters []byte) (scheme, error) {
	// Up to JDK 11, Java wrote the whole algorithm identifier here.
	var again format.Algorithm
	if ber.Unmarshal(parameters, &again) == nil && again.OID() == oidPBES2 {
		parameters = again.Parameters.FullBytes
	}
	var p struct{ KDF, Cipher format.Algorithm }
	if err := ber.Unmarshal(parameters, &p); err != nil {
		return scheme{}, err
	}
	c, err := cipherOf(p.Cipher)
	if err != nil {
		return scheme{}, err
	}
	derive, stated, err := kdfOf(p.KDF)
	if err != nil {
		return scheme{}, err
	}
	size := c.size // As in Java, a cipher of one size decides.
	if c.anySize && stated != 0 {
		size = stated
	}
	if size < 1 || size > 128 {
		return scheme{}, damaged("a key of %d bytes", size)
	}
	return scheme{plain, func(password []byte, budget *Budget) (machine, error) {
		key, err := derive(password, size, budget)
		if err != nil {
			return machine{}, err
		}
		defer clear(key)
		m, err := c.new(key)
		m.iv = c.iv
		return m, err
	}}, nil
}

// blockCipher is an encryption scheme of RFC 8018 appendix B.2.
type blockCipher struct {
	size    int64 // of the key, in bytes
	anySize bool
	iv      []byte
	new     func(key []byte) (machine, error)
}

func cipherOf(alg format.Algorithm) (c blockCipher, err error) {
	switch oid := alg.OID(); oid {
	case "2.16.840.1.101.3.4.1.2":
		c = blockCipher{size: 16, new: aesBlock}
	case "2.16.840.1.101.3.4.1.22":
		c = blockCipher{size: 24, new: aesBlock}
	case "2.16.840.1.101.3.4.1.42":
		c = blockCipher{size: 32, new: aesBlock}
	case "1.2.840.113549.3.7":
		c = blockCipher{size: 24, new: tripleDES}
	case "1.3.14.3.2.7":
		c = blockCipher{size: 8, new: desBlock}
	case "1.2.840.113549.3.2":
		return rc2Cipher(alg.Parameters)
	default:
		return c, fmt.Errorf("%w: cipher %s", format.ErrUnsupported, known(oid))
	}
	return c, ber.Unmarshal(alg.Parameters.FullBytes, &c.iv)
}

func aesBlock(key []byte) (machine, error) {
	block, err := aes.NewCipher(key)
	return machine{block: block}, err
}

// rc2Cipher reads the parameters of RC2-CBC (RFC 8018 appendix B.2.3): a
// bare vector, or with a number that stands for the effective bits.
func rc2Cipher(parameters asn1.RawValue) (blockCipher, error) {
	var p struct {
		Version int64 `asn1:"optional"`
		IV      []byte
	}
	if parameters.Tag == asn1.TagOctetString {
		p.IV = parameters.Bytes
	} else if err := ber.Unmarshal(parameters.FullBytes, &p); err != nil {
		return blockCipher{}, err
	}
	effective := map[int64]int{0: 32, 160: 40, 120: 64, 58: 128}[p.Version]
	if p.Version >= 256 && p.Version <= 1024 {
		effective = int(p.Version)
	}
	if effective == 0 {
		return blockCipher{}, fmt.Errorf("%w: RC2 version %d", format.ErrUnsupported, p.Version)
	}
	return blockCipher{size: 16, anySize: true, iv: p.IV, new: func(key []byte) (machine, error) {
		return rc2Effective(key, effective)
	}}, nil
}

// derivation derives a key of size bytes from a password.
type derivation func(password []byte, size int64, budget *Budget) ([]byte, error)

// kdfOf reads a key derivation function and the key length it states, 0 if
// it states none.
func kdfOf(alg format.Algorithm) (d derivation, size int64, err error) {
	switch oid := alg.OID(); oid {
	case "1.2.840.113549.1.5.12":
		return pbkdf2Of(alg.Parameters.FullBytes)
	case "1.3.6.1.4.1.11591.4.11":
		return scryptOf(alg.Parameters.FullBytes)
	default:
		return nil, 0, fmt.Errorf("%w: key derivation %s", format.ErrUnsupported, known(oid))
	}
}

func pbkdf2Of(parameters []byte) (derivation, int64, error) {
	var p struct {
		Salt       asn1.RawValue
		Iterations int64
		Size       int64            `asn1:"optional"`
		PRF        format.Algorithm `asn1:"optional"`
	}
	if err := ber.Unmarshal(parameters, &p); err != nil {
		return nil, 0, err
	}
	if p.Salt.Tag != asn1.TagOctetString {
		return nil, 0, fmt.Errorf("%w: a salt of another source", format.ErrUnsupported)
	}
	prf := "1.2.840.113549.2.7" // The default, RFC 8018 appendix A.2.
	if len(p.PRF.ID.FullBytes) > 0 {
		prf = p.PRF.OID()
	}
	h, err := HMAC(prf)
	if err != nil {
		return nil, 0, err
	}
	return func(password []byte, size int64, budget *Budget) ([]byte, error) {
		digest := int64(h.New().Size())
		if err := budget.Spend(p.Iterations, h.hmac*((size+digest-1)/digest)); err != nil {
			return nil, err
		}
		key, err := pbkdf2.Key(h.New, string(password), p.Salt.Bytes, int(p.Iterations), int(size))
		if err != nil { // only under FIPS 140, which wants long salts and keys
			return nil, fmt.Errorf("%w: %w", format.ErrUnsupported, err)
		}
		return key, nil
	}, p.Size, nil
}

// scryptOf reads the parameters of RFC 7914 section 7.
func scryptOf(parameters []byte) (derivation, int64, error) {
	var p struct {
		Salt    []byte
		N, R, P int64
		Size    int64 `asn1:"optional"`
	}
	if err := ber.Unmarshal(parameters, &p); err != nil {
		return nil, 0, err
	}
	if err := Legacy("scrypt"); err != nil {
		return nil, 0, err
	}
	if p.N < 2 || p.N&(p.N-1) != 0 || p.R < 1 || p.P < 1 {
		return nil, 0, damaged("scrypt N %d, r %d, p %d", p.N, p.R, p.P)
	}
	if p.N > maxScrypt || p.R > maxScrypt/p.N || p.P > maxScrypt/p.R {
		return nil, 0, fmt.Errorf("%w: scrypt N %d, r %d, p %d", format.ErrLimit, p.N, p.R, p.P)
	}
	return func(password []byte, size int64, budget *Budget) ([]byte, error) {
		if err := budget.Spend(p.N*p.R*p.P, 16); err != nil {
			return nil, err
		}
		budget.account.memory.Lock()
		defer budget.account.memory.Unlock()
		return scrypt.Key(password, p.Salt, int(p.N), int(p.R), int(p.P), int(size))
	}, p.Size, nil
}

// PBMAC1Key derives the key of a PBMAC1 (RFC 9579) and names its hash. The
// length must be stated, and too short a key would make the MAC guessable.
func PBMAC1Key(parameters, password []byte, budget *Budget) (Hash, []byte, error) {
	var p struct{ KDF, MAC format.Algorithm }
	if err := ber.Unmarshal(parameters, &p); err != nil {
		return Hash{}, nil, err
	}
	h, err := HMAC(p.MAC.OID())
	if err != nil {
		return Hash{}, nil, err
	}
	derive, size, err := kdfOf(p.KDF)
	if err != nil {
		return Hash{}, nil, err
	}
	if size < 20 || size > 64 {
		return Hash{}, nil, damaged("PBMAC1 with a key of %d bytes, not 20 to 64", size)
	}
	key, err := derive(password, size, budget)
	return h, key, err
}

func damaged(detail string, args ...any) error {
	return fmt.Errorf("%w: %s", format.ErrDamaged, fmt.Sprintf(detail, args...))
}
