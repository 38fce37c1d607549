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
	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// A binding says what tokens are bound to: a [TokenEndpoint] binds them, and a
// [Guard] checks the binding.
type binding struct {
	dpop         *tokenprofile.ProofVerifier // nil: no keys
	mutualTLS    bool
	allowUnbound bool
}

// demanded reports whether a token must be bound in at least one way.
func (b binding) demanded() bool { return (b.dpop != nil || b.mutualTLS) && !b.allowUnbound }

// bind returns what the client of a token request has shown. It comes last,
// because judging a proof uses it up.
func (b binding) bind(r *http.Request, endpoint string) (confirmation, *Refusal) {
	var cnf confirmation
	if b.mutualTLS {
		cnf.certificate = shownCertificate(r)
	}
	switch _, proven := r.Header[oauth.HeaderProof]; {
	case proven && b.dpop == nil:
		// A bearer token for a client that asks for a bound one is a downgrade.
		return cnf, refuseRequest(errors.New("a DPoP proof, and the token endpoint has no DPoP"))
	case proven:
		key, refusal := b.prove(r, tokenprofile.Proof{Method: r.Method, URL: endpoint}, "")
		if refusal != nil {
			return cnf, refusal
		}
		cnf.key = key
	}
	if b.demanded() && !cnf.binds() {
		return cnf, refuseRequest(errors.New("neither a DPoP proof nor a certificate to bind the token to"))
	}
	return cnf, nil
}

// confirm checks what the token of a request is bound to. The proof comes last,
// because judging it uses it up.
func (b binding) confirm(r *http.Request, baseURL string, sent credentials, claims []byte) *Refusal {
	cnf, err := confirmationOf(claims)
	if err == nil {
		err = b.permits(sent, cnf)
	}
	if err == nil && cnf.certificate != "" {
		err = cnf.checkCertificate(r)
	}
	if err != nil {
		return newRefusal(http.StatusUnauthorized, oauth.CodeInvalidToken, err)
	}
	if cnf.key == "" {
		return nil
	}
	_, refusal := b.prove(r, tokenprofile.Proof{Method: r.Method, URL: externalURL(baseURL, r), TokenHash: tokenprofile.HashToken(sent.token)}, cnf.key)
	if refusal != nil && refusal.StatusCode == http.StatusBadRequest {
		refusal.StatusCode = http.StatusUnauthorized // RFC 9449 section 7.1
	}
	return refusal
}

// permits returns why a token with this confirmation may not be used the way it
// was sent.
func (b binding) permits(sent credentials, cnf confirmation) error {
	switch {
	case cnf.present && !cnf.binds():
		// RFC 7800 section 3.1 lets a receiver ignore what it does not know. We do
		// not, because whoever bound the token wants it to be checked.
		return unbound("the token is bound (cnf) in a way the guard does not check")
	case cnf.key != "" && sent.scheme != oauth.SchemeDPoP:
		return unbound("a token bound to a DPoP key was sent as a plain bearer token") // RFC 9449 section 7.2
	case cnf.key == "" && sent.scheme == oauth.SchemeDPoP:
		return unbound("a token not bound to a key was sent with the scheme DPoP")
	case cnf.certificate != "" && !b.mutualTLS:
		return unbound("the token is bound to a certificate, and the guard has not MutualTLS")
	case b.demanded() && !cnf.binds():
		return unbound("the token is bound to nothing")
	}
	return nil
}

// prove demands a DPoP proof of what is wanted (RFC 9449 section 4.3), signed
// with the key of the thumbprint if that is not empty, and returns the key's.
func (b binding) prove(r *http.Request, want tokenprofile.Proof, thumbprint string) (string, *Refusal) {
	proof, err := proofOf(r.Header)
	if err == nil {
		thumbprint, err = b.dpop.Verify(r.Context(), proof, want, thumbprint)
	}
	switch {
	case err == nil:
		return thumbprint, nil
	case !errors.Is(err, tokenprofile.ErrInvalid):
		return "", unavailable(r, err)
	}
	refusal := newRefusal(http.StatusBadRequest, oauth.CodeInvalidProof, err)
	if errors.Is(err, tokenprofile.ErrNonce) {
		refusal.Code = oauth.CodeUseNonce
	}
	if nonce := b.dpop.Nonce(); nonce != "" { // for the client's next proof: RFC 9449 sections 8 and 9
		refusal.Header[oauth.HeaderNonce] = []string{nonce}
	}
	return "", refusal
}

// proofOf returns the one DPoP header of a request (RFC 9449 section 4.3, check
// 1).
func proofOf(header http.Header) (string, error) {
	switch values := header[oauth.HeaderProof]; len(values) {
	case 0:
		return "", unbound("no DPoP header")
	case 1:
		return values[0], nil
	}
	return "", unbound("several DPoP headers")
}

// externalURL returns the URL of the request as the client named it. The path
// is taken from the request line, because handlers around this one may have
// stripped a prefix from r.URL.
func externalURL(base string, r *http.Request) string {
	target := r.URL
	if line, err := url.ParseRequestURI(r.RequestURI); err == nil {
		target = line
	}
	return strings.TrimSuffix(base, "/") + target.EscapedPath()
}

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
	// Most tokens have no cnf, and are not decoded once more.
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

// stringMember returns a member that is a string, and "" only if there is no
// such member.
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

// binds reports whether the token is bound to something.
func (c confirmation) binds() bool { return c.key != "" || c.certificate != "" }

// claim returns the claim that an access token gets.
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

// shownCertificate returns the thumbprint of the client's certificate, or "".
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
