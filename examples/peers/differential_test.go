package peers_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// now is the time of every verification here: a fuzzer's finding must stay one.
var now = time.Unix(1900000000, 0)

var secret = []byte("0123456789abcdef0123456789abcdef")

func undemanding(algorithm tokenprofile.Algorithm) tokenprofile.Profile {
	return tokenprofile.Profile{
		Algorithm: algorithm, Issuer: "i", Audience: []string{"a"},
		Lifetime: 24 * time.Hour, CacheSize: -1, Now: func() time.Time { return now },
	}
}

// headers and payloads are where the fuzzers start. The signature over them is
// always right, so that what decides is how they are read.
var headers = []string{
	`{"alg":"HS256","typ":"JWT"}`,
	`{"alg":"HS256"}`,
	`{"alg":"HS256","typ":"application/jwt","kid":""}`,
	`{"typ":"JWT","alg":"HS256","alg":"none"}`,
	`{"alg":"HS256","typ":"JWT","crit":["exp"],"exp":1}`,
	`{"\u0061lg":"HS256","typ":"JWT"}`,
}

var payloads = []string{
	`{"iss":"i","aud":"a","iat":1900000000,"exp":1900000900}`,
	`{"iss":"i","aud":["a","x"],"iat":1900000000,"exp":1900000900,"sub":"billing"}`,
	`{"iss":"i","aud":"a","iat":1900000000.5,"exp":1.9000009e9,"n":9007199254740993}`,
	`{"iss":"i","aud":"a","iat":1900000000,"exp":1900000900,"exp":1}`,
	`{"iss":"i","aud":"a","iat":1900000000,"exp":"1900000900"}`,
	`{"iss":"i","aud":"a","iat":1900000000,"exp":1900000900,"x":{"y":[null,true,"\u00e9"]}}`,
}

// FuzzWhatWeAcceptGolangJWTAccepts puts a right signature on any header and
// payload.
func FuzzWhatWeAcceptGolangJWTAccepts(f *testing.F) {
	verifier, err := undemanding(tokenprofile.HS256).SecretVerifier(newSecret(f, secret))
	if err != nil {
		f.Fatal(err)
	}
	seed(f)
	f.Fuzz(func(t *testing.T, header, payload []byte) {
		text := signHS256(header, payload)
		ours, err := verifier.Verify(t.Context(), text)
		if err != nil {
			return
		}
		theirs, err := parseGolangJWT(text)
		if err != nil {
			t.Fatalf("we accept and golang-jwt refuses %s %s: %v", header, payload, err)
		}
		sameClaims(t, ours, theirs)
	})
}

// A property of what we accept says nothing if we accept nothing.
func TestTheFuzzersBeginWithTokensWeAccept(t *testing.T) {
	verifier, err := undemanding(tokenprofile.HS256).SecretVerifier(newSecret(t, secret))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, true, true, false, false, true} {
		_, err := verifier.Verify(t.Context(), signHS256([]byte(headers[0]), []byte(payloads[i])))
		if (err == nil) != want {
			t.Errorf("payload %s: got %v, want it accepted: %t", payloads[i], err, want)
		}
	}
}

func parseGolangJWT(text string) (map[string]any, error) {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer("i"), jwt.WithAudience("a"),
		jwt.WithExpirationRequired(), jwt.WithJSONNumber(), jwt.WithLeeway(time.Minute), jwt.WithTimeFunc(func() time.Time { return now }))
	claims := jwt.MapClaims{}
	_, err := parser.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) { return secret, nil })
	return claims, err
}

// FuzzWhatWeDecryptGoJOSEDecrypts encrypts any payload under any header rightly.
func FuzzWhatWeDecryptGoJOSEDecrypts(f *testing.F) {
	p := undemanding("")
	p.Encryption = &tokenprofile.Encryption{KeyAlgorithm: tokenprofile.Direct, ContentAlgorithm: tokenprofile.A256GCM}
	verifier, err := p.EncryptedOnlyVerifier(tokenprofile.DecryptWithSecret(newSecret(f, secret)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"alg":"dir","enc":"A256GCM","typ":"JWT"}`), []byte(payloads[0]))
	f.Add([]byte(`{"enc":"A256GCM","alg":"dir"}`), []byte(payloads[2]))
	f.Add([]byte(`{"alg":"dir","enc":"A256GCM","zip":"DEF"}`), []byte(payloads[1]))
	f.Fuzz(func(t *testing.T, header, payload []byte) {
		text := encryptDirect(header, payload)
		ours, err := verifier.Verify(t.Context(), text)
		if err != nil {
			return
		}
		token, err := gojose.ParseEncryptedCompact(text, []gojose.KeyAlgorithm{gojose.DIRECT}, []gojose.ContentEncryption{gojose.A256GCM})
		if err != nil {
			t.Fatalf("we accept and go-jose refuses the header %s: %v", header, err)
		}
		plaintext, err := token.Decrypt(secret)
		if err != nil {
			t.Fatalf("we decrypt and go-jose does not: %v", err)
		}
		sameClaims(t, ours, decode(t, plaintext))
	})
}

func seed(f *testing.F) {
	for _, header := range headers {
		for _, payload := range payloads {
			f.Add([]byte(header), []byte(payload))
		}
	}
	for _, token := range strictCases(f) {
		f.Add(token[0], token[1])
	}
}

// strictCases are the headers and payloads of tokens that test strictness.
func strictCases(f *testing.F) (tokens [][2][]byte) {
	dir := os.Getenv("TOKENPROFILE_VECTORS")
	if dir == "" {
		f.Log("TOKENPROFILE_VECTORS is not set: without its seeds")
		return nil
	}
	data, err := os.ReadFile(filepath.Join(dir, "strict-cases.json"))
	if err != nil {
		f.Fatal(err)
	}
	var file struct{ Cases []struct{ Token []byte } }
	if err := json.Unmarshal(data, &file); err != nil {
		f.Fatal(err)
	}
	for _, c := range file.Cases {
		parts := strings.Split(string(c.Token), ".")
		if len(parts) != 3 {
			continue
		}
		header, errHeader := base64.RawURLEncoding.DecodeString(parts[0])
		payload, errPayload := base64.RawURLEncoding.DecodeString(parts[1])
		if errHeader == nil && errPayload == nil {
			tokens = append(tokens, [2][]byte{header, payload})
		}
	}
	if len(tokens) == 0 {
		f.Fatal("strict-cases.json holds no tokens")
	}
	return tokens
}

func signHS256(header, payload []byte) string {
	input := encode(header) + "." + encode(payload)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + encode(mac.Sum(nil))
}

func encryptDirect(header, payload []byte) string {
	block, _ := aes.NewCipher(secret)
	gcm, _ := cipher.NewGCM(block)
	iv := make([]byte, gcm.NonceSize()) // a fixed one: nothing here is secret
	sealed := gcm.Seal(nil, iv, payload, []byte(encode(header)))
	at := len(sealed) - gcm.Overhead()
	return encode(header) + ".." + encode(iv) + "." + encode(sealed[:at]) + "." + encode(sealed[at:])
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func sameClaims(t *testing.T, ours *tokenprofile.Token, theirs map[string]any) {
	t.Helper()
	if claims := decode(t, ours.Claims); !reflect.DeepEqual(claims, theirs) {
		t.Errorf("we read %v, the peer %v", claims, theirs)
	}
	if theirs["iss"] != ours.Issuer {
		t.Errorf("iss: we read %q, the peer %v", ours.Issuer, theirs["iss"])
	}
}

func decode(t *testing.T, data []byte) (claims map[string]any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
