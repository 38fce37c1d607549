package jwks_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// A fieldSet says what is to be read of a key set that exists, or of a form
// that a public report quotes.
type fieldSet struct {
	File   string
	Refuse bool
	Keys   []struct {
		KeyID      *string `json:"kid"`
		Use        *string
		Algorithm  *string `json:"alg"`
		Kind       string  `json:"key"`
		Thumbprint string
	}
	Skipped []string
}

// want are the keys, each once and in one line.
func (f fieldSet) want() []string {
	var lines []string
	for _, k := range f.Keys {
		kid := k.Thumbprint
		if k.KeyID != nil && *k.KeyID != "" {
			kid = *k.KeyID
		}
		lines = append(lines, fmt.Sprintf("%s use=%s alg=%s %s %s", kid, deref(k.Use), deref(k.Algorithm), k.Kind, k.Thumbprint))
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// got are keys in the same form, the thumbprint by another implementation.
func got(t *testing.T, keys []keystore.PublicKey) []string {
	var lines []string
	for _, key := range keys {
		data, err := key.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		other, err := jwk.ParseKey(data)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := other.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s use=%s alg=%s %s %s", key.KeyID(), other.KeyUsage(), key.Algorithm(), key.Describe(), base64.RawURLEncoding.EncodeToString(sum)))
	}
	slices.Sort(lines)
	return lines
}

// TestKeySetsThatExist reads each set by itself, over HTTP, and as the file of
// a keystore.
func TestKeySetsThatExist(t *testing.T) {
	root := os.Getenv("TOKENPROFILE_FIELD")
	if root == "" {
		t.Skip("TOKENPROFILE_FIELD is not set to a folder with jwks/expected.jsonl")
	}
	expected, err := os.ReadFile(filepath.Join(root, "jwks", "expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for lines := bufio.NewScanner(bytes.NewReader(expected)); lines.Scan(); files++ {
		var f fieldSet
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(root, "jwks", f.File))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(f.File, func(t *testing.T) {
			set, err := jwks.Parse(data)
			if f.Refuse {
				if !errors.Is(err, keystore.ErrNotPublic) {
					t.Errorf("got %v, want ErrNotPublic", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if set.Skipped != len(f.Skipped) {
				t.Errorf("skipped %d (%v), want %q", set.Skipped, set.SkipErr, f.Skipped)
			}
			store, err := keystore.Parse(data, nil)
			if err != nil {
				t.Fatal(err)
			}
			trusted, err := store.Trust().PublicKeys(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			for from, keys := range map[string][]keystore.PublicKey{"itself": set.Keys, "HTTP": fetched(t, data, len(set.Keys) == 0), "a file": trusted} {
				if got, want := got(t, keys), f.want(); !slices.Equal(got, want) {
					t.Errorf("from %s: got\n%q, want\n%q", from, got, want)
				}
			}
		})
	}
	t.Logf("%d key sets", files)
	if files == 0 {
		t.Error("there are none")
	}
}

// fetched are the keys that a client has of the document. Of one without a key
// it has none, but an error.
func fetched(t *testing.T, document []byte, none bool) (keys []keystore.PublicKey) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		issuer.Break(jwkstest.Body("application/json", string(document)))
		var err error
		if keys, err = client.PublicKeys(context.Background(), ""); none != (err != nil) {
			t.Errorf("over HTTP: got %v", err)
		}
	})
	return keys
}
