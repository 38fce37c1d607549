package pbe_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

func TestUTF16(t *testing.T) {
	for password, want := range map[string]string{
		"":     "",
		"ab":   "00610062",
		"ä世":   "00e44e16",
		"😀":    "d83dde00",
		"\xff": "fffd",
	} {
		if got := hex.EncodeToString(pbe.UTF16([]byte(password))); got != want {
			t.Errorf("%q: got %s, want %s", password, got, want)
		}
	}
}

// Each tool has a form of its own for a password that is not ASCII.
func TestOpenTriesAPasswordInTheFormsOfItsWriters(t *testing.T) {
	for name, form := range map[string]string{
		"UTF-8":                      "p\xc3\xa4ss",
		"a byte for each character":  "p\xe4ss",
		"UTF-16 with its terminator": "\x00p\x00\xe4\x00s\x00s\x00\x00",
		"another password":           "p\xe5ss",
	} {
		plain, err := pbe.Open(pbes2(t, oidHMACSHA256), encrypt(t, sha256.New, form), [][]byte{[]byte("päss")}, pbe.NewBudget(0), isText)
		opens := name != "another password"
		if opens != (err == nil && string(plain) == secret) || !opens && !errors.Is(err, format.ErrPassword) {
			t.Errorf("%s: got %q, %v, want it to open: %v", name, plain, err, opens)
		}
	}
}

func TestHMACWithSHA3(t *testing.T) {
	hashes := map[int]func() hash.Hash{
		13: func() hash.Hash { return sha3.New224() }, 14: func() hash.Hash { return sha3.New256() },
		15: func() hash.Hash { return sha3.New384() }, 16: func() hash.Hash { return sha3.New512() },
	}
	for arc, h := range hashes {
		oid := asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, arc}
		plain, err := pbe.Open(pbes2(t, oid), encrypt(t, h, "changeit"), [][]byte{[]byte("changeit")}, pbe.NewBudget(0), isText)
		if err != nil || string(plain) != secret {
			t.Errorf("%v: got %q, %v", oid, plain, err)
		}
	}
}

const (
	secret     = "a secret of 20 bytes"
	salt       = "salt of a test"
	iterations = 3
)

var (
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	vector        = []byte("sixteen bytes IV")
)

func isText(plain []byte) bool { return string(plain) == secret }

// encrypt is PBES2 with PBKDF2 and AES-256-CBC, by the standard library alone.
func encrypt(t *testing.T, h func() hash.Hash, password string) []byte {
	t.Helper()
	key, err := pbkdf2.Key(h, password, []byte(salt), iterations, 32)
	if err != nil {
		t.Skip(err) // what FIPS 140-3 forbids
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	padding := aes.BlockSize - len(secret)%aes.BlockSize
	data := append([]byte(secret), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, vector).CryptBlocks(data, data)
	return data
}

// pbes2 is the algorithm of what encrypt makes (RFC 8018 appendix A.4).
func pbes2(t *testing.T, prf asn1.ObjectIdentifier) (alg format.Algorithm) {
	t.Helper()
	type named struct {
		ID         asn1.ObjectIdentifier
		Parameters any
	}
	der, err := asn1.Marshal(named{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, struct{ KDF, Cipher named }{
		named{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, struct {
			Salt       []byte
			Iterations int
			PRF        named
		}{[]byte(salt), iterations, named{prf, asn1.NullRawValue}}},
		named{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, vector},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := asn1.Unmarshal(der, &alg); err != nil {
		t.Fatal(err)
	}
	return alg
}

// PKCS #12 hashes UTF-16 with a terminator; old OpenSSL widened the bytes.
func TestBMP(t *testing.T) {
	for password, want := range map[string]string{"": "0000 ", "a": "00610000", "\x7f": "007f0000", "é": "00e90000 00c300a90000"} {
		var forms []string
		for _, form := range pbe.BMP([]byte(password)) {
			forms = append(forms, hex.EncodeToString(form))
		}
		if got := strings.Join(forms, " "); got != want {
			t.Errorf("%q: got %q, want %q", password, got, want)
		}
	}
}
