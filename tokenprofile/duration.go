package tokenprofile

import (
	"strings"
	"time"
)

// formatDuration is the shortest text that [time.ParseDuration] reads: "15m"
// rather than "15m0s".
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
