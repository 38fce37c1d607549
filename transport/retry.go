package transport

import (
	"io"
	"net/http"
)

// maxDrain is how much of a refused response is read, in bytes, so that its
// connection can be used again; a longer one costs the connection.
const maxDrain = 4 << 10

// renewAndRetry answers a 401: it has the token renewed if it is still the
// current one, and repeats the request once if it can be repeated. Whatever
// stands against it, the caller gets the 401 as it came.
func (s *bearerState) renewAndRetry(req *http.Request, resp *http.Response, tokens tokens, refused string) (*http.Response, error) {
	if !tokens.refused(refused) || !s.repeatable(req) {
		return resp, nil
	}
	token, err := tokens.token(req.Context())
	if err != nil || token == refused {
		return resp, nil
	}
	body := req.Body
	if hasBody(req) {
		if body, err = req.GetBody(); err != nil {
			return resp, nil
		}
	}
	io.CopyN(io.Discard, resp.Body, maxDrain)
	resp.Body.Close()
	return s.send(req, body, token)
}

// repeatable reports whether the request can be sent a second time, and does
// no harm if the first had an effect although it was refused.
func (s *bearerState) repeatable(req *http.Request) bool {
	if hasBody(req) && req.GetBody == nil {
		return false
	}
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
