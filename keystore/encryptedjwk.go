package keystore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

// readEncryptedJSON opens a JWK or JWK Set encrypted under a password (RFC
// 7517 section 7, RFC 7518 section 4.8).
func readEncryptedJSON(jwe encryptedJWK, err error, passwords *passwords) (found, error) {
	if err != nil {
		return found{}, fmt.Errorf("encrypted JWK: %w", damaged(err))
	}
	tries := passwords.key("")
	if len(tries) == 0 {
		return found{}, ErrPasswordRequired
	}
	budget := pbe.NewBudget(len(jwe.text))
	for _, password := range tries {
		plain, err := jwe.open(password, budget)
		if errors.Is(err, ErrPassword) {
			continue
		}
		if err != nil {
			return found{}, fmt.Errorf("encrypted JWK: %w", err)
		}
		defer clear(plain)
		result, err := readJSON(plain, nil)
		result.format += " (encrypted)"
		return result, err
	}
	return found{}, ErrPassword
}

// encryptedJWK is a JWE whose key is derived from a password.
type encryptedJWK struct {
	authenticated      string // the protected header as it was written
	key, iv, text, tag []byte
	alg                string
	enc                ContentAlgorithm
	salt               []byte
	count              int64
	hash               func() hash.Hash
	eighths            int64 // the work of one iteration, see pbe.Budget
	wrapSize           int
}

// parseCompactJWE reads the compact serialization (RFC 7516 section 7.1).
func parseCompactJWE(text string) (encryptedJWK, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 5 {
		return encryptedJWK{}, errors.New("not the five parts of a JWE")
	}
	var decoded [5][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return encryptedJWK{}, fmt.Errorf("part %d is not base64url", i+1)
		}
	}
	j := encryptedJWK{authenticated: parts[0], key: decoded[1], iv: decoded[2], text: decoded[3], tag: decoded[4]}
	header, err := jsonObject(decoded[0], maxJWK)
	if err != nil {
		return encryptedJWK{}, err
	}
	return j, j.header(header)
}

// parseJSONJWE reads the JSON serialization, general or flattened (RFC 7516
// section 7.2), for one recipient: the one who knows the password.
func parseJSONJWE(o object) (encryptedJWK, error) {
	recipient, err := onlyRecipient(o)
	if err != nil {
		return encryptedJWK{}, err
	}
	var j encryptedJWK
	for _, part := range []struct {
		of     object
		name   string
		octets *[]byte
	}{{recipient, "encrypted_key", &j.key}, {o, "iv", &j.iv}, {o, "ciphertext", &j.text}, {o, "tag", &j.tag}} {
		if *part.octets, err = part.of.octets(part.name, -1); err != nil {
			return encryptedJWK{}, err
		}
	}
	protected, err := o.octets("protected", -1)
	if err != nil {
		return encryptedJWK{}, err
	}
	j.authenticated, _ = o.text("protected")
	if aad, _ := o.text("aad"); aad != "" {
		j.authenticated += "." + aad
	}
	header, err := jsonObject(protected, maxJWK)
	if err != nil {
		return encryptedJWK{}, err
	}
	for _, more := range []json.RawMessage{o.members["unprotected"], recipient.members["header"]} {
		if err := header.add(more); err != nil {
			return encryptedJWK{}, err
		}
	}
	return j, j.header(header)
}

// onlyRecipient returns the object itself in the flattened serialization.
func onlyRecipient(o object) (object, error) {
	if !o.has("recipients") {
		return o, nil
	}
	var recipients []json.RawMessage
	if json.Unmarshal(o.members["recipients"], &recipients) != nil || len(recipients) != 1 {
		return object{}, fmt.Errorf("%w: other than one recipient", ErrUnsupported)
	}
	return jsonObject(recipients[0], maxJWK)
}

func (j *encryptedJWK) header(o object) (err error) {
	for _, name := range []string{"crit", "zip"} {
		if o.has(name) {
			return fmt.Errorf("%w: header %q", ErrUnsupported, name)
		}
	}
	if j.alg, err = o.text("alg"); err != nil {
		return err
	}
	enc, err := o.text("enc")
	if err != nil {
		return err
	}
	j.enc = ContentAlgorithm(enc)
	if err := j.algorithms(); err != nil {
		return err
	}
	if j.salt, err = o.octets("p2s", -1); err != nil {
		return err
	}
	if len(j.salt) < 8 { // RFC 7518 section 4.8.1.1
		return errors.New("the salt is shorter than 8 bytes")
	}
	if json.Unmarshal(o.members["p2c"], &j.count) != nil {
		return fmt.Errorf("member %q is not a number", "p2c")
	}
	return nil
}

func (j *encryptedJWK) algorithms() error {
	switch j.alg {
	case "PBES2-HS256+A128KW":
		j.hash, j.wrapSize, j.eighths = sha256.New, 16, 8
	case "PBES2-HS384+A192KW":
		j.hash, j.wrapSize, j.eighths = sha512.New384, 24, 20
	case "PBES2-HS512+A256KW":
		j.hash, j.wrapSize, j.eighths = sha512.New, 32, 20
	default:
		return fmt.Errorf("%w: alg %q; keys are opened with a password (PBES2)", ErrUnsupported, clip(j.alg))
	}
	if err := j.enc.Check(); err != nil {
		return fmt.Errorf("enc: %w", err)
	}
	return nil
}

// open decrypts with one password. The wrapped key tells a wrong one.
func (j encryptedJWK) open(password []byte, budget *pbe.Budget) ([]byte, error) {
	if err := budget.Spend(j.count, j.eighths); err != nil {
		return nil, err
	}
	salt := append([]byte(j.alg+"\x00"), j.salt...)
	wrapping, err := pbkdf2.Key(j.hash, string(password), salt, int(j.count), j.wrapSize)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err) // what FIPS 140-3 forbids
	}
	defer clear(wrapping)
	cek, err := unwrapKey(wrapping, j.key)
	if err != nil {
		return nil, err
	}
	defer clear(cek)
	if len(cek) != j.enc.KeySize() {
		return nil, fmt.Errorf("%w: a content key of %d bytes for %s", ErrDamaged, len(cek), j.enc)
	}
	if j.enc.IsGCM() {
		return j.openGCM(cek)
	}
	return j.openCBC(cek)
}

var errContent = fmt.Errorf("%w: the content does not decrypt", ErrDamaged)

func (j encryptedJWK) openGCM(cek []byte) ([]byte, error) {
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(j.iv) != gcm.NonceSize() || len(j.tag) != gcm.Overhead() {
		return nil, errContent
	}
	plain, err := gcm.Open(nil, j.iv, append(bytes.Clone(j.text), j.tag...), []byte(j.authenticated))
	if err != nil {
		return nil, errContent
	}
	return plain, nil
}

// openCBC decrypts AES-CBC with HMAC (RFC 7518 section 5.2.2.2).
func (j encryptedJWK) openCBC(cek []byte) ([]byte, error) {
	half := j.enc.KeySize() / 2
	mac := hmac.New(map[int]func() hash.Hash{16: sha256.New, 24: sha512.New384, 32: sha512.New}[half], cek[:half])
	mac.Write([]byte(j.authenticated))
	mac.Write(j.iv)
	mac.Write(j.text)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(j.authenticated))*8))
	if len(j.iv) != aes.BlockSize || len(j.text) == 0 || len(j.text)%aes.BlockSize != 0 || !hmac.Equal(mac.Sum(nil)[:half], j.tag) {
		return nil, errContent
	}
	block, err := aes.NewCipher(cek[half:])
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(j.text))
	cipher.NewCBCDecrypter(block, j.iv).CryptBlocks(plain, j.text)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > aes.BlockSize {
		return nil, errContent
	}
	return plain[:len(plain)-padding], nil
}

// unwrapKey undoes AES Key Wrap (RFC 3394 section 2.2.2), names kept.
func unwrapKey(kek, wrapped []byte) ([]byte, error) {
	n := len(wrapped)/8 - 1
	if len(wrapped)%8 != 0 || n < 2 || n > 8 {
		return nil, fmt.Errorf("%w: an encrypted key of %d bytes", ErrDamaged, len(wrapped))
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	b := make([]byte, aes.BlockSize)
	a, r := bytes.Clone(wrapped[:8]), bytes.Clone(wrapped[8:])
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			t := uint64(n*j + i)
			binary.BigEndian.PutUint64(b, binary.BigEndian.Uint64(a)^t)
			copy(b[8:], r[8*(i-1):])
			block.Decrypt(b, b)
			copy(a, b[:8])
			copy(r[8*(i-1):], b[8:])
		}
	}
	if subtle.ConstantTimeCompare(a, bytes.Repeat([]byte{0xa6}, 8)) != 1 {
		clear(r)
		return nil, format.ErrPassword
	}
	return r, nil
}
