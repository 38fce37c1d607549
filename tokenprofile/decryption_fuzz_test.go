package tokenprofile_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// FuzzDecrypt holds that no token makes the decoder panic, that whatever is
// refused is the token's fault, and that without the keys nobody makes a token
// that decrypts: what does is one of ours.
func FuzzDecrypt(f *testing.F) {
	const payload = "the payload of every seed"
	keys := map[tokenprofile.Encryption]tokenprofile.DecryptionKeys{}
	for _, e := range encryptions() {
		ends := allEnds(f, e)[0]
		keys[e] = ends.decrypt
		token, err := ends.encrypt.Encrypt(f.Context(), e, "JWT", "JWT", []byte(payload))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(token)
	}
	seedWycheproof(f)
	panics := tokenprofile.DecoderPanics()
	f.Fuzz(func(t *testing.T, token string) {
		e := meantBy(token)
		decrypt, ok := keys[e]
		if !ok {
			return
		}
		_, got, err := decrypt.Decrypt(t.Context(), e, token)
		if err == nil && string(got) != payload {
			t.Errorf("a token of nobody's decrypts to %d bytes", len(got))
		}
		if err != nil && !errors.Is(err, tokenprofile.ErrInvalid) {
			t.Errorf("got %v, want an error that is the token's fault", err)
		}
		if tokenprofile.DecoderPanics() != panics {
			t.Error("the decoder panicked")
		}
	})
}

// meantBy are the algorithms the token itself names, so that it gets far.
func meantBy(token string) tokenprofile.Encryption {
	alg, enc := "dir", "A256GCM"
	if header := looseHeader(token); header.Alg != "" {
		alg, enc = header.Alg, header.Enc
	}
	return tokenprofile.Encryption{KeyAlgorithm: tokenprofile.KeyAlgorithm(alg), ContentAlgorithm: tokenprofile.ContentAlgorithm(enc)}
}

func looseHeader(token string) (header struct{ Alg, Enc string }) {
	data, _ := firstSegment(token)
	json.Unmarshal(data, &header)
	return header
}

func seedWycheproof(f *testing.F) {
	dir := os.Getenv("TOKENPROFILE_VECTORS")
	if dir == "" {
		return // seeds of our own are enough to run
	}
	data, err := os.ReadFile(filepath.Join(dir, "wycheproof", "testvectors_v1", "json_web_encryption_test.json"))
	if err != nil {
		f.Fatal(err)
	}
	var file wycheproofFile
	decodeJSON(f, data, &file)
	for _, group := range file.TestGroups {
		for _, c := range group.Tests {
			text, _ := c.text()
			f.Add(text)
		}
	}
}

// BenchmarkRejectedEncryptedToken is what the longest token costs that comes
// as far as a decryption, and fails.
func BenchmarkRejectedEncryptedToken(b *testing.B) {
	for _, algorithm := range []tokenprofile.KeyAlgorithm{tokenprofile.Direct, tokenprofile.A256GCMKW, tokenprofile.ECDHESA256KW, tokenprofile.RSAOAEP} {
		b.Run(string(algorithm), func(b *testing.B) {
			e := tokenprofile.Encryption{KeyAlgorithm: algorithm, ContentAlgorithm: tokenprofile.A256CBCHS512}
			ends := allEnds(b, e)[0]
			token, err := ends.encrypt.Encrypt(b.Context(), e, "", "", make([]byte, 11600))
			if err != nil {
				b.Fatal(err)
			}
			altered := alterPart(token, tagPart, alterations["one bit"])
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := ends.decrypt.Decrypt(b.Context(), e, altered); err == nil {
					b.Fatal("it decrypts")
				}
			}
		})
	}
}
