package jwks

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// The times a [Client] keeps to unless its fields say otherwise.
const (
	defaultMinInterval = 30 * time.Second
	maxKeyID           = 256 // bytes; a longer kid is in no set and in no token
)

// Client is the key set at a URL, as a [keystore.PublicSource]. A literal with
// a URL is ready for use; no field may change after that. It is safe for
// concurrent use and must not be copied.
//
// # When it fetches
//
// Nothing is fetched before the first look-up, which waits for it, as do all
// that come meanwhile. From then on look-ups are answered from memory. An
// error, an answer that is not a key set, or a set without a usable key never
// replaces good keys.
//
// There is one fetch at a time, for any number of callers. It runs on a
// goroutine of its own, on behalf of all of them, for at most 5 seconds, or
// [http.Client.Timeout] if that is shorter. No caller's context ends it, and
// each caller stops waiting when its own context does. When an issuer has not
// answered for half a second, or failed before, at most 100 callers wait; for
// others the keys are [keystore.ErrUnavailable] at once. A fetch begins
//
//   - when the keys are about to reach MaxAge, 5 to 15 % ahead by chance, so
//     that a fleet does not ask all at once. A timer starts it, and no caller
//     waits. When nobody has looked a key up for an hour, the client comes to
//     rest instead: the next look-up waits for a fetch, and gets the old keys
//     should that fail. A client that is dropped stops by itself;
//   - when a look-up names a kid that is not in the set, and waits for the
//     fetch: at most once in MinInterval. Other unknown kids are answered with
//     no key at once. A fetch brings every key there is, whoever caused it. So
//     a key is known at the latest one MinInterval after it was published,
//     whatever kids others make up, and whether it was asked for before or not;
//   - after a fetch that failed, with back-off from 1 second doubling to
//     MinInterval, or after the Retry-After of the answer, up to 5 minutes. A
//     failed fetch does not use up the allowance for unknown kids; as long as
//     the last one has failed, a look-up of an unknown kid is
//     [keystore.ErrUnavailable], for nobody can say whether the issuer has it;
//   - by [Client.Refresh].
//
// So a removed key stops verifying within the issuer's max-age, or 5 minutes
// if that is longer, while the issuer answers. If it does not, the keys serve
// on for MaxStale; after that look-ups are [keystore.ErrUnavailable].
//
// A shared cache on the way keeps the set for its max-age, too. If it sends no
// Age, both times add up. Measured with nginx and the defaults: a removed key
// verified for 9.6 minutes instead of 4.3, and its successor was unknown for 5
// minutes instead of none. So fetches for an unknown kid, and those of Refresh,
// ask caches to fetch it as well (no-cache, RFC 9111 section 5.2.1.4). With
// nginx told to comply (proxy_cache_bypass $http_cache_control), a removed key
// verified for 5.0 minutes, and its successor was known at once.
//
// Ages are told by the monotonic clock: setting the system's clock changes
// nothing.
type Client struct {
	// URL of the set: https, or http on a loopback address. Redirects are
	// followed within its origin only. [Client.Discover] finds it for an issuer.
	URL string

	// PlainHTTP lets keys be fetched over http from other machines, where
	// something else protects the way: a service mesh, a tunnel, docker compose.
	// Whoever can alter that traffic can have tokens of their own accepted.
	PlainHTTP bool

	// HTTPClient is used for every fetch, with a redirect rule added to a copy
	// of it; nil: [http.DefaultClient].
	HTTPClient *http.Client

	// MinInterval is the pause between two fetches for unknown kids, and the
	// longest back-off after failures; zero: 30 seconds. It must not be negative.
	MinInterval time.Duration

	// MaxAge is the age by which keys are fetched anew; zero: 0.8 × the
	// max-age of the answer, at least 5 minutes and at most 24 hours. It must
	// not be negative.
	MaxAge time.Duration

	// MaxStale is how long keys serve beyond MaxAge if every fetch fails;
	// zero: 24 hours; negative: not at all.
	MaxStale time.Duration

	// Roots, if not nil, demands of every key a certificate (x5c, RFC 7517
	// section 4.7) that leads to one of these at the time of each fetch. Keys
	// without one are skipped.
	Roots *x509.CertPool

	// OnFetch, if not nil, is called after every fetch, before those who wait
	// for it go on: for metrics. It must be quick, and must not look keys up; its
	// calls do not overlap.
	OnFetch func(Fetch)

	// Logger, if not nil, gets a line for each fetch: a warning if it failed, with
	// the reason and when the next may begin; information if it has brought other
	// keys, or is the first good answer after failures; else a debug message.
	Logger *slog.Logger

	schedule schedule
}

var _ keystore.PublicSource = (*Client)(nil)

// PublicKeys returns the keys of the kid, or all keys for "". For an unknown
// kid it returns no key and no error. If the keys are not available, the error
// is [keystore.ErrUnavailable].
//
// Keys in memory are returned even if ctx is done; with ctx done, no fetch
// begins. The slice is shared and must not be modified; appending to it copies.
func (c *Client) PublicKeys(ctx context.Context, kid string) ([]keystore.PublicKey, error) {
	if c == nil {
		return nil, errNil
	}
	if last := c.schedule.current.Load(); last != nil && last.serving.Load() {
		if keys := last.keys(kid); keys != nil {
			return keys, nil
		}
	}
	keys, err := c.find(ctx, kid)
	if err != nil {
		return nil, c.unavailable(err)
	}
	return keys, nil
}

// Refresh fetches the set now, without regard to pauses, and returns the error
// of that fetch. The keys in force stay if it fails. If a fetch is under way
// already, Refresh starts another one after it, because the first may bring an
// old answer.
func (c *Client) Refresh(ctx context.Context) error {
	if c == nil {
		return errNil
	}
	err := c.setUp()
	if err == nil {
		err = c.schedule.refresh(ctx)
	}
	if err != nil {
		return c.unavailable(err)
	}
	return nil
}

// Status returns the state of the client. It fetches nothing.
func (c *Client) Status() Status {
	if c == nil {
		return Status{Err: errNil}
	}
	return c.schedule.status()
}

// Format prints where the keys come from, whatever the verb: the URL without
// user, password and query, which may be secret. In an unexported field of
// another struct fmt calls no methods: there a verb that does not fit, %s for
// instance, prints all of the URL.
func (c *Client) Format(f fmt.State, _ rune) { io.WriteString(f, c.text()) }

// LogValue returns what [Client.Format] prints.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.text()) }

func (c *Client) text() string {
	if c == nil {
		return "no key set"
	}
	return "key set at " + displayURL(c.URL)
}

// setUp hands the fields over to the schedule at the first use, and reports
// what is wrong with them.
func (c *Client) setUp() error {
	s := &c.schedule
	s.setUp.Do(func() {
		var err error
		if s.fetcher, err = newFetcher(c); err != nil {
			s.fault = fmt.Errorf("%w: %w", keystore.ErrMisconfigured, err)
		}
		s.interval = orDefault(c.MinInterval, defaultMinInterval)
		s.reporter.source, s.reporter.hook, s.reporter.logger = displayURL(c.URL), c.OnFetch, c.Logger
	})
	return s.fault
}

// find looks up a kid for which memory has no answer.
func (c *Client) find(ctx context.Context, kid string) ([]keystore.PublicKey, error) {
	if err := c.setUp(); err != nil {
		return nil, err
	}
	if last := c.schedule.current.Load(); last == nil || !last.serving.Load() {
		last, asked, err := c.renew(ctx)
		if err != nil {
			return nil, err
		}
		if keys := last.keys(kid); keys != nil || asked {
			return keys, nil
		}
	}
	return c.findUnknown(ctx, kid)
}

// renew returns keys when the client is cold, or its keys have lapsed or
// expired. It waits for a fetch, unless the issuer is known to be down and
// there are keys that may still serve. It reports whether the issuer was asked.
func (c *Client) renew(ctx context.Context) (keys *snapshot, asked bool, err error) {
	f, failing, err := c.schedule.flyIfDue(ctx)
	if last := c.schedule.current.Load(); failing && last.usable() {
		return last, false, nil
	}
	if err == nil {
		err = f.wait(ctx)
	}
	if last := c.schedule.current.Load(); last.usable() {
		return last, err == nil, nil
	}
	return nil, false, err
}

// findUnknown looks up a kid that the keys in force do not have.
func (c *Client) findUnknown(ctx context.Context, kid string) ([]keystore.PublicKey, error) {
	if len(kid) > maxKeyID {
		return nil, nil
	}
	for {
		f, err := c.schedule.flyForUnknown(ctx, kid)
		if err == nil && f != nil {
			err = f.wait(ctx)
		}
		if err != nil {
			return nil, err
		}
		// A fetch that began for another reason may have been answered before the key
		// was published: then another fetch is made for the kid.
		keys := c.schedule.current.Load().keys(kid)
		if keys != nil || f == nil || f.cause == unknown {
			return keys, nil
		}
	}
}

var errNil = fmt.Errorf("jwks: %w: %w: the client is nil", keystore.ErrUnavailable, keystore.ErrMisconfigured)

func (c *Client) unavailable(err error) error {
	return fmt.Errorf("jwks: %s: %w: %w", displayURL(c.URL), keystore.ErrUnavailable, err)
}
