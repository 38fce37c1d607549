package format

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Each calls job with 0 to n-1, begun in this order, side by side on as many
// goroutines as there are cores for. It returns when all have ended.
func Each(n int, job func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		for i := range n {
			job(i)
		}
		return
	}
	var next atomic.Int64
	var done sync.WaitGroup
	for range workers {
		done.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				job(i)
			}
		})
	}
	done.Wait()
}
