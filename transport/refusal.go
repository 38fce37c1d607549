package transport

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// retryAfter is what a client is told to wait before it asks again for what
// cannot be judged now.
const retryAfter = 5 * time.Second

// A Refusal is why a [Guard] does not admit a request, or a [TokenEndpoint]
// does not grant one, and the answer to it. Its text is for the server's own
// logs: it names the cause, and nothing of it reaches the client.
type Refusal struct {
	StatusCode int         // 4xx, or 503 if the request could not be judged
	Code       string      // the error code of RFC 6750 section 3.1, RFC 9449 or RFC 6749 section 5.2, or ""
	Header     http.Header // WWW-Authenticate, Retry-After, DPoP-Nonce and Allow, as far as they apply

	json bool // the answer is that of RFC 6749 section 5.2
	err  error
}

var _ http.Handler = (*Refusal)(nil)

// Error names the status, the code and the cause.
func (e *Refusal) Error() string {
	if e == nil || e.err == nil {
		return "transport: refused"
	}
	code := ""
	if e.Code != "" {
		code = " " + e.Code
	}
	return fmt.Sprintf("transport: %d%s: %v", e.StatusCode, code, e.err)
}

// Unwrap returns the cause: for a 401, ErrInvalid of package tokenprofile and
// its reason; for a client that has left, [context.Canceled].
func (e *Refusal) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.err
}

// ServeHTTP writes the answer: status, headers and a fixed text, or for a token
// endpoint the code. The zero Refusal is 503.
func (e *Refusal) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if e == nil || e.StatusCode == 0 {
		e = &Refusal{StatusCode: http.StatusServiceUnavailable}
	}
	maps.Copy(w.Header(), e.Header)
	if e.json {
		writeJSON(w, e.StatusCode, map[string]string{"error": e.Code})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(e.StatusCode), e.StatusCode)
}

// newRefusal refuses a request for what the client has sent.
func newRefusal(status int, code string, err error) *Refusal {
	return &Refusal{StatusCode: status, Code: code, Header: http.Header{}, err: err}
}

// refuseRequest refuses a token request that is malformed.
func refuseRequest(err error) *Refusal {
	return newRefusal(http.StatusBadRequest, oauth.CodeInvalidRequest, err)
}

// unavailable refuses a request that cannot be judged. If the client has left,
// the cause is its context's error.
func unavailable(r *http.Request, err error) *Refusal {
	if ended := r.Context().Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	refusal := newRefusal(http.StatusServiceUnavailable, "", err)
	refusal.Header.Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	return refusal
}

// undecided reports whether the application could not decide, rather than
// refused.
func undecided(r *http.Request, err error) bool {
	return errors.Is(err, keystore.ErrUnavailable) || r.Context().Err() != nil
}
