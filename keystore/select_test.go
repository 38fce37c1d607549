package keystore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// choices parses a bundle of keys written as alias:name:from:until, in days
// from noon.
func choices(t *testing.T, keys string) []keystore.PrivateKey {
	t.Helper()
	if keys == "" {
		return nil
	}
	var text string
	for _, key := range strings.Fields(keys) {
		var from, until int
		part := strings.Split(key, ":")
		if _, err := fmt.Sscan(part[2]+" "+part[3], &from, &until); err != nil {
			t.Fatal(err)
		}
		text += pemEntry(t, part[0], part[1], noon.AddDate(0, 0, from), noon.AddDate(0, 0, until))
	}
	store, err := keystore.Parse([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return must(store.PrivateKeys(t.Context()))
}

func TestSelect(t *testing.T) {
	named := func(alias string) keystore.Selection { return keystore.Selection{Alias: alias, Now: noon} }
	only, newest := keystore.Selection{Now: noon}, keystore.Selection{Newest: true, Now: noon}
	not := func(alias string, s keystore.Selection) keystore.Selection {
		s.Fits = func(key keystore.PrivateKey) error {
			if key.Alias() == alias {
				return errors.New("it is an Ed25519 key, and RS256 needs RSA")
			}
			return nil
		}
		return s
	}
	tests := []struct {
		name, keys string
		choice     keystore.Selection
		want       string // alias
		err        error
		text       string // in the error
	}{
		{"the only key", "a:1:-9:9", only, "a", nil, ""},
		{"the named key", "a:1:-9:9 b:2:-9:9", named("b"), "b", nil, ""},
		{"the named key in other letters", "a:1:-9:9 Sign:2:-9:9", named("sIGN"), "Sign", nil, ""},
		{"several keys and none named", "a:1:-9:9 b:2:-9:9", only, "", keystore.ErrAmbiguous, `name one of "a" (Ed25519, valid from 2026-05-23 until 2026-06-10), "b" (Ed25519,`},
		{"an alias that is not there", "a:1:-9:9 b:2:-9:9", named("sign"), "", keystore.ErrNoKey, `no private key with alias "sign"; the store has "a" (Ed25519, valid from 2026-05-23 until 2026-06-10), "b"`},
		{"no key at all", "", only, "", keystore.ErrNoKey, "the store has no private key"},
		{"no key at all, by alias", "", named("a"), "", keystore.ErrNoKey, `no private key with alias "a"; the store has no private key`},
		{"the newest", "a:1:-9:9 b:2:-1:9 c:3:-5:9", newest, "b", nil, ""},
		{"the newest of those valid now", "a:1:-9:9 b:2:-5:-1 c:3:1:9", newest, "a", nil, ""},
		{"the later of two of one age", "a:1:-9:9 b:2:-9:9", newest, "b", nil, ""},
		{"the newest where all have expired", "a:1:-9:-1 b:2:-9:-2", newest, "", keystore.ErrExpired, `key "a": certificate expired on 2026-05-31: renew it (or set File.IgnoreCertificateDates); key "b": certificate expired on 2026-05-30: renew it (or set File.IgnoreCertificateDates)`},
		{"the only key, expired", "a:1:-9:-1", only, "", keystore.ErrExpired, `key "a": certificate expired on 2026-05-31: renew it (or set File.IgnoreCertificateDates)`},
		{"the named key, expired", "a:1:-9:-1 b:2:-9:9", named("a"), "", keystore.ErrExpired, `key "a": certificate expired on 2026-05-31: renew it (or set File.IgnoreCertificateDates)`},
		{"the only key, too early", "a:1:1:9", only, "", keystore.ErrNotYetValid, `key "a": certificate not valid yet, but from 2026-06-02: wait, or correct this machine's clock`},
		{"the named key, too early", "a:1:1:9 b:2:-9:9", named("a"), "", keystore.ErrNotYetValid, "2026-06-02"},
		{"an expired key, when nobody looks", "a:1:-9:-1", keystore.Selection{}, "a", nil, ""},
		{"the only key that fits", "a:1:-9:9 b:2:-9:9", not("a", only), "b", nil, ""},
		{"the named key, which does not fit", "a:1:-9:9 b:2:-9:9", not("a", named("a")), "", nil, `key "a": it is an Ed25519 key, and RS256 needs RSA`},
		{"the only key, which does not fit", "a:1:-9:9", not("a", only), "", nil, `key "a": it is an Ed25519 key, and RS256 needs RSA`},
		{"the newest that fits", "a:1:-9:9 b:2:-5:9 c:3:-1:9", not("c", newest), "b", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := keystore.Select(choices(t, tt.keys), tt.choice)
			if tt.want != "" {
				if err != nil || key.Alias() != tt.want {
					t.Fatalf("got %q, %v, want %q", key.Alias(), err, tt.want)
				}
				return
			}
			if err == nil || tt.err != nil && !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want %v with %q", err, tt.err, tt.text)
			}
			if !strings.HasPrefix(err.Error(), "keystore: ") || strings.Count(err.Error(), "keystore:") != 1 {
				t.Errorf("the error does not begin with the package's name, or has it twice: %v", err)
			}
		})
	}
}

func TestSelectNamesAKeyThatCannotBeRead(t *testing.T) {
	file := keystore.File{Path: "testdata/keytool-dsa.jks", Password: keystore.StaticPassword(changeit)}
	store, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	keys := must(store.PrivateKeys(t.Context()))
	if len(keys) == 0 || keys[0].Err() == nil {
		t.Fatalf("got %v, want a key that says why it cannot be used", keys)
	}
	_, err = keystore.Select(keys, keystore.Selection{Alias: keys[0].Alias()})
	if !errors.Is(err, keystore.ErrUnsupported) || !strings.Contains(err.Error(), "DSA") {
		t.Errorf("got %v, want %v of DSA", err, keystore.ErrUnsupported)
	}
	if _, err := keys[0].Sign(t.Context(), make([]byte, 32), nil); !errors.Is(err, keystore.ErrUnsupported) {
		t.Errorf("signing: got %v, want %v", err, keystore.ErrUnsupported)
	}
	if got := must(store.PublishedKeys(t.Context())); len(got) != 0 {
		t.Errorf("got %v published", got)
	}
}

func TestKeysFromNoFileHaveTheAliasTheyAreGiven(t *testing.T) {
	store := keystore.New(generate(t, "ES256", "CN=a").WithAlias("kms-1"), generate(t, "ES256", "CN=b").WithAlias("kms-2"))
	keys := must(store.PrivateKeys(t.Context()))
	if key, err := keystore.Select(keys, keystore.Selection{Alias: "KMS-2"}); err != nil || key.Alias() != "kms-2" {
		t.Errorf("got %q, %v", key.Alias(), err)
	}
	var zero keystore.PrivateKey
	keys = must(keystore.New(zero).PrivateKeys(t.Context()))
	if _, err := keystore.Select(keys, keystore.Selection{}); err == nil {
		t.Error("the zero PrivateKey is chosen")
	}
}
