package transport

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/jwks"
)

// canonicalOrigins returns the origins in the form that [origin] gives.
func canonicalOrigins(origins []string, plainHTTP bool) ([]string, error) {
	if origins == nil {
		return nil, nil
	}
	canonical := make([]string, 0, len(origins))
	for _, o := range origins {
		one, err := canonicalOrigin(o, plainHTTP)
		if err != nil {
			return nil, fmt.Errorf("transport: Origins: %w", err)
		}
		canonical = append(canonical, one)
	}
	return canonical, nil
}

func canonicalOrigin(text string, plainHTTP bool) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", errors.New("a malformed URL, not an origin like https://api.example") // err would quote it
	}
	if u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path} // the rest may be secret
		return "", fmt.Errorf("%q is not an origin like https://api.example", &shown)
	}
	if err := jwks.CheckURL(u, plainHTTP); err != nil {
		return "", err
	}
	return origin(u), nil
}

// origin returns the scheme, host and port of a URL, so that two are equal if
// and only if the strings are (RFC 6454 section 4).
func origin(u *url.URL) string {
	scheme := strings.ToLower(u.Scheme)
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), portOf(scheme, u))
}

func portOf(scheme string, u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	switch scheme {
	case "https":
		return "443"
	case "http":
		return "80"
	}
	return ""
}
