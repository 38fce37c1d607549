package jwks

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// What is read of a key set, whoever published it.
const (
	maxSetBytes = 512 << 10 // 100 keys with chains of certificates take less
	maxSetKeys  = 100
	maxKeyID    = 256 // bytes; a longer kid is in no set and in no token
	maxMembers  = 256 // of the set, and of an issuer's metadata
)

// A Set is a JSON Web Key Set (RFC 7517 section 5). It is a
// [keystore.PublicSource], for a set that comes from elsewhere than a URL.
type Set struct {
	Keys    []keystore.PublicKey
	Skipped int // keys of a type, curve or size this library does not use, or with a kid it does not
}

var _ keystore.PublicSource = Set{}

// Parse reads a JSON Web Key Set of at most 512 KiB and 100 keys.
//
// A key of an unknown kind or beyond the limits of this library is skipped and
// counted (RFC 7517 section 5), so that an issuer may publish keys for newer
// software beside ours. Everything else
// that is wrong refuses the whole set: private or secret members, a malformed
// key, two keys of one kid.
func Parse(data []byte) (Set, error) {
	set, err := parseSet(data, nil)
	if err != nil {
		return Set{}, fmt.Errorf("jwks: %w", err)
	}
	return set, nil
}

// PublicKeys returns the keys of the kid, or all for "".
func (s Set) PublicKeys(_ context.Context, kid string) ([]keystore.PublicKey, error) {
	var keys []keystore.PublicKey
	for _, key := range s.Keys {
		if kid == "" || key.KeyID() == kid {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// parseSet reads a set. With roots it leaves out the keys without a
// certificate that leads to one of them.
func parseSet(data []byte, roots *x509.CertPool) (Set, error) {
	members, err := splitSet(data)
	if err != nil {
		return Set{}, err
	}
	set := Set{Keys: make([]keystore.PublicKey, 0, len(members))}
	kids := make(map[string]bool, len(members))
	for i, member := range members {
		key, err := parseKey(member)
		if err == nil && roots != nil {
			err = trusted(key, roots)
		}
		if errors.Is(err, keystore.ErrUnsupported) || errors.Is(err, keystore.ErrLimit) || errors.Is(err, errUntrusted) {
			set.Skipped++
			continue
		}
		if err != nil {
			return Set{}, fmt.Errorf("key %d of %d: %w", i+1, len(members), err)
		}
		kid := key.KeyID()
		if kids[kid] {
			return Set{}, fmt.Errorf("key %d of %d: its kid %.64q is another key's too", i+1, len(members), kid)
		}
		kids[kid] = true
		set.Keys = append(set.Keys, key)
	}
	return set, nil
}

func parseKey(member []byte) (key keystore.PublicKey, err error) {
	err = key.UnmarshalJSON(member)
	return key, err
}

// splitSet returns the members of keys. encoding/json alone would also take
// "Keys", and the last of two.
func splitSet(data []byte) ([]json.RawMessage, error) {
	if len(data) > maxSetBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", keystore.ErrLimit, maxSetBytes)
	}
	object, err := splitObject(data)
	if err != nil {
		return nil, err
	}
	var keys []json.RawMessage
	switch raw, ok := object["keys"]; {
	case !ok && object["kty"] != nil:
		return nil, errors.New(`a single JWK, not a JWK Set: no member "keys"`)
	case !ok:
		return nil, errors.New(`not a JWK Set: no member "keys"`)
	case raw[0] != '[' || json.Unmarshal(raw, &keys) != nil:
		return nil, errors.New(`not a JWK Set: "keys" is not an array`)
	}
	if len(keys) > maxSetKeys {
		return nil, fmt.Errorf("%w: more than %d keys", keystore.ErrLimit, maxSetKeys)
	}
	return keys, nil
}

// errBroken does not say which: where encoding/json notices the end differs
// between its versions.
var errBroken = errors.New("not valid JSON, or truncated")

// splitObject reads one JSON object whose member names are unique. No error
// quotes the text: it may hold what must not be in a log.
func splitObject(data []byte) (map[string]json.RawMessage, error) {
	object := map[string]json.RawMessage{}
	dec := json.NewDecoder(bytes.NewReader(data))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errBroken
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errBroken
		}
		if _, twice := object[name.(string)]; twice {
			return nil, errors.New("a member name occurs twice")
		}
		if len(object) == maxMembers {
			return nil, fmt.Errorf("%w: more than %d members", keystore.ErrLimit, maxMembers)
		}
		object[name.(string)] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errBroken
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("more follows the JSON object")
	}
	return object, nil
}
