package jwks

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// What is read of a key set, whoever published it.
const (
	maxSetBytes = 512 << 10 // 100 keys with chains of certificates take less
	maxSetKeys  = 100
	maxReasons  = 10  // of skipped keys
	maxMembers  = 256 // of the set, and of an issuer's metadata
)

// A Set is a JSON Web Key Set (RFC 7517 section 5), which is its JSON form too.
// It is a [keystore.PublicSource], for a set that does not come from a URL.
type Set struct {
	Keys    []keystore.PublicKey
	Skipped int   // keys that cannot be used, and were left out
	SkipErr error // why, for ten of them at most; nil if none was
}

var (
	_ keystore.PublicSource = Set{}
	_ json.Marshaler        = Set{}
	_ json.Unmarshaler      = (*Set)(nil)
)

// Parse reads a JSON Web Key Set of at most 512 KiB and 100 keys.
//
// A key that cannot be used is skipped and counted (RFC 7517 section 5), so
// that the other keys still serve: a key of an unknown kind, a malformed or
// weak one, or one restricted to uses that this library does not have.
// [keystore.ParsePublicJWK] says what is read of the others. The same key twice
// is one, and different keys may have one kid.
//
// A set with private or secret members is refused: its owner did not mean to
// publish it.
func Parse(data []byte) (Set, error) {
	set, err := parseSet(data, nil)
	if err != nil {
		return Set{}, fmt.Errorf("jwks: %w", err)
	}
	return set, nil
}

// UnmarshalJSON reads a set as [Parse] does.
func (s *Set) UnmarshalJSON(data []byte) (err error) {
	*s, err = Parse(data)
	return err
}

// MarshalJSON writes the keys with what is known of each: its kid, alg, use and
// key_ops. A [Handler] writes more, for verifiers of our own tokens.
func (s Set) MarshalJSON() ([]byte, error) {
	keys := append([]keystore.PublicKey{}, s.Keys...) // never null
	return json.Marshal(map[string]any{"keys": keys})
}

// PublicKeys returns the keys of the kid, or all for "". A set without a key is
// [keystore.ErrMisconfigured]: it never has one.
func (s Set) PublicKeys(_ context.Context, kid string) ([]keystore.PublicKey, error) {
	if len(s.Keys) == 0 {
		return nil, fmt.Errorf("jwks: %w: %w: %w", keystore.ErrUnavailable, keystore.ErrMisconfigured, noUsableKey(s))
	}
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
	byKeyID := make(map[string][]keystore.PublicKey, len(members))
	for i, member := range members {
		key, err := keystore.ParsePublicJWK(member)
		if err == nil && roots != nil {
			err = trusted(key, roots)
		}
		if err != nil {
			err = fmt.Errorf("key %d of %d: %w", i+1, len(members), err)
		}
		switch known := byKeyID[key.KeyID()]; {
		case errors.Is(err, keystore.ErrNotPublic):
			return Set{}, err
		case err != nil:
			set.skip(err)
		case !slices.ContainsFunc(known, func(k keystore.PublicKey) bool { return same(k, key) }):
			byKeyID[key.KeyID()] = append(known, key)
			set.Keys = append(set.Keys, key)
		}
	}
	return set, nil
}

// skip counts a key that is left out. It keeps a few reasons only: a set may be
// full of such keys.
func (s *Set) skip(reason error) {
	switch s.Skipped++; {
	case s.Skipped == 1:
		s.SkipErr = reason
	case s.Skipped <= maxReasons:
		s.SkipErr = fmt.Errorf("%w; %w", s.SkipErr, reason) // on one line
	}
}

// same reports whether both are one key under one kid, for the same use.
func same(a, b keystore.PublicKey) bool {
	if !a.Equal(b) {
		return false
	}
	one, err := a.MarshalJSON()
	two, _ := b.MarshalJSON() // nothing, if it cannot be written
	return err == nil && bytes.Equal(one, two)
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
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))) // RFC 8259 section 8.1
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

// maxChain is the number of certificates looked at of one key.
const maxChain = 10

// errUntrusted is why a key is left out of the set, as one of an unknown kind
// is.
var errUntrusted = errors.New("no trusted certificate")

// trusted verifies the x5c of a JWK (RFC 7517 section 4.7): its certificate
// leads to one of the roots. That it belongs to the key, reading the JWK has
// made sure of.
func trusted(key keystore.PublicKey, roots *x509.CertPool) error {
	chain := key.Certificates()
	if n := len(chain); n == 0 || n > maxChain {
		return fmt.Errorf("%w: x5c has %d", errUntrusted, n)
	}
	options := x509.VerifyOptions{
		Roots:         roots,
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, // RFC 5280 has none for tokens
	}
	for _, certificate := range chain[1:] {
		options.Intermediates.AddCert(certificate)
	}
	if _, err := chain[0].Verify(options); err != nil {
		return fmt.Errorf("%w: %w", errUntrusted, err)
	}
	return nil
}
