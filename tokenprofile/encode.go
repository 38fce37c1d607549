package tokenprofile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// encode is the JSON of a value, without the escapes that are for HTML.
func encode(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

var errNotObject = errors.New("not a JSON object: give a struct or a map")

// encodeObject is the JSON of a struct or a map, without its braces. A nil one
// has no members.
func encodeObject(value any) ([]byte, error) {
	data, err := encode(value)
	if err != nil {
		return nil, err
	}
	if string(data) == "null" {
		return nil, nil
	}
	if len(data) < 2 || data[0] != '{' {
		return nil, errNotObject
	}
	return data[1 : len(data)-1], nil
}

// An object writes a JSON object member by member.
type object struct {
	data []byte
	err  error
}

func (o *object) member(name string, value any) {
	members, err := encodeObject(map[string]any{name: value})
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("%q: %w", name, err)
	}
	o.members(members)
}

// members adds members that are encoded already.
func (o *object) members(members []byte) {
	if len(members) == 0 {
		return
	}
	if len(o.data) == 0 {
		o.data = append(o.data, '{')
	} else {
		o.data = append(o.data, ',')
	}
	o.data = append(o.data, members...)
}

// appendSegment appends the base64url of a segment of a token.
func appendSegment(dst, segment []byte) []byte {
	return base64.RawURLEncoding.AppendEncode(dst, segment)
}
