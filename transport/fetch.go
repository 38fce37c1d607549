package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// tokens yields the token to send next, as the value of its header, scheme
// included, and is told when one was refused.
type tokens interface {
	header(ctx context.Context) (string, error)
	// refused reports whether asking for a token again can yield another.
	refused(header string) bool
	status(now time.Time) Status
}

// newTokens returns the tokens with the claims, nil for the profile's alone:
// kept and renewed, or one for each request.
func newTokens(b *Bearer, c *carrier, claims any) tokens {
	fetch := newFetch(b.Source, claims)
	if source, ok := b.Source.(interface{ OneUse() bool }); ok && source.OneUse() {
		return &oneUse{fetch: fetch, prefix: c.prefix, reporter: c.reporter}
	}
	return &renewal{fetch: fetch, prefix: c.prefix, early: b.EarlyRefresh, reporter: c.reporter}
}

// A fetch asks a source for tokens that requests may carry.
type fetch struct {
	token func(ctx context.Context) (token string, expiry time.Time, err error)
	now   func() time.Time // the clock of the expiry
}

func newFetch(source TokenSource, claims any) fetch {
	f := fetch{token: source.Token, now: clockOf(source)}
	if grant, ok := source.(*Grant); ok {
		f.token = func(ctx context.Context) (string, time.Time, error) { return accessToken(ctx, grant, claims) }
	} else if claims != nil {
		f.token = func(ctx context.Context) (string, time.Time, error) {
			return source.(ClaimsSource).TokenWith(ctx, claims)
		}
	}
	return f
}

// accessToken gets a token as [Grant.TokenWith] does, for requests to a
// resource.
func accessToken(ctx context.Context, g *Grant, claims any) (token string, expiry time.Time, err error) {
	answer, err := g.Ask(ctx, claims)
	if err == nil && !g.IDToken && answer.answer().kind() == typeNotAccess {
		err = errors.New("the token endpoint granted a token that is not an access token (token_type N_A): it can be an Assertion or a Subject, and no request may carry it")
	}
	if err != nil {
		return "", time.Time{}, err
	}
	token, expiry = answer.Token()
	return token, expiry, nil
}

// An outcome is the answer of a source.
type outcome struct {
	token  string
	expiry time.Time // by this machine's clock
	err    error
	at     time.Time
	took   time.Duration
}

// ask accepts neither an empty nor an expired token. Of an expiry it takes how
// far off it is, by the clock that made it.
func (f fetch) ask(ctx context.Context) outcome {
	start := time.Now()
	token, expiry, err := f.token(ctx)
	got := outcome{at: time.Now()}
	got.took = got.at.Sub(start)
	left := expiry.Sub(f.now())
	switch {
	case err != nil:
		got.err = fmt.Errorf("transport: no token: %w", err)
	case token == "":
		got.err = errors.New("transport: no token: the source returned an empty one")
	case !isHeaderToken(token):
		got.err = errors.New("transport: no token: the source returned one with characters that no header may have")
	case !expiry.IsZero() && left <= 0:
		got.err = fmt.Errorf("transport: no token: the source returned one that expired at %s", expiry.Format(time.RFC3339))
	case expiry.IsZero():
		got.token = token
	default:
		got.token, got.expiry = token, got.at.Add(left)
	}
	return got
}

// isHeaderToken reports whether the token can stand in a header: visible ASCII, no space.
func isHeaderToken(token string) bool {
	for _, c := range []byte(token) {
		if c < 0x21 || c > 0x7e {
			return false
		}
	}
	return true
}

// oneUse yields a token for each request, in the context of that request.
type oneUse struct {
	fetch    fetch
	prefix   string
	reporter *reporter
	failed   atomic.Bool // the last fetch
}

func (o *oneUse) header(ctx context.Context) (string, error) {
	got := o.fetch.ask(ctx)
	failed := o.failed.Swap(got.err != nil)
	o.reporter.fetched(Refresh{Reason: reasonFirst, Duration: got.took, Expiry: got.expiry, Err: got.err}, failed)
	return o.prefix + got.token, got.err
}

func (o *oneUse) refused(string) bool { return true }

func (o *oneUse) status(time.Time) Status {
	return Status{Available: o.reporter.last.Load() != nil && !o.failed.Load()}
}

// A Refresh describes one fetch of a token, for metrics and logs. It does not
// hold the token.
type Refresh struct {
	Source    string        // the source: its String method, else its type
	Reason    string        // "first": there was no token to use; "ahead": before the end of the old one; "after 401": a server refused it
	Duration  time.Duration // how long the source took
	Expiry    time.Time     // of the new token; zero without one, or if the source does not know
	Err       error         // nil if there is a new token
	NextRetry time.Time     // with Err: the source is not asked again before
}

// MarshalJSON writes the error as a text.
func (r Refresh) MarshalJSON() ([]byte, error) {
	type fields Refresh
	text := ""
	if r.Err != nil {
		text = r.Err.Error()
	}
	return json.Marshal(struct {
		fields
		Err string
	}{fields(r), text})
}

// LogValue writes the error as a text, and leaves out empty fields.
func (r Refresh) LogValue() slog.Value {
	attributes := []slog.Attr{slog.String("source", r.Source), slog.String("reason", r.Reason), slog.Duration("duration", r.Duration)}
	attributes = append(attributes, at("expiry", r.Expiry)...)
	attributes = append(attributes, fault(r.Err)...)
	return slog.GroupValue(append(attributes, at("next_retry", r.NextRetry)...)...)
}

// Status is the state of a [Bearer], for a health check.
type Status struct {
	Available bool      // a request without claims of its own gets a token: one is kept, or the source gave one for the last request
	Expiry    time.Time // of the token that is kept; zero without one, or if the source does not know
	Claims    int       // how many distinct claims tokens are kept for
	Last      Refresh   // the last fetch, whatever its claims; zero: none yet
}

// LogValue leaves out empty fields.
func (s Status) LogValue() slog.Value {
	attributes := []slog.Attr{slog.Bool("available", s.Available)}
	attributes = append(attributes, at("expiry", s.Expiry)...)
	if s.Claims > 0 {
		attributes = append(attributes, slog.Int("claims", s.Claims))
	}
	if s.Last.Source != "" {
		attributes = append(attributes, slog.Any("last", s.Last))
	}
	return slog.GroupValue(attributes...)
}

func at(name string, t time.Time) []slog.Attr {
	if t.IsZero() {
		return nil
	}
	return []slog.Attr{slog.Time(name, t)}
}

func fault(err error) []slog.Attr {
	if err == nil {
		return nil
	}
	return []slog.Attr{slog.String("error", err.Error())} // in JSON an error would be {}
}

// A reporter tells the hook and the log of a Bearer what happens, and
// remembers the last fetch.
type reporter struct {
	source   string
	hook     func(Refresh)
	logger   *slog.Logger
	throttle throttle
	last     atomic.Pointer[Refresh]
}

func newReporter(b *Bearer) *reporter {
	return &reporter{source: nameOf(b.Source), hook: b.OnRefresh, logger: b.Logger}
}

// nameOf returns what reports call a source.
func nameOf(source TokenSource) string {
	if named, ok := source.(fmt.Stringer); ok {
		return named.String()
	}
	return fmt.Sprintf("%T", source)
}

// fetched reports a fetch. A success that is news, the first after failures, is
// logged as information.
func (r *reporter) fetched(f Refresh, news bool) {
	f.Source = r.source
	r.last.Store(&f)
	switch {
	case f.Err != nil:
		r.throttle.log(context.Background(), r.logger, slog.LevelWarn, "token not fetched", slog.Any("refresh", f))
	case news:
		r.throttle.log(context.Background(), r.logger, slog.LevelInfo, "token fetched", slog.Any("refresh", f))
	case r.logger != nil:
		r.logger.LogAttrs(context.Background(), slog.LevelDebug, "token fetched", slog.Any("refresh", f))
	}
	if r.hook != nil {
		r.hook(f)
	}
}

// refused reports that a server refused the token, also after a renewal.
func (r *reporter) refused(req *http.Request) {
	r.throttle.log(context.Background(), r.logger, slog.LevelWarn, "token refused", slog.String("source", r.source), slog.String("host", req.URL.Host))
}
