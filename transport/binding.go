package transport

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A binding says to what tokens are bound: a [TokenEndpoint] binds them, a
// [Guard] holds them to it.
type binding struct {
	dpop         *tokenprofile.ProofVerifier // nil: no keys
	mutualTLS    bool
	allowUnbound bool
}

// demanded reports whether a token must be bound in at least one way.
func (b binding) demanded() bool { return (b.dpop != nil || b.mutualTLS) && !b.allowUnbound }

// bind returns what the client of a token request has shown. It comes after
// all else that is verified, because judging a proof uses it up.
func (b binding) bind(r *http.Request, endpoint string) (confirmation, *Refusal) {
	var cnf confirmation
	if b.mutualTLS {
		cnf.certificate = shownCertificate(r)
	}
	switch _, proven := r.Header[headerProof]; {
	case proven && b.dpop == nil:
		// To give a bearer token to who asks for a bound one is a downgrade.
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

// confirm holds the token of a request to what it is bound to. The proof comes
// last: judging it uses it up.
func (b binding) confirm(r *http.Request, baseURL string, sent credentials, claims []byte) *Refusal {
	cnf, err := confirmationOf(claims)
	if err == nil {
		err = b.permits(sent, cnf)
	}
	if err == nil && cnf.certificate != "" {
		err = cnf.checkCertificate(r)
	}
	if err != nil {
		return newRefusal(http.StatusUnauthorized, codeInvalidToken, err)
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

// permits reports why a token with this confirmation is not taken as it was
// sent, before anything is shown.
func (b binding) permits(sent credentials, cnf confirmation) error {
	switch {
	case cnf.present && !cnf.binds():
		// RFC 7800 section 3.1 lets a receiver ignore what it does not know.
		// We do not: whoever bound the token meant it to be checked.
		return unbound("the token is bound (cnf) in a way the guard does not check")
	case cnf.key != "" && sent.scheme != schemeDPoP:
		return unbound("a token bound to a DPoP key was sent as a plain bearer token") // RFC 9449 section 7.2
	case cnf.key == "" && sent.scheme == schemeDPoP:
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
	refusal := newRefusal(http.StatusBadRequest, codeInvalidProof, err)
	if errors.Is(err, tokenprofile.ErrNonce) {
		refusal.Code = codeUseNonce
	}
	if nonce := b.dpop.Nonce(); nonce != "" { // for the client's next proof: RFC 9449 sections 8 and 9
		refusal.Header[headerNonce] = []string{nonce}
	}
	return "", refusal
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
