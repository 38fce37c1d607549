package transport

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// The members of a cnf claim: RFC 9449 section 6.1 and RFC 8705 section 3.1.
const (
	memberKey         = "jkt"
	memberCertificate = "x5t#S256"
)

// A confirmation is the cnf claim of a token (RFC 7800): what its bearer has
// to show besides the token.
type confirmation struct {
	present     bool
	key         string // thumbprint of the DPoP key
	certificate string // thumbprint of the TLS client's certificate
}

// confirmationOf reads the cnf claim. Member names are compared exactly, which
// decoding into a struct would not do.
func confirmationOf(claims []byte) (confirmation, error) {
	// A name without escapes is there to be seen; most tokens have no cnf, and
	// are not decoded once more.
	if !bytes.Contains(claims, []byte("cnf")) && !bytes.Contains(claims, []byte(`\u`)) {
		return confirmation{}, nil
	}
	var all, cnf map[string]json.RawMessage
	if err := json.Unmarshal(claims, &all); err != nil {
		return confirmation{}, unbound("the claims are not a JSON object")
	}
	raw, ok := all["cnf"]
	if !ok {
		return confirmation{}, nil
	}
	if err := json.Unmarshal(raw, &cnf); err != nil {
		return confirmation{}, unbound("cnf is not a JSON object")
	}
	key, err := stringMember(cnf, memberKey)
	if err != nil {
		return confirmation{}, err
	}
	certificate, err := stringMember(cnf, memberCertificate)
	return confirmation{present: true, key: key, certificate: certificate}, err
}

// stringMember is "" for a member that is not there, and never for one that is.
func stringMember(object map[string]json.RawMessage, name string) (string, error) {
	raw, ok := object[name]
	if !ok {
		return "", nil
	}
	var value *string
	if err := json.Unmarshal(raw, &value); err != nil || value == nil || *value == "" {
		return "", unbound("cnf " + name + " is not a string, or empty")
	}
	return *value, nil
}

// binds reports whether there is anything to show.
func (c confirmation) binds() bool { return c.key != "" || c.certificate != "" }

// claim is the claim that an access token gets.
func (c confirmation) claim() map[string]string {
	cnf := make(map[string]string)
	if c.key != "" {
		cnf[memberKey] = c.key
	}
	if c.certificate != "" {
		cnf[memberCertificate] = c.certificate
	}
	return cnf
}

// checkCertificate compares the certificate of the TLS connection with the
// token's. That the client has the key to it, TLS has shown; whether somebody
// signed it does not matter here (RFC 8705 section 4).
func (c confirmation) checkCertificate(r *http.Request) error {
	shown := shownCertificate(r)
	if shown == "" {
		return unbound("the token is bound to a certificate, and the client has shown none")
	}
	if subtle.ConstantTimeCompare([]byte(shown), []byte(c.certificate)) != 1 {
		return unbound("the token is bound to another certificate than the client's")
	}
	return nil
}

// shownCertificate is the thumbprint of the client's certificate, or "".
func shownCertificate(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	return certificateThumbprint(r.TLS.PeerCertificates[0])
}

func certificateThumbprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// An unbound error says what a token that is bound, or should be, lacks.
type unbound string

func (e unbound) Error() string   { return string(e) }
func (e unbound) Unwrap() []error { return []error{tokenprofile.ErrInvalid, tokenprofile.ErrClaim} }
