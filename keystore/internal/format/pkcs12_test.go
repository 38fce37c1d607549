package format_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// Java hides the date of a key in its id.
func TestDateOfAKeyInPKCS12(t *testing.T) {
	for id, want := range map[string]time.Time{
		"Time 1000":    time.Unix(1, 0).UTC(),
		"Time":         {},
		"Time soon":    {},
		"\x01\x02\x03": {},
	} {
		store, err := read(pfx(seq(identified(id))), password("changeit"))
		if err != nil || len(store.Entries) != 1 || !store.Entries[0].Created.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", id, store, err, want)
		}
	}
}

// A secret key needs a password as a private key does.
func TestSecretsInPKCS12(t *testing.T) {
	sealed := func(kind any) []byte {
		return pfx(seq(seq(oidSecret, tagged(seq(kind, tagged(encryptedKey(pbkdf2(1))))))))
	}
	for name, row := range map[string]struct {
		data     []byte
		password format.Passwords
		want     error
	}{
		"a wrong password": {sealed(oidShroud), password("changeit"), format.ErrPassword},
		"none":             {sealed(oidShroud), format.Passwords{}, format.ErrPasswordRequired},
		"another kind":     {sealed(hugeOID), password("changeit"), format.ErrUnsupported},
	} {
		store, err := read(row.data, row.password)
		if err != nil || len(store.Entries) != 1 || !errors.Is(store.Entries[0].Err, row.want) {
			t.Errorf("%s: got %v, %v, want an entry with %v", name, store, err, row.want)
		}
	}
}
