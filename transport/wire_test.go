package transport_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// wire is a network in memory with one server, so that real HTTP and TLS run
// under the clock of a synctest bubble. It buffers as TCP does: with
// [net.Pipe] a TLS client that refuses a certificate and the server that goes
// on writing wait for each other.
type wire struct {
	conns  chan net.Conn
	closed chan struct{}

	mu     sync.Mutex
	dialed []string
	fault  error // of every dial
}

func newWire() *wire { return &wire{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (w *wire) dial(ctx context.Context, _, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialed = append(w.dialed, address)
	fault := w.fault
	w.mu.Unlock()
	if fault != nil {
		return nil, fault
	}
	up, down := newStream(), newStream()
	select {
	case w.conns <- &wireConn{in: up, out: down}:
		return &wireConn{in: down, out: up}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case conn := <-w.conns:
		return conn, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { close(w.closed); return nil }
func (w *wire) Addr() net.Addr { return &net.UnixAddr{Name: "wire"} }

// wireConn is one end of a connection.
type wireConn struct{ in, out *stream }

func (c *wireConn) Read(p []byte) (int, error)         { return c.in.Read(p) }
func (c *wireConn) Write(p []byte) (int, error)        { return c.out.Write(p) }
func (c *wireConn) Close() error                       { c.in.close(); c.out.close(); return nil }
func (c *wireConn) LocalAddr() net.Addr                { return &net.UnixAddr{Name: "wire"} }
func (c *wireConn) RemoteAddr() net.Addr               { return &net.UnixAddr{Name: "wire"} }
func (c *wireConn) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }
func (c *wireConn) SetWriteDeadline(t time.Time) error { return nil } // no write waits
func (c *wireConn) SetReadDeadline(t time.Time) error  { c.in.setDeadline(t); return nil }

// stream is one direction of a connection.
type stream struct {
	changed  *sync.Cond
	buffer   bytes.Buffer // guarded by changed.L, as all below
	closed   bool
	deadline time.Time
	timer    *time.Timer
}

func newStream() *stream { return &stream{changed: sync.NewCond(&sync.Mutex{})} }

func (s *stream) Read(p []byte) (int, error) {
	s.changed.L.Lock()
	defer s.changed.L.Unlock()
	for {
		switch {
		case !s.deadline.IsZero() && !time.Now().Before(s.deadline):
			return 0, os.ErrDeadlineExceeded
		case s.buffer.Len() > 0:
			return s.buffer.Read(p)
		case s.closed:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) Write(p []byte) (int, error) {
	s.changed.L.Lock()
	defer s.changed.L.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	defer s.changed.Broadcast()
	return s.buffer.Write(p)
}

func (s *stream) close() {
	s.changed.L.Lock()
	defer s.changed.L.Unlock()
	s.closed = true
	s.changed.Broadcast()
}

func (s *stream) setDeadline(t time.Time) {
	s.changed.L.Lock()
	defer s.changed.L.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.deadline = t
	if !t.IsZero() {
		s.timer = time.AfterFunc(time.Until(t), s.changed.Broadcast)
	}
	s.changed.Broadcast()
}
