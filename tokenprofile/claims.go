package tokenprofile

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// claims are the claims of a token, read but not judged. All slices lie in the
// payload, or beside it.
type claims struct {
	issuer, subject, id         []byte
	audience                    [][]byte
	expiry, issuedAt, notBefore time.Time // zero: the token has none
	members                     []member  // all of them
	payload                     []byte
}

// A member is small, because there may be many, and most are never looked up.
type member struct {
	name       []byte
	start, end int32 // of the value, in the payload
}

// read reads a payload, strictly: the names as [strictjson] has them, the
// registered ones with values of the type RFC 7519 section 4.1 gives them.
func (c *claims) read(s *strictjson.Scanner, payload []byte) error {
	*c = claims{payload: payload, audience: c.audience[:0], members: c.members[:0]}
	s.Reset(payload)
	for s.Next() {
		c.keep(s)
		if err := c.readMember(s.Name(), s.Value()); err != nil {
			return err
		}
	}
	return s.Err()
}

// keep adds a member. It grows the list once, so that many claims take no more
// memory than they need.
func (c *claims) keep(s *strictjson.Scanner) {
	const usual = 32
	if len(c.members) == cap(c.members) && len(c.members) >= usual {
		c.members = slices.Grow(c.members, strictjson.MaxMembers-len(c.members))
	}
	start, end := s.Span()
	c.members = append(c.members, member{s.Name(), int32(start), int32(end)})
}

func (c *claims) readMember(name []byte, value strictjson.Value) (err error) {
	switch string(name) {
	case "iss":
		c.issuer, err = readText(value, ErrIssuer, "iss")
	case "sub":
		if string(value) == `""` { // some senders write it for nobody
			c.subject = []byte{}
			break
		}
		c.subject, err = readText(value, ErrSubject, "sub")
	case "jti":
		c.id, err = readText(value, ErrClaim, "jti")
	case "aud":
		c.audience, err = readAudience(c.audience, value, "aud")
	case "exp":
		c.expiry, err = readDate(value, "exp")
	case "iat":
		c.issuedAt, err = readDate(value, "iat")
	case "nbf":
		c.notBefore, err = readDate(value, "nbf")
	default:
		if twin := twinOf(name, claimTwins); twin != "" {
			return caseOnly(twin)
		}
	}
	return err
}

// readText returns a string: not empty, without control characters.
func readText(value strictjson.Value, reason error, name string) ([]byte, error) {
	text, ok := value.Text()
	switch {
	case !ok:
		return nil, refuse(reason, name+" is not a string")
	case len(text) == 0:
		return nil, refuse(reason, name+" is empty")
	case hasControl(text):
		return nil, refuse(reason, name+" has a control character")
	}
	return text, nil
}

// maxAudience is how many elements aud has at most.
const maxAudience = 256

// readAudience appends to dst the string, or the strings of the array (RFC 7519
// section 4.1.3), that the claim of the name is.
func readAudience(dst [][]byte, value strictjson.Value, name string) ([][]byte, error) {
	if !value.IsArray() {
		audience, err := readText(value, ErrAudience, name)
		return append(dst, audience), err
	}
	for element := range value.Elements() {
		if len(dst) == maxAudience {
			return dst, refuse(ErrAudience, fmt.Sprintf("%s has more than %d elements", name, maxAudience))
		}
		audience, err := readText(element, ErrAudience, name)
		if err != nil {
			return dst, err
		}
		dst = append(dst, audience)
	}
	if len(dst) == 0 {
		return dst, refuse(ErrAudience, name+" is empty")
	}
	return dst, nil
}

// recipients returns whom the token is for, as the named claim says: aud, or
// the claim in its place, which has the same form.
func (c *claims) recipients(name string) ([][]byte, error) {
	if name == "aud" {
		return c.audience, nil
	}
	value, err := c.find(name)
	if err != nil || value == nil {
		return nil, err
	}
	return readAudience(nil, value, name)
}

// readDate reads a date. 0 is 1970: a token may be valid since then, or
// expired.
func readDate(value strictjson.Value, name string) (time.Time, error) {
	date, err := parseNumericDate(value)
	switch {
	case err != nil:
		return time.Time{}, refuse(ErrClaim, name+" "+err.Error())
	case name == "exp" && date.Unix() == 0:
		return time.Time{}, refuse(ErrExpired, "exp is 0")
	}
	return date, nil
}

// find returns the value of a claim. A claim whose name differs only in case is
// an error, because a reader that ignores case would take that one.
func (c *claims) find(name string) (strictjson.Value, error) {
	var found strictjson.Value
	for _, m := range c.members {
		switch {
		case string(m.name) == name:
			found = strictjson.Value(c.payload[m.start:m.end])
		case bytes.EqualFold(m.name, []byte(name)):
			return nil, caseOnly(name)
		}
	}
	return found, nil
}

func caseOnly(name string) error {
	return refuse(ErrMalformed, "a claim differs from "+name+" only in case")
}

// claimTwins are the names with a meaning here, which nobody writes in another
// case except to deceive. Other claims are compared when one is looked up: see
// find.
var claimTwins = names("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "act")

func names(texts ...string) [][]byte {
	names := make([][]byte, len(texts))
	for i, text := range texts {
		names[i] = []byte(text)
	}
	return names
}

// twinOf returns the one of the names that name differs from only in case, as
// Unicode folds it: "ſub" is a twin of "sub" to encoding/json, too.
func twinOf(name []byte, names [][]byte) string {
	if !mayFold(name) {
		return ""
	}
	for _, other := range names {
		if bytes.EqualFold(name, other) && !bytes.Equal(name, other) {
			return string(other)
		}
	}
	return ""
}

// mayFold reports whether a name has to be compared: one in plain lower case
// does not. (x5t#S256 in lower case slips through, and nobody uses it.)
func mayFold(name []byte) bool {
	for _, c := range name {
		if 'A' <= c && c <= 'Z' || c >= 0x80 {
			return true
		}
	}
	return false
}
