package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// What a stranger can write into a log at most, of each level.
const (
	logPeriod   = 10 * time.Second
	maxLogLines = 10 // in a period
)

// A refusalLog tells a logger of refusals. It is ready to use, and safe for
// concurrent use.
type refusalLog struct {
	info, warn lineLimit
}

// write writes no part of the request that could hold a token or be long.
func (l *refusalLog) write(logger *slog.Logger, message string, r *http.Request, refusal *Refusal) {
	level := levelOf(refusal)
	if logger == nil || !logger.Enabled(r.Context(), level) {
		return
	}
	limit := &l.info
	if level == slog.LevelWarn {
		limit = &l.warn // a flood of bad tokens must not hide that keys cannot be had
	}
	left, ok := limit.allow(time.Now())
	if !ok {
		return
	}
	attributes := []slog.Attr{
		slog.Int("status", refusal.StatusCode), slog.String("code", refusal.Code), slog.String("reason", refusal.err.Error()),
		slog.String("method", bounded(r.Method)), slog.String("remote", r.RemoteAddr),
	}
	if left > 0 {
		attributes = append(attributes, slog.Uint64("left_out", uint64(left)))
	}
	logger.LogAttrs(r.Context(), level, message, attributes...)
}

func levelOf(refusal *Refusal) slog.Level {
	switch {
	case errors.Is(refusal, errNoCredentials), errors.Is(refusal, context.Canceled), refusal.Code == codeUseNonce:
		return slog.LevelDebug // every client begins like this, or ends
	case refusal.StatusCode >= http.StatusInternalServerError:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// bounded is the method, which may be any word of any length.
func bounded(method string) string { return method[:min(len(method), 16)] }

// A lineLimit counts lines. It has no lock, so that who embeds it can be copied
// before use.
type lineLimit struct {
	state   uint32 // the period, and in the last 8 bits the lines in it; atomic
	dropped uint32 // since the last line; atomic
}

// allow reports whether a line may be written, and how many were not since the last.
func (l *lineLimit) allow(now time.Time) (dropped uint32, ok bool) {
	period := uint32(now.Unix()/int64(logPeriod/time.Second)) << 8
	for {
		old := atomic.LoadUint32(&l.state)
		next := period
		if old&^0xff == period {
			next = old
		}
		if next&0xff >= maxLogLines {
			atomic.AddUint32(&l.dropped, 1)
			return 0, false
		}
		if atomic.CompareAndSwapUint32(&l.state, old, next+1) {
			return atomic.SwapUint32(&l.dropped, 0), true
		}
	}
}
