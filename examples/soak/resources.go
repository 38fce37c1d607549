package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"time"
)

// poll opens what the runtime keeps open for good once there was a connection.
var poll sync.Once

// resources are what a program must give back.
type resources struct{ goroutines, files int }

func inUse() resources {
	poll.Do(func() {
		if listener, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
			listener.Close()
		}
	})
	open, _ := os.ReadDir("/proc/self/fd") // none where the system has no such folder
	return resources{runtime.NumGoroutine(), len(open)}
}

// settled is what is in use after what was about to end has had its time.
func settled(before resources) resources {
	now := inUse()
	for deadline := time.Now().Add(10 * time.Second); now.more(before) && time.Now().Before(deadline); now = inUse() {
		time.Sleep(100 * time.Millisecond)
	}
	return now
}

func (r resources) more(than resources) bool {
	return r.goroutines > than.goroutines || r.files > than.files
}

func (r resources) String() string {
	return fmt.Sprintf("%d goroutines and %d files", r.goroutines, r.files)
}

// heap is what is reachable, in bytes: at the least, and when nobody asks for
// anything any more.
type heap struct{ least, last uint64 }

// reachable is the heap after garbage collection. Pools take two to be emptied.
func reachable() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// slack is in bytes: what buffers and connections come and go with.
const slack = 1 << 20

func (h heap) grew() bool { return h.last > h.least+slack }
