package tokenprofile

import "sync"

// A buffer is where a token is made. Nothing of it may outlive release.
type buffer struct{ payload, token, signature []byte }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func (b *buffer) release() {
	if cap(b.token) <= maxKept {
		buffers.Put(b)
	}
}
