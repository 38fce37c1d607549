package jwks

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Bounds for what an issuer says of the age of its keys.
const (
	minMaxAge       = 5 * time.Minute
	maxMaxAge       = 24 * time.Hour
	defaultMaxStale = 24 * time.Hour
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
// of the last one if the issuer says that they have not changed. With anew, a
// cache on the way must not answer from memory.
func (f *fetcher) fetch(last *snapshot, anew bool) (*snapshot, error) {
	header := http.Header{}
	if last != nil && last.etag != "" && f.roots == nil { // with roots, the certificates are checked at every fetch
		header.Set("If-None-Match", last.etag)
	}
	if anew {
		header.Set("Cache-Control", "no-cache") // RFC 9111 section 5.2.1.4
	}
	answer, err := get(context.Background(), f.client, f.target, header)
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

const (
	fetchTimeout = 5 * time.Second // from the first byte sent to the last read
	maxRedirects = 3
	maxETag      = 256 // bytes; a longer one is not sent back
)

// An answer is a good one: 200, or 304 if an ETag was sent.
type answer struct {
	body        []byte
	etag        string
	maxAge      time.Duration // RFC 9111 section 5.2.2.1 less section 5.1; zero: none, or not to be cached
	notModified bool
}

var errTimeout = errors.New("no complete answer in time")

// A statusError is an answer of any other status.
type statusError struct {
	code       int
	retryAfter time.Duration
}

func (e *statusError) Error() string {
	return fmt.Sprintf("HTTP status %d %s", e.code, http.StatusText(e.code))
}

// get fetches a document within all the limits that hold for an issuer's
// answers, with these headers beside its own. Its errors quote nothing of the
// answer.
func get(ctx context.Context, client *http.Client, target *url.URL, header http.Header) (answer, error) {
	limited, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, target.String(), nil)
	if err != nil {
		return answer{}, errors.New("not a URL")
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	a, err := do(sameOrigin(client), req)
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return answer{}, errTimeout // not the caller's deadline: it must not look like that
	}
	return a, err
}

func do(client *http.Client, req *http.Request) (answer, error) {
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, withoutURL(err)
	}
	defer resp.Body.Close()
	return read(resp, req.Header.Get("If-None-Match"))
}

func read(resp *http.Response, etag string) (answer, error) {
	a := answer{maxAge: maxAge(resp.Header), etag: resp.Header.Get("ETag")}
	if len(a.etag) > maxETag {
		a.etag = ""
	}
	switch {
	case resp.StatusCode == http.StatusNotModified && etag != "":
		a.notModified = true
		return a, nil
	case resp.StatusCode != http.StatusOK:
		return answer{}, &statusError{resp.StatusCode, seconds(resp.Header.Get("Retry-After"))}
	}
	// What is counted is what comes out of a compressed answer, not what goes in.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSetBytes+1))
	if err != nil {
		return answer{}, fmt.Errorf("the answer breaks off: %w", err)
	}
	if len(body) > maxSetBytes {
		return answer{}, fmt.Errorf("%w: the answer has more than %d bytes", keystore.ErrLimit, maxSetBytes)
	}
	a.body = body
	return a, nil
}

// sameOrigin returns a copy of the client that follows redirects only within
// the origin it was sent to: another host's keys are not the issuer's.
func sameOrigin(client *http.Client) *http.Client {
	if client == nil {
		client = http.DefaultClient
	}
	own := *client
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		from := via[0].URL
		if req.URL.Scheme != from.Scheme || !strings.EqualFold(req.URL.Host, from.Host) {
			return errors.New("redirect to another origin refused")
		}
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		if client.CheckRedirect != nil {
			return client.CheckRedirect(req, via)
		}
		return nil
	}
	return &own
}

func maxAge(h http.Header) time.Duration {
	age := time.Duration(0)
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			age = seconds(strings.Trim(value, `"`))
		}
	}
	return max(0, age-seconds(h.Get("Age")))
}

// seconds reads delta-seconds (RFC 9111 section 1.2.2); anything else is zero.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// withoutURL drops the URL that [http.Client] writes before the cause.
func withoutURL(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
