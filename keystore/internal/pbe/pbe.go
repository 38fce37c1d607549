// Package pbe opens what is encrypted under a password, as keystores and
// encrypted PKCS #8 name it by an AlgorithmIdentifier: PKCS #5 (RFC 8018)
// schemes 1 and 2, PKCS #12 (RFC 7292 appendix B) and the scheme of JCEKS.
package pbe

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
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
	return scheme{}, fmt.Errorf("%w: encryption %s", format.ErrUnsupported, oid)
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
		return nil, fmt.Errorf("%w: %d bytes of ciphertext are no multiple of %d", format.ErrDamaged, len(data), size)
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(m.block, m.iv).CryptBlocks(plain, data)
	return unpad(plain, size)
}

// unpad takes the padding of RFC 8018 section 6.1.1 off. Wrong padding nearly
// always means a wrong password; nobody can ask an offline file often enough
// for the difference to tell an attacker something.
func unpad(plain []byte, size int) ([]byte, error) {
	n := int(plain[len(plain)-1])
	if n == 0 || n > size || !bytes.HasSuffix(plain, bytes.Repeat([]byte{byte(n)}, n)) {
		clear(plain)
		return nil, format.ErrPassword
	}
	return plain[:len(plain)-n], nil
}
