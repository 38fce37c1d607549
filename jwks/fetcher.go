package jwks

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// What an issuer may say of the age of its keys.
const (
	minMaxAge = 5 * time.Minute
	maxMaxAge = 24 * time.Hour
)

// A fetcher asks one issuer for its keys.
type fetcher struct {
	target   *url.URL
	client   *http.Client
	roots    *x509.CertPool
	maxAge   time.Duration // zero: what the issuer says
	maxStale time.Duration
}

// newFetcher reports everything that is wrong with the client's configuration.
func newFetcher(c *Client) (fetcher, error) {
	target, err := parseURL(c.URL, c.PlainHTTP)
	if c.MaxAge < 0 {
		err = errors.Join(err, errors.New("MaxAge is negative"))
	}
	if c.MinInterval < 0 {
		err = errors.Join(err, errors.New("MinInterval is negative"))
	}
	return fetcher{target, c.HTTPClient, c.Roots, c.MaxAge, orDefault(c.MaxStale, defaultMaxStale)}, err
}

// fetch asks the issuer once. It returns a new snapshot, which shares the keys
// of the last one if the issuer says that they have not changed.
func (f *fetcher) fetch(last *snapshot) (*snapshot, error) {
	etag := ""
	if last != nil && f.roots == nil { // else certificates have to be looked at again
		etag = last.etag
	}
	answer, err := get(context.Background(), f.client, f.target, etag)
	if err != nil {
		return nil, err
	}
	next, err := f.read(answer, last)
	if err != nil {
		return nil, err
	}
	next.lifetime, next.maxStale = f.maxAge, f.maxStale
	if next.lifetime == 0 {
		next.lifetime = min(max(answer.maxAge/5*4, minMaxAge), maxMaxAge)
	}
	return next, nil
}

func (f *fetcher) read(a answer, last *snapshot) (*snapshot, error) {
	if a.notModified {
		return &snapshot{set: last.set, byKeyID: last.byKeyID, etag: last.etag, notModified: true}, nil
	}
	set, err := parseSet(a.body, f.roots)
	if err != nil {
		return nil, err
	}
	if len(set.Keys) == 0 {
		return nil, noUsableKey(set)
	}
	next := newSnapshot(set)
	next.etag = a.etag
	return next, nil
}

func noUsableKey(set Set) error {
	if set.Skipped == 0 {
		return errors.New("no usable key in the set")
	}
	return fmt.Errorf("no usable key in the set (%d skipped): %w", set.Skipped, set.SkipErr)
}

// orDefault returns what a field means: zero is the default, and negative none.
func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return max(d, 0)
}
