// Package ber reads the ASN.1 encodings keystores come in. Older tools write
// BER with indefinite lengths and strings cut in pieces (ITU-T X.690 8.1.3.6,
// 8.7.3); encoding/asn1 reads DER alone, so [ToDER] comes first.
package ber

import (
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// maxDepth is how deep values may nest. Real stores stay below 16.
const maxDepth = 32

const (
	classMask   = 0xc0
	constructed = 0x20
	numberMask  = 0x1f
)

// ToDER rewrites the BER value that data begins with: definite minimal
// lengths, and one piece for every string. What follows the value is rest.
// It does not sort sets and leaves the content of primitive values alone, so
// what was signed stays as it was.
func ToDER(data []byte) (der, rest []byte, err error) {
	r := reader{data: data}
	der, err = r.value(make([]byte, 0, len(data)), false, 0)
	if err != nil {
		return nil, nil, err
	}
	return der, r.data, nil
}

type reader struct{ data []byte }

// value appends the next value to out as DER, or bare: without its header.
func (r *reader) value(out []byte, bare bool, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: ASN.1 nested deeper than %d", format.ErrLimit, maxDepth)
	}
	tag, err := r.tag()
	if err != nil {
		return nil, err
	}
	length, indefinite, err := r.length()
	if err != nil {
		return nil, err
	}
	var body []byte
	switch {
	case tag[0]&constructed != 0:
		inPieces := isString(tag)
		if inPieces {
			tag = []byte{tag[0] &^ constructed}
		}
		body, err = r.constructed(length, indefinite, inPieces, depth)
	case indefinite:
		err = damaged("a primitive value has no length")
	default:
		body = r.take(length)
	}
	if err != nil {
		return nil, err
	}
	if !bare {
		out = header(out, tag, len(body))
	}
	return append(out, body...), nil
}

// constructed reads the content of a constructed value.
func (r *reader) constructed(length int, indefinite, inPieces bool, depth int) ([]byte, error) {
	if !indefinite {
		content := &reader{data: r.take(length)}
		return content.values(false, inPieces, depth)
	}
	return r.values(true, inPieces, depth)
}

// values reads values up to the end-of-contents octets if there are to be
// some, else to the end. The pieces of a string are joined bare.
func (r *reader) values(marked, inPieces bool, depth int) (body []byte, err error) {
	for {
		if marked && len(r.data) >= 2 && r.data[0] == 0 && r.data[1] == 0 {
			r.data = r.data[2:]
			return body, nil
		}
		if len(r.data) == 0 {
			if marked {
				return nil, damaged("the end of a value is missing")
			}
			return body, nil
		}
		if body, err = r.value(body, inPieces, depth+1); err != nil {
			return nil, err
		}
	}
}

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
	case first < 0x80:
		n = int(first)
	default:
		count := int(first & 0x7f)
		if count > len(r.data) {
			return 0, false, damaged("the file ends within a length")
		}
		var long uint64
		for _, b := range r.take(count) {
			if long = long<<8 | uint64(b); long > uint64(len(r.data)) {
				return 0, false, damaged("a value of %d bytes or more where %d are left", long, len(r.data))
			}
		}
		n = int(long)
	}
	if n > len(r.data) {
		return 0, false, damaged("a value of %d bytes where %d are left", n, len(r.data))
	}
	return n, false, nil
}

func (r *reader) take(n int) []byte {
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}

func header(out, tag []byte, length int) []byte {
	out = append(out, tag...)
	if length < 0x80 {
		return append(out, byte(length))
	}
	size := 1
	for length>>(8*size) != 0 {
		size++
	}
	out = append(out, 0x80|byte(size))
	for i := size - 1; i >= 0; i-- {
		out = append(out, byte(length>>(8*i)))
	}
	return out
}

// isString reports whether a constructed value of this tag is a string in
// pieces: BIT STRING is left out, its pieces do not simply join.
func isString(tag []byte) bool {
	if tag[0]&classMask != 0 || len(tag) != 1 {
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
