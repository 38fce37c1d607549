package jwks

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// CheckURL reports, as an error, why nothing confidential may be sent to the
// URL and no key believed that comes from it: it is neither https nor http to
// this very machine (RFC 6750 section 5.3). With plainHTTP, http to any machine
// is fine too.
//
// What this machine is, the URL alone must say: localhost, 127.0.0.0/8 or ::1.
// Nothing is looked up, for whoever answers names could move the destination.
// The error shows only scheme and host.
func CheckURL(u *url.URL, plainHTTP bool) error {
	switch {
	case u == nil:
		return errors.New("no URL")
	case strings.EqualFold(u.Scheme, "https"):
		return nil
	case !strings.EqualFold(u.Scheme, "http"):
		return fmt.Errorf("scheme %q is not https", u.Scheme)
	case !plainHTTP && !isLoopback(u.Hostname()):
		return fmt.Errorf("http://%s is not https, and %[1]s is not a loopback address: if something else encrypts, set PlainHTTP", u.Host)
	}
	return nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// parseURL reads an address that [CheckURL] has nothing against.
func parseURL(address string, plainHTTP bool) (*url.URL, error) {
	if address == "" {
		return nil, errors.New("no URL")
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("not an absolute URL")
	}
	if err := CheckURL(u, plainHTTP); err != nil {
		return nil, fmt.Errorf("unsafe URL: %w", err)
	}
	return u, nil
}

// displayURL leaves out what may be a secret: user, password and query.
func displayURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a malformed URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
