package transport

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/jwks"
)

// maxChain bounds the walk back through the redirects that led to a request.
// [http.Client] follows ten of its own accord.
const maxChain = 100

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
func canonicalOrigins(origins []string, plainHTTP bool) ([]string, error) {
	if origins == nil {
		return nil, nil
	}
	canonical := make([]string, 0, len(origins))
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("transport: Origins: %q is not an origin like https://api.example", o)
		}
		if err := jwks.CheckURL(u, plainHTTP); err != nil {
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
