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

// macStates has one state of its own. Those of them that compute at the same
// time share a pool with all other keys: a pool for each would take some memory
// for each core, and a service may have thousands of verifiers.
type macStates struct {
	key keystore.SecretKey
	own atomic.Pointer[macState] // nil: in use
}

type macState struct {
	hash.Hash
	of *macStates
}

var spareMACs sync.Pool // of *macState

// append appends the MAC of the input to dst.
func (m *macs) append(key keystore.SecretKey, dst, input []byte) []byte {
	mac := m.states(key).take(m.algorithm)
	defer mac.release()
	mac.Reset()
	mac.Write(input)
	return mac.Sum(dst)
}

func (s *macStates) take(a Algorithm) *macState {
	if mac := s.own.Swap(nil); mac != nil {
		return mac
	}
	if mac, ok := spareMACs.Get().(*macState); ok && mac.of == s {
		return mac
	}
	secret := s.key.Bytes()
	defer clear(secret) // hmac has made its pads of it
	return &macState{hmac.New(a.Hash().New, secret), s}
}

func (m *macState) release() {
	if !m.of.own.CompareAndSwap(nil, m) {
		spareMACs.Put(m)
	}
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
