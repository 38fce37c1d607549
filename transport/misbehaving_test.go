package transport_test

import (
	"compress/gzip"
	"crypto/fips140"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// tokenServer is a token endpoint on a wire, whose behaviour changes.
type tokenServer struct {
	*wire
	client *http.Client

	good, current *tls.Certificate
	behave        http.HandlerFunc // nil: well
	assertions    []string         // of each request
	issued        int
}

func newTokenServer(t testing.TB) *tokenServer {
	t.Helper()
	ca := newAuthority(t, "CA")
	s := &tokenServer{wire: newWire(), good: pair(t, ca.leaf(t, "auth", "auth.example"))}
	s.current = s.good
	server := &http.Server{Handler: s, ErrorLog: discardLog}
	listener := tls.NewListener(s.wire, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.current, nil
	}})
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) })
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	s.client = &http.Client{Transport: &http.Transport{
		DialContext:       s.dial,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DisableKeepAlives: true, // every request sees the certificate of the moment
	}}
	t.Cleanup(func() {
		server.Close()
		serving.Wait()
		time.Sleep(time.Minute) // for the ends of connections that nobody reads from
	})
	return s
}

func pair(t testing.TB, data []byte) *tls.Certificate {
	t.Helper()
	certificate, err := tls.X509KeyPair(data, data)
	if err != nil {
		t.Fatal(err)
	}
	return &certificate
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	assertion := r.PostFormValue("assertion")
	s.mu.Lock()
	s.assertions = append(s.assertions, assertion)
	behave := s.behave
	if behave == nil {
		s.issued++
	}
	issued := s.issued
	s.mu.Unlock()
	if behave != nil {
		behave(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":"access-%d","token_type":"Bearer","expires_in":300}`, issued)
}

// set changes how the server behaves; with the zero misbehaviour it behaves
// well.
func (s *tokenServer) set(m misbehaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behave, s.fault, s.current = m.handler, m.dial, s.good
	if m.certificate != nil {
		s.current = m.certificate
	}
}

func (s *tokenServer) bearer(base http.RoundTripper) *transport.Bearer {
	return &transport.Bearer{Base: base, Source: &transport.Grant{
		TokenURL:   "https://auth.example/token",
		Assertion:  &fakeSource{},
		HTTPClient: s.client,
	}}
}

// bubble is synctest.Test for tests that draw random numbers, as TLS does. In
// FIPS mode those are seeded from the jitter of the clock, which stands still
// there.
func bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	if fips140.Enabled() {
		t.Skip("in FIPS mode there are no random numbers in a bubble")
	}
	synctest.Test(t, test)
}

type misbehaviour struct {
	name        string
	handler     http.HandlerFunc
	dial        error
	certificate *tls.Certificate
	want        string // of the error; "" for one of net/http's
}

// write returns a handler that answers with the header fields, status and body.
func write(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func misbehaviours(t testing.TB) []misbehaviour {
	expired := newAuthority(t, "CA").leafOf(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "auth"}, DNSNames: []string{"auth.example"},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	})
	unknown := newAuthority(t, "unknown CA").leaf(t, "auth", "auth.example")
	const at = "token endpoint auth.example: "
	return []misbehaviour{
		{name: "500", handler: write(500, "stack trace"), want: at + "500 Internal Server Error"},
		{name: "503 with Retry-After", handler: write(503, "", "Retry-After", "30"), want: at + "503 Service Unavailable"},
		{name: "404 with JSON", handler: write(404, `{"access_token":"no"}`), want: at + "404 Not Found"},
		{name: "HTML with 200", handler: write(200, "<html>sign in</html>", "Content-Type", "text/html; charset=utf-8"), want: at + "200 OK: an HTML page, not a token"},
		{name: "an empty answer", handler: write(200, ""), want: at + "200 OK: an empty answer"},
		{name: "an empty object", handler: write(200, "{}"), want: at + "200 OK: an answer without access_token"},
		{name: "a bare JWK", handler: write(200, `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`), want: at + "200 OK: an answer without access_token"},
		{name: "truncated JSON", handler: write(200, `{"access_token":"acc`), want: at + "200 OK: an answer that is not a JSON object with a token"},
		{name: "a truncated body", handler: write(200, `{"access_token":`, "Content-Length", "100"), want: at + "unexpected EOF"},
		{name: "a slow drip", handler: drip, want: at + "context deadline exceeded"},
		{name: "a hang", handler: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, want: at + "context deadline exceeded"},
		{name: "a reset", handler: hangUp, want: at + "EOF"},
		{name: "a choice of places", handler: write(300, ""), want: at + "300 Multiple Choices: a redirect, which is not followed"},
		{name: "a huge answer", handler: write(200, strings.Repeat(" ", 2<<20)), want: at + "200 OK: an answer of more than 1 MiB"},
		{name: "an endless answer", handler: endless, want: at + "200 OK: an answer of more than 1 MiB"},
		{name: "a gzip bomb", handler: bomb, want: at + "200 OK: an answer of more than 1 MiB"},
		{name: "a redirect loop", handler: write(307, "", "Location", "https://auth.example/token"), want: at + "307 Temporary Redirect: a redirect, which is not followed"},
		{name: "a redirect to http", handler: write(308, "", "Location", "http://auth.example/token"), want: at + "308 Permanent Redirect: a redirect, which is not followed"},
		{name: "a redirect to another host", handler: write(302, "", "Location", "https://other.example/token"), want: at + "302 Found: a redirect, which is not followed"},
		{name: "an expired TLS certificate", certificate: pair(t, expired), want: at + "tls: failed to verify certificate: x509: certificate"},
		{name: "an unknown CA", certificate: pair(t, unknown), want: at + "tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{name: "a DNS failure", dial: &net.DNSError{Err: "no such host", Name: "auth.example", IsNotFound: true}, want: at + "lookup auth.example: no such host"},
		{name: "down", dial: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, want: at + "dial tcp: "},
	}
}

// drip writes a good answer, one byte a second.
func drip(w http.ResponseWriter, r *http.Request) {
	for i := range len(goodAnswer) {
		io.WriteString(w, goodAnswer[i:i+1])
		http.NewResponseController(w).Flush()
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
			return
		}
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
}

// endless writes until nobody listens.
func endless(w http.ResponseWriter, _ *http.Request) {
	for {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

// bomb unpacks to 16 MiB.
func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	packed := gzip.NewWriter(w)
	io.CopyN(packed, zeros{}, 16<<20)
	packed.Close()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestMisbehavingTokenEndpoint is the promise that with a valid token in hand
// no request fails or waits, whatever the endpoint does; that without one a
// request fails within ten seconds, saying why; and that all is well again
// once the endpoint is.
func TestMisbehavingTokenEndpoint(t *testing.T) {
	for _, row := range misbehaviours(t) {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				if row.certificate != nil { // made anew under the clock of the bubble
					for _, again := range misbehaviours(t) {
						if again.name == row.name {
							row = again
						}
					}
				}
				server := newTokenServer(t)
				base := &recorder{}
				warm := server.bearer(base)
				if _, err := get(t, warm); err != nil {
					t.Fatal(err)
				}
				server.set(row)
				time.Sleep(271 * time.Second) // of 300: the renewal is due
				keepsGoing(t, warm, base)
				checkCold(t, server, row.want)
				server.set(misbehaviour{})
				time.Sleep(time.Minute)
				for _, bearer := range []*transport.Bearer{warm, server.bearer(base)} {
					if _, err := get(t, bearer); err != nil {
						t.Errorf("after the endpoint had recovered: %v", err)
					}
				}
				for _, address := range server.dialed {
					if address != "auth.example:443" {
						t.Errorf("the client went to %s", address)
					}
				}
			})
		})
	}
}

// keepsGoing makes a request a second with a token that has 29 left.
func keepsGoing(t *testing.T, warm *transport.Bearer, base *recorder) {
	t.Helper()
	for range 26 {
		start := time.Now()
		if _, err := get(t, warm); err != nil || base.last() != "Bearer access-1" || time.Since(start) > 0 {
			t.Errorf("with a valid token: got %q, %v after %v", base.last(), err, time.Since(start))
		}
		time.Sleep(time.Second)
	}
}

func checkCold(t *testing.T, server *tokenServer, want string) {
	t.Helper()
	cold := server.bearer(&recorder{})
	start := time.Now()
	_, err := get(t, cold)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("without a token the request waited %v", took)
	}
	if err == nil || !strings.HasPrefix(err.Error(), "transport: no token: "+want) {
		t.Errorf("got  %v\nwant transport: no token: %s", err, want)
	}
	if again := func() error { _, err := get(t, cold); return err }(); again != err {
		t.Errorf("in the pause: got %v, want the same error at once", again)
	}
}

func TestTokenEndpointThatRefusesAnOldKey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := newTokenServer(t)
		// The key is rotated while the first assertion is on its way.
		server.set(misbehaviour{handler: func(w http.ResponseWriter, r *http.Request) {
			server.set(misbehaviour{})
			write(400, `{"error":"invalid_grant","error_description":"unknown key"}`)(w, r)
		}})
		bearer := server.bearer(&recorder{})
		var refusal *transport.GrantError
		if _, err := get(t, bearer); !errors.As(err, &refusal) || refusal.Code != "invalid_grant" {
			t.Fatalf("got %v, want invalid_grant", err)
		}
		time.Sleep(time.Second)
		if _, err := get(t, bearer); err != nil {
			t.Errorf("with an assertion of the new key: %v", err)
		}
		if got, want := fmt.Sprint(server.assertions), "[token-1 token-2]"; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	})
}

func TestTokenEndpointAfterALongSleep(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := newTokenServer(t)
		base := &recorder{}
		bearer := server.bearer(base)
		for _, want := range []string{"Bearer access-1", "Bearer access-2"} {
			if _, err := get(t, bearer); err != nil || base.last() != want {
				t.Errorf("got %q, %v, want %q", base.last(), err, want)
			}
			time.Sleep(10 * time.Hour)
		}
	})
}
