package transport

import (
	"cmp"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// maxClientID bounds, in bytes, the client ids that are looked up.
const maxClientID = 256

// A clientAuthentication finds out which client a token request comes from.
type clientAuthentication struct {
	clients Registry
	request *http.Request
	form    form
}

// authenticate returns the id of the client, by exactly one of the methods
// (RFC 6749 section 2.3), or "" if it may come without any and does.
func (c clientAuthentication) authenticate(optional bool) (string, *Refusal) {
	_, basic := c.request.Header["Authorization"]
	post := c.form.get(oauth.ParamClientSecret) != ""
	assertion := c.form.get(oauth.ParamClientAssertion) != ""
	switch {
	case count(basic, post, assertion) > 1:
		return "", refuseRequest(errors.New("more than one client authentication"))
	case assertion:
		return c.byAssertion()
	case post:
		return c.bySecret(c.form.get(oauth.ParamClientID), c.form.get(oauth.ParamClientSecret))
	case basic:
		return c.byBasic()
	}
	id, refusal := c.byCertificate()
	if id == "" && refusal == nil && !optional {
		refusal = refuseClient(errors.New("no client authentication"))
	}
	return id, refusal
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// byBasic authenticates by client_secret_basic.
func (c clientAuthentication) byBasic() (string, *Refusal) {
	id, secret, err := basicCredentials(c.request)
	if err != nil {
		return "", refuseClient(err)
	}
	if named := c.form.get(oauth.ParamClientID); named != "" && named != id {
		return "", refuseRequest(errors.New("two client ids"))
	}
	return c.bySecret(id, secret)
}

// basicCredentials reads the one Authorization header. Id and secret are
// form-encoded in it (RFC 6749 section 2.3.1).
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

// bySecret compares in constant time.
func (c clientAuthentication) bySecret(id, secret string) (string, *Refusal) {
	registration, refusal := c.registration(id)
	if refusal != nil {
		return "", refusal
	}
	if subtle.ConstantTimeCompare([]byte(hashSecret(secret)), []byte(registration.SecretHash)) != 1 {
		return "", refuseClient(errors.New("client unknown, or the secret is not the client's"))
	}
	return id, nil
}

// byAssertion authenticates by private_key_jwt or client_secret_jwt (RFC 7523
// section 3).
func (c clientAuthentication) byAssertion() (string, *Refusal) {
	if c.form.get(oauth.ParamClientAssertionType) != oauth.AssertionJWTBearer {
		return "", refuseRequest(errors.New("a client_assertion_type that is not known"))
	}
	assertion := c.form.get(oauth.ParamClientAssertion)
	id := cmp.Or(c.form.get(oauth.ParamClientID), claimedSubject(assertion))
	registration, refusal := c.registration(id)
	if refusal != nil {
		return "", refusal
	}
	if registration.Assertions == nil {
		return "", refuseClient(errors.New("client unknown, or without a key"))
	}
	token, err := verify(c.request.Context(), registration.Assertions, assertion)
	if err != nil && !errors.Is(err, tokenprofile.ErrInvalid) {
		return "", unavailable(c.request, fmt.Errorf("client assertion: %w", err))
	}
	if err == nil {
		err = speaksFor(token, id, cmp.Or(registration.AssertionIssuer, id))
	}
	if err != nil {
		return "", refuseClient(fmt.Errorf("client assertion: %w", err))
	}
	return id, nil
}

// speaksFor reports why a verified assertion does not speak for the client.
// The verifier may know other clients too, and an assertion that is also for
// another server could be that server's to use (RFC 7523bis).
func speaksFor(assertion *tokenprofile.Token, clientID, issuer string) error {
	switch {
	case assertion.Issuer != issuer:
		return errors.New("the issuer is not the client's")
	case assertion.Subject != clientID:
		return errors.New("the subject is not the client")
	case len(assertion.Audience) != 1:
		return errors.New("the audience is not this server alone")
	}
	return nil
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

// byCertificate authenticates by tls_client_auth or self_signed_tls_client_auth
// (RFC 8705 section 2). A client whose registration has no certificate may
// still show one, so that its token is bound to it: that authenticates nobody.
func (c clientAuthentication) byCertificate() (string, *Refusal) {
	id := c.form.get(oauth.ParamClientID)
	if id == "" || c.request.TLS == nil || len(c.request.TLS.PeerCertificates) == 0 {
		return "", nil
	}
	registration, refusal := c.registration(id)
	if refusal != nil || registration.Certificate == nil {
		return "", refusal
	}
	if err := registration.Certificate.check(c.request.TLS); err != nil {
		return "", refuseClient(fmt.Errorf("client certificate: %w", err))
	}
	return id, nil
}

// registration looks the client up. An unknown id gets an empty registration,
// without secret, key and certificate, so that the answer does not say whether
// the id exists.
func (c clientAuthentication) registration(id string) (*Registration, *Refusal) {
	if id == "" || len(id) > maxClientID {
		return nil, refuseClient(fmt.Errorf("no client id, or one of more than %d bytes", maxClientID))
	}
	registration, err := c.clients.Registration(c.request.Context(), id)
	switch {
	case errors.Is(err, ErrUnknownClient), err == nil && registration == nil:
		return new(Registration), nil
	case err != nil:
		return nil, unavailable(c.request, fmt.Errorf("client registry: %w", err))
	}
	return registration, nil
}

// refuseClient refuses a client that is not who it says. RFC 6749 section 5.2
// wants the challenge where Basic was tried, RFC 9110 section 15.5.2 with
// every 401.
func refuseClient(err error) *Refusal {
	refusal := newRefusal(http.StatusUnauthorized, oauth.CodeInvalidClient, err)
	refusal.Header.Set("WWW-Authenticate", `Basic realm="token endpoint", charset="UTF-8"`)
	return refusal
}

// A ClientCertificate says by which certificate a client is known (RFC 8705
// section 2). Exactly one field is set; the zero value accepts no certificate.
type ClientCertificate struct {
	// Thumbprints are the x5t#S256 of certificates that nobody need have
	// signed: the SHA-256 of the DER in base64url, without padding. That is
	// self_signed_tls_client_auth, and there is more than one while the client
	// rotates. The server's tls.Config has ClientAuth at least
	// [tls.RequestClientCert].
	Thumbprints []string

	// Subject, DNS and URI are a name in a certificate that the TLS server has
	// verified, by its ClientCAs and [tls.VerifyClientCertIfGiven] or
	// [tls.RequireAndVerifyClientCert]: the subject as
	// [crypto/x509/pkix.Name.String] writes it (RFC 2253), a DNS name, or a URI
	// such as a SPIFFE ID. That is tls_client_auth. Every authority that the TLS
	// server trusts can make such a certificate.
	Subject, DNS, URI string
}

// check returns why the client of the connection is not this one.
func (c *ClientCertificate) check(state *tls.ConnectionState) error {
	leaf := state.PeerCertificates[0]
	var is bool
	switch {
	case c.fields() != 1:
		return errors.New("the registration names it by none of its fields, or by several")
	case len(c.Thumbprints) > 0:
		is = slices.Contains(c.Thumbprints, certificateThumbprint(leaf))
	case len(state.VerifiedChains) == 0:
		return errors.New("the TLS server has not verified it")
	case c.Subject != "":
		is = leaf.Subject.String() == c.Subject
	case c.DNS != "":
		is = slices.Contains(leaf.DNSNames, c.DNS)
	default:
		for _, uri := range leaf.URIs {
			is = is || uri.String() == c.URI
		}
	}
	if !is {
		return errors.New("it is another than the client's")
	}
	return nil
}

func (c *ClientCertificate) fields() int {
	return count(len(c.Thumbprints) > 0, c.Subject != "", c.DNS != "", c.URI != "")
}
