package transport

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// What a token request may be at most.
const (
	maxTokenRequest = 64 << 10 // bytes of the body
	maxParameters   = 64
)

// A form holds the parameters of a token request: none empty, and of each name
// one (RFC 6749 section 3.2) but for those that RFC 8707 section 2 lets repeat.
type form map[string][]string

// get is the one value of the parameter, or "".
func (f form) get(name string) string {
	if values := f[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// mayRepeat reports whether a request may name several: a token can be for
// several servers.
func mayRepeat(name string) bool { return name == paramResource || name == paramAudience }

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
		if len(value) > 1 && !mayRepeat(name) {
			return nil, errors.New("a parameter that occurs twice")
		}
		value = slices.DeleteFunc(value, func(v string) bool { return v == "" }) // RFC 6749 section 3.2: as if it were omitted
		if len(value) > 0 {
			form[name] = value
		}
	}
	return form, nil
}
