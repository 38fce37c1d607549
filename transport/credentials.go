package transport

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// maxCredentials bounds, in bytes, the Authorization header that is looked at.
// What the verifier takes for a token is usually less.
const maxCredentials = 64 << 10

// credentials are what a header holds.
type credentials struct {
	scheme string // oauth.SchemeBearer, oauth.SchemeDPoP, or ""
	token  string
}

// credentialsOf reads the header, which may occur once. What follows the scheme
// is read only if the scheme is known. A token is looked for nowhere else: one
// in the URL ends in logs, and for one in the body the body would have to be
// read (RFC 6750 sections 2.2 and 2.3).
func credentialsOf(header http.Header, name string) (credentials, error) {
	values := header[http.CanonicalHeaderKey(name)]
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return credentials{}, nil
	case len(values) > 1:
		return credentials{}, fmt.Errorf("several %s headers", name)
	case len(values[0]) > maxCredentials:
		return credentials{}, fmt.Errorf("a header %s of more than %d bytes", name, maxCredentials)
	}
	var sent credentials
	scheme, rest, found := strings.Cut(values[0], " ")
	switch { // RFC 9110 section 11.1: in any case
	case !found && !strings.EqualFold(name, "Authorization"):
		sent.scheme, rest = oauth.SchemeBearer, values[0] // a token alone
	case strings.EqualFold(scheme, oauth.SchemeBearer):
		sent.scheme = oauth.SchemeBearer
	case strings.EqualFold(scheme, oauth.SchemeDPoP):
		sent.scheme = oauth.SchemeDPoP
	default:
		return sent, nil
	}
	sent.token = strings.TrimLeft(rest, " ") // RFC 9110 section 11.4: 1*SP
	if !isToken68(sent.token) {
		return sent, fmt.Errorf("the header %s is not a token, after its scheme", name)
	}
	return sent, nil
}

// isToken68 reports whether s is a b64token (RFC 6750 section 2.1): letters,
// digits and "-._~+/", then any number of "=".
func isToken68(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && !('0' <= c && c <= '9') && !strings.ContainsRune("-._~+/", rune(c)) {
			return false
		}
	}
	return s != ""
}
