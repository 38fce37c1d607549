package keystore

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pemfile"
)

// readContainer reads JSON with PEM in it: the key of a Google service
// account, under the kid that the file names, and a map of kids to
// certificates, as Google and Firebase publish. What it does not read it names.
func readContainer(data []byte, passwords *passwords) (found, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return found{}, fmt.Errorf("%w: JSON: not well-formed", ErrDamaged)
	}
	if members["keys"] != nil || members["kty"] != nil {
		return readJSON(data, passwords) // an x5c that says more than it should
	}
	if len(members) > maxKeys {
		return found{}, fmt.Errorf("%w: a JSON object of more than %d members", ErrLimit, maxKeys)
	}
	texts := map[string]string{}
	for name, value := range members {
		var text string
		if json.Unmarshal(value, &text) == nil {
			texts[name] = text
		}
	}
	switch {
	case texts["type"] == "service_account":
		return serviceAccount(texts)
	case members["cert"] != nil && members["key"] != nil:
		return found{}, fmt.Errorf("%w: an answer of cfssl: write its key and certificate to files with cfssljson -bare, and open them as a pair", ErrUnknownFormat)
	case len(texts) == len(members) && allCertificates(texts):
		return certificateMap(texts)
	}
	return found{}, fmt.Errorf("%w: a JSON object with PEM in it: take the PEM out, into a file of its own", ErrUnknownFormat)
}

func serviceAccount(texts map[string]string) (found, error) {
	kid := texts["private_key_id"]
	if texts["private_key"] == "" || kid == "" {
		return found{}, fmt.Errorf("%w: a Google service account without private_key or private_key_id", ErrDamaged)
	}
	entries, err := inPEM(texts["private_key"], kid)
	if err == nil && (len(entries) != 1 || entries[0].Kind != KindPrivateKey) {
		err = fmt.Errorf("%w: private_key is no private key", ErrDamaged)
	}
	return found{format: "Google service account", verified: true, entries: entries}, err
}

func allCertificates(texts map[string]string) bool {
	for _, text := range texts {
		if !strings.HasPrefix(text, "-----BEGIN CERTIFICATE-----") {
			return false
		}
	}
	return true
}

func certificateMap(texts map[string]string) (found, error) {
	result := found{format: "certificates by kid", verified: true}
	for _, kid := range slices.Sorted(maps.Keys(texts)) {
		entries, err := inPEM(texts[kid], kid)
		if err != nil {
			return found{}, fmt.Errorf("%q: %w", clip(kid), err)
		}
		result.entries = append(result.entries, entries...)
	}
	return result, nil
}

// inPEM are the entries of a PEM text, all of which have the kid and it for an
// alias.
func inPEM(text, kid string) ([]Entry, error) {
	store, err := pemfile.Read([]byte(text), format.Passwords{})
	if err != nil {
		return nil, err
	}
	certificates := newCertificates(len(text))
	entries := make([]Entry, len(store.Entries))
	for i, e := range store.Entries {
		entry := newEntry(e, certificates)
		entry.setAlias(kid)
		entry.PrivateKey.public.kid, entry.PublicKey.kid = kid, kid
		entries[i] = entry
	}
	return entries, nil
}
