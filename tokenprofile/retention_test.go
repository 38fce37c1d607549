package tokenprofile_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Tokens must not outlive their key in the key set.
func TestASignerWantsReplacedKeysKeptLongEnough(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.p12")
	key := ok(keystore.Generate("ES256", "CN=a", time.Unix(1e9, 0), time.Unix(4e9, 0)))(t)
	password := keystore.StaticPassword("changeit")
	if err := keystore.WriteFile(path, password, keystore.Entry{Alias: "a", PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	followed := func(after time.Duration) *keystore.Store {
		return ok(keystore.File{Path: path, Password: password, PublishAfter: after}.Open())(t)
	}
	for _, test := range []struct {
		name     string
		lifetime time.Duration
		keys     keystore.PrivateSource
		omit     []string
		refused  bool
	}{
		{"the defaults", 0, followed(0), nil, false},
		{"as long as the key stays", 10 * time.Minute, followed(10 * time.Minute), nil, false},
		{"longer than the key stays", 10*time.Minute + time.Second, followed(10 * time.Minute), nil, true},
		{"longer than a day", 25 * time.Hour, followed(0), nil, true},
		{"a key that does not stay at all", time.Minute, followed(-1), nil, true},
		{"no exp", 25 * time.Hour, followed(0), []string{"exp"}, false},
		{"a store from memory", 1000 * time.Hour, keystore.New(key), nil, false},
		{"a source that does not say", 1000 * time.Hour, struct{ keystore.PrivateSource }{followed(0)}, nil, false},
	} {
		p := profileOf("ES256")
		p.Lifetime, p.Waive = test.lifetime, tokenprofile.Waive{Omit: test.omit}
		_, err := p.Signer(test.keys)
		if test.refused != (err != nil) || err != nil && !(strings.Contains(err.Error(), "lifetime") && strings.Contains(err.Error(), "File.PublishAfter")) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}
