package transport

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// maxChain bounds the walk back through the redirects that led to a request.
// [http.Client] follows ten of its own accord.
const maxChain = 100

// meant reports whether the token is meant for the request.
//
// It is not if the caller set the header; nor on a redirect away from the
// origin that the caller named (RFC 9700 section 4.11 is about hosts that
// redirect where they should not). A redirect back to that origin carries the
// token again: it goes where it was meant to go. Only the caller's own choice
// of an origin that no token may travel to is an error, because sending the
// request without its token would hide the mistake behind a 401.
func (s *bearerState) meant(req *http.Request) (bool, error) {
	if req.URL == nil {
		return false, errors.New("transport: the request has no URL")
	}
	first := firstOfChain(req)
	if first == nil || hasHeader(first, s.header) || hasHeader(req, s.header) {
		return false, nil
	}
	if s.origins != nil {
		return slices.Contains(s.origins, origin(req.URL)), nil
	}
	if err := checkConfidential(first.URL); err != nil {
		return false, fmt.Errorf("transport: the request carries no token: %w", err)
	}
	return first == req || sameOrigin(first.URL, req.URL), nil
}

// firstOfChain returns the request that the caller made, of which req is
// perhaps a redirect: net/http sets Response on those it makes to follow one.
// It returns nil if the chain cannot be followed to its beginning.
func firstOfChain(req *http.Request) *http.Request {
	for range maxChain {
		if req.Response == nil {
			return req
		}
		req = req.Response.Request
		if req == nil || req.URL == nil {
			return nil
		}
	}
	return nil
}

// hasHeader reports whether the header is set, if only to nothing.
func hasHeader(req *http.Request, name string) bool {
	_, ok := req.Header[name]
	return ok
}

// canonicalOrigins returns the origins in the form that [origin] gives.
func canonicalOrigins(origins []string) ([]string, error) {
	if origins == nil {
		return nil, nil
	}
	canonical := make([]string, 0, len(origins))
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("transport: Origins: %q is not an origin like https://api.example", o)
		}
		if err := checkConfidential(u); err != nil {
			return nil, fmt.Errorf("transport: Origins: %w", err)
		}
		canonical = append(canonical, origin(u))
	}
	return canonical, nil
}

// origin is the scheme, host and port of a URL, so that two are equal if and
// only if the strings are (RFC 6454 section 4).
func origin(u *url.URL) string {
	scheme := strings.ToLower(u.Scheme)
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), portOf(scheme, u))
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Host == b.Host || origin(a) == origin(b)
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

// checkConfidential returns an error unless what is sent to the URL can be
// read by nobody on the way: https, or http that does not leave the machine
// (RFC 6750 section 5.3).
func checkConfidential(u *url.URL) error {
	switch {
	case strings.EqualFold(u.Scheme, "https"):
		return nil
	case !strings.EqualFold(u.Scheme, "http"):
		return fmt.Errorf("scheme %q is not https", u.Scheme)
	case !isLoopback(u.Hostname()):
		return fmt.Errorf("http://%s is not https, and %[1]s is not a loopback address", u.Host)
	}
	return nil
}

// isLoopback reports whether the host is this machine, by its name alone:
// localhost, 127.0.0.0/8 and ::1.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
