// Package ber reads the ASN.1 encodings keystores come in. Older tools write
// BER with indefinite lengths and strings cut in pieces (ITU-T X.690 8.1.3.6,
// 8.7.3); encoding/asn1 reads DER alone, so [ToDER] comes first.
package ber

import (
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

const (
	// maxDepth is how deep values may nest. Real stores stay below 16.
	maxDepth = 32
	// maxValues is how many there may be. A store of 10,000 keys has 300,000.
	maxValues = 1_000_000
)

const (
	classMask   = 0xc0
	constructed = 0x20
	numberMask  = 0x1f
)

// ToDER rewrites the BER value that data begins with: definite minimal
// lengths, and one piece for every string. What follows the value is rest.
// It does not sort sets and leaves the content of primitive values alone, so
// what was signed stays as it was. A value in DER is returned as it stands,
// in the memory of data.
func ToDER(data []byte) (der, rest []byte, err error) {
	s := survey{reader: reader{data}, der: true}
	size, err := s.value(false, 0)
	if err != nil {
		return nil, nil, err
	}
	value, rest := data[:len(data)-len(s.data)], s.data
	if s.der {
		return value, rest, nil
	}
	w := writer{reader{value}, s.sizes, make([]byte, 0, size)}
	w.value(false)
	return w.out, rest, nil
}

// survey goes through a value once, before memory is taken for it: it checks
// everything that can be wrong and measures what the value is in DER.
type survey struct {
	reader
	values int
	sizes  []uint32 // of the bodies of constructed values in DER, in the order these begin
	der    bool     // everything so far is DER
}

// value goes through the next value and returns its size in DER, or bare:
// without its header.
func (s *survey) value(bare bool, depth int) (size int, err error) {
	if depth > maxDepth {
		return 0, fmt.Errorf("%w: ASN.1 nested deeper than %d", format.ErrLimit, maxDepth)
	}
	if s.values++; s.values > maxValues {
		return 0, fmt.Errorf("%w: more than %d ASN.1 values", format.ErrLimit, maxValues)
	}
	before := len(s.data)
	tag, err := s.tag()
	if err != nil {
		return 0, err
	}
	body, indefinite, err := s.length()
	if err != nil {
		return 0, err
	}
	header := before - len(s.data)
	switch {
	case tag[0]&constructed != 0:
		at, inPieces := len(s.sizes), isString(tag)
		s.sizes = append(s.sizes, 0)
		s.der = s.der && !indefinite && !inPieces
		if body, err = s.content(body, indefinite, inPieces, depth+1); err != nil {
			return 0, err
		}
		s.sizes[at] = uint32(body)
	case indefinite:
		return 0, damaged("a primitive value has no length")
	default:
		s.take(body)
	}
	if s.der && header != headerSize(tag, body) {
		s.der = false
	}
	if !bare {
		body += headerSize(tag, body)
	}
	return body, nil
}

// content goes through the values of a constructed value, up to the
// end-of-contents octets where it has no length. The pieces of a string are
// measured bare, for they are joined.
func (s *survey) content(length int, indefinite, inPieces bool, depth int) (size int, err error) {
	var behind []byte
	if !indefinite {
		s.data, behind = s.data[:length], s.data[length:]
	}
	for !s.ends(indefinite) {
		if len(s.data) == 0 {
			return 0, damaged("the end of a value is missing")
		}
		n, err := s.value(inPieces, depth)
		if err != nil {
			return 0, err
		}
		size += n
	}
	if !indefinite {
		s.data = behind
	}
	return size, nil
}

// writer writes the DER of a value that a survey went through.
type writer struct {
	reader
	sizes []uint32
	out   []byte
}

func (w *writer) value(bare bool) {
	tag, _ := w.tag()
	body, indefinite, _ := w.length()
	isConstructed := tag[0]&constructed != 0
	length, inPieces := body, isConstructed && isString(tag)
	if isConstructed {
		body, w.sizes = int(w.sizes[0]), w.sizes[1:]
	}
	if inPieces {
		tag = []byte{tag[0] &^ constructed}
	}
	if !bare {
		w.out = appendHeader(w.out, tag, body)
	}
	if isConstructed {
		w.content(length, indefinite, inPieces)
	} else {
		w.out = append(w.out, w.take(body)...)
	}
}

func (w *writer) content(length int, indefinite, inPieces bool) {
	var behind []byte
	if !indefinite {
		w.data, behind = w.data[:length], w.data[length:]
	}
	for !w.ends(indefinite) {
		w.value(inPieces)
	}
	if !indefinite {
		w.data = behind
	}
}

func headerSize(tag []byte, length int) int {
	return len(tag) + 1 + lengthOctets(length)
}

// lengthOctets counts the octets of a length after the first one.
func lengthOctets(length int) int {
	n := 0
	for ; length >= 0x80 && length>>(8*n) != 0; n++ {
	}
	return n
}

func appendHeader(out, tag []byte, length int) []byte {
	out = append(out, tag...)
	n := lengthOctets(length)
	if n == 0 {
		return append(out, byte(length))
	}
	out = append(out, 0x80|byte(n))
	for i := n - 1; i >= 0; i-- {
		out = append(out, byte(length>>(8*i)))
	}
	return out
}

// isString reports whether a constructed value of this tag is a string in
// pieces: BIT STRING is left out, its pieces do not simply join.
func isString(tag []byte) bool {
	if tag[0]&classMask != 0 {
		return false
	}
	switch tag[0] & numberMask {
	case 4, 12, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30:
		return true
	}
	return false
}

func damaged(detail string, args ...any) error {
	return fmt.Errorf("%w: %s", format.ErrDamaged, fmt.Sprintf(detail, args...))
}

// reader takes the headers of BER values apart.
type reader struct{ data []byte }

// tag takes the identifier octets (X.690 8.1.2).
func (r *reader) tag() ([]byte, error) {
	if len(r.data) == 0 {
		return nil, damaged("the file ends where a value should begin")
	}
	n := 1
	if r.data[0]&numberMask == numberMask {
		for n < len(r.data) && r.data[n]&0x80 != 0 {
			n++
		}
		n++
	}
	if n > 5 || n > len(r.data) {
		return nil, damaged("a tag is too long")
	}
	return r.take(n), nil
}

// length takes the length octets (X.690 8.1.3) and holds the length against
// what is left.
func (r *reader) length() (n int, indefinite bool, err error) {
	if len(r.data) == 0 {
		return 0, false, damaged("the file ends where a length should be")
	}
	first := r.take(1)[0]
	switch {
	case first == 0x80:
		return 0, true, nil
	case first&0x80 == 0:
		n = int(first)
	default:
		count := int(first & 0x7f)
		if count > len(r.data) {
			return 0, false, damaged("the file ends within a length")
		}
		var long uint64
		for _, b := range r.take(count) {
			if long = long<<8 | uint64(b); long > uint64(len(r.data)) {
				return 0, false, damaged("a value of %d bytes or more where %d are left: it is cut off or changed", long, len(r.data))
			}
		}
		n = int(long)
	}
	if n > len(r.data) {
		return 0, false, damaged("a value of %d bytes where %d are left: it is cut off or changed", n, len(r.data))
	}
	return n, false, nil
}

// ends reports whether the content of a value is read: all of it, or where it
// has no length up to the octets that end it, which are taken.
func (r *reader) ends(indefinite bool) bool {
	if !indefinite {
		return len(r.data) == 0
	}
	marked := len(r.data) >= 2 && r.data[0] == 0 && r.data[1] == 0
	if marked {
		r.data = r.data[2:]
	}
	return marked
}

func (r *reader) take(n int) []byte {
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}
