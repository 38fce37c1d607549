package keystore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// A store that nobody opened, because an error was overlooked, answers with an
// error that says so.
func TestAStoreThatWasNotOpened(t *testing.T) {
	for name, store := range map[string]*keystore.Store{"nil": nil, "zero": {}} {
		for asked, ask := range map[string]func(context.Context) error{
			"PrivateKeys":    func(ctx context.Context) error { _, err := store.PrivateKeys(ctx); return err },
			"DecryptionKeys": func(ctx context.Context) error { _, err := store.DecryptionKeys(ctx); return err },
			"PublicKeys":     func(ctx context.Context) error { _, err := store.PublicKeys(ctx, ""); return err },
			"PublishedKeys":  func(ctx context.Context) error { _, err := store.PublishedKeys(ctx); return err },
			"SecretKeys":     func(ctx context.Context) error { _, err := store.SecretKeys(ctx, "k"); return err },
			"Trust":          func(ctx context.Context) error { _, err := store.Trust().PublicKeys(ctx, "k"); return err },
			"TLSCertificate": func(context.Context) error { _, err := store.TLSCertificate(""); return err },
			"CertPool":       func(context.Context) error { _, err := store.CertPool(); return err },
			"Reload":         func(ctx context.Context) error { return store.Reload(ctx) },
			"Status":         func(context.Context) error { return store.Status().Err },
		} {
			err := ask(t.Context())
			if !errors.Is(err, keystore.ErrMisconfigured) || !errors.Is(err, keystore.ErrUnavailable) {
				t.Errorf("%s of a store that is %s: got %v, want ErrMisconfigured", asked, name, err)
			}
		}
		if n := len(store.Entries()); n != 0 || store.Format() != "" || store.Verified() {
			t.Errorf("%s: got %d entries of %q, verified %t", name, n, store.Format(), store.Verified())
		}
	}
}
