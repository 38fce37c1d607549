//go:build !unix

package speed

import "time"

var begin = time.Now()

// spent is the time on the wall, where the system's own count is out of reach.
func spent() time.Duration { return time.Since(begin) }
