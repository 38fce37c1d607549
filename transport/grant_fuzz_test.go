package transport_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// FuzzGrantAnswer: whatever a token endpoint answers, the outcome is a token
// that a header may have and that ends, or an error of one short line without
// the client's secret.
func FuzzGrantAnswer(f *testing.F) {
	for _, body := range []string{
		goodAnswer, "", "{}", "null", "[]", `"x"`, `{"access_token":"a\r\nb","token_type":"Bearer"}`,
		`{"access_token":"a","token_type":"Bearer","expires_in":"300"}`,
		`{"access_token":"a","token_type":"Bearer","expires_in":1e9}`,
		`{"error":"invalid_client","error_description":"is it fuzz-secret?"}`,
		`{"access_token":"a","expires_in":1e-9}`, `{"access_token":"a","token_type":"N_A","expires_in":-1.5}`,
		`{"id_token":"` + unsignedJWT(1<<40) + `"}`, `{"id_token":"e30.eyJpYXQiOjIsImV4cCI6MX0.x"}`,
		`{"error":"fuzz-secret"}`, `{"error":{"code":1}}`, "<html>",
	} {
		f.Add(200, "60", body)
		f.Add(400, "Sat, 01 Jan 2000 00:05:00 GMT", body)
	}
	const secret = "fuzz-secret"
	f.Fuzz(func(t *testing.T, status int, retryAfter, body string) {
		if status < 200 || status > 599 {
			t.Skip("no status of a response")
		}
		for _, idToken := range []bool{false, true} {
			grant := &transport.Grant{
				TokenURL: tokenURL, ClientID: "me", ClientSecret: keystore.StaticPassword(secret), IDToken: idToken,
				HTTPClient: says(status, body, "Retry-After", retryAfter).client(),
			}
			token, expiry, err := grant.Token(t.Context())
			if err == nil {
				if token == "" || !expiry.After(time.Now()) {
					t.Errorf("got the token %q until %v", token, expiry)
				}
				continue
			}
			if text := err.Error(); strings.Contains(text, secret) || strings.ContainsAny(text, "\r\n") || len(text) > 1000 {
				t.Errorf("got the error %q", text)
			}
		}
	})
}
