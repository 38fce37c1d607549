package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// signing is choice, with what stands in the way of it.
func signing(store *keystore.Store) (alias, why string) {
	alias, why = choice(store)
	if why != "" && !store.Verified() {
		why += " But the integrity of the store was not verified: only File.AllowUnverified gives its keys out."
	}
	return alias, why
}

// choice says which private key a profile without a KeyAlias would sign with,
// and why; or that it would sign with none.
func choice(store *keystore.Store) (alias, why string) {
	keys, err := store.PrivateKeys(context.Background())
	if err != nil {
		return "", "No key would sign: " + plain(err) + "."
	}
	if len(keys) == 0 {
		return "", ""
	}
	selection := keystore.Selection{Now: time.Now(), Fits: signs}
	key, err := keystore.Select(keys, selection)
	switch {
	case err == nil && len(keys) == 1:
		return key.Alias(), fmt.Sprintf("%q would sign: it is the only private key.", key.Alias())
	case err == nil:
		return key.Alias(), fmt.Sprintf("%q would sign: it is the only private key that can.", key.Alias())
	case !errors.Is(err, keystore.ErrAmbiguous):
		return "", "No key would sign: " + plain(err) + "."
	}
	selection.Newest = true
	newest, err := keystore.Select(keys, selection)
	if err != nil {
		return "", "No key would sign: " + plain(err) + "."
	}
	why = fmt.Sprintf("No key would sign before the profile names one with KeyAlias. With NewestKey, %q would: ", newest.Alias())
	if certs := newest.Public().Certificates(); len(certs) > 0 {
		return "", why + "its certificate is the valid one that began last, on " + certs[0].NotBefore.UTC().Format(time.DateOnly) + "."
	}
	return "", why + "no key has a certificate, and it is the last."
}

// signs reports whether the key can sign tokens at all.
func signs(key keystore.PrivateKey) error {
	if key.Public().Describe() == "X25519" {
		return errors.New("an X25519 key does not sign")
	}
	return key.Permits("sign")
}

func plain(err error) string { return strings.TrimPrefix(oneLine(err.Error()), "keystore: ") }
