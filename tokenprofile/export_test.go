package tokenprofile

import (
	"bytes"
	"context"
	"crypto"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Payload is Verify up to the claims: the gate, the header, the key, and the
// signature or the decryption, by the very functions Verify calls. Other
// people's vectors have payloads that are not claims.
func (v *Verifier) Payload(ctx context.Context, token string) ([]byte, error) {
	if v.profile.Encryption != nil {
		_, payload, err := v.decrypt.Decrypt(ctx, *v.profile.Encryption, token)
		return payload, err
	}
	r, err := receive(token, v.profile.MaxSize, signedDots)
	if err != nil {
		return nil, err
	}
	defer r.release()
	if err := r.readHeader(); err != nil {
		return nil, err
	}
	if err := v.header.judge(&r.header); err != nil {
		return nil, err
	}
	if err := r.decodeRest(); err != nil {
		return nil, err
	}
	if _, err := v.keys.verify(ctx, v.keyIDOf(&r.header), r.input, r.signature); err != nil {
		return nil, err
	}
	return bytes.Clone(r.payload), nil
}

// Decrypt is how Verify decrypts.
func (k DecryptionKeys) Decrypt(ctx context.Context, e Encryption, token string) (header, payload []byte, err error) {
	received, err := receiveEncrypted([]byte(token))
	if err != nil {
		return nil, nil, err
	}
	defer received.release()
	payload, err = k.decrypt(ctx, e, received)
	return bytes.Clone(received.header.document), payload, err
}

// Encrypt is how Sign encrypts.
func (k EncryptionKeys) Encrypt(ctx context.Context, e Encryption, typ, cty string, payload []byte) (string, error) {
	return k.encrypt(ctx, e, encryptedHeader{typ: typ, cty: cty}, payload)
}

// Contain is what stands around the decoder.
func Contain(decode func() ([]byte, error)) ([]byte, error) { return contain(decode) }

// CheckEphemeralKey is what an epk passes before the decoder sees it.
func CheckEphemeralKey(epk string, recipient crypto.PublicKey) error {
	return checkEphemeralKey([]byte(epk), recipient)
}

// CheckParts is what the parts of a token pass before the decoder sees them.
func (k DecryptionKeys) CheckParts(ctx context.Context, e Encryption, text string) error {
	token, err := receiveEncrypted([]byte(text))
	if err != nil {
		return err
	}
	defer token.release()
	key, err := k.choose(ctx, e, token.header.keyID)
	if err != nil {
		return err
	}
	return token.checkParts(e, key)
}

const DefaultReplayMax = defaultReplayMax

// Remembered is how many ids the guard holds.
func (g *MemoryReplayGuard) Remembered() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.seen)
}

// Remembered is how many tokens the cache holds.
func (v *Verifier) Remembered() int { return len(v.cache.tokens.entries) }

// Tenants is how many issuers of a family are kept, and how many of those
// without a good token.
func (i *Issuers) Tenants() (known, fresh int) {
	return len(i.tenants.known.entries), len(i.tenants.fresh.entries)
}

// ReadHeader returns the header of a signed token that the gate lets in.
func ReadHeader(token string) ([]byte, error) {
	r, err := receive(token, maxMaxSize, signedDots)
	if err != nil {
		return nil, err
	}
	defer r.release()
	if err := r.readClaims(); err != nil {
		return nil, err
	}
	return bytes.Clone(r.rawHeader), nil
}

// MACWithASpareOf returns the MAC of a key while the one state that is spare is
// another key's.
func MACWithASpareOf(a Algorithm, other, key keystore.SecretKey, input []byte) []byte {
	theirs, ours := macs{algorithm: a}, macs{algorithm: a}
	spareMACs.Put(theirs.states(other).take(a))
	return ours.append(key, nil, input)
}

// SharesAState reports whether two that compute at the same time would get the
// same state of the key, after one that has computed alone.
func SharesAState(a Algorithm, key keystore.SecretKey) bool {
	m := macs{algorithm: a}
	m.append(key, nil, nil)
	states := m.states(key)
	one := states.take(a)
	return one == states.take(a)
}

const MaxMaxSize = maxMaxSize
