package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// A refusalLog tells a logger of refusals. It is ready to use, and safe for
// concurrent use.
type refusalLog struct {
	info, warn throttle
}

// write writes no part of the request that could hold a token or be long.
func (l *refusalLog) write(logger *slog.Logger, message string, r *http.Request, refusal *Refusal) {
	level, throttle := levelOf(refusal), &l.info
	if level == slog.LevelWarn {
		throttle = &l.warn // a flood of bad tokens must not hide that keys cannot be had
	}
	throttle.log(r.Context(), logger, level, message,
		slog.Int("status", refusal.StatusCode), slog.String("code", refusal.Code), slog.String("reason", refusal.err.Error()),
		slog.String("method", bounded(r.Method)), slog.String("remote", r.RemoteAddr))
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
