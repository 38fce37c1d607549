package transport_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// The frames of HTTP/2 (RFC 9113 section 6) that a balancer needs.
const (
	frameData         = 0
	frameHeaders      = 1
	frameReset        = 3
	frameSettings     = 4
	framePing         = 6
	frameGoAway       = 7
	frameWindowUpdate = 8

	flagEnd     = 1 // END_STREAM, and ACK of SETTINGS and PING
	flagHeaders = 4 // END_HEADERS
)

// A balancer answers every request over HTTP/2 with a token, but refuses
// streams and closes connections at random, as a load balancer does whose
// servers come and go.
type balancer struct {
	net.Listener
	answered, refused, left atomic.Int64
}

func newBalancer(t *testing.T) (*balancer, *http.Client) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil) // for its certificate and a client that trusts it
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	b := &balancer{Listener: listener}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go b.serve(conn)
		}
	}()
	return b, server.Client()
}

func (b *balancer) serve(conn net.Conn) {
	defer conn.Close()
	if _, err := io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	writeFrame(conn, frameSettings, 0, 0, nil)
	writeFrame(conn, frameWindowUpdate, 0, 0, []byte{0x3f, 0, 0, 0})
	last, leaving := uint32(0), false // the newest stream that got an answer
	for {
		kind, flags, stream, err := readFrame(conn)
		switch {
		case err != nil:
			return
		case (kind == frameSettings || kind == framePing) && flags&flagEnd == 0:
			writeFrame(conn, kind, flagEnd, 0, make([]byte, map[byte]int{framePing: 8}[kind]))
		case kind > frameHeaders || flags&flagEnd == 0 || leaving && stream > last:
		case !leaving && stream > last && rand.N(200) == 0:
			leaving = true
			b.left.Add(1)
			writeFrame(conn, frameGoAway, 0, 0, binary.BigEndian.AppendUint64(nil, uint64(last)<<32))
		case rand.N(50) == 0:
			b.refused.Add(1)
			writeFrame(conn, frameReset, 0, stream, []byte{0, 0, 0, 7}) // REFUSED_STREAM
		default:
			last = max(last, stream)
			b.answered.Add(1)
			writeFrame(conn, frameHeaders, flagHeaders, stream, []byte{0x88}) // status 200: RFC 7541 appendix A
			writeFrame(conn, frameData, flagEnd, stream, []byte(goodAnswer))
		}
	}
}

func readFrame(r io.Reader) (kind, flags byte, stream uint32, err error) {
	var header [9]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, 0, 0, err
	}
	length := int64(header[0])<<16 | int64(header[1])<<8 | int64(header[2])
	_, err = io.CopyN(io.Discard, r, length)
	return header[3], header[4], binary.BigEndian.Uint32(header[5:]), err
}

func writeFrame(w io.Writer, kind, flags byte, stream uint32, payload []byte) {
	frame := bytes.NewBuffer([]byte{0, 0, byte(len(payload)), kind, flags})
	frame.Write(binary.BigEndian.AppendUint32(nil, stream))
	frame.Write(payload)
	w.Write(frame.Bytes()) // an error means that the client has gone
}

// No request fails, because each can be sent again that nobody has looked at.
func TestALoadBalancerThatRefusesAndLeaves(t *testing.T) {
	balancer, client := newBalancer(t)
	url := "https://" + balancer.Addr().String()
	grant := &transport.Grant{TokenURL: url + "/token", ClientID: "me", HTTPClient: client}
	api := transport.Wrap(client, grant)
	var failed atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for range 8 {
				if _, _, err := grant.Token(t.Context()); err != nil {
					failed.Add(1)
					t.Logf("token: %v", err)
				}
				resp, err := api.Post(url, "text/plain", strings.NewReader("body"))
				if err != nil {
					failed.Add(1)
					t.Logf("request: %v", err)
					continue
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	all.Wait()
	t.Logf("%d answers, %d refused streams, %d connections left", balancer.answered.Load(), balancer.refused.Load(), balancer.left.Load())
	if failed.Load() > 0 || balancer.refused.Load() == 0 || balancer.left.Load() == 0 {
		t.Errorf("%d requests failed", failed.Load())
	}
}
