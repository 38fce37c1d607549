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

// A character that does not fit into a byte is not cut to one.
func TestOpenCutsNoCharacter(t *testing.T) {
	plain, err := pbe.Open(pbes2(t, oidHMACSHA256), encrypt(t, sha256.New, "p\x16ss"), [][]byte{[]byte("p世ss")}, pbe.NewBudget(0), isText)
	if !errors.Is(err, format.ErrPassword) {
		t.Errorf("got %q, %v, want %v", plain, err, format.ErrPassword)
	}
}

// Padding that RFC 8018 section 6.1.1 does not know is a wrong password's,
// however the content looks.
func TestOpenChecksPadding(t *testing.T) {
	for padding, want := range map[string]error{
		"\x01":                             nil,
		strings.Repeat("\x10", 16):         nil,
		"\x00":                             format.ErrPassword,
		"\x01\x02":                         format.ErrPassword,
		"\x02\x01\x03":                     format.ErrPassword,
		strings.Repeat("\x11", 17):         format.ErrPassword,
		strings.Repeat("\x20", 32):         format.ErrPassword,
		strings.Repeat("\x00", 16):         format.ErrPassword,
		strings.Repeat("\xff", 0xff):       format.ErrPassword,
		"\x03" + strings.Repeat("\x04", 3): format.ErrPassword,
	} {
		text := strings.Repeat("x", aes.BlockSize-len(padding)%aes.BlockSize)
		data := encryptBlocks(t, sha256.New, "changeit", []byte(text+padding))
		plain, err := pbe.Open(pbes2(t, oidHMACSHA256), data, [][]byte{[]byte("changeit")}, pbe.NewBudget(0), func([]byte) bool { return true })
		if !errors.Is(err, want) || want == nil && string(plain) != text {
			t.Errorf("%x: got %q, %v, want %v", padding, plain, err, want)
		}
	}
}

// A key that is too short would make the MAC guessable (RFC 9579 section 5).
func TestPBMAC1Key(t *testing.T) {
	for size, want := range map[int]error{19: format.ErrDamaged, 20: nil, 64: nil, 65: format.ErrDamaged} {
		_, key, err := pbe.PBMAC1Key(pbmac1(t, size), []byte("changeit"), pbe.NewBudget(0))
		if !errors.Is(err, want) || want == nil && len(key) != size {
			t.Errorf("%d bytes: got %d, %v, want %v", size, len(key), err, want)
		}
	}
}

// pbmac1 is the parameters of one whose key has that size.
func pbmac1(t *testing.T, size int) []byte {
	t.Helper()
	prf := algorithm{oidHMACSHA256, asn1.NullRawValue}
	kdf := struct {
		Salt             []byte
		Iterations, Size int
		PRF              algorithm
	}{[]byte(salt), 1000, size, prf}
	der, err := asn1.Marshal(struct{ KDF, MAC algorithm }{algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, kdf}, prf})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// Errors name what is not read, where it has a name.
func TestOpenNamesWhatItDoesNotRead(t *testing.T) {
	for last, want := range map[int]string{1: "encryption PBES1 with MD2 and DES (1.2.840.113549.1.5.1)", 99: "encryption 1.2.840.113549.1.5.99"} {
		der, err := asn1.Marshal(struct{ ID asn1.ObjectIdentifier }{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, last}})
		if err != nil {
			t.Fatal(err)
		}
		var alg format.Algorithm
		if _, err := asn1.Unmarshal(der, &alg); err != nil {
			t.Fatal(err)
		}
		if _, err := pbe.Open(alg, nil, nil, pbe.NewBudget(0), isText); !errors.Is(err, format.ErrUnsupported) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got %v, want %v: %s", err, format.ErrUnsupported, want)
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
	padding := aes.BlockSize - len(secret)%aes.BlockSize
	return encryptBlocks(t, h, password, append([]byte(secret), bytes.Repeat([]byte{byte(padding)}, padding)...))
}

// encryptBlocks encrypts what has its padding already.
func encryptBlocks(t *testing.T, h func() hash.Hash, password string, plain []byte) []byte {
	t.Helper()
	key, err := pbkdf2.Key(h, password, []byte(salt), iterations, 32)
	if err != nil {
		t.Skip(err) // what FIPS 140-3 forbids
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, len(plain))
	cipher.NewCBCEncrypter(block, vector).CryptBlocks(data, plain)
	return data
}

// algorithm is an AlgorithmIdentifier to marshal.
type algorithm struct {
	ID         asn1.ObjectIdentifier
	Parameters any
}

// pbes2 is the algorithm of what encrypt makes (RFC 8018 appendix A.4).
func pbes2(t *testing.T, prf asn1.ObjectIdentifier) (alg format.Algorithm) {
	t.Helper()
	der, err := asn1.Marshal(algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, struct{ KDF, Cipher algorithm }{
		algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, struct {
			Salt       []byte
			Iterations int
			PRF        algorithm
		}{[]byte(salt), iterations, algorithm{prf, asn1.NullRawValue}}},
		algorithm{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, vector},
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
