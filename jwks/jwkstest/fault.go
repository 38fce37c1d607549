package jwkstest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Hang never answers.
func Hang(_ http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler) // else net/http answers 200, which may still arrive
}

// Drip answers with one byte every 100 milliseconds, without end.
func Drip(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, `{"keys":[`)
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case <-r.Context().Done():
			tick.Stop()
			panic(http.ErrAbortHandler) // no end of the body, however late
		case <-tick.C:
			io.WriteString(w, " ")
			http.NewResponseController(w).Flush()
		}
	}
}

// Reset breaks the connection without an answer.
func Reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0) // RST instead of FIN
	}
	conn.Close()
}

// Truncated breaks the connection in the middle of a key set.
func Truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	io.WriteString(w, `{"keys":[{"kty":"EC","crv":"P-256","x":"`)
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// Huge answers with a set of 2 MiB.
func Huge(w http.ResponseWriter, _ *http.Request) { writeHuge(w) }

// GzipBomb answers with a set of 2 MiB that takes a few KiB on the wire.
func GzipBomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	w.Write(bomb())
}

var bomb = sync.OnceValue(func() []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	writeHuge(w)
	w.Close()
	return packed.Bytes()
})

func writeHuge(w io.Writer) {
	io.WriteString(w, `{"keys":[`)
	space := strings.Repeat(" ", 64<<10)
	for range 32 {
		if _, err := io.WriteString(w, space); err != nil {
			return // the other side has had enough
		}
	}
	io.WriteString(w, `]}`)
}

// Body answers 200 with this text.
func Body(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, text)
	}
}

// Status answers with this status and no key set.
func Status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"error":"fault"}`, code) }
}

// RetryAfter answers 503 with a Retry-After of this time, in whole seconds.
func RetryAfter(d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(int(d.Seconds())))
		Status(http.StatusServiceUnavailable)(w, r)
	}
}

// Redirect answers 302 to this URL.
func Redirect(url string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, http.StatusFound) }
}
