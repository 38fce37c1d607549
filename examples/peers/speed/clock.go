//go:build unix

package speed

import (
	"syscall"
	"time"
)

// spent is the processor time this program has used, on all cores and garbage
// collection included. What else runs on the machine does not count, as it does
// on a clock on the wall.
func spent() time.Duration {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
