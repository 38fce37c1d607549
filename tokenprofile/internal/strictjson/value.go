package strictjson

import (
	"bytes"
	"iter"
)

// A Value is a JSON value of a document that a [Scanner] has read, exactly as
// it stands there, without space around it.
type Value []byte

// Text is the string that the value is, with its escapes resolved.
func (v Value) Text() (text []byte, ok bool) {
	if len(v) < 2 || v[0] != '"' {
		return nil, false
	}
	text = v[1 : len(v)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		text = unescape(text)
	}
	return text, true
}

// IsNumber reports whether the value is a number.
func (v Value) IsNumber() bool { return len(v) > 0 && (v[0] == '-' || v[0]-'0' <= 9) }

// IsArray reports whether the value is an array.
func (v Value) IsArray() bool { return len(v) > 0 && v[0] == '[' }

// Elements yields the elements of the array that the value is.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if !v.IsArray() {
			return
		}
		s := Scanner{data: v, at: 1}
		for {
			s.space()
			start := s.at
			if s.any(1) != nil || !yield(v[start:s.at]) {
				return
			}
			if s.space(); !s.take(',') {
				return
			}
		}
	}
}
