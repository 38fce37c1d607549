package keystore

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// What a JWK Set, or other JSON, may have. Private RSA keys of 4096 bits, each
// with its chain, take some 8 KB.
const (
	maxKeys = 1000
	maxJSON = 8 << 20 // bytes
)

// readJSON reads a JWK or a JWK Set. Private and secret keys in it are the
// store's own, and public keys are trusted ones: whoever holds only the public
// half cannot sign with it.
//
// With passwords it may be an encrypted one.
func readJSON(data []byte, passwords *passwords) (found, error) {
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	o, err := jsonObject(text, maxJSON)
	if err != nil {
		return found{}, fmt.Errorf("JSON: %w", damaged(err))
	}
	var work format.KeyReader
	switch {
	case o.has("keys"):
		entries, err := jwkSet(o, &work)
		return found{format: "JWK Set", verified: true, entries: entries}, err
	case o.has("kty"):
		entry := jwkEntry(text, &work)
		return found{format: "JWK", verified: true, entries: nameless([]Entry{entry})}, entry.Err
	case o.has("ciphertext") && passwords != nil:
		jwe, err := parseJSONJWE(o)
		return readEncryptedJSON(jwe, err, passwords)
	}
	return found{}, fmt.Errorf("%w: a JSON object that is neither a JWK nor a JWK Set", ErrUnknownFormat)
}

// jwkSet reads the keys of a JWK Set (RFC 7517 section 5). A foreign key that
// cannot be used is passed over; a damaged key of our own is an error.
func jwkSet(o object, work *format.KeyReader) ([]Entry, error) {
	dec := json.NewDecoder(bytes.NewReader(o.members["keys"]))
	if token, err := dec.Token(); err != nil || token != json.Delim('[') {
		return nil, fmt.Errorf("%w: JWK Set: member %q is not an array", ErrDamaged, "keys")
	}
	var texts []json.RawMessage
	for dec.More() {
		if len(texts) == maxKeys {
			return nil, fmt.Errorf("%w: more than %d keys", ErrLimit, maxKeys)
		}
		var text json.RawMessage
		if err := dec.Decode(&text); err != nil {
			return nil, fmt.Errorf("%w: keys[%d]: not well-formed JSON", ErrDamaged, len(texts))
		}
		texts = append(texts, text)
	}
	entries := make([]Entry, len(texts))
	format.Each(len(texts), func(i int) { entries[i] = jwkEntry(texts[i], work) })
	for i := range entries {
		e := &entries[i]
		if e.Err != nil {
			e.Err = fmt.Errorf("keys[%d]: %w", i, e.Err)
		}
		if e.Err != nil && e.Kind != KindPublicKey && !errors.Is(e.Err, ErrUnsupported) {
			return nil, e.Err
		}
	}
	return nameless(entries), nil
}

// jwkEntry reads a JWK of any kind.
func jwkEntry(data []byte, work *format.KeyReader) Entry {
	o, err := lenientObject(data, maxJWK)
	if err != nil {
		return Entry{Kind: KindPublicKey, Err: fmt.Errorf("JWK: %w", damaged(err))}
	}
	o.work = work
	kid, err := o.text("kid")
	entry := Entry{Alias: kid, KeyID: kid}
	kty, _ := o.text("kty")
	switch {
	case kty == "oct":
		entry.Kind = KindSecretKey
		entry.SecretKey, entry.Err = secretJWK(o)
		entry.SecretKey.alias = kid
	case o.has("d"), o.has("priv"):
		entry.Kind = KindPrivateKey
		entry.PrivateKey, entry.Err = privateJWK(o)
		entry.PrivateKey.public.alias = kid
		entry.PublicKey = entry.PrivateKey.public
	default:
		entry.Kind = KindPublicKey
		entry.PublicKey, entry.Err = onlyPublicJWK(o)
		entry.PublicKey.alias, entry.PublicKey.aside = kid, true
	}
	if entry.Err == nil {
		entry.Err = err
	}
	if entry.Err != nil {
		entry.Algorithm = calledBy(o)
		entry.Err = fmt.Errorf("JWK%s: %w", o.named(), damaged(entry.Err))
	}
	return entry
}

// calledBy returns what an unusable key says of its type.
func calledBy(o object) string {
	var names [3]string
	for i, name := range []string{"alg", "crv", "kty"} {
		names[i], _ = o.text(name)
	}
	return clip(cmp.Or(names[:]...))
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
	if slices.ContainsFunc([]error{ErrUnsupported, ErrLimit, ErrDamaged, ErrNotPublic}, func(reason error) bool { return errors.Is(err, reason) }) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// maxSecret is in bytes: far beyond any HMAC key.
const maxSecret = 4096

func secretJWK(o object) (SecretKey, error) {
	k, err := o.octets("k", -1)
	if err != nil {
		return SecretKey{}, err
	}
	if len(k) > maxSecret {
		return SecretKey{}, fmt.Errorf("%w: a secret key of more than %d bytes", ErrLimit, maxSecret)
	}
	kid, err := o.text("kid")
	if err != nil {
		return SecretKey{}, err
	}
	secret, err := NewSecretKey(k, kid)
	if err != nil {
		return SecretKey{}, err
	}
	secret.usage, err = usageOf(o)
	return secret, err
}
