package pbe

import (
	"bytes"
	"slices"
)

// The purposes a PKCS #12 key is derived for (RFC 7292 appendix B.3).
const (
	idKey byte = 1
	idIV  byte = 2
	idMAC byte = 3
)

// MACKey derives the key of a PKCS #12 MAC from one of the forms [BMP] gives.
func MACKey(h Hash, form, salt []byte, iterations int64, budget *Budget) ([]byte, error) {
	return pkcs12KDF(h, form, salt, iterations, idMAC, int64(h.New().Size()), budget)
}

func derivePKCS12(h Hash, password, salt []byte, iterations, keySize int64, budget *Budget) (key, iv []byte, err error) {
	if key, err = pkcs12KDF(h, password, salt, iterations, idKey, keySize, budget); err != nil {
		return nil, nil, err
	}
	iv, err = pkcs12KDF(h, password, salt, iterations, idIV, 8, budget)
	return key, iv, err
}

// pkcs12KDF returns the key derivation of RFC 7292 appendix B.2, its names
// kept.
func pkcs12KDF(h Hash, password, salt []byte, r int64, id byte, n int64, budget *Budget) ([]byte, error) {
	hash := h.New()
	u, v := hash.Size(), hash.BlockSize()
	blocks := (n + int64(u) - 1) / int64(u)
	if err := budget.Spend(r, h.block*blocks); err != nil {
		return nil, err
	}
	d := bytes.Repeat([]byte{id}, v)
	i := slices.Concat(fill(salt, v), fill(password, v))
	defer clear(i)
	var key []byte
	for range blocks {
		seed := slices.Concat(d, i)
		a := repeat(h, seed, nil, r)
		clear(seed)
		key = append(key, a...)
		for at := 0; at < len(i); at += v {
			addBlock(i[at:at+v], a)
		}
	}
	return key[:n], nil
}

// fill repeats b until it fills whole blocks of v bytes.
func fill(b []byte, v int) []byte {
	out := make([]byte, (len(b)+v-1)/v*v)
	for at := 0; at < len(out); at += len(b) {
		copy(out[at:], b)
	}
	return out
}

// addBlock sets block to block + b + 1, b being a repeated to its length.
func addBlock(block, a []byte) {
	carry := uint(1)
	for i := len(block) - 1; i >= 0; i-- {
		carry += uint(block[i]) + uint(a[i%len(a)])
		block[i] = byte(carry)
		carry >>= 8
	}
}
