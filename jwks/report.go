package jwks

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A Fetch is what [Client.OnFetch] learns.
type Fetch struct {
	Duration    time.Duration
	Keys        int       // in force now
	Skipped     int       // keys of the set that cannot be used, or have no trusted certificate
	SkipErr     error     // why, for ten of them at most; nil if none was skipped
	NotModified bool      // the issuer answered that nothing has changed
	Err         error     // nil: the answer was good
	NextRetry   time.Time // after a failure: the next fetch begins no earlier, but for [Client.Refresh]
}

// LogValue writes errors as texts, and leaves out what there is not.
func (f Fetch) LogValue() slog.Value {
	attributes := []slog.Attr{slog.Duration("duration", f.Duration), slog.Int("keys", f.Keys)}
	attributes = append(attributes, skipped(f.Skipped, f.SkipErr)...)
	if f.NotModified {
		attributes = append(attributes, slog.Bool("not_modified", true))
	}
	attributes = append(attributes, fault(f.Err)...)
	return slog.GroupValue(append(attributes, at("next_retry", f.NextRetry)...)...)
}

// A reporter tells the client's hook and log of its fetches.
type reporter struct {
	source string // the URL as it may be shown
	hook   func(Fetch)
	logger *slog.Logger

	mu sync.Mutex // one report at a time
}

// tell reports a fetch. If it is news, somebody may want to know of it though
// nothing is wrong.
func (r *reporter) tell(f Fetch, news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.logger != nil {
		level, message := slog.LevelDebug, "key set fetched"
		switch {
		case f.Err != nil:
			level, message = slog.LevelWarn, "key set not fetched"
		case news:
			level = slog.LevelInfo
		}
		r.logger.LogAttrs(context.Background(), level, message, slog.String("url", r.source), slog.Any("fetch", f))
	}
	if r.hook != nil {
		r.hook(f)
	}
}
