package transport

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A confirmation is the cnf claim of a token (RFC 7800): what its bearer has
// to show besides the token.
type confirmation struct {
	present     bool
	thumbprint  string // jkt: the key of the DPoP proof, RFC 9449 section 6.1
	certificate string // x5t#S256: the TLS client's certificate, RFC 8705 section 3.1
}

// confirm holds a token to what it is bound to. The proof comes last: judging
// it uses it up.
func (g *Guard) confirm(r *http.Request, sent credentials, token *tokenprofile.Token) *Refusal {
	cnf, err := confirmationOf(token.Claims)
	if err == nil {
		err = g.permits(sent, cnf)
	}
	if err == nil && cnf.certificate != "" {
		err = checkCertificate(r, cnf.certificate)
	}
	if err != nil {
		return g.refuse(http.StatusUnauthorized, sent.scheme, codeInvalidToken, err)
	}
	if cnf.thumbprint == "" {
		return nil
	}
	return g.checkProof(r, sent, cnf.thumbprint)
}

// permits reports why a token with this confirmation is not taken as it was
// sent, before anything is shown.
func (g *Guard) permits(sent credentials, cnf confirmation) error {
	bound := cnf.thumbprint != "" || cnf.certificate != ""
	switch {
	case cnf.present && !bound:
		// RFC 7800 section 3.1 lets a receiver ignore what it does not know.
		// We do not: whoever bound the token meant it to be checked.
		return unbound("the token is bound (cnf) in a way the guard does not check")
	case cnf.thumbprint != "" && sent.scheme != schemeDPoP:
		return unbound("a token bound to a DPoP key was sent as a plain bearer token") // RFC 9449 section 7.2
	case cnf.thumbprint == "" && sent.scheme == schemeDPoP:
		return unbound("a token not bound to a key was sent with the scheme DPoP")
	case cnf.certificate != "" && !g.MutualTLS:
		return unbound("the token is bound to a certificate, and the guard has not MutualTLS")
	case !bound && (g.DPoP != nil || g.MutualTLS) && !g.AllowUnbound:
		return unbound("the token is bound to nothing")
	}
	return nil
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
	thumbprint, err := stringMember(cnf, "jkt")
	if err != nil {
		return confirmation{}, err
	}
	certificate, err := stringMember(cnf, "x5t#S256")
	return confirmation{present: true, thumbprint: thumbprint, certificate: certificate}, err
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

// checkCertificate compares the certificate of the TLS connection with the
// x5t#S256 of the token. That the client has the key to it, TLS has shown;
// whether somebody signed it does not matter here (RFC 8705 section 4).
func checkCertificate(r *http.Request, want string) error {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return unbound("the token is bound to a certificate, and the client has shown none")
	}
	got := certificateThumbprint(r.TLS.PeerCertificates[0])
	if subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
		return unbound("the token is bound to another certificate than the client's")
	}
	return nil
}

func certificateThumbprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// checkProof demands a DPoP proof for this request and this token, signed with
// the key of the thumbprint (RFC 9449 section 4.3).
func (g *Guard) checkProof(r *http.Request, sent credentials, thumbprint string) *Refusal {
	proof, err := proofOf(r.Header)
	if err == nil {
		want := tokenprofile.Proof{Method: r.Method, URL: externalURL(g.BaseURL, r), Token: sent.token}
		_, err = g.DPoP.Verify(r.Context(), proof, want, thumbprint)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tokenprofile.ErrInvalid):
		return g.refuse(http.StatusUnauthorized, schemeDPoP, proofCode(err), err).withNonce(g.DPoP)
	}
	return unavailable(r, err)
}

func proofCode(err error) string {
	if errors.Is(err, tokenprofile.ErrNonce) {
		return codeUseNonce
	}
	return codeInvalidProof
}

// withNonce names the nonce for the client's next proof, if there are any (RFC
// 9449 sections 8 and 9).
func (e *Refusal) withNonce(v *tokenprofile.ProofVerifier) *Refusal {
	if nonce := v.Nonce(); nonce != "" {
		e.Header[headerNonce] = []string{nonce}
	}
	return e
}

// proofOf is the one DPoP header of a request (RFC 9449 section 4.3, check 1).
func proofOf(header http.Header) (string, error) {
	switch values := header[headerProof]; len(values) {
	case 0:
		return "", unbound("no DPoP header")
	case 1:
		return values[0], nil
	}
	return "", unbound("several DPoP headers")
}

// An unbound error says what a token that is bound, or should be, lacks.
type unbound string

func (e unbound) Error() string   { return string(e) }
func (e unbound) Unwrap() []error { return []error{tokenprofile.ErrInvalid, tokenprofile.ErrClaim} }

// externalURL is the URL of the request as the client named it. The path is
// taken from the request line, because handlers around this one may have
// stripped a prefix from r.URL.
func externalURL(base string, r *http.Request) string {
	target := r.URL
	if line, err := url.ParseRequestURI(r.RequestURI); err == nil {
		target = line
	}
	return strings.TrimSuffix(base, "/") + target.EscapedPath()
}
