package tokenprofile

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"sync"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// encryptedToken is a received JWE in its compact serialization, taken apart
// (RFC 7516 section 7.1). It passes the checks of this file before a decoder
// sees it. Its slices lie in buffers that are used again: nothing of it may
// outlive release.
type encryptedToken struct {
	header       header
	encryptedKey []byte
	iv           []byte
	ciphertext   []byte
	tag          []byte

	text    []byte // the token
	decoded []byte // its five segments, decoded
	scanner strictjson.Scanner
}

// encryptedDots are between the five segments.
const encryptedDots = 4

var encryptedTokens = sync.Pool{New: func() any { return new(encryptedToken) }}

func (t *encryptedToken) release() {
	if cap(t.text) <= maxKept {
		encryptedTokens.Put(t)
	}
}

// receiveEncrypted takes a token apart: exactly five segments, each canonical
// base64url, the first a strict JSON object. The caller releases the result.
func receiveEncrypted(token []byte) (*encryptedToken, error) {
	t := encryptedTokens.Get().(*encryptedToken)
	if err := t.read(token); err != nil {
		t.release()
		return nil, err
	}
	return t, nil
}

func (t *encryptedToken) read(token []byte) (err error) {
	if bytes.Count(token, []byte(".")) != encryptedDots {
		return errSegments[encryptedDots]
	}
	t.text = append(t.text[:0], token...)
	t.decoded = t.decoded[:0]
	rest := t.text
	var rawHeader []byte
	for _, segment := range []*[]byte{&rawHeader, &t.encryptedKey, &t.iv, &t.ciphertext, &t.tag} {
		var encoded []byte
		encoded, rest, _ = bytes.Cut(rest, []byte("."))
		start := len(t.decoded)
		if t.decoded, err = appendDecoded(t.decoded, encoded, canonical); err != nil {
			return err
		}
		*segment = t.decoded[start:]
	}
	return malformed("header", t.header.read(&t.scanner, rawHeader))
}

// decodeText decodes a header parameter.
func decodeText(text string) ([]byte, error) { return appendDecoded(nil, []byte(text), canonical) }

// decrypt returns the payload, if the header is e's and the key the right one.
func (t *encryptedToken) decrypt(e Encryption, key any) ([]byte, error) {
	if err := t.checkParts(e, key); err != nil {
		return nil, err
	}
	plaintext, err := unseal(e, key, t.text)
	if err != nil {
		return nil, err
	}
	return plaintext, t.checkPadding(e.ContentAlgorithm, plaintext)
}

// checkHeader compares the header with the profile: the algorithms are exactly
// the profile's, and no parameter asks for more.
func (t *encryptedToken) checkHeader(e Encryption) error {
	switch h := &t.header; {
	case string(h.algorithm) != string(e.KeyAlgorithm) || h.text("enc") != string(e.ContentAlgorithm):
		return refuse(ErrAlgorithm, "alg and enc are not the profile's "+string(e.KeyAlgorithm)+" and "+string(e.ContentAlgorithm))
	case h.critical != nil:
		return refuse(ErrCritical, "crit in the header of an encrypted token")
	}
	return t.checkPlacement(e.KeyAlgorithm.Family())
}

// parametersOf are the header parameters that belong to one family of key
// management. The last ones belong to a family that is not offered.
var parametersOf = []struct {
	family keystore.Family
	names  []string
}{
	{keystore.FamilyECDH, []string{"epk", "apu", "apv"}},
	{keystore.FamilyGCMKeyWrap, []string{"iv", "tag"}},
	{"PBES2", []string{"p2s", "p2c"}},
}

// checkPlacement refuses parameters of another key management algorithm: a
// decoder could be led to use them.
func (t *encryptedToken) checkPlacement(family keystore.Family) error {
	for _, owner := range parametersOf {
		for _, name := range owner.names {
			if owner.family != family && t.header.find(name) != nil {
				return refuse(ErrMalformed, "header parameter "+name+" without "+string(owner.family))
			}
		}
	}
	return nil
}

// The causes of a failed decryption. They stay inside, because telling them
// apart would help an attacker who alters tokens and watches.
var (
	errLengths       = errors.New("a part has the wrong length")
	errEphemeralKey  = errors.New("epk is not a public key on the recipient's curve")
	errPartyInfo     = errors.New("apu or apv")
	errKeyParameters = errors.New("iv or tag in the header")
	errPadding       = errors.New("padding")
)

// checkParts checks what goes into the decoder against the algorithms and the
// key. Decoders that were left to do this have panicked, or computed with keys
// of an attacker's choice.
func (t *encryptedToken) checkParts(e Encryption, key any) error {
	modulus := 0
	if public, ok := publicHalf(key).(*rsa.PublicKey); ok {
		modulus = public.Size()
	}
	content := e.ContentAlgorithm
	if len(t.encryptedKey) != encryptedKeySize(e, modulus) || len(t.iv) != content.IVSize() || len(t.tag) != content.TagSize() {
		return errLengths
	}
	if !content.IsGCM() && (len(t.ciphertext) == 0 || len(t.ciphertext)%content.IVSize() != 0) {
		return errLengths
	}
	switch e.KeyAlgorithm.Family() {
	case keystore.FamilyECDH:
		return t.checkAgreement(publicHalf(key))
	case keystore.FamilyGCMKeyWrap:
		return t.checkGCMKW()
	}
	return nil
}

// maxPartyInfo is the most bytes apu and apv may have: they hold names (RFC
// 7518 section 4.6.1).
const maxPartyInfo = 256

// checkAgreement checks the parameters of RFC 7518 section 4.6.1.
func (t *encryptedToken) checkAgreement(recipient crypto.PublicKey) error {
	for _, name := range []string{"apu", "apv"} {
		if t.header.find(name) == nil {
			continue
		}
		info, err := decodeText(t.header.text(name))
		if err != nil || len(info) == 0 || len(info) > maxPartyInfo {
			return errPartyInfo
		}
	}
	return checkEphemeralKey(t.header.find("epk"), recipient)
}

// What AES-GCM key wrap has in the header, in bytes.
const (
	gcmNonceSize = 12
	gcmTagSize   = 16
)

// checkGCMKW checks the parameters of RFC 7518 section 4.7.1.
func (t *encryptedToken) checkGCMKW() error {
	iv, err := decodeText(t.header.text("iv"))
	if err != nil || len(iv) != gcmNonceSize {
		return errKeyParameters
	}
	tag, err := decodeText(t.header.text("tag"))
	if err != nil || len(tag) != gcmTagSize {
		return errKeyParameters
	}
	return nil
}

// checkPadding wants the padding of one block at most: PKCS #7 as RFC 7518
// section 5.2.2.1 asks for it, and not what TLS allows.
func (t *encryptedToken) checkPadding(content ContentAlgorithm, plaintext []byte) error {
	padding := len(t.ciphertext) - len(plaintext)
	if !content.IsGCM() && (padding < 1 || padding > content.IVSize()) {
		return errPadding
	}
	return nil
}

// checkEphemeralKey demands a public key on the curve of the recipient's, with
// the parameters that name it and no others (RFC 7518 section 4.6.1.1). A
// point off the curve would reveal the private key bit by bit.
func checkEphemeralKey(epk strictjson.Value, recipient crypto.PublicKey) error {
	members := map[string]strictjson.Value{}
	var s strictjson.Scanner
	for s.Reset(epk); s.Next(); {
		members[string(s.Name())] = s.Value()
	}
	if s.Err() != nil {
		return errEphemeralKey
	}
	x, _ := decodeText(textOf(members["x"])) // nothing, if it is no base64url: then it has the wrong length
	y, _ := decodeText(textOf(members["y"]))
	kty, crv := textOf(members["kty"]), textOf(members["crv"])
	switch recipient := recipient.(type) {
	case *ecdsa.PublicKey:
		if len(members) == 4 && kty == "EC" && crv == recipient.Curve.Params().Name && onCurve(recipient.Curve, x, y) {
			return nil
		}
	case *ecdh.PublicKey:
		if len(members) == 3 && kty == "OKP" && crv == "X25519" && len(x) == len(recipient.Bytes()) {
			return nil
		}
	}
	return errEphemeralKey
}

// onCurve wants coordinates in their full length (RFC 7518 section 6.2.1.2).
func onCurve(curve elliptic.Curve, x, y []byte) bool {
	if len(x) != (curve.Params().BitSize+7)/8 {
		return false
	}
	const uncompressed = 4
	point := append(append([]byte{uncompressed}, x...), y...)
	_, err := ecdsa.ParseUncompressedPublicKey(curve, point) // which wants y in full, too
	return err == nil
}

// publicHalf returns the public key of a private key, or nil of a secret.
func publicHalf(key any) crypto.PublicKey {
	if private, ok := key.(interface{ Public() crypto.PublicKey }); ok {
		return private.Public()
	}
	return nil
}

// encryptedKeySize returns the exact length in bytes of the second part of a
// token. The modulus is that of the recipient's RSA key.
func encryptedKeySize(e Encryption, modulus int) int {
	switch e.KeyAlgorithm.Family() {
	case keystore.FamilyOAEP:
		return modulus
	case keystore.FamilyGCMKeyWrap:
		return e.ContentAlgorithm.KeySize()
	case keystore.FamilyDirect:
		return 0 // RFC 7516 section 5.1 step 5: the empty octet sequence
	}
	if e.KeyAlgorithm == ECDHES {
		return 0 // likewise
	}
	return e.ContentAlgorithm.KeySize() + aesWrapOverhead
}

// aesWrapOverhead is what AES key wrap adds, in bytes (RFC 3394 section 2.2.1).
const aesWrapOverhead = 8
