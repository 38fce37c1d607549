package tokenprofile

import (
	"sync"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// A buffer is where a token is made. Nothing of it may outlive release.
type buffer struct {
	payload, token, signature []byte

	// To read the payload back.
	claims  claims
	scanner strictjson.Scanner
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func (b *buffer) release() {
	if cap(b.token) <= maxKept {
		buffers.Put(b)
	}
}
