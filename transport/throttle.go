package transport

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// How many lines a log gets of what a stranger may set off.
const (
	maxLines   = 10
	linePeriod = 10 * time.Second
)

// A throttle keeps those who can set off log lines from filling a disk: it
// drops all but the first of a period, and says how many.
type throttle struct {
	mu      sync.Mutex
	until   time.Time // the end of the period; guarded by mu
	written int       // in the period; guarded by mu
	dropped int       // since the last line; guarded by mu
}

// log writes the line, unless the logger is nil, wants no such line or has had
// enough of them.
func (t *throttle) log(logger *slog.Logger, level slog.Level, message string, attributes ...slog.Attr) {
	ctx := context.Background()
	if logger == nil || !logger.Enabled(ctx, level) {
		return
	}
	dropped, ok := t.pass(time.Now())
	if !ok {
		return
	}
	if dropped > 0 {
		attributes = append(attributes, slog.Int("dropped", dropped))
	}
	logger.LogAttrs(ctx, level, message, attributes...)
}

// pass reports whether a line may be written, and how many were not before it.
func (t *throttle) pass(now time.Time) (dropped int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !now.Before(t.until) {
		t.until, t.written = now.Add(linePeriod), 0
	}
	if t.written >= maxLines {
		t.dropped++
		return 0, false
	}
	t.written++
	dropped, t.dropped = t.dropped, 0
	return dropped, true
}
