package tokenprofile

import (
	"encoding/base64"
	"errors"
	"strings"
	"sync"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// A received is a signed token taken apart by the gate, which every token
// passes before a key is looked at. Its slices lie in buffers that are used
// again: nothing of it may outlive release.
type received struct {
	input     []byte // what the signature is over: the first two segments
	signature []byte
	header    header
	claims    claims
	payload   []byte // the JSON that claims were read from
	rawHeader []byte // and the header

	text    []byte // the token
	decoded []byte // its three segments, decoded
	scanner strictjson.Scanner
}

var receiveds = sync.Pool{New: func() any { return new(received) }}

// maxKept is the size of the buffers that go back to the pool: a rare long
// token shall not hold memory for ever.
const maxKept = defaultMaxSize

func (r *received) release() {
	if cap(r.text) <= maxKept {
		receiveds.Put(r)
	}
}

// receive takes a token in compact serialization (RFC 7515 section 7.1) apart:
// two dots, canonical base64url, strict JSON. The caller releases the result.
func receive(token string, maxSize int) (*received, error) {
	if len(token) > maxSize {
		return nil, refuse(ErrMalformed, "longer than the profile's maxSize")
	}
	r := receiveds.Get().(*received)
	if err := r.read(token); err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

func (r *received) read(token string) error {
	if err := r.split(token); err != nil {
		return err
	}
	return r.readJSON()
}

func (r *received) readJSON() error {
	if err := r.header.read(&r.scanner, r.rawHeader); err != nil {
		return malformed("header", err)
	}
	return malformed("claims", r.claims.read(&r.scanner, r.payload))
}

// split finds the segments and decodes them.
func (r *received) split(token string) error {
	first := strings.IndexByte(token, '.')
	last := strings.LastIndexByte(token, '.')
	if first < 0 || first == last || strings.IndexByte(token[first+1:], '.') != last-first-1 {
		return refuse(ErrMalformed, "not three segments")
	}
	r.text = append(r.text[:0], token...)
	r.input = r.text[:last]
	r.decoded = r.decoded[:0]
	var err error
	r.rawHeader, err = r.decode(r.text[:first])
	if err == nil {
		r.payload, err = r.decode(r.text[first+1 : last])
	}
	if err == nil {
		r.signature, err = r.decode(r.text[last+1:])
	}
	return err
}

// canonical base64url has no padding, and zeros in the bits that are left
// over, so that a token has one text.
var canonical = base64.RawURLEncoding.Strict()

func (r *received) decode(segment []byte) ([]byte, error) {
	start := len(r.decoded)
	decoded, err := canonical.AppendDecode(r.decoded, segment)
	r.decoded = decoded
	// The decoder skips line ends: then the length is not the segment's.
	if err != nil || len(decoded)-start != canonical.DecodedLen(len(segment)) {
		return nil, refuse(ErrMalformed, "not canonical base64url")
	}
	return decoded[start:len(decoded):len(decoded)], nil
}

// malformed makes the token's fault of what the scanner found. Reasons pass.
func malformed(part string, err error) error {
	if err == nil || errors.Is(err, ErrInvalid) {
		return err
	}
	if twice := new(strictjson.DuplicateError); errors.As(err, &twice) {
		return refuse(ErrMalformed, part+": a name occurs twice") // which one is the token's to choose: not for a log
	}
	return refuse(ErrMalformed, part+": "+err.Error())
}
