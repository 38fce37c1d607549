package tokenprofile

import (
	"errors"
	"net/url"
	"strings"
)

// proofURL is the htu of a URL: without user, query and fragment, in the
// normal form of RFC 3986 sections 6.2.2 and 6.2.3, so that two spellings of
// one URL compare equal (RFC 9449 section 4.3).
func proofURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", errors.New("the URL is malformed") // err would quote it
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme != "https" && scheme != "http" || u.Host == "" {
		return "", errors.New("the URL is not one of https or http with a host")
	}
	host := strings.ToLower(u.Host)
	port := map[string]string{"https": ":443", "http": ":80"}[scheme]
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":"), port)
	// Resolved against anything, a path loses its dot segments.
	path := (&url.URL{Path: "/"}).ResolveReference(&url.URL{Path: u.Path, RawPath: u.RawPath}).EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + normalEscapes(path), nil
}

// normalEscapes resolves the escapes of unreserved characters and writes the
// others in capitals (RFC 3986 sections 6.2.2.1 and 6.2.2.2).
func normalEscapes(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			b.WriteByte(path[i])
			continue
		}
		escape := path[i : i+3]
		i += 2
		if c, err := url.PathUnescape(escape); err == nil && isUnreserved(c[0]) {
			b.WriteByte(c[0])
			continue
		}
		b.WriteString(strings.ToUpper(escape))
	}
	return b.String()
}

// isUnreserved is RFC 3986 section 2.3.
func isUnreserved(c byte) bool {
	letter := 'a' <= c|0x20 && c|0x20 <= 'z'
	return letter || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
