package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Tests run in bubbles of testing/synctest, whose clocks begin here.
const now = 946684800 // 2000-01-01T00:00:00Z

// A pair is a key of the standard library with a certificate of its own.
type pair struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

// The keys of these tests, those of strangers, and one beside ours in a set.
var (
	rsaPair     = sync.OnceValue(func() pair { return certified(made(rsa.GenerateKey(rand.Reader, 2048))) })
	rsaStranger = sync.OnceValue(func() pair { return certified(made(rsa.GenerateKey(rand.Reader, 2048))) })
	rsaOther    = sync.OnceValue(func() pair { return certified(made(rsa.GenerateKey(rand.Reader, 2048))) })
	ecPair      = sync.OnceValue(func() pair { return certified(made(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))) })
	ecStranger  = sync.OnceValue(func() pair { return certified(made(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))) })
)

const secret = "0123456789abcdef0123456789abcdef" // of 32 bytes, as Twilio's and Zoom's are

func certified(key crypto.Signer) pair {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "recipes"},
		NotBefore: time.Unix(now, 0).AddDate(-1, 0, 0), NotAfter: time.Unix(now, 0).AddDate(100, 0, 0),
	}
	der := made(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return pair{key, made(x509.ParseCertificate(der))}
}

// made is for what cannot fail but for a mistake in these tests.
func made[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func ok[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// pairFor is the key for the algorithm.
func pairFor(algorithm string) pair {
	if algorithm == "ES256" {
		return ecPair()
	}
	return rsaPair()
}

// keysFor are the keys for the algorithm as recipes take them.
func keysFor(t *testing.T, algorithm string) keys {
	t.Helper()
	switch algorithm {
	case "":
		return keys{}
	case "HS256":
		return keys{secret: ok(keystore.NewSecretKey([]byte(secret), ""))(t)}
	}
	p := pairFor(algorithm)
	return keysOf(ok(keystore.NewPrivateKey(p.key, p.certificate))(t))
}

// encode and decode are base64url without padding (RFC 7515 section 2).
var encode = base64.RawURLEncoding.EncodeToString

func decode(t *testing.T, text string) []byte {
	t.Helper()
	return ok(base64.RawURLEncoding.Strict().DecodeString(text))(t)
}

// takeApart checks the signature with the standard library alone, and returns
// what the token says, with numbers as they are written.
func takeApart(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	segments := strings.Split(token, ".")
	if len(segments) != 3 {
		t.Fatalf("got %d segments, want 3", len(segments))
	}
	header, claims = object(t, string(decode(t, segments[0]))), object(t, string(decode(t, segments[1])))
	algorithm, _ := header["alg"].(string)
	if !signed(algorithm, pairFor(algorithm).key.Public(), segments[0]+"."+segments[1], decode(t, segments[2])) {
		t.Errorf("the %s signature does not verify", algorithm)
	}
	return header, claims
}

func object(t *testing.T, text string) (members map[string]any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return members
}

// digest is the hash that the algorithm's name says.
func digest(algorithm, input string) (crypto.Hash, []byte) {
	switch algorithm[2:] {
	case "384":
		sum := sha512.Sum384([]byte(input))
		return crypto.SHA384, sum[:]
	case "512":
		sum := sha512.Sum512([]byte(input))
		return crypto.SHA512, sum[:]
	}
	sum := sha256.Sum256([]byte(input))
	return crypto.SHA256, sum[:]
}

func signed(algorithm string, key crypto.PublicKey, input string, signature []byte) bool {
	hash, sum := digest(algorithm, input)
	switch algorithm[:2] {
	case "RS":
		return rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), hash, sum, signature) == nil
	case "PS":
		return rsa.VerifyPSS(key.(*rsa.PublicKey), hash, sum, signature, &rsa.PSSOptions{SaltLength: hash.Size()}) == nil
	case "ES":
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return len(signature) == 64 && ecdsa.Verify(key.(*ecdsa.PublicKey), sum, r, s)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(input))
	return hmac.Equal(signature, mac.Sum(nil))
}

// handmade is a token in the form of a sender, RS256 or ES256.
func handmade(key crypto.Signer, header, claims string, encode func([]byte) string) string {
	input := encode([]byte(header)) + "." + encode([]byte(claims))
	_, sum := digest("256256", input)
	if key, ok := key.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, key, sum)
		if err != nil {
			panic(err)
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return input + "." + encode(signature)
	}
	return input + "." + encode(made(rsa.SignPKCS1v15(nil, key.(*rsa.PrivateKey), crypto.SHA256, sum)))
}

// jwk is the public key as a member of a set, with further members in front.
func jwk(key crypto.PublicKey, members string) string {
	rsaKey := key.(*rsa.PublicKey)
	return fmt.Sprintf(`{%s"kty":"RSA","n":%q,"e":%q}`, members, encode(rsaKey.N.Bytes()), encode(big.NewInt(int64(rsaKey.E)).Bytes()))
}

// thumbprint is RFC 7638 by hand.
func thumbprint(key crypto.PublicKey) string {
	var text string
	switch key := key.(type) {
	case *rsa.PublicKey:
		text = fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, encode(big.NewInt(int64(key.E)).Bytes()), encode(key.N.Bytes()))
	case *ecdsa.PublicKey:
		point := made(key.Bytes()) // 4, x, y
		text = fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, encode(point[1:33]), encode(point[33:]))
	}
	sum := sha256.Sum256([]byte(text))
	return encode(sum[:])
}

// pkcs8 is the private key in PEM.
func pkcs8(t *testing.T, key crypto.Signer) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: ok(x509.MarshalPKCS8PrivateKey(key))(t)}))
}

// roundTrip answers in place of the network.
type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req), nil }

func answer(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}
