package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

const (
	maxAnswer       = 1 << 20                   // bytes of an answer
	maxRetryAfter   = time.Hour                 // a longer one is cut
	maxExpiresIn    = 10 * 365 * 24 * time.Hour // a longer one is cut
	assumedLifetime = 5 * time.Minute           // of a token whose answer does not say
)

// A GrantAnswer is what a token endpoint granted: a token, and the rest of its
// answer. No verb and no encoding prints any of it.
type GrantAnswer struct{ answer func() *answer } // a function, because reflection prints only its address

// answer is what a token endpoint says (RFC 6749 sections 5.1 and 5.2).
type answer struct {
	AccessToken      string          `json:"access_token"`
	IDToken          string          `json:"id_token"`
	TokenType        string          `json:"token_type"`
	ExpiresIn        json.RawMessage `json:"expires_in"`
	Error            string          `json:"error"`
	ErrorDescription string          `json:"error_description"`

	body   []byte // all of it
	token  string // what was asked for
	expiry time.Time
}

// Token returns the token that was asked for, and its expiry.
func (a GrantAnswer) Token() (token string, expiry time.Time) {
	if a.answer == nil {
		return "", time.Time{}
	}
	return a.answer().token, a.answer().expiry
}

// Decode stores the members of the answer in the value that target points to,
// as [json.Unmarshal] does: scope, instance_url, refresh_token and others. No
// error quotes a value.
func (a GrantAnswer) Decode(v any) error {
	if a.answer == nil {
		return errors.New("transport: no answer of a token endpoint")
	}
	err := json.Unmarshal(a.answer().body, v)
	if mismatch := (*json.UnmarshalTypeError)(nil); errors.As(err, &mismatch) && mismatch.Field != "" {
		return fmt.Errorf("transport: the token endpoint's answer has another type than the %s of %s", mismatch.Type, mismatch.Field)
	}
	if err != nil {
		return fmt.Errorf("transport: the token endpoint's answer does not fit into a %T", v)
	}
	return nil
}

// readAnswer reads the answer to a request of the grant, or the reason why it
// holds no token. No error it returns contains any of the secrets.
func readAnswer(resp *http.Response, g *Grant, start time.Time, secrets []string) (GrantAnswer, error) {
	refusal := &GrantError{StatusCode: resp.StatusCode, RetryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), start)}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return GrantAnswer{}, refusal.because("a redirect, which is not followed")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return GrantAnswer{}, withoutURL(err)
	}
	if len(body) > maxAnswer {
		return GrantAnswer{}, refusal.because("an answer of more than 1 MiB")
	}
	a := &answer{body: body}
	err = json.Unmarshal(body, a) // the error could quote the answer
	if mismatch := (*json.UnmarshalTypeError)(nil); errors.As(err, &mismatch) && mismatch.Field != "" {
		err = nil // a member of another type is as good as missing: only the token has to be one
	}
	if resp.StatusCode >= 400 || a.Error != "" {
		secrets = append(secrets, a.AccessToken, a.IDToken)
		refusal.Code, refusal.Description = shown(a.Error, a.ErrorDescription, secrets)
		return GrantAnswer{}, refusal
	}
	if err != nil {
		return GrantAnswer{}, refusal.because(notJSON(resp, body))
	}
	if reason := a.take(g, start); reason != "" {
		return GrantAnswer{}, refusal.because(reason)
	}
	return GrantAnswer{func() *answer { return a }}, nil
}

// take takes the token that the grant asks for, or says why it is missing.
func (a *answer) take(g *Grant, start time.Time) (reason string) {
	if g.IDToken {
		a.token, a.expiry = a.IDToken, start.Add(assumedLifetime) // expires_in is the access token's
		if issued, expiry := claimedTimes(a.IDToken); !issued.IsZero() && issued.Before(expiry) {
			a.expiry = start.Add(min(expiry.Sub(issued), maxExpiresIn))
		}
		if a.token == "" {
			return "an answer without id_token"
		}
		return ""
	}
	a.token, a.expiry = a.AccessToken, start.Add(a.lifetime())
	switch {
	case a.token == "" && a.IDToken != "":
		return "an answer without access_token, but with an id_token: if that is wanted, set Grant.IDToken"
	case a.token == "":
		return "an answer without access_token"
	}
	return a.mistyped(g)
}

// mistyped says what is wrong with the type of the token. Many endpoints leave
// it out, or have a name of their own for a bearer token, which is accepted; a
// name that means another way to use the token is not. A client that sends a
// DPoP proof must get a DPoP token (RFC 9449 section 5): any other could be
// used by anyone.
func (a *answer) mistyped(g *Grant) string {
	kind := a.kind()
	other, known := otherTypes[kind]
	switch {
	case kind == typeNotAccess && wantsOther(g.Exchange):
		return ""
	case g.DPoP != nil && kind != strings.ToLower(oauth.SchemeDPoP):
		return "the token_type is not " + oauth.SchemeDPoP
	case g.DPoP == nil && known:
		return "the token_type is not " + oauth.SchemeBearer + ", but " + other
	}
	return ""
}

// wantsOther reports whether the exchange asks for something else than an
// access token.
func wantsOther(e *Exchange) bool {
	return e != nil && e.RequestedType != "" && e.RequestedType != TokenTypeAccess
}

// kind returns the token_type in lower case.
func (a *answer) kind() string { return strings.ToLower(strings.TrimSpace(a.TokenType)) }

// typeNotAccess is the type of a token that is not an access token (RFC 8693
// section 2.2.1).
const typeNotAccess = "n_a"

// otherTypes are not used as a bearer token is, or not used at all: RFC 9449,
// the drafts for MAC and for proof of possession, RFC 8693. The values name them,
// and the remedy where there is one.
var otherTypes = map[string]string{
	"dpop":        "DPoP: set Grant.DPoP",
	"mac":         "MAC",
	"pop":         "PoP",
	typeNotAccess: "N_A: set Exchange.RequestedType, if another token than an access token is wanted",
}

// lifetime reads expires_in: a number of seconds, which some endpoints write as
// a string. Without a usable value it is not known.
func (a *answer) lifetime() time.Duration {
	seconds, err := strconv.ParseFloat(string(bytes.Trim(a.ExpiresIn, `"`)), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || !(seconds >= 1) {
		return assumedLifetime
	}
	return time.Duration(min(seconds, maxExpiresIn.Seconds()) * float64(time.Second))
}

// notJSON says what the answer is instead of a token: most often the page of a
// proxy, or a login form.
func notJSON(resp *http.Response, body []byte) string {
	if len(body) == 0 {
		return "an empty answer"
	}
	if mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil && mediaType == "text/html" {
		return "an HTML page, not a token"
	}
	return "an answer that is not a JSON object with a token"
}

// A GrantError is a token endpoint's refusal (RFC 6749 section 5.2), or an
// answer without a usable token.
type GrantError struct {
	StatusCode  int           // of the response
	Code        string        // "invalid_grant", ...; empty if the answer has none
	Description string        // what the endpoint says about it, for a person; printable, at most 500 bytes
	RetryAfter  time.Duration // the Retry-After header, at most an hour; zero without one

	reason string // why this package does not accept the answer
}

// Error names the HTTP status, and the endpoint's code and description.
func (e *GrantError) Error() string {
	text := strconv.Itoa(e.StatusCode)
	if status := http.StatusText(e.StatusCode); status != "" {
		text += " " + status
	}
	if e.Code != "" {
		text += ": " + e.Code
	}
	if e.Description != "" {
		text += fmt.Sprintf(": %q", e.Description)
	}
	if e.reason != "" {
		text += ": " + e.reason
	}
	return text
}

// because returns the error with a reason of this package's.
func (e *GrantError) because(reason string) *GrantError {
	e.reason = reason
	return e
}

// Temporary reports whether the same request may succeed later: the endpoint
// was overloaded or failed. After any other error something has to be changed
// first.
func (e *GrantError) Temporary() bool {
	switch {
	case e.Code == oauth.CodeUnavailable, e.Code == oauth.CodeServerError, e.Code == oauth.CodeSlowDown:
		return true
	case e.StatusCode == http.StatusTooManyRequests, e.StatusCode == http.StatusRequestTimeout:
		return true
	}
	return e.StatusCode >= 500
}

// parseRetryAfter reads the header (RFC 9110 section 10.2.3): seconds or a date.
func parseRetryAfter(value string, now time.Time) time.Duration {
	var d time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		d = date.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// withoutURL drops the URL that net/http puts into its errors. The endpoint is
// named already, and a query may hold a secret.
func withoutURL(err error) error {
	var urlError *url.Error
	if errors.As(err, &urlError) {
		return urlError.Err
	}
	return err
}
