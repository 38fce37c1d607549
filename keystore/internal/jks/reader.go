package jks

import (
	"encoding/binary"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// reader reads what java.io.DataOutputStream writes. After the first fault
// it yields zeros, and err says what it was.
type reader struct {
	data []byte
	err  error
}

func (r *reader) fail(reason error, detail string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", reason, fmt.Sprintf(detail, args...))
		r.data = nil
	}
}

// take takes n bytes, which share the memory of the file.
func (r *reader) take(n uint32) []byte {
	if r.err == nil && uint64(n) > uint64(len(r.data)) {
		r.fail(format.ErrDamaged, "%d bytes expected where %d are left: the file is cut off or changed", n, len(r.data))
	}
	if r.err != nil {
		return nil
	}
	taken := r.data[:n:n]
	r.data = r.data[n:]
	return taken
}

func (r *reader) uint8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// count takes how many of something follow.
func (r *reader) count(limit uint32, of string) uint32 {
	n := r.uint32()
	if n > limit {
		r.fail(format.ErrLimit, "%d %s, %d are allowed", n, of, limit)
	}
	if r.err != nil {
		return 0
	}
	return n
}

// bytes takes a length and that many bytes.
func (r *reader) bytes() []byte { return r.take(r.uint32()) }

// utf takes a string in Java's modified UTF-8 (java.io.DataInput): NUL in two
// bytes, characters beyond the BMP as two surrogates of three bytes each.
func (r *reader) utf() string {
	data := r.take(uint32(r.uint16()))
	if isASCII(data) {
		return string(data)
	}
	text := make([]byte, 0, len(data))
	var high rune // the first of two surrogates
	for len(data) > 0 {
		size, unit := utfUnit(data)
		if size == 0 {
			r.fail(format.ErrDamaged, "a name is not in modified UTF-8")
			return ""
		}
		data = data[size:]
		if pair := utf16.DecodeRune(high, unit); pair != utf8.RuneError {
			text = utf8.AppendRune(text[:len(text)-len("\ufffd")], pair)
			high = 0
			continue
		}
		text = utf8.AppendRune(text, unit) // half a pair becomes U+FFFD
		high = unit
	}
	return string(text)
}

func isASCII(data []byte) bool {
	for _, b := range data {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// utfUnit returns the UTF-16 unit that data begins with, and its size in bytes,
// or 0 without one.
func utfUnit(data []byte) (size int, unit rune) {
	switch {
	case data[0]>>5 == 0b110 && len(data) >= 2:
		return 2, rune(data[0]&0x1f)<<6 | rune(data[1]&0x3f)
	case data[0]>>4 == 0b1110 && len(data) >= 3:
		return 3, rune(data[0]&0x0f)<<12 | rune(data[1]&0x3f)<<6 | rune(data[2]&0x3f)
	case data[0] < utf8.RuneSelf:
		return 1, rune(data[0])
	}
	return 0, 0
}
