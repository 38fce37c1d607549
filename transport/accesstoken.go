package transport

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A tokenResponse is RFC 6749 section 5.1.
type tokenResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
	Scope       string `json:"scope,omitempty"`
}

// bind returns the cnf claim of the access token, empty if it is bound to
// nothing. It comes after all else that is verified, because judging a proof
// uses it up.
func (e *TokenEndpoint) bind(r *http.Request) (map[string]string, *Refusal) {
	cnf := make(map[string]string)
	if e.MutualTLS && r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		cnf["x5t#S256"] = certificateThumbprint(r.TLS.PeerCertificates[0])
	}
	switch _, proven := r.Header[headerProof]; {
	case proven && e.DPoP == nil:
		// To give a bearer token to who asks for a bound one is a downgrade.
		return nil, refuseGrant(codeInvalidRequest, errors.New("a DPoP proof, and the token endpoint has no DPoP"))
	case proven:
		thumbprint, refusal := e.checkProof(r)
		if refusal != nil {
			return nil, refusal
		}
		cnf["jkt"] = thumbprint
	}
	if len(cnf) == 0 && (e.DPoP != nil || e.MutualTLS) && !e.AllowUnbound {
		return nil, refuseGrant(codeInvalidRequest, errors.New("neither a DPoP proof nor a certificate to bind the token to"))
	}
	return cnf, nil
}

func (e *TokenEndpoint) checkProof(r *http.Request) (thumbprint string, refusal *Refusal) {
	proof, err := proofOf(r.Header)
	if err == nil {
		want := tokenprofile.Proof{Method: r.Method, URL: e.URL}
		thumbprint, err = e.DPoP.Verify(r.Context(), proof, want, "")
	}
	switch {
	case err == nil:
		return thumbprint, nil
	case errors.Is(err, tokenprofile.ErrInvalid):
		return "", refuseGrant(proofCode(err), err).withNonce(e.DPoP)
	}
	return "", unanswerable(r, err)
}

// issue signs the access token (RFC 9068 section 2.2).
func (e *TokenEndpoint) issue(r *http.Request, request *AccessRequest, cnf map[string]string, access *Access) (*tokenResponse, *Refusal) {
	claims, err := accessClaims(request, cnf, access)
	if err != nil {
		return nil, unanswerable(r, err)
	}
	token, expiry, err := e.Signer.TokenWith(r.Context(), claims)
	if err != nil {
		return nil, unanswerable(r, err)
	}
	response := &tokenResponse{
		AccessToken: token,
		TokenType:   schemeBearer,
		ExpiresIn:   int64(time.Until(expiry) / time.Second),
		Scope:       strings.Join(access.Scope, " "),
	}
	if cnf["jkt"] != "" {
		response.TokenType = schemeDPoP // RFC 9449 section 5
	}
	return response, nil
}

func accessClaims(request *AccessRequest, cnf map[string]string, access *Access) (map[string]any, error) {
	own := map[string]any{"sub": access.Subject}
	if access.Subject == "" {
		own["sub"] = request.ClientID
	}
	if own["sub"] == "" {
		return nil, errors.New("the Authorize function returned no Subject for an assertion that has come alone")
	}
	if request.ClientID != "" {
		own["client_id"] = request.ClientID
	}
	if len(access.Scope) > 0 {
		own["scope"] = strings.Join(access.Scope, " ")
	}
	if len(cnf) > 0 {
		own["cnf"] = cnf
	}
	claims := maps.Clone(own)
	for name, value := range access.Claims {
		// Even where the endpoint has no value for these: the absence of scope
		// or cnf says something too.
		if _, taken := own[name]; taken || name == "scope" || name == "cnf" {
			return nil, fmt.Errorf("the Authorize function returned the claim %q, which is the token endpoint's", name)
		}
		claims[name] = value
	}
	return claims, nil
}
