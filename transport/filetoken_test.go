package transport_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

func TestFileToken(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name, content string
		lifetime      time.Duration // about
		err           string        // what follows the file's name
	}{
		{"any token is read again after a minute", "opaque", time.Minute, ""},
		{"a token that lives longer too", unsignedJWT(now.Add(time.Hour).Unix()), time.Minute, ""},
		{"a token that ends before", unsignedJWT(now.Add(30 * time.Second).Unix()), 30 * time.Second, ""},
		{"a token that does not say when it ends", jwtOf(`{"iat":1}`), time.Minute, ""},
		{"of the first and the last character that may be", "!~", time.Minute, ""},
		{"a character after them", "a\x7f", 0, "not a token: "},
		{"space around it does not count", " opaque\r\n\n", time.Minute, ""},
		{"an expired token", unsignedJWT(now.Add(-time.Hour).Unix()), 0, "the token expired at "},
		{"an end that nobody can live to see", unsignedJWT(1 << 60), time.Minute, ""},
		{"an empty file", "\n", 0, "empty"},
		{"two lines", "one\ntwo", 0, "not a token: "},
		{"as large as may be", strings.Repeat("x", 64<<10), time.Minute, ""},
		{"too large", strings.Repeat("x", 64<<10+1), 0, "more than 65536 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			token, expiry, err := transport.FileToken{Path: path}.Token(t.Context())
			if test.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), "transport: token file token: "+test.err) || token != "" {
					t.Errorf("got %q, %v", token, err)
				}
				return
			}
			if left := time.Until(expiry); err != nil || token != strings.TrimSpace(test.content) || left > test.lifetime || left < test.lifetime-5*time.Second {
				t.Errorf("got %d bytes for %v, %v", len(token), left, err)
			}
		})
	}
}

func TestFileTokenFollowsARotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	for _, want := range []string{"first", "second"} {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, _, err := (transport.FileToken{Path: path}).Token(t.Context()); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestFileTokenThatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{"nothing": "", "no such file": filepath.Join(dir, "no"), "a directory": dir, "a device": os.DevNull} {
		_, _, err := transport.FileToken{Path: path}.Token(t.Context())
		if err == nil || strings.Contains(err.Error(), dir+string(filepath.Separator)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, _, err := (transport.FileToken{}).Token(t.Context()); err == nil || err.Error() != "transport: FileToken has no Path" {
		t.Errorf("no path: got %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := (transport.FileToken{Path: filepath.Join(dir, "no")}).Token(ended); err == nil || !errors.Is(err, context.Canceled) && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a context that has ended: got %v", err)
	}
}
