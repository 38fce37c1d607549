// Package strictjson reads JSON for security decisions: it refuses a text that
// two readers could understand in two ways.
//
// Beyond RFC 8259 it refuses: a member name that occurs twice in an object,
// once escapes are resolved; lone surrogates and anything that is not UTF-8; a
// byte order mark; a number too large for a float64; and documents beyond
// [MaxDepth], [MaxMembers] and [MaxExponent].
package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// What a document may have at most.
const (
	MaxDepth    = 16  // objects and arrays within one another
	MaxMembers  = 256 // members of all objects together
	MaxExponent = 3   // digits of a number's exponent: 1e999999999 costs whoever computes with it its memory
)

// usualMembers is how many members an ordinary document has at most.
const usualMembers = 32

// The faults of a document, besides [DuplicateError].
var (
	ErrSyntax    = errors.New("not valid JSON")
	ErrNotObject = errors.New("not a JSON object")
	ErrTrailing  = errors.New("something follows the JSON object")
	ErrText      = errors.New("a JSON string is not valid Unicode")
	ErrDepth     = fmt.Errorf("JSON nested deeper than %d", MaxDepth)
	ErrMembers   = fmt.Errorf("more than %d JSON members", MaxMembers)
	ErrExponent  = fmt.Errorf("a JSON number has an exponent of more than %d digits", MaxExponent)
	ErrRange     = errors.New("a JSON number is larger than a float64 can be")
)

// A DuplicateError says which member an object has twice.
type DuplicateError struct{ Name string }

func (e *DuplicateError) Error() string { return fmt.Sprintf("JSON member %q occurs twice", e.Name) }

// A Scanner reads the members of an object one by one. The document is good
// only once Next has returned false and Err nil. It allocates nothing for a
// document whose names are written without escapes.
type Scanner struct {
	data    []byte
	at      int
	members int
	escapes int    // read so far, to tell whether a name has one
	open    []seen // names in the objects that are open, the innermost last
	begun   bool
	ended   bool
	name    []byte
	start   int // of the value
	end     int
	err     error
}

// Reset makes the scanner read another document. What the scanner returned
// stays valid as long as the document it came from.
func (s *Scanner) Reset(document []byte) {
	*s = Scanner{data: document, open: s.open[:0]}
}

// Next reports whether there is another member.
func (s *Scanner) Next() bool {
	if s.err != nil || s.ended {
		return false
	}
	first := !s.begun
	if s.space(); first && !s.take('{') {
		s.err = ErrNotObject
		return false
	}
	s.begun = true
	more, err := s.member(first, 0, 1)
	if err == nil && !more {
		s.ended = true
		if s.space(); s.at != len(s.data) {
			err = ErrTrailing
		}
	}
	s.err = err
	return more && err == nil
}

// Name returns the name of the member, with its escapes resolved.
func (s *Scanner) Name() []byte { return s.name }

// Value returns the value of the member.
func (s *Scanner) Value() Value { return s.data[s.start:s.end] }

// Span returns where in the document the value begins and ends.
func (s *Scanner) Span() (start, end int) { return s.start, s.end }

// Members returns how many members it has read, those of inner objects too.
func (s *Scanner) Members() int { return s.members }

// Err returns what ended the document early, or nil.
func (s *Scanner) Err() error { return s.err }

// member reads a member of an object, or its end. The names of the object
// begin at s.open[names].
func (s *Scanner) member(first bool, names, depth int) (more bool, err error) {
	s.space()
	if s.take('}') {
		return false, nil
	}
	if !first {
		if !s.take(',') {
			return false, ErrSyntax
		}
		s.space()
	}
	name, err := s.memberName(names)
	if err != nil {
		return false, err
	}
	s.space()
	start := s.at
	if err := s.any(depth); err != nil {
		return false, err
	}
	s.name, s.start, s.end = name, start, s.at
	return true, nil
}

// memberName reads a name and its colon, and refuses a name the object has already.
func (s *Scanner) memberName(names int) ([]byte, error) {
	if s.members++; s.members > MaxMembers {
		return nil, ErrMembers
	}
	start, escapes := s.at, s.escapes
	if err := s.text(); err != nil {
		return nil, err
	}
	name := s.data[start+1 : s.at-1]
	if s.escapes > escapes {
		name = unescape(name)
	}
	if s.space(); !s.take(':') {
		return nil, ErrSyntax
	}
	hash := hashOf(name)
	for _, other := range s.open[names:] {
		if hash == other.hash && bytes.Equal(name, other.name) {
			return nil, &DuplicateError{Name: string(name)}
		}
	}
	if len(s.open) == cap(s.open) && len(s.open) >= usualMembers {
		s.open = slices.Grow(s.open, MaxMembers-len(s.open)) // once, rather than step by step
	}
	s.open = append(s.open, seen{name, hash})
	return name, nil
}

// A seen is a name with its hash, so that long names cost no more to compare
// than short ones.
type seen struct {
	name []byte
	hash uint32
}

// hashOf returns the FNV-1a hash. A collision costs one comparison.
func hashOf(name []byte) uint32 {
	hash := uint32(2166136261)
	for _, c := range name {
		hash = (hash ^ uint32(c)) * 16777619
	}
	return hash
}

// any reads a value that stands inside depth objects and arrays.
func (s *Scanner) any(depth int) error {
	if s.at == len(s.data) {
		return ErrSyntax
	}
	switch c := s.data[s.at]; c {
	case '"':
		return s.text()
	case '{':
		return s.object(depth + 1)
	case '[':
		return s.array(depth + 1)
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

func (s *Scanner) object(depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}
	s.at++
	names := len(s.open)
	for first := true; ; first = false {
		more, err := s.member(first, names, depth)
		if err != nil {
			return err
		}
		if !more {
			s.open = s.open[:names]
			return nil
		}
	}
}

func (s *Scanner) array(depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}
	s.at++
	if s.space(); s.take(']') {
		return nil
	}
	for {
		s.space()
		if err := s.any(depth); err != nil {
			return err
		}
		if s.space(); s.take(']') {
			return nil
		}
		if !s.take(',') {
			return ErrSyntax
		}
	}
}

func (s *Scanner) literal(word string) error {
	if !bytes.HasPrefix(s.data[s.at:], []byte(word)) {
		return ErrSyntax
	}
	s.at += len(word)
	return nil
}

// space skips the four characters RFC 8259 section 2 calls whitespace.
func (s *Scanner) space() {
	const spaces uint64 = 1<<' ' | 1<<'\t' | 1<<'\n' | 1<<'\r'
	for s.at < len(s.data) && spaces>>s.data[s.at]&1 == 1 {
		s.at++
	}
}

func (s *Scanner) take(c byte) bool {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}
