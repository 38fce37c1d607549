package transport

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// What a token request may be at most.
const (
	maxTokenRequest = 64 << 10 // bytes of the body
	maxParameters   = 64
)

// A form holds the parameters of a token request: of each name one, none
// empty (RFC 6749 section 3.2).
type form map[string]string

// readForm reads the body. The URL's query is never looked at: what stands
// there ends in logs (RFC 6749 section 2.3.1).
func readForm(w http.ResponseWriter, r *http.Request) (form, *Refusal) {
	if r.Method != http.MethodPost {
		refusal := newRefusal(http.StatusMethodNotAllowed, codeInvalidRequest, errors.New("a method other than POST"))
		refusal.Header.Set("Allow", http.MethodPost)
		return nil, refusal
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" || len(r.Header["Content-Encoding"]) > 0 {
		return nil, newRefusal(http.StatusUnsupportedMediaType, codeInvalidRequest, errors.New("the body is not a plain form"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTokenRequest))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, newRefusal(http.StatusRequestEntityTooLarge, codeInvalidRequest, err)
	case err != nil:
		return nil, refuseRequest(fmt.Errorf("reading the body: %w", err))
	}
	form, err := parseForm(string(body))
	if err != nil {
		return nil, refuseRequest(err)
	}
	return form, nil
}

func parseForm(body string) (form, error) {
	if strings.Count(body, "&") >= maxParameters {
		return nil, fmt.Errorf("more than %d parameters", maxParameters)
	}
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, errors.New("the form is malformed") // err would quote a part of it
	}
	form := make(form, len(values))
	for name, value := range values {
		if len(value) > 1 {
			return nil, errors.New("a parameter that occurs twice")
		}
		if value[0] != "" { // RFC 6749 section 3.2: as if it were omitted
			form[name] = value[0]
		}
	}
	return form, nil
}
