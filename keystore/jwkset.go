package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// maxKeys is the most keys of one JWK Set.
const maxKeys = 1000

// readJSON reads a JWK or a JWK Set. Private and secret keys in it are the
// store's own, public ones are somebody else's: whoever holds only the public
// half cannot sign with it.
func readJSON(data []byte) (found, error) {
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	m, err := jsonObject(text, maxFile)
	if err != nil {
		return found{}, fmt.Errorf("JSON: %w", damaged(err))
	}
	switch {
	case m.has("keys"):
		entries, err := m.set()
		return found{"JWK Set", true, entries}, err
	case m.has("kty"):
		entry, err := anyJWK(text)
		if err != nil {
			return found{}, damaged(err)
		}
		return found{"JWK", true, nameless([]Entry{entry})}, nil
	case m.has("ciphertext"):
		return found{}, fmt.Errorf("%w: an encrypted JWK in the JSON serialization; use the compact one", ErrUnsupported)
	}
	return found{}, fmt.Errorf("%w: a JSON object that is neither a JWK nor a JWK Set", ErrUnknownFormat)
}

// set reads the keys of a JWK Set (RFC 7517 section 5). A key that cannot be
// used hides nothing else.
func (m members) set() ([]Entry, error) {
	dec := json.NewDecoder(bytes.NewReader(m["keys"]))
	if token, err := dec.Token(); err != nil || token != json.Delim('[') {
		return nil, fmt.Errorf("%w: JWK Set: member %q is not an array", ErrDamaged, "keys")
	}
	var entries []Entry
	for i := 0; dec.More(); i++ {
		if i == maxKeys {
			return nil, fmt.Errorf("%w: more than %d keys", ErrLimit, maxKeys)
		}
		var key json.RawMessage
		if err := dec.Decode(&key); err != nil {
			return nil, fmt.Errorf("%w: keys[%d]: not well-formed JSON", ErrDamaged, i)
		}
		entry, err := anyJWK(key)
		if err != nil && !errors.Is(err, ErrUnsupported) {
			return nil, fmt.Errorf("keys[%d]: %w", i, damaged(err))
		}
		entry.Err = err
		entries = append(entries, entry)
	}
	return nameless(entries), nil
}

// nameless gives keys without a kid the alias that Java gives nameless
// entries: their number.
func nameless(entries []Entry) []Entry {
	for i := range entries {
		if entries[i].Alias == "" {
			entries[i].setAlias(strconv.Itoa(i + 1))
		}
	}
	return entries
}

// damaged marks an error that has no reason yet as a fault of the content.
func damaged(err error) error {
	if errors.Is(err, ErrUnsupported) || errors.Is(err, ErrLimit) || errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
