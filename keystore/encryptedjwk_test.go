package keystore_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

const phrase = "a phrase that nobody else would take"

// encryptedSet is a set as another implementation encrypts it.
func encryptedSet(t testing.TB, alg jwa.KeyEncryptionAlgorithm, enc jwa.ContentEncryptionAlgorithm) string {
	t.Helper()
	data, err := jwe.Encrypt([]byte(jwkSet("one")), jwe.WithKey(alg, []byte(phrase)), jwe.WithContentEncryption(enc))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEncryptedJWKSet(t *testing.T) {
	for _, alg := range []jwa.KeyEncryptionAlgorithm{jwa.PBES2_HS256_A128KW, jwa.PBES2_HS384_A192KW, jwa.PBES2_HS512_A256KW} {
		for _, enc := range []jwa.ContentEncryptionAlgorithm{jwa.A128GCM, jwa.A192GCM, jwa.A256GCM, jwa.A128CBC_HS256, jwa.A192CBC_HS384, jwa.A256CBC_HS512} {
			t.Run(alg.String()+"/"+enc.String(), func(t *testing.T) {
				data := []byte(encryptedSet(t, alg, enc) + "\n")
				store, err := keystore.Parse(data, keystore.StaticPassword(phrase))
				if err != nil {
					t.Fatal(err)
				}
				if got := kids(must(store.PrivateKeys(t.Context()))); got != "one" {
					t.Errorf("got %q, want one", got)
				}
				if _, err := keystore.Parse(data, keystore.StaticPassword("wrong")); !errors.Is(err, keystore.ErrPassword) {
					t.Errorf("got %v, want %v", err, keystore.ErrPassword)
				}
				if _, err := keystore.Parse(data, nil); !errors.Is(err, keystore.ErrPasswordRequired) {
					t.Errorf("got %v, want %v", err, keystore.ErrPasswordRequired)
				}
			})
		}
	}
}

func TestDamagedEncryptedJWKSet(t *testing.T) {
	whole := encryptedSet(t, jwa.PBES2_HS256_A128KW, jwa.A128CBC_HS256)
	parts := strings.Split(whole, ".")
	with := func(i int, part string) string {
		changed := append([]string(nil), parts...)
		changed[i] = part
		return strings.Join(changed, ".")
	}
	header := func(json string) string { return with(0, encode64(json)) }
	tests := []struct {
		name, text string
		want       error
	}{
		{"a header that is another", header(`{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256","p2s":"AAAAAAAAAAAAAAAA","p2c":1000}`), keystore.ErrPassword},
		{"a content that is another", with(3, parts[3][:len(parts[3])-8]+"AAAAAAAA"), keystore.ErrDamaged},
		{"a tag that is shorter", with(4, parts[4][:8]), keystore.ErrDamaged},
		{"an IV that is shorter", with(2, parts[2][:8]), keystore.ErrDamaged},
		{"an encrypted key that is shorter", with(1, parts[1][:8]), keystore.ErrDamaged},
		{"an encrypted key that is longer", with(1, strings.Repeat("A", 4000)), keystore.ErrDamaged},
		{"a part that is not base64url", with(3, "=="), keystore.ErrDamaged},
		{"two to the power of 31 iterations", header(`{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256","p2s":"AAAAAAAAAAAAAAAA","p2c":2147483648}`), keystore.ErrLimit},
		{"no iterations", header(`{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256","p2s":"AAAAAAAAAAAAAAAA","p2c":0}`), keystore.ErrDamaged},
		{"iterations in words", header(`{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256","p2s":"AAAAAAAAAAAAAAAA","p2c":"many"}`), keystore.ErrDamaged},
		{"a salt of nothing", header(`{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256","p2s":"","p2c":1000}`), keystore.ErrDamaged},
		{"a salt of 7 bytes", header(`{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256","p2s":"AAAAAAAAAA","p2c":1000}`), keystore.ErrDamaged},
		{"a salt of 8 bytes", header(`{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256","p2s":"AAAAAAAAAAA","p2c":1000}`), keystore.ErrPassword},
		{"an encrypted key of 16 bytes", with(1, strings.Repeat("A", 22)), keystore.ErrDamaged},
		{"an encrypted key of 23 bytes", with(1, strings.Repeat("A", 31)), keystore.ErrDamaged},
		{"compression", header(`{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256","zip":"DEF","p2s":"AAAAAAAAAAAAAAAA","p2c":1000}`), keystore.ErrUnsupported},
		{"a critical header", header(`{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256","crit":["p2c"],"p2s":"AAAAAAAAAAAAAAAA","p2c":1000}`), keystore.ErrUnsupported},
		{"another algorithm", header(`{"alg":"RSA1_5","enc":"A128CBC-HS256"}`), keystore.ErrUnsupported},
		{"another content algorithm", header(`{"alg":"PBES2-HS256+A128KW","enc":"A128CTR","p2s":"AAAAAAAAAAAAAAAA","p2c":1000}`), keystore.ErrUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			begun := time.Now()
			_, err := keystore.Parse([]byte(tt.text), keystore.StaticPassword(phrase))
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// RFC 7520 section 5.3 encrypts a JWK Set under a password with letters that
// are not ASCII.
func TestEncryptedJWKSetOfRFC7520(t *testing.T) {
	path := filepath.Join(dir(t, "TOKENPROFILE_VECTORS"), "ietf-jose-cookbook", "jwe", "5_3.key_wrap_using_pbes2-aes-keywrap_with-aes-cbc-hmac-sha2.json")
	var vector struct {
		Input  struct{ Pwd string }
		Output struct {
			Compact   string
			JSON      json.RawMessage
			Flattened json.RawMessage `json:"json_flat"`
		}
	}
	if err := json.Unmarshal(must(os.ReadFile(path)), &vector); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"compact": []byte(vector.Output.Compact), "general": vector.Output.JSON, "flattened": vector.Output.Flattened} {
		store, err := keystore.Parse(text, keystore.StaticPassword(vector.Input.Pwd))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := must(store.SecretKeys(t.Context(), "18ec08e1-bfa9-4d95-b205-2b4dd1d4321d"))
		if len(got) != 1 || got[0].Size() != 32 || got[0].Algorithm() != "A256GCMKW" || store.Format() != "JWK Set (encrypted)" {
			t.Errorf("%s: got %v in a %s", name, got, store.Format())
		}
	}
}

// Another implementation writes what belongs to the recipient beside the
// encrypted key.
func TestEncryptedJWKSetInJSON(t *testing.T) {
	text := must(jwe.Encrypt([]byte(jwkSet("one")), jwe.WithJSON(), jwe.WithKey(jwa.PBES2_HS256_A128KW, []byte(phrase)), jwe.WithContentEncryption(jwa.A128GCM)))
	store := must(keystore.Parse(text, keystore.StaticPassword(phrase)))
	if got := kids(must(store.PrivateKeys(t.Context()))); got != "one" {
		t.Errorf("got %q, want one", got)
	}
	if _, err := keystore.Parse(text, nil); !errors.Is(err, keystore.ErrPasswordRequired) {
		t.Errorf("got %v, want %v", err, keystore.ErrPasswordRequired)
	}
	change := func(name string, value any) []byte {
		var members map[string]any
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		members[name] = value
		return must(json.Marshal(members))
	}
	tests := []struct {
		name string
		text []byte
		want error
	}{
		{"a header parameter twice", change("unprotected", map[string]any{"enc": "A256GCM"}), keystore.ErrDamaged},
		{"a header that is no object", change("unprotected", 1), keystore.ErrDamaged},
		{"two recipients", change("recipients", []any{map[string]any{}, map[string]any{}}), keystore.ErrUnsupported},
		{"no recipients", change("recipients", []any{}), keystore.ErrUnsupported},
		{"additional data that was not there", change("aad", "AA"), keystore.ErrDamaged},
		{"a tag that is a number", change("tag", 1), keystore.ErrDamaged},
		{"no protected header", change("protected", ""), keystore.ErrDamaged},
	}
	for _, tt := range tests {
		if _, err := keystore.Parse(tt.text, keystore.StaticPassword(phrase)); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// sealed is a JWE of somebody who knows the password, with parts as they are
// given: an IV, and a text with its padding for AES-CBC or with a tag for AES-GCM.
func sealed(enc string, cek, iv, text, tag []byte) string {
	encode := base64.RawURLEncoding.EncodeToString
	header := encode64(`{"alg":"PBES2-HS256+A128KW","enc":"` + enc + `","p2s":"AAAAAAAAAAAAAAAA","p2c":1000}`)
	salt := append([]byte("PBES2-HS256+A128KW\x00"), make([]byte, 12)...)
	kek := must(pbkdf2.Key(sha256.New, phrase, salt, 1000, 16))
	if tag == nil { // RFC 7518 section 5.2.2.1
		if len(text)%aes.BlockSize == 0 && len(iv) == aes.BlockSize {
			text = bytes.Clone(text)
			cipher.NewCBCEncrypter(must(aes.NewCipher(cek[16:])), iv).CryptBlocks(text, text)
		}
		mac := hmac.New(sha256.New, cek[:16])
		for _, part := range [][]byte{[]byte(header), iv, text, binary.BigEndian.AppendUint64(nil, uint64(len(header))*8)} {
			mac.Write(part)
		}
		tag = mac.Sum(nil)[:16]
	}
	return strings.Join([]string{header, encode(wrapped(kek, cek)), encode(iv), encode(text), encode(tag)}, ".")
}

// wrapped is AES Key Wrap (RFC 3394 section 2.2.1).
func wrapped(kek, key []byte) []byte {
	block := must(aes.NewCipher(kek))
	a, r := bytes.Repeat([]byte{0xa6}, 8), bytes.Clone(key)
	n := len(key) / 8
	for j := range 6 {
		for i := range n {
			b := append(bytes.Clone(a), r[8*i:8*i+8]...)
			block.Encrypt(b, b)
			binary.BigEndian.PutUint64(a, binary.BigEndian.Uint64(b)^uint64(n*j+i+1))
			copy(r[8*i:], b[8:])
		}
	}
	return append(a, r...)
}

// Whoever knows the password can still write what is no JWE.
func TestEncryptedJWKSetOfOddParts(t *testing.T) {
	set := []byte(jwkSet("one"))
	padded := func(n int, last byte) []byte { // to whole blocks, with so many bytes more
		text := append(bytes.Clone(set), bytes.Repeat([]byte{' '}, 16-len(set)%16+n-1)...)
		return append(text, last)
	}
	cek, iv := make([]byte, 32), make([]byte, 16)
	const cbc, gcm = "A128CBC-HS256", "A256GCM"
	whole := bytes.Repeat([]byte(" "), (16-len(set)%16)%16)
	for name, row := range map[string]struct {
		text string
		want error
	}{
		"as it should be":          {sealed(cbc, cek, iv, padded(0, byte(1)), nil), nil},
		"a whole block of padding": {sealed(cbc, cek, iv, append(append(bytes.Clone(set), whole...), bytes.Repeat([]byte{16}, 16)...), nil), nil},
		"no padding":               {sealed(cbc, cek, iv, padded(0, 0), nil), keystore.ErrDamaged},
		"too much padding":         {sealed(cbc, cek, iv, padded(16, 17), nil), keystore.ErrDamaged},
		"no block":                 {sealed(cbc, cek, iv, nil, nil), keystore.ErrDamaged},
		"half a block":             {sealed(cbc, cek, iv, make([]byte, 24), nil), keystore.ErrDamaged},
		"half an IV":               {sealed(cbc, cek, iv[:8], make([]byte, 16), nil), keystore.ErrDamaged},
		"a short content key":      {sealed(cbc, append(make([]byte, 16), 0, 0, 0, 0, 0, 0, 0, 0), iv, nil, iv), keystore.ErrDamaged},
		"the shortest key wrapped": {sealed(cbc, make([]byte, 8), iv, nil, iv), keystore.ErrDamaged},
		"an IV too long for GCM":   {sealed(gcm, cek, iv, set, iv), keystore.ErrDamaged},
		"a tag too short for GCM":  {sealed(gcm, cek, iv[:12], set, iv[:8]), keystore.ErrDamaged},
	} {
		if _, err := keystore.Parse([]byte(row.text), keystore.StaticPassword(phrase)); !errors.Is(err, row.want) || (row.want == nil) != (err == nil) {
			t.Errorf("%s: got %v, want %v", name, err, row.want)
		}
	}
}
