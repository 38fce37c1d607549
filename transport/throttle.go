package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// How many log lines a stranger may cause.
const (
	maxLines   = 10
	linePeriod = 10 // seconds
)

// A throttle keeps strangers from filling a disk with log lines: it drops all
// but the first few of a period, and says how many. It has no lock, so that a
// [Guard] and a [TokenEndpoint] can be copied before they are used.
type throttle struct {
	state   uint32 // when the period began, in seconds, and in the last 8 bits the lines in it; atomic
	dropped uint32 // since the last line; atomic
}

// log writes the line, unless the logger is nil or does not want the level, or
// the period has had its lines.
func (t *throttle) log(ctx context.Context, logger *slog.Logger, level slog.Level, message string, attributes ...slog.Attr) {
	if logger == nil || !logger.Enabled(ctx, level) {
		return
	}
	dropped, ok := t.pass(time.Now())
	if !ok {
		return
	}
	if dropped > 0 {
		attributes = append(attributes, slog.Uint64("dropped", uint64(dropped)))
	}
	logger.LogAttrs(ctx, level, message, attributes...)
}

// pass reports whether a line may be written, and how many were not before it.
func (t *throttle) pass(now time.Time) (dropped uint32, ok bool) {
	second := uint32(now.Unix()) << 8 // 24 bits of it: half a year
	for {
		old := atomic.LoadUint32(&t.state)
		next := old
		if (second-old&^0xff)>>8 >= linePeriod {
			next = second
		}
		if next&0xff >= maxLines {
			atomic.AddUint32(&t.dropped, 1)
			return 0, false
		}
		if atomic.CompareAndSwapUint32(&t.state, old, next+1) {
			return atomic.SwapUint32(&t.dropped, 0), true
		}
	}
}

// A refusalLog tells a logger of refusals. It is ready to use, and safe for
// concurrent use.
type refusalLog struct {
	info, warn throttle
}

// write logs a refusal. It writes no part of the request that could hold a
// token or be long.
func (l *refusalLog) write(logger *slog.Logger, message string, r *http.Request, refusal *Refusal) {
	level, throttle := levelOf(refusal), &l.info
	if level == slog.LevelWarn {
		throttle = &l.warn // a flood of bad tokens must not hide that keys are not available
	}
	throttle.log(r.Context(), logger, level, message,
		slog.Int("status", refusal.StatusCode), slog.String("code", refusal.Code), slog.String("reason", refusal.err.Error()),
		slog.String("method", bounded(r.Method)), slog.String("remote", r.RemoteAddr))
}

func levelOf(refusal *Refusal) slog.Level {
	switch {
	case errors.Is(refusal, errNoCredentials), errors.Is(refusal, context.Canceled), refusal.Code == oauth.CodeUseNonce:
		return slog.LevelDebug // normal for every client
	case refusal.StatusCode == http.StatusServiceUnavailable:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// bounded returns the method, cut: it may be any word of any length.
func bounded(method string) string { return method[:min(len(method), 16)] }
