package keystore

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// An object is a JSON object in which no member occurs twice.
type object struct {
	members map[string]json.RawMessage
	lenient bool              // numbers and octets are read as people write them, see [ParsePublicJWK]
	work    *format.KeyReader // of the file, nil for a key that is read alone
}

// What JSON may hold: members of a JWK or JWK Set, levels, and values in all,
// which take a hundred times as much memory as in the text. A set of 1,000 keys
// with their certificates has some 15,000.
const (
	maxMembers = 256
	maxDepth   = 16
	maxValues  = 100_000
)

// jsonObject reads one object and nothing after it. encoding/json alone would
// take the last of two members of the same name (RFC 7517 section 4 asks that
// such a JWK be refused).
func jsonObject(data []byte, limit int) (object, error) {
	if len(data) > limit {
		return object{}, fmt.Errorf("%w: more than %d bytes", ErrLimit, limit)
	}
	if !utf8.Valid(data) {
		return object{}, errors.New("not UTF-8")
	}
	if err := checkShape(data); err != nil {
		return object{}, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return object{}, errors.New("not a JSON object")
	}
	members := map[string]json.RawMessage{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return object{}, errors.New("not well-formed JSON")
		}
		name, _ := token.(string)
		if _, twice := members[name]; twice {
			return object{}, fmt.Errorf("member %q occurs twice", clip(name))
		}
		if len(members) == maxMembers {
			return object{}, fmt.Errorf("%w: more than %d members", ErrLimit, maxMembers)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return object{}, errors.New("not well-formed JSON")
		}
		members[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return object{}, errors.New("not well-formed JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return object{}, errors.New("text after the JSON object")
	}
	return object{members: members}, nil
}

// lenientObject reads an object as other people write them: a member that is
// null is absent, and so is an empty list of further RSA primes.
func lenientObject(data []byte, limit int) (object, error) {
	o, err := jsonObject(data, limit)
	maps.DeleteFunc(o.members, func(name string, value json.RawMessage) bool {
		return string(value) == "null" || name == "oth" && isEmptyArray(value)
	})
	o.lenient = true
	return o, err
}

func isEmptyArray(value json.RawMessage) bool {
	return value[0] == '[' && len(bytes.TrimSpace(value[1:len(value)-1])) == 0
}

// checkShape bounds nesting and the number of values before anything is decoded.
func checkShape(data []byte) error {
	depth, values, inString := 0, 1, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("%w: JSON nested more than %d deep", ErrLimit, maxDepth)
			}
			values++
		case c == '}' || c == ']':
			depth--
		case c == ',':
			values++
		}
		if values > maxValues {
			return fmt.Errorf("%w: JSON of more than %d values", ErrLimit, maxValues)
		}
	}
	return nil
}

// add takes in the members of another object, if there is one. None may stand
// in both, unless they agree, as jwx writes them.
func (o object) add(data json.RawMessage) error {
	if data == nil {
		return nil
	}
	other, err := jsonObject(data, maxJWK)
	if err != nil {
		return err
	}
	for name, value := range other.members {
		if known, twice := o.members[name]; twice && !bytes.Equal(known, value) {
			return fmt.Errorf("member %q occurs twice", clip(name))
		}
		o.members[name] = value
	}
	return nil
}

func (o object) has(name string) bool { _, ok := o.members[name]; return ok }

// named returns the kid in brackets, for errors.
func (o object) named() string {
	if kid, err := o.text("kid"); err == nil && kid != "" {
		return fmt.Sprintf(" %q", clip(kid))
	}
	return ""
}

// maxText is in bytes: the longest kid, alg or use worth reading. Parameters
// of keys are longer and limited where they are decoded.
const maxText = 256

// text returns a member that must be a string, or "" if it is not there.
func (o object) text(name string) (string, error) {
	raw, ok := o.members[name]
	if !ok {
		return "", nil
	}
	var text string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return "", fmt.Errorf("member %q is not a string", name)
	}
	if name == "kid" && len(text) > maxText {
		return "", fmt.Errorf("%w: a kid of more than %d bytes", ErrLimit, maxText)
	}
	return text, nil
}

// texts returns a member that must be an array of strings.
func (o object) texts(name string) ([]string, error) {
	raw, ok := o.members[name]
	if !ok {
		return nil, nil
	}
	var values []any
	if json.Unmarshal(raw, &values) != nil || values == nil {
		return nil, fmt.Errorf("member %q is not an array", name)
	}
	texts := make([]string, len(values))
	for i, value := range values {
		if texts[i], ok = value.(string); !ok {
			return nil, fmt.Errorf("member %q holds values that are not strings", name)
		}
	}
	return texts, nil
}

// integer returns a Base64urlUInt (RFC 7518 section 2). Leading zero octets,
// which Java's BigInteger writes, change nothing but the form.
func (o object) integer(name string) (*big.Int, error) {
	octets, err := o.octets(name, -1)
	if err != nil {
		return nil, err
	}
	if o.lenient {
		octets = bytes.TrimLeft(octets, "\x00")
	}
	if len(octets) == 0 || octets[0] == 0 && len(octets) > 1 {
		return nil, fmt.Errorf("member %q is not the shortest form of a number", name)
	}
	if len(octets)*8 > maxRSABits {
		return nil, fmt.Errorf("%w: member %q has more than %d bits", ErrLimit, name, maxRSABits)
	}
	return new(big.Int).SetBytes(octets), nil
}

// octets decodes base64url of exactly size octets; any number if size is
// negative. It is the canonical form, or, read leniently, with padding or in
// the standard alphabet.
func (o object) octets(name string, size int) ([]byte, error) {
	text, err := o.text(name)
	if err != nil {
		return nil, err
	}
	if !o.has(name) {
		return nil, fmt.Errorf("member %q is missing", name)
	}
	if o.lenient {
		text = toURLAlphabet.Replace(strings.TrimRight(text, "="))
	}
	octets, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || base64.RawURLEncoding.EncodedLen(len(octets)) != len(text) {
		return nil, fmt.Errorf("member %q is not base64url", name)
	}
	if size >= 0 && len(octets) != size {
		return nil, fmt.Errorf("member %q has %d bytes, not %d", name, len(octets), size)
	}
	return octets, nil
}

var toURLAlphabet = strings.NewReplacer("+", "-", "/", "_")

// clip keeps a foreign text in an error short.
func clip(text string) string {
	const most = 64
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
