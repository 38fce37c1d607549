package pkcs12

import (
	"crypto/hmac"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

const oidPBMAC1 = "1.2.840.113549.1.5.14"

// macData is the integrity check over the content (RFC 7292 section 4).
type macData struct {
	Digest struct {
		Algorithm format.Algorithm
		Digest    []byte
	}
	Salt       []byte
	Iterations int64 `asn1:"optional,default:1"`
}

// verify checks the MAC with the password in all its forms.
func (m macData) verify(content, password []byte, budget *pbe.Budget) error {
	h, keys, err := m.keys(password, budget)
	if err != nil {
		return err
	}
	for _, key := range keys {
		mac := hmac.New(h.New, key)
		mac.Write(content)
		clear(key)
		if hmac.Equal(mac.Sum(nil), m.Digest.Digest) {
			return nil
		}
	}
	return format.ErrPassword
}

// keys are the MAC's keys for the forms of the password. PBMAC1 keeps its
// parameters in the algorithm (RFC 9579 section 4).
func (m macData) keys(password []byte, budget *pbe.Budget) (pbe.Hash, [][]byte, error) {
	if m.Digest.Algorithm.OID() == oidPBMAC1 {
		h, key, err := pbe.PBMAC1Key(m.Digest.Algorithm.Parameters.FullBytes, password, budget)
		return h, [][]byte{key}, err
	}
	h, err := pbe.Digest(m.Digest.Algorithm.OID())
	if err != nil {
		return h, nil, err
	}
	keys, err := pbe.MACKeys(h, password, m.Salt, m.Iterations, budget)
	return h, keys, err
}
