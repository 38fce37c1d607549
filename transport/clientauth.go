package transport

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// maxClientID bounds, in bytes, the client ids that are looked up.
const maxClientID = 256

// authenticate returns the id of the client, by exactly one of the methods
// (RFC 6749 section 2.3), or "" if it may come without any and does.
func (e *TokenEndpoint) authenticate(r *http.Request, form form, optional bool) (string, *Refusal) {
	_, basic := r.Header["Authorization"]
	_, post := form[paramClientSecret]
	_, assertion := form[paramClientAssertion]
	switch {
	case count(basic, post, assertion) > 1:
		return "", refuseRequest(http.StatusBadRequest, errors.New("more than one client authentication"))
	case assertion:
		return e.authenticateAssertion(r, form)
	case post:
		return e.authenticateSecret(r, form[paramClientID], form[paramClientSecret])
	case basic:
		return e.authenticateBasic(r, form[paramClientID])
	case optional:
		return "", nil
	}
	return "", refuseClient(errors.New("no client authentication"))
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

func (e *TokenEndpoint) authenticateBasic(r *http.Request, named string) (string, *Refusal) {
	id, secret, err := basicCredentials(r)
	if err != nil {
		return "", refuseClient(err)
	}
	if named != "" && named != id {
		return "", refuseRequest(http.StatusBadRequest, errors.New("two client ids"))
	}
	return e.authenticateSecret(r, id, secret)
}

func (e *TokenEndpoint) authenticateSecret(r *http.Request, id, secret string) (string, *Refusal) {
	registration, refusal := e.registration(r, id)
	if refusal != nil {
		return "", refusal
	}
	if !registration.hasSecret(secret) {
		return "", refuseClient(errors.New("client unknown, or the secret is not the client's"))
	}
	return id, nil
}

// registration never says whether it is the id that is unknown: such a client
// has neither a secret nor a key.
func (e *TokenEndpoint) registration(r *http.Request, id string) (*Registration, *Refusal) {
	if id == "" || len(id) > maxClientID {
		return nil, refuseClient(fmt.Errorf("no client id, or one of more than %d bytes", maxClientID))
	}
	registration, err := e.Clients.Registration(r.Context(), id)
	switch {
	case errors.Is(err, ErrUnknownClient), err == nil && registration == nil:
		return new(Registration), nil
	case err != nil:
		return nil, unanswerable(r, fmt.Errorf("client registry: %w", err))
	}
	return registration, nil
}

// authenticateAssertion is private_key_jwt (RFC 7523 section 3).
func (e *TokenEndpoint) authenticateAssertion(r *http.Request, form form) (string, *Refusal) {
	if form[paramClientAssertionType] != assertionJWTBearer {
		return "", refuseRequest(http.StatusBadRequest, errors.New("a client_assertion_type that is not known"))
	}
	assertion := form[paramClientAssertion]
	id := form[paramClientID]
	if id == "" {
		id = claimedSubject(assertion)
	}
	registration, refusal := e.registration(r, id)
	if refusal != nil {
		return "", refusal
	}
	if registration.Assertions == nil {
		return "", refuseClient(errors.New("client unknown, or without a key"))
	}
	token, err := registration.Assertions.Verify(r.Context(), assertion)
	switch {
	case errors.Is(err, tokenprofile.ErrInvalid):
		return "", refuseClient(fmt.Errorf("client assertion: %w", err))
	case err != nil:
		return "", unanswerable(r, fmt.Errorf("client assertion: %w", err))
	case token == nil:
		return "", unanswerable(r, errNoToken)
	}
	if err := registration.owns(id, token); err != nil {
		return "", refuseClient(fmt.Errorf("client assertion: %w", err))
	}
	return id, nil
}

// claimedSubject reads the sub of an assertion that nobody has verified yet,
// to know whose keys to verify it with, and for nothing else.
func claimedSubject(assertion string) string {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return ""
	}
	return claims.Subject
}

// basicCredentials are those of the one Authorization header. Id and secret
// are form-encoded in it (RFC 6749 section 2.3.1).
func basicCredentials(r *http.Request) (id, secret string, err error) {
	username, password, ok := r.BasicAuth()
	if len(r.Header["Authorization"]) != 1 || !ok {
		return "", "", errors.New("the Authorization header is not one of Basic credentials")
	}
	id, idErr := url.QueryUnescape(username)
	secret, secretErr := url.QueryUnescape(password)
	if idErr != nil || secretErr != nil {
		return "", "", errors.New("the Basic credentials are not form-encoded") // the causes would quote them
	}
	return id, secret, nil
}
