package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxAnswer       = 1 << 20                   // bytes of an answer
	maxRetryAfter   = time.Hour                 // a longer wish is cut
	maxExpiresIn    = 10 * 365 * 24 * time.Hour // more is a mistake of the endpoint's
	assumedLifetime = 5 * time.Minute           // of a token whose answer does not say
)

type grantedToken struct {
	token  string
	expiry time.Time
}

// answer is what a token endpoint says (RFC 6749 sections 5.1 and 5.2).
type answer struct {
	AccessToken      string          `json:"access_token"`
	TokenType        string          `json:"token_type"`
	ExpiresIn        json.RawMessage `json:"expires_in"`
	Error            string          `json:"error"`
	ErrorDescription string          `json:"error_description"`
}

// readGrant reads the token out of a response, or the reason why there is none.
// No error it returns contains any of the secrets.
func readGrant(resp *http.Response, start time.Time, bound bool, secrets []string) (*grantedToken, error) {
	refusal := &GrantError{StatusCode: resp.StatusCode, RetryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), start)}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return nil, refusal.because("a redirect, which is not followed")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, withoutURL(err)
	}
	if len(body) > maxAnswer {
		return nil, refusal.because("an answer of more than 1 MiB")
	}
	var a answer
	err = json.Unmarshal(body, &a) // the error could quote the answer
	if resp.StatusCode != http.StatusOK || a.Error != "" {
		secrets = append(secrets, a.AccessToken)
		refusal.Code = shownCode(a.Error, secrets)
		refusal.Description = shownText(a.ErrorDescription, secrets)
		return nil, refusal
	}
	if err != nil {
		return nil, refusal.because(notJSON(resp, body))
	}
	return a.granted(start, bound, refusal)
}

// granted checks an answer without an error.
func (a *answer) granted(start time.Time, bound bool, refusal *GrantError) (*grantedToken, error) {
	wanted := schemeBearer
	if bound {
		wanted = schemeDPoP // RFC 9449 section 5: another type would be a token that anyone can use
	}
	lifetime, ok := a.lifetime()
	switch {
	case a.AccessToken == "":
		return nil, refusal.because("an answer without access_token")
	case a.TokenType == "":
		return nil, refusal.because("an answer without token_type")
	case !strings.EqualFold(a.TokenType, wanted):
		return nil, refusal.because("the token_type is not " + wanted)
	case !ok:
		return nil, refusal.because("expires_in is not a number of seconds")
	}
	return &grantedToken{token: a.AccessToken, expiry: start.Add(lifetime)}, nil
}

// lifetime is expires_in. Some endpoints write the number as a string.
func (a *answer) lifetime() (time.Duration, bool) {
	if len(a.ExpiresIn) == 0 || string(a.ExpiresIn) == "null" {
		return assumedLifetime, true
	}
	text := string(bytes.Trim(a.ExpiresIn, `"`))
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 1 || seconds > int64(maxExpiresIn/time.Second) {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}

// notJSON says what stands where the token should: most often somebody else's
// page, a proxy's or a login form.
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
// answer of it that is no token.
type GrantError struct {
	StatusCode  int           // of the response
	Code        string        // "invalid_grant", ...; empty if the answer has none
	Description string        // what the endpoint says about it, for a person; printable and short
	RetryAfter  time.Duration // what the Retry-After header asks for, at most an hour; zero if there is none

	reason string // what this package has against the answer
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
// was overloaded or failed itself. Any other error needs a change on this side
// or that one first.
func (e *GrantError) Temporary() bool {
	switch {
	case e.Code == codeUnavailable, e.Code == codeServerError, e.Code == codeSlowDown:
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
