package strictjson

import (
	"bytes"
	"iter"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// plain are the characters that mean themselves in a JSON string.
var plain = func() (table [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// IsPlain reports whether the text between quotes is its own JSON string.
func IsPlain(text string) bool { return plainPrefix(text) == len(text) }

// plainPrefix returns how many bytes the text begins with that mean themselves.
func plainPrefix[T string | []byte](text T) int {
	for i := range len(text) {
		if !plain[text[i]] {
			return i
		}
	}
	return len(text)
}

// text reads a string, RFC 8259 section 7.
func (s *Scanner) text() error {
	if !s.take('"') {
		return ErrSyntax
	}
	for {
		s.at += plainPrefix(s.data[s.at:])
		if s.at == len(s.data) {
			return ErrSyntax
		}
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c < 0x20:
			return ErrSyntax
		default:
			r, size := utf8.DecodeRune(s.data[s.at:])
			if r == utf8.RuneError && size == 1 {
				return ErrText
			}
			s.at += size
		}
	}
}

// escape reads one escape, or the two that make a surrogate pair. Half a pair
// is not a character, and readers differ in how they read it.
func (s *Scanner) escape() error {
	r, size := unescapeRune(s.data[s.at:])
	switch {
	case size == 0:
		return ErrSyntax
	case r < 0:
		return ErrText
	}
	s.escapes++
	s.at += size
	return nil
}

// unescapeRune reads the escape at the start of data. The size is 0 without
// one, and the rune is negative for half of a surrogate pair.
func unescapeRune(data []byte) (r rune, size int) {
	if len(data) < 2 {
		return 0, 0
	}
	switch c := data[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	r, ok := codeUnit(data)
	if !ok || !utf16.IsSurrogate(r) {
		return r, sizeIf(ok, 6)
	}
	second, ok := codeUnit(data[6:])
	if pair := utf16.DecodeRune(r, second); ok && pair != utf8.RuneError {
		return pair, 12
	}
	return -1, 6
}

func sizeIf(ok bool, size int) int {
	if ok {
		return size
	}
	return 0
}

// codeUnit reads a \u escape.
func codeUnit(data []byte) (r rune, ok bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	for _, c := range data[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape resolves the escapes of a string that was read before.
func unescape(text []byte) []byte {
	var short [64]byte // what is longer than a name ever is moves to the heap
	out := short[:0]
	for {
		plain, rest, found := bytes.Cut(text, []byte{'\\'})
		out = append(out, plain...)
		if !found {
			return bytes.Clone(out)
		}
		r, size := unescapeRune(text[len(plain):])
		out = utf8.AppendRune(out, r)
		text = rest[size-1:]
	}
}

// number reads a number, RFC 8259 section 6.
func (s *Scanner) number() error {
	start := s.at
	s.take('-')
	if s.take('0') {
		// No digit may follow a leading zero; the caller finds it misplaced.
	} else if s.digits() == 0 {
		return ErrSyntax
	}
	whole := s.at - start
	if s.take('.') && s.digits() == 0 {
		return ErrSyntax
	}
	exponent, err := s.exponent()
	if err != nil || exponent < MaxExponent && whole < alwaysFinite {
		return err
	}
	if _, err := strconv.ParseFloat(string(s.data[start:s.at]), 64); err != nil {
		return ErrRange
	}
	return nil
}

// alwaysFinite is how many digits a number may have before its point, with an
// exponent of less than [MaxExponent] digits behind, and still fit a float64.
const alwaysFinite = 200

// exponent reads the exponent of a number, if there is one, and returns how
// many digits it has.
func (s *Scanner) exponent() (digits int, err error) {
	if !s.take('e') && !s.take('E') {
		return 0, nil
	}
	if !s.take('+') {
		s.take('-')
	}
	switch digits = s.digits(); {
	case digits == 0:
		return 0, ErrSyntax
	case digits > MaxExponent:
		return 0, ErrExponent
	}
	return digits, nil
}

func (s *Scanner) digits() int {
	start := s.at
	for s.at < len(s.data) && s.data[s.at]-'0' <= 9 {
		s.at++
	}
	return s.at - start
}

// A Value is a JSON value of a document that a [Scanner] has read, exactly as
// it was written, without space around it.
type Value []byte

// Text returns the string that the value is, with its escapes resolved.
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
