package tokenprofile

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// defaultNonceAge spares a client with a steady stream of requests all but one
// refusal in five minutes.
const defaultNonceAge = 5 * time.Minute

// ProofNonces are the nonces a server wants in DPoP proofs, so that nobody who
// has a client's key for only a moment can make proofs in advance (RFC 9449
// section 11.2). A nonce is the time and a MAC of it: nothing is stored. The
// zero value is ready for use, and is safe for concurrent use. See
// [ProofVerifier.Nonce].
type ProofNonces struct {
	// Key makes the MACs: at least 32 random bytes, the same in all instances
	// behind one name. Zero: a random key. With a shorter key no nonce is
	// accepted.
	Key keystore.SecretKey

	MaxAge time.Duration // how long a nonce is accepted; zero: 5 minutes

	once sync.Once
	own  keystore.SecretKey // set by once
}

func (n *ProofNonces) next(now time.Time) string {
	var nonce [8 + sha256.Size]byte
	binary.BigEndian.PutUint64(nonce[:8], uint64(now.Unix()))
	n.mac(nonce[8:8], nonce[:8])
	return base64.RawURLEncoding.EncodeToString(nonce[:])
}

// accepts reports whether the nonce is one of these and new enough. One from an
// instance whose clock is ahead is accepted, too.
func (n *ProofNonces) accepts(nonce string, now time.Time) bool {
	got, err := canonical.DecodeString(nonce)
	if err != nil || len(got) != 8+sha256.Size || n.key().Size() < sha256.Size {
		return false
	}
	if !hmac.Equal(n.mac(nil, got[:8]), got[8:]) {
		return false
	}
	return now.Sub(time.Unix(int64(binary.BigEndian.Uint64(got[:8])), 0)) <= n.maxAge()
}

func (n *ProofNonces) mac(dst, message []byte) []byte {
	mac := hmac.New(sha256.New, n.key().Bytes())
	mac.Write([]byte("DPoP nonce")) // the key may be used for something else too
	mac.Write(message)
	return mac.Sum(dst)
}

func (n *ProofNonces) key() keystore.SecretKey {
	if n.Key.Size() > 0 {
		return n.Key
	}
	n.once.Do(func() {
		var random [sha256.Size]byte
		rand.Read(random[:])
		n.own, _ = keystore.NewSecretKey(random[:], "") // an error only for an empty key
	})
	return n.own
}

func (n *ProofNonces) maxAge() time.Duration {
	if n.MaxAge == 0 {
		return defaultNonceAge
	}
	return n.MaxAge
}
