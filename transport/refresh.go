package transport

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// A Refresh tells of one fetch of a token, for metrics and logs. It does not
// hold the token: a log would too.
type Refresh struct {
	Source    string        // who was asked: its String method, else its type
	Reason    string        // "first": there was no token to use; "ahead": before the end of the old one; "after 401": a server refused it
	Duration  time.Duration // how long the source took
	Expiry    time.Time     // of the new token; zero if there is none or the source does not know
	Err       error         // nil if there is a new token
	NextRetry time.Time     // with Err: the source is not asked again before
}

// LogValue writes the error as a text, and leaves out what there is not.
func (r Refresh) LogValue() slog.Value {
	attributes := []slog.Attr{slog.String("source", r.Source), slog.String("reason", r.Reason), slog.Duration("duration", r.Duration)}
	attributes = append(attributes, at("expiry", r.Expiry)...)
	attributes = append(attributes, fault(r.Err)...)
	return slog.GroupValue(append(attributes, at("next_retry", r.NextRetry)...)...)
}

// Status is how a [Bearer] stands, for a health check.
type Status struct {
	Available bool      // a request without claims of its own gets a token: one is kept, or the source gave one for the last request
	Expiry    time.Time // of the token that is kept; zero if there is none or the source does not know
	Claims    int       // how many distinct claims tokens are kept for
	Last      Refresh   // the last fetch, whatever its claims; zero: none yet
}

// LogValue leaves out what there is not.
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

// nameOf is what reports call a source.
func nameOf(source TokenSource) string {
	if named, ok := source.(fmt.Stringer); ok {
		return named.String()
	}
	return fmt.Sprintf("%T", source)
}

// fetched reports a fetch. If it is news, somebody may want to know of it
// though nothing is wrong.
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

// refused reports that a server had something against the token to the end.
func (r *reporter) refused(req *http.Request) {
	r.throttle.log(context.Background(), r.logger, slog.LevelWarn, "token refused", slog.String("source", r.source), slog.String("host", req.URL.Host))
}
