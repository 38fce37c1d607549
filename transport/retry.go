package transport

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// maxDrain is how much of a refused response is read, in bytes, so that its
// connection can be used again; a longer one costs the connection.
const maxDrain = 4 << 10

// retry answers a 401 to the token. A server that asks for a DPoP nonce gets
// the request again with the nonce; one that refuses the token gets it again
// with a new token. Each happens once.
func (s *bearerState) retry(req *http.Request, resp *http.Response, tokens tokens, header string) (*http.Response, error) {
	if s.asksForNonce(resp) && replayable(req) {
		var err error
		resp, header, err = s.repeat(req, resp, tokens)
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
	}
	if s.asksForNonce(resp) { // not a word about the token
		return resp, nil
	}
	if !tokens.refused(header) || !s.harmless(req) || !replayable(req) {
		return resp, nil
	}
	resp, _, err := s.repeat(req, resp, tokens, header)
	return resp, err
}

// asksForNonce reports whether the lack of a nonce, which the response brings,
// was the reason for the 401 (RFC 9449 section 9).
func (s *bearerState) asksForNonce(resp *http.Response) bool {
	return s.prover != nil && resp.Header.Get(headerNonce) != "" &&
		strings.Contains(strings.Join(resp.Header["Www-Authenticate"], ","), codeUseNonce)
}

// repeat sends the request again with the token that is now current. If that
// is not possible, or the token is one that was refused, it returns the
// response as it came.
func (s *bearerState) repeat(req *http.Request, resp *http.Response, tokens tokens, refused ...string) (*http.Response, string, error) {
	header, err := tokens.header(req.Context())
	if err != nil || slices.Contains(refused, header) {
		return resp, header, nil
	}
	body := req.Body
	if hasBody(req) {
		if body, err = req.GetBody(); err != nil {
			return resp, header, nil
		}
	}
	io.CopyN(io.Discard, resp.Body, maxDrain)
	resp.Body.Close()
	repeated, err := s.send(req, body, header)
	return repeated, header, err
}

// replayable reports whether the request can be sent a second time.
func replayable(req *http.Request) bool { return !hasBody(req) || req.GetBody != nil }

// harmless reports whether a second request does no harm if the first had an
// effect although it was refused.
func (s *bearerState) harmless(req *http.Request) bool {
	if s.retryUnsafe || hasHeader(req, "Idempotency-Key") {
		return true
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }
