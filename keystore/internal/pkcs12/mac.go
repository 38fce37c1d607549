package pkcs12

import (
	"crypto/hmac"
	"iter"

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
	for sum, err := range m.sums(content, password, budget) {
		if err != nil {
			return err
		}
		if hmac.Equal(sum, m.Digest.Digest) {
			return nil
		}
	}
	return format.ErrPassword
}

// sums yields the MAC of content for each form of the password, the likeliest
// first. PBMAC1 keeps its parameters in the algorithm (RFC 9579 section 4).
func (m macData) sums(content, password []byte, budget *pbe.Budget) iter.Seq2[[]byte, error] {
	algorithm := m.Digest.Algorithm
	return func(yield func([]byte, error) bool) {
		if algorithm.OID() == oidPBMAC1 {
			h, key, err := pbe.PBMAC1Key(algorithm.Parameters.FullBytes, password, budget)
			yield(sum(h, key, content, err))
			return
		}
		h, err := pbe.Digest(algorithm.OID())
		if err != nil {
			yield(nil, err)
			return
		}
		for _, form := range pbe.BMP(password) {
			key, err := pbe.MACKey(h, form, m.Salt, m.Iterations, budget)
			clear(form)
			if !yield(sum(h, key, content, err)) {
				return
			}
		}
	}
}

func sum(h pbe.Hash, key, content []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer clear(key)
	mac := hmac.New(h.New, key)
	mac.Write(content)
	return mac.Sum(nil), nil
}
