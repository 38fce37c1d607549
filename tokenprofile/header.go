package tokenprofile

import (
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// A header is the JOSE header of a token, read but not judged.
type header struct {
	algorithm, typ, contentType []byte
	keyID                       []byte
	hasKeyID                    bool
	critical                    strictjson.Value // nil: there is none
	document                    []byte
}

// read reads a header, strictly. What could make the token say which key or
// which rules it is judged by is refused here, whatever its value.
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
		h.hasKeyID = true
		h.keyID, err = headerText(value, ErrUnknownKey, "kid")
		if len(h.keyID) > maxKeyID {
			err = refuse(ErrUnknownKey, "kid has more than 256 bytes")
		}
	case "crit":
		h.critical = value
	case "b64", "zip", "jku", "x5u", "jwk":
		return refuse(ErrMalformed, "header parameter "+string(name)+" is not accepted")
	case "x5c", "x5t", "x5t#S256":
		// They may be there, and mean nothing: the key comes from the source.
	default:
		if twin := twinOf(name, headerTwins); twin != "" {
			return refuse(ErrMalformed, "a header parameter differs from "+twin+" only in case")
		}
		// Unknown parameters are ignored (RFC 7515 section 4); see find.
	}
	return err
}

// find returns the value of a parameter, or nil. It is for the few headers that
// name critical ones: the others need not keep what they do not use.
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

func headerText(value strictjson.Value, reason error, name string) ([]byte, error) {
	text, ok := value.Text()
	if !ok || len(text) == 0 {
		return nil, refuse(reason, name+" is not a text")
	}
	return text, nil
}

// sameType compares media types as RFC 7515 section 4.1.9 has them: without
// case, and "application/" may be left out.
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
