package tokenprofile_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// segment is a segment of a token.
func textSegment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// handmade is an HS256 token with exactly this header and payload.
func handmade(key []byte, header, payload string) string {
	return macced(key, textSegment(header)+"."+textSegment(payload))
}

// macced adds the signature to the other two segments, whatever they are.
func macced(key []byte, input string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// handmadeKey is the shared key of handmade tokens, its kid "k1".
var handmadeKey = []byte("0123456789abcdef0123456789abcdef")

const (
	goodHeader  = `{"alg":"HS256","typ":"JWT","kid":"k1"}`
	goodPayload = `{"iss":"https://consumer.example","sub":"billing","aud":"https://producer.example","iat":1900000000,"exp":1900000600}`
)

// handmadeVerifier verifies handmade tokens.
func handmadeVerifier(t testing.TB, p tokenprofile.Profile) *tokenprofile.Verifier {
	t.Helper()
	key := ok(keystore.NewSecretKey(handmadeKey, "k1"))(t)
	return ok(p.SecretVerifier(secrets{key}))(t)
}

// refuses fails unless the error is the token's fault, for the reason.
func refuses(t testing.TB, err, reason error) {
	t.Helper()
	if !errors.Is(err, tokenprofile.ErrInvalid) || !errors.Is(err, reason) {
		t.Errorf("got %v, want %v", err, reason)
	}
}
