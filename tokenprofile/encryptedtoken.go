package tokenprofile

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// encryptedToken is a received JWE in its compact serialization, taken apart
// (RFC 7516 section 7.1). It passes the checks of this file before a decoder
// sees it. Its slices lie in buffers that are used again: nothing of it may
// outlive release.
type encryptedToken struct {
	header       map[string]strictjson.Value
	rawHeader    []byte
	encryptedKey []byte
	iv           []byte
	ciphertext   []byte
	tag          []byte

	text    []byte // the token
	decoded []byte // its five segments, decoded
}

var encryptedTokens = sync.Pool{New: func() any { return new(encryptedToken) }}

func (t *encryptedToken) release() {
	if cap(t.text) <= maxKept {
		encryptedTokens.Put(t)
	}
}

// receiveEncrypted takes a token apart: exactly five segments, each canonical
// base64url, the first a strict JSON object. The caller releases the result.
func receiveEncrypted(token string) (*encryptedToken, error) {
	t := encryptedTokens.Get().(*encryptedToken)
	if err := t.read(token); err != nil {
		t.release()
		return nil, err
	}
	return t, nil
}

func (t *encryptedToken) read(token string) (err error) {
	if strings.Count(token, ".") != 4 {
		return refuse(ErrMalformed, "not five segments")
	}
	t.text = append(t.text[:0], token...)
	t.decoded = t.decoded[:0]
	rest := t.text
	for _, segment := range []*[]byte{&t.rawHeader, &t.encryptedKey, &t.iv, &t.ciphertext, &t.tag} {
		var encoded []byte
		encoded, rest, _ = bytes.Cut(rest, []byte("."))
		start := len(t.decoded)
		if t.decoded, err = appendDecoded(t.decoded, encoded); err != nil {
			return err
		}
		*segment = t.decoded[start:]
	}
	t.header, err = readMembers(t.rawHeader)
	return malformed("header", err)
}

// appendDecoded appends the bytes that canonical base64url stands for. The
// decoder skips line ends, which the length shows.
func appendDecoded(dst, segment []byte) ([]byte, error) {
	decoded, err := canonical.AppendDecode(dst, segment)
	if err != nil || len(decoded)-len(dst) != canonical.DecodedLen(len(segment)) {
		return dst, refuse(ErrMalformed, "not canonical base64url")
	}
	return decoded, nil
}

// decodeText decodes a header parameter.
func decodeText(text string) ([]byte, error) { return appendDecoded(nil, []byte(text)) }

// readMembers reads a strict JSON object.
func readMembers(document []byte) (map[string]strictjson.Value, error) {
	members := map[string]strictjson.Value{}
	var s strictjson.Scanner
	for s.Reset(document); s.Next(); {
		if twin := twinOf(s.Name(), headerTwins); twin != "" {
			return nil, refuse(ErrMalformed, "a header parameter differs from "+twin+" only in case")
		}
		members[string(s.Name())] = s.Value()
	}
	return members, s.Err()
}

// refusedParameters are the header parameters that change how a token is read
// or say where its key comes from. None is ever followed.
var refusedParameters = []string{"zip", "jku", "jwk", "x5u", "x5c", "b64", "p2s", "p2c"}

// checkHeader holds the header against the profile: the algorithms are exactly
// the profile's, and no parameter asks for more.
func (t *encryptedToken) checkHeader(e Encryption) error {
	if t.parameter("alg") != string(e.KeyAlgorithm) || t.parameter("enc") != string(e.ContentAlgorithm) {
		return refuse(ErrAlgorithm, "alg and enc are not "+string(e.KeyAlgorithm)+" and "+string(e.ContentAlgorithm))
	}
	if _, ok := t.header["crit"]; ok {
		return refuse(ErrCritical, "crit in the header of an encrypted token")
	}
	for _, name := range refusedParameters {
		if _, ok := t.header[name]; ok {
			return refuse(ErrMalformed, "header parameter "+name+" is not accepted")
		}
	}
	for _, name := range []string{"kid", "typ", "cty", "x5t", "x5t#S256"} {
		if _, ok := t.header[name]; ok && t.parameter(name) == "" {
			return refuse(ErrMalformed, "header parameter "+name+" is not a string, or empty")
		}
	}
	if len(t.parameter("kid")) > maxKeyID {
		return refuse(ErrUnknownKey, "kid has more than 256 bytes")
	}
	return t.checkPlacement(e.KeyAlgorithm)
}

// checkPlacement refuses parameters of one key management algorithm in a token
// of another: a decoder could be led to believe them.
func (t *encryptedToken) checkPlacement(algorithm KeyAlgorithm) error {
	for _, name := range []string{"epk", "apu", "apv"} {
		if _, ok := t.header[name]; ok && algorithm.Family() != keystore.FamilyECDH {
			return refuse(ErrMalformed, "header parameter "+name+" without ECDH-ES")
		}
	}
	for _, name := range []string{"iv", "tag"} {
		if _, ok := t.header[name]; ok && algorithm.Family() != keystore.FamilyGCMKeyWrap {
			return refuse(ErrMalformed, "header parameter "+name+" without AES-GCM key wrap")
		}
	}
	return nil
}

// parameter is a header parameter that is a text, or "".
func (t *encryptedToken) parameter(name string) string { return textOf(t.header[name]) }

func textOf(value strictjson.Value) string {
	text, _ := value.Text()
	return string(text)
}

// The causes of a failed decryption. They stay inside: what tells them apart
// would help whoever alters tokens and watches.
var (
	errLengths       = errors.New("a part has the wrong length")
	errEphemeralKey  = errors.New("epk is not a public key on the recipient's curve")
	errPartyInfo     = errors.New("apu or apv")
	errKeyParameters = errors.New("iv or tag in the header")
	errPadding       = errors.New("padding")
)

// checkParts holds what goes into the decoder against the algorithms and the
// key: decoders have been found to panic, or to compute with keys of the
// attacker's choice, where this is left to them.
func (t *encryptedToken) checkParts(e Encryption, key any) error {
	modulus := 0
	if public, ok := publicHalf(key).(*rsa.PublicKey); ok {
		modulus = public.Size()
	}
	content := e.ContentAlgorithm
	if len(t.encryptedKey) != e.encryptedKeySize(modulus) || len(t.iv) != content.IVSize() || len(t.tag) != content.TagSize() {
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

// checkGCMKW checks the parameters of RFC 7518 section 4.7.1.
func (t *encryptedToken) checkGCMKW() error {
	iv, err := decodeText(t.parameter("iv"))
	if err != nil || len(iv) != gcmNonceSize {
		return errKeyParameters
	}
	tag, err := decodeText(t.parameter("tag"))
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
