package transport

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

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
