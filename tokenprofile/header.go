package tokenprofile

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// Header is what a profile's tokens say in their JOSE header (RFC 7515 section 4.1).
type Header struct {
	// Type is typ. Empty: "JWT" is written, and a token with that or without a typ
	// accepted. Any other is demanded, in any case and with or without
	// "application/": it keeps tokens of different kinds apart (RFC 8725 section
	// 3.11).
	Type string `json:"typ,omitempty"`

	// ContentType is cty, written and demanded. Empty: none is accepted.
	ContentType string `json:"cty,omitempty"`

	// KeyID is a fixed kid of at most 256 bytes, written and demanded. Empty:
	// the key's own.
	KeyID string `json:"kid,omitempty"`

	// NoKeyID writes no kid.
	NoKeyID bool `json:"noKeyID,omitempty"`

	// JKU is jku, a URL of the key set, written for receivers that want it. A
	// verifier ignores it. Empty: none.
	JKU string `json:"jku,omitempty"`

	// X5T, X5TS256 and X5C write the SHA-1 and SHA-256 thumbprints of the key's
	// certificate, and the certificate with its chain. A verifier takes no key
	// from them; where the kid decides nothing, a thumbprint chooses among the
	// keys of its own source.
	X5T     bool `json:"x5t,omitempty"`
	X5TS256 bool `json:"x5t#S256,omitempty"`
	X5C     bool `json:"x5c,omitempty"`

	// Extra are further parameters with constant values. They may not name a
	// registered one. A verifier looks only at those in Critical and Demanded.
	Extra map[string]any `json:"extra,omitempty"`

	// Critical names those of Extra that a receiver must understand: they are
	// written in crit, and a verifier demands exactly these, with their values.
	Critical []string `json:"crit,omitempty"`

	// Demanded names those of Extra that a verifier demands, with their values,
	// from a sender that does not write crit.
	Demanded []string `json:"demanded,omitempty"`

	// Func yields further parameters for each token, such as a nonce or the
	// time: never a registered one, nor one of Extra. Those that Critical names
	// may come from it; a verifier demands that they are there, whatever their
	// value. Nil: none.
	Func func(ctx context.Context) (map[string]any, error) `json:"-"`
}

func (h Header) typ() string { return cmp.Or(h.Type, defaultType) }

func (h Header) hasCertificates() bool { return h.X5T || h.X5TS256 || h.X5C }

// A header is the JOSE header of a token, read but not judged. Signed tokens,
// encrypted ones and DPoP proofs are all read by this one reader.
type header struct {
	algorithm, typ, contentType []byte
	keyID                       string
	hasKeyID                    bool
	x5t, x5tS256                string           // empty: none, or no thumbprint
	critical                    strictjson.Value // nil: the token has none
	document                    []byte
}

// read reads a header, strictly. Two parameters are refused whatever their
// value, because they change what the other segments mean. All others that are
// unknown are ignored (RFC 7515 section 4), jku, x5u, jwk and x5c among them:
// they are never followed, and never a source of keys.
func (h *header) read(s *strictjson.Scanner, document []byte) error {
	*h = header{document: document}
	s.Reset(document)
	for s.Next() {
		if err := h.readMember(s.Name(), s.Value()); err != nil {
			return err
		}
	}
	return s.Err()
}

func (h *header) readMember(name []byte, value strictjson.Value) (err error) {
	switch string(name) {
	case "alg":
		h.algorithm, err = headerText(value, ErrAlgorithm, "alg")
	case "typ":
		h.typ, err = headerText(value, ErrType, "typ")
	case "cty":
		h.contentType, err = headerText(value, ErrType, "cty")
	case "kid":
		var keyID []byte
		if keyID, err = headerText(value, ErrUnknownKey, "kid"); len(keyID) > maxKeyID {
			return refuse(ErrUnknownKey, "kid has more than 256 bytes")
		}
		h.keyID, h.hasKeyID = string(keyID), true
	case "x5t":
		h.x5t = thumbprintOf(value)
	case "x5t#S256":
		h.x5tS256 = thumbprintOf(value)
	case "crit":
		h.critical = value
	case "b64", "zip":
		return refuse(ErrMalformed, "header parameter "+string(name)+" is not accepted")
	default:
		if twin := twinOf(name, headerTwins); twin != "" {
			return refuse(ErrMalformed, "a header parameter differs from "+twin+" only in case")
		}
	}
	return err
}

// thumbprintOf returns the value, if it can be a thumbprint.
func thumbprintOf(value strictjson.Value) string {
	text, _ := value.Text()
	if len(text) > base64.RawURLEncoding.EncodedLen(sha256.Size) {
		return ""
	}
	return string(text)
}

// find returns the value of a parameter that read does not keep, or nil. Few
// headers are asked for one.
func (h *header) find(name string) strictjson.Value {
	var s strictjson.Scanner
	s.Reset(h.document)
	for s.Next() {
		if string(s.Name()) == name {
			return s.Value()
		}
	}
	return nil
}

// text returns a parameter that is a string, or "".
func (h *header) text(name string) string { return textOf(h.find(name)) }

// lists reports whether crit names the parameter.
func (h *header) lists(parameter string) bool {
	for name := range h.critical.Elements() {
		if textOf(name) == parameter {
			return true
		}
	}
	return false
}

func textOf(value strictjson.Value) string {
	text, _ := value.Text()
	return string(text)
}

func headerText(value strictjson.Value, reason error, name string) ([]byte, error) {
	text, ok := value.Text()
	switch {
	case !ok:
		return nil, refuse(reason, name+" is not a string")
	case len(text) == 0:
		return nil, refuse(reason, name+" is empty")
	}
	return text, nil
}

// An expectedHeader is what the header of a profile's tokens must be.
type expectedHeader struct {
	algorithm   string
	typ         string
	contentType string // empty: none
	keyID       string // empty: any
	critical    []constant
	demanded    []constant
}

func newExpectedHeader(p *Profile) (want expectedHeader, err error) {
	h := &p.Header
	want = expectedHeader{algorithm: string(p.Algorithm), typ: h.typ(), contentType: h.ContentType, keyID: h.KeyID}
	if want.critical, err = newConstants(h.extra(h.Critical)); err != nil {
		return want, err
	}
	want.demanded, err = newConstants(h.extra(h.Demanded))
	return want, err
}

// extra returns the parameters of Extra with these names. One that comes from
// Func has no fixed value: any is accepted.
func (h *Header) extra(names []string) map[string]any {
	values := map[string]any{}
	for _, name := range names {
		values[name] = anyValue
		if value, ok := h.Extra[name]; ok {
			values[name] = value
		}
	}
	return values
}

// judge applies RFC 7515 section 5.2 and RFC 8725 sections 3.1 and 3.11.
func (want *expectedHeader) judge(h *header) error {
	switch {
	case h.algorithm == nil:
		return refuse(ErrAlgorithm, "alg is missing")
	case string(h.algorithm) != want.algorithm:
		return refuse(ErrAlgorithm, "alg is not the profile's "+want.algorithm)
	case want.keyID != "" && h.keyID != want.keyID:
		return refuse(ErrUnknownKey, fmt.Sprintf("kid is not the profile's %q", want.keyID))
	}
	if err := want.judgeType(h); err != nil {
		return err
	}
	for i := range want.demanded {
		if c := &want.demanded[i]; !c.equal(h.find(c.name)) {
			return refuse(ErrHeader, c.name+" is not the profile's "+c.shown())
		}
	}
	return want.judgeCritical(h)
}

func (want *expectedHeader) judgeType(h *header) error {
	switch {
	case !want.acceptsType(h.typ):
		return refuse(ErrType, "typ is not the profile's "+want.typ)
	case want.contentType == "" && h.contentType != nil:
		return refuse(ErrType, "cty is there, and the profile has none")
	case want.contentType != "" && !sameType(h.contentType, want.contentType):
		return refuse(ErrType, "cty is not the profile's "+want.contentType)
	}
	return nil
}

func (want *expectedHeader) acceptsType(typ []byte) bool {
	if typ == nil {
		return strings.EqualFold(want.typ, defaultType)
	}
	return string(typ) == want.typ || sameType(typ, want.typ)
}

// judgeCritical demands exactly the critical parameters the profile declares
// (RFC 7515 section 4.1.11).
func (want *expectedHeader) judgeCritical(h *header) error {
	if h.critical == nil && len(want.critical) == 0 {
		return nil
	}
	listed := 0
	for range h.critical.Elements() {
		listed++
	}
	if listed == 0 || listed != len(want.critical) {
		return refuse(ErrCritical, want.criticalNames())
	}
	for i := range want.critical {
		if c := &want.critical[i]; !h.lists(c.name) || !c.equal(h.find(c.name)) {
			return refuse(ErrCritical, c.name+" is not there, or not with the profile's value")
		}
	}
	return nil
}

func (want *expectedHeader) criticalNames() string {
	var names []string
	for _, c := range want.critical {
		names = append(names, c.name)
	}
	return "the profile declares " + cmp.Or(strings.Join(names, ", "), "none")
}

// sameType compares media types as RFC 7515 section 4.1.9 says: in any case,
// and "application/" may be left out.
func sameType(got []byte, want string) bool {
	return strings.EqualFold(bareType(string(got)), bareType(want))
}

func bareType(typ string) string {
	const prefix = "application/"
	if len(typ) >= len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) && !strings.Contains(typ[len(prefix):], "/") {
		return typ[len(prefix):]
	}
	return typ
}

// headerTwins are header parameters that may not be written in another case, as
// claimTwins are claims.
var headerTwins = names(headerNames...)

const defaultType = "JWT" // where a profile names none
