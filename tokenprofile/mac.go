package tokenprofile

import (
	"crypto/hmac"
	"crypto/subtle"
	"hash"
	"sync"
	"sync/atomic"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// macs computes HMACs. It keeps the states of the key used last, because
// setting one up costs more than the MAC of a token.
type macs struct {
	algorithm Algorithm
	last      atomic.Pointer[macStates]
}

type macStates struct {
	key  keystore.SecretKey
	pool sync.Pool // of hash.Hash
}

// append appends the MAC of the input to dst.
func (m *macs) append(key keystore.SecretKey, dst, input []byte) []byte {
	states := m.states(key)
	mac, ok := states.pool.Get().(hash.Hash)
	if !ok {
		secret := key.Bytes()
		mac = hmac.New(m.algorithm.Hash().New, secret)
		clear(secret) // hmac has made its pads of it
	}
	defer states.pool.Put(mac)
	mac.Reset()
	mac.Write(input)
	return mac.Sum(dst)
}

func (m *macs) states(key keystore.SecretKey) *macStates {
	if states := m.last.Load(); states != nil && states.key.Equal(key) {
		return states
	}
	states := &macStates{key: key}
	m.last.Store(states)
	return states
}

// verify reports in constant time whether the signature is the MAC of the input.
func (m *macs) verify(key keystore.SecretKey, input, signature []byte) bool {
	var buffer [64]byte
	return subtle.ConstantTimeCompare(m.append(key, buffer[:0], input), signature) == 1
}
