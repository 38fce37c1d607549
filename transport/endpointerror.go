package transport

import (
	"errors"
	"net/http"
)

var errNoToken = errors.New("the verifier returned neither a token nor an error")

// refuseRequest refuses a request that is none.
func refuseRequest(status int, err error) *Refusal {
	return &Refusal{StatusCode: status, Code: codeInvalidRequest, Header: http.Header{}, json: true, err: err}
}

// refuseGrant refuses what an authenticated client has come with.
func refuseGrant(code string, err error) *Refusal {
	return &Refusal{StatusCode: http.StatusBadRequest, Code: code, Header: http.Header{}, json: true, err: err}
}

// refuseClient refuses a client that is not who it says. RFC 6749 section 5.2
// wants the challenge where Basic was tried, RFC 9110 section 15.5.2 with
// every 401.
func refuseClient(err error) *Refusal {
	refusal := refuseRequest(http.StatusUnauthorized, err)
	refusal.Code = codeInvalidClient
	refusal.Header.Set("WWW-Authenticate", `Basic realm="token endpoint", charset="UTF-8"`)
	return refusal
}

// unanswerable is [unavailable] in the form of RFC 6749.
func unanswerable(r *http.Request, err error) *Refusal {
	refusal := unavailable(r, err)
	refusal.Code, refusal.json = codeUnavailable, true
	return refusal
}
