package tokenprofile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// A received is a signed token taken apart by the gate, which every token
// passes before a key is looked up. Its slices lie in buffers that are used
// again: nothing of it may be used after release.
type received struct {
	input     []byte // what the signature is over: the first two segments
	signature []byte
	header    header
	claims    claims
	payload   []byte // the JSON that claims were read from
	rawHeader []byte // and the header

	text        []byte // the token
	first, last int    // where its dots are
	segment     []byte // of which header was read; empty: of none
	decoded     []byte // the other two segments, decoded
	padded      bool   // with "="
	hasHeader   bool   // the header has been read
	hasClaims   bool
	scanner     strictjson.Scanner
}

var receiveds = sync.Pool{New: func() any { return new(received) }}

// maxKept is the size of the buffers that go back to the pool, so that a rare
// long token does not hold memory for ever.
const maxKept = defaultMaxSize

func (r *received) release() {
	if cap(r.text) <= maxKept {
		receiveds.Put(r)
	}
}

// receive takes a token of at most maxSize bytes, with so many dots, into a
// buffer. The caller releases it.
func receive(token string, maxSize, dots int) (*received, error) {
	if len(token) > maxSize {
		return nil, tooLong(maxSize)
	}
	if strings.Count(token, ".") != dots {
		return nil, errSegments[dots]
	}
	r := receiveds.Get().(*received)
	r.text = append(r.text[:0], token...)
	r.hasHeader, r.hasClaims = false, false
	return r, nil
}

func tooLong(maxSize int) error {
	return refuse(ErrMalformed, fmt.Sprintf("longer than maxSize, %d bytes", maxSize))
}

// signedDots are between the three segments of the compact serialization (RFC
// 7515 section 7.1).
const signedDots = 2

var errSegments = map[int]error{
	signedDots:    refuse(ErrMalformed, "not three segments"),
	encryptedDots: refuse(ErrMalformed, "not five segments"),
}

// readHeader reads the first segment, once. Most of what is not meant for the
// profile shows there, so that the rest is not even decoded. A sender writes the
// same header again and again: what was read for the token before is kept.
func (r *received) readHeader() (err error) {
	if r.hasHeader {
		return nil
	}
	r.first = bytes.IndexByte(r.text, '.')
	r.last = r.first + 1 + bytes.IndexByte(r.text[r.first+1:], '.') // LastIndexByte goes byte by byte
	r.input = r.text[:r.last]
	r.padded = bytes.IndexByte(r.text, '=') >= 0
	segment := r.text[:r.first]
	known := len(r.segment) > 0 && bytes.Equal(segment, r.segment)
	if !known || r.padded { // in a token with padding, this segment may need some
		r.segment = r.segment[:0]
		if r.rawHeader, err = appendDecoded(r.rawHeader[:0], segment, r.alphabet()); err != nil {
			return err
		}
		if err := r.header.read(&r.scanner, r.rawHeader); err != nil {
			return malformed("header", err)
		}
		r.segment = append(r.segment, segment...)
	}
	r.hasHeader = true
	return nil
}

// readClaims reads all three, once.
func (r *received) readClaims() error {
	if r.hasClaims {
		return nil
	}
	if err := r.readHeader(); err != nil {
		return err
	}
	if err := r.decodeRest(); err != nil {
		return err
	}
	r.hasClaims = true
	return r.readPayload()
}

func (r *received) decodeRest() (err error) {
	r.decoded = slices.Grow(r.decoded[:0], padded.DecodedLen(len(r.text)-r.first))
	if r.payload, err = r.decode(r.text[r.first+1 : r.last]); err != nil {
		return err
	}
	r.signature, err = r.decode(r.text[r.last+1:])
	return err
}

func (r *received) readPayload() error {
	return malformed("claims", r.claims.read(&r.scanner, r.payload))
}

// canonical base64url has no padding, and zeros in the bits that are left
// over, so that a token has one text. With [Waive.Padding] it has all of its
// padding, and one text again.
var (
	canonical = base64.RawURLEncoding.Strict()
	padded    = base64.URLEncoding.Strict()
)

var errNotCanonical = refuse(ErrMalformed, "not canonical base64url")

func (r *received) alphabet() *base64.Encoding {
	if r.padded {
		return padded
	}
	return canonical
}

func (r *received) decode(segment []byte) (decoded []byte, err error) {
	start := len(r.decoded)
	if r.decoded, err = appendDecoded(r.decoded, segment, r.alphabet()); err != nil {
		return nil, err
	}
	return slices.Clip(r.decoded[start:]), nil
}

// appendDecoded appends the bytes that the segment stands for, if it is the one
// text they have.
func appendDecoded(dst, segment []byte, alphabet *base64.Encoding) ([]byte, error) {
	if bytes.IndexByte(segment, '\n') >= 0 || bytes.IndexByte(segment, '\r') >= 0 {
		return dst, refuse(ErrMalformed, "has a line break") // which the decoder would skip
	}
	decoded, err := alphabet.AppendDecode(dst, segment)
	switch {
	case err == nil:
		return decoded, nil
	case bytes.ContainsAny(segment, " \""): // "Bearer " before it, or the quotes of JSON around it
		return dst, refuse(ErrMalformed, "has a space or a quotation mark, and only the token belongs here")
	}
	return dst, errNotCanonical
}

// malformed turns an error of the scanner into a refusal. A refusal is returned
// as it is.
func malformed(part string, err error) error {
	if err == nil || errors.Is(err, ErrInvalid) {
		return err
	}
	if twice := new(strictjson.DuplicateError); errors.As(err, &twice) {
		return refuse(ErrMalformed, part+": a name occurs twice") // the token chooses the name: it is not for a log
	}
	return refuse(ErrMalformed, part+": "+err.Error())
}

// Peek shows what an unverified token says, which anybody can have written. Use
// it to find out why a token was refused, never for a decision. The claims of
// an encrypted token are nil. The result holds claims: it does not belong in a
// log.
//
// Header and claims are JSON objects; nothing else of them is judged. The error
// is [ErrMalformed] for any other text.
func Peek(token string) (header, claims json.RawMessage, err error) {
	if len(token) > maxMaxSize {
		return nil, nil, tooLong(maxMaxSize)
	}
	segments := strings.Split(token, ".")
	dots := len(segments) - 1
	if dots != signedDots && dots != encryptedDots {
		return nil, nil, errSegments[signedDots]
	}
	if header, err = peekAt("header", segments[0]); err != nil || dots == encryptedDots {
		return header, nil, err
	}
	if claims, err = peekAt("claims", segments[1]); err != nil {
		return nil, nil, err
	}
	return header, claims, nil
}

func peekAt(part, segment string) (json.RawMessage, error) {
	document, err := appendDecoded(nil, []byte(strings.TrimRight(segment, "=")), canonical)
	if err != nil {
		return nil, err
	}
	var s strictjson.Scanner
	for s.Reset(document); s.Next(); {
	}
	if err := s.Err(); err != nil {
		return nil, malformed(part, err)
	}
	return document, nil
}
