package transport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// authority issues certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{}
	a.key, a.cert = a.issue(t, &x509.Certificate{
		Subject:  pkix.Name{CommonName: name},
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	})
	return a
}

// issue completes the template and signs it, with its own key if the authority has none yet.
func (a *authority) issue(t testing.TB, template *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(48*time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// leaf is a PEM keystore with a key and its certificate, for servers and clients alike.
func (a *authority) leaf(t testing.TB, name string, hosts ...string) []byte {
	t.Helper()
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return a.leafOf(t, template)
}

func (a *authority) leafOf(t testing.TB, template *x509.Certificate) []byte {
	t.Helper()
	key, cert := a.issue(t, template)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return append(pemOf("PRIVATE KEY", der), pemOf("CERTIFICATE", cert.Raw)...)
}

// trust is a PEM truststore.
func (a *authority) trust() []byte { return pemOf("CERTIFICATE", a.cert.Raw) }

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func store(t testing.TB, data []byte) *keystore.Store {
	t.Helper()
	s, err := keystore.Parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// discardLog keeps the handshakes that fail on purpose out of the output.
var discardLog = log.New(io.Discard, "", 0)

// whoAmI answers with the name in the client's certificate.
func whoAmI(w http.ResponseWriter, r *http.Request) {
	name := "nobody"
	if len(r.TLS.PeerCertificates) > 0 {
		name = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	io.WriteString(w, name)
}

func serveTLS(t testing.TB, config transport.TLS) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(whoAmI))
	server.TLS = config.Server()
	server.EnableHTTP2 = true
	server.Config.ErrorLog = discardLog
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// ask returns what whoAmI says over a new connection.
func (a *asker) ask() (string, error) {
	fresh := a.config.Transport()
	fresh.Proxy = a.proxy
	defer fresh.CloseIdleConnections()
	resp, err := (&http.Client{Transport: fresh, Timeout: 5 * time.Second}).Get(a.url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

type asker struct {
	config transport.TLS
	url    string
	proxy  func(*http.Request) (*url.URL, error)
}

func TestMutualTLS(t *testing.T) {
	ca := newAuthority(t, "CA")
	server := serveTLS(t, transport.TLS{Keys: store(t, ca.leaf(t, "server", "127.0.0.1", "::1")), Trust: store(t, ca.trust())})
	client := &asker{config: transport.TLS{Keys: store(t, ca.leaf(t, "billing")), Trust: store(t, ca.trust())}, url: server.URL}
	if got, err := client.ask(); err != nil || got != "billing" {
		t.Errorf("got %q, %v, want %q", got, err, "billing")
	}
	resp, err := (&http.Client{Transport: client.config.Transport()}).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Errorf("got %s, want HTTP/2", resp.Proto)
	}
}

func TestMutualTLSRefuses(t *testing.T) {
	ca, other := newAuthority(t, "CA"), newAuthority(t, "other CA")
	expired := ca.leafOf(t, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	})
	clientOnly := ca.leafOf(t, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	for _, test := range []struct {
		name           string
		server         []byte
		trust          []byte // of the client
		client         []byte
		ofServer, none bool // whether the client's check fails, or it has no certificate
	}{
		{"a server of an unknown CA", other.leaf(t, "server", "127.0.0.1"), ca.trust(), ca.leaf(t, "client"), true, false},
		{"a server with another name", ca.leaf(t, "server", "api.example"), ca.trust(), ca.leaf(t, "client"), true, false},
		{"a server with another address", ca.leaf(t, "server", "127.0.0.2"), ca.trust(), ca.leaf(t, "client"), true, false},
		{"a server without a name", ca.leaf(t, "127.0.0.1"), ca.trust(), ca.leaf(t, "client"), true, false},
		{"a server whose certificate has expired", expired, ca.trust(), ca.leaf(t, "client"), true, false},
		{"a server with a client's certificate", clientOnly, ca.trust(), ca.leaf(t, "client"), true, false},
		{"a truststore without certificates", ca.leaf(t, "server", "127.0.0.1"), ca.leaf(t, "no trust in it"), ca.leaf(t, "client"), true, false},
		{"a client of an unknown CA", ca.leaf(t, "server", "127.0.0.1"), ca.trust(), other.leaf(t, "client"), false, false},
		{"a client without a certificate", ca.leaf(t, "server", "127.0.0.1"), ca.trust(), nil, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(whoAmI))
			server.Config.ErrorLog = discardLog
			server.TLS = transport.TLS{Keys: store(t, ca.leaf(t, "good")), Trust: store(t, ca.trust())}.Server()
			server.TLS.GetConfigForClient = withCertificate(t, server.TLS.GetConfigForClient, test.server)
			server.StartTLS()
			defer server.Close()
			config := transport.TLS{Trust: store(t, test.trust)}
			if !test.none {
				config.Keys = store(t, test.client)
			}
			got, err := (&asker{config: config, url: server.URL}).ask()
			var verification *tls.CertificateVerificationError
			if err == nil || errors.As(err, &verification) != test.ofServer {
				t.Errorf("got %q, %v, want an error of the client's check: %t", got, err, test.ofServer)
			}
		})
	}
}

// withCertificate makes a server present what our own would not.
func withCertificate(t *testing.T, next func(*tls.ClientHelloInfo) (*tls.Config, error), data []byte) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	t.Helper()
	certificate, err := tls.X509KeyPair(data, data)
	if err != nil {
		t.Fatal(err)
	}
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		config, err := next(hello)
		if err == nil {
			config.Certificates = []tls.Certificate{certificate}
		}
		return config, err
	}
}

func TestTLSTakesIntermediatesFromTheServer(t *testing.T) {
	ca := newAuthority(t, "CA")
	between := &authority{}
	between.key, between.cert = ca.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "intermediate"}, KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	})
	chain := append(between.leaf(t, "server", "127.0.0.1"), pemOf("CERTIFICATE", between.cert.Raw)...)
	server := serveTLS(t, transport.TLS{Keys: store(t, chain)})
	if got, err := (&asker{config: transport.TLS{Trust: store(t, ca.trust())}, url: server.URL}).ask(); err != nil || got != "nobody" {
		t.Errorf("got %q, %v, want %q", got, err, "nobody")
	}
}

// A store with keys where certificates belong trusts nobody, and both ends say why.
func TestTLSWithATruststoreThatHasNoCertificate(t *testing.T) {
	ca := newAuthority(t, "CA")
	der, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		t.Fatal(err)
	}
	keysOnly := store(t, pemOf("PRIVATE KEY", der))
	const want = "no trusted certificate: the store has 1 private key"
	server := serveTLS(t, transport.TLS{Keys: store(t, ca.leaf(t, "server", "127.0.0.1"))})
	if _, err := (&asker{config: transport.TLS{Trust: keysOnly}, url: server.URL}).ask(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a client: got %v, want %q", err, want)
	}
	config := transport.TLS{Keys: store(t, ca.leaf(t, "server", "127.0.0.1")), Trust: keysOnly}.Server()
	if _, err := config.GetConfigForClient(nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a server: got %v, want %q", err, want)
	}
}

func TestTLSServerResumesNoSession(t *testing.T) {
	ca := newAuthority(t, "CA")
	server := serveTLS(t, transport.TLS{Keys: store(t, ca.leaf(t, "server", "127.0.0.1"))})
	config := transport.TLS{Trust: store(t, ca.trust())}.Client("127.0.0.1")
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	config.NextProtos = nil
	for range 2 {
		conn, err := tls.Dial("tcp", server.Listener.Addr().String(), config)
		if err != nil {
			t.Fatal(err)
		}
		// A ticket would come with the first answer.
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil {
			t.Fatal(err)
		}
		if conn.ConnectionState().DidResume {
			t.Error("a session was resumed, whatever the truststore says now")
		}
		conn.Close()
	}
}

func TestTLSConfigNeedsAName(t *testing.T) {
	ca := newAuthority(t, "CA")
	server := serveTLS(t, transport.TLS{Keys: store(t, ca.leaf(t, "server", "127.0.0.1", "api.example"))})
	address := server.Listener.Addr().String()
	config := transport.TLS{Trust: store(t, ca.trust())}
	for _, test := range []struct {
		name, configured, overTheWire string
		ok                            bool
	}{
		{"the configured address", "127.0.0.1", "", true},
		{"another address", "127.0.0.2", "", false},
		{"the configured name", "api.example", "", true},
		{"another name", "other.example", "", false},
		{"the name over the wire", "", "api.example", true},
		{"another name over the wire", "", "other.example", false},
		{"an address over the wire, which TLS does not send", "", "127.0.0.1", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := config.Client(test.configured)
			if test.overTheWire != "" {
				client.ServerName = test.overTheWire
			}
			conn, err := tls.Dial("tcp", address, client)
			if err == nil {
				conn.Close()
			}
			if (err == nil) != test.ok {
				t.Errorf("got %v, want success: %t", err, test.ok)
			}
		})
	}
}

func TestTLSServerNeedsKeys(t *testing.T) {
	if _, err := (transport.TLS{}).Server().GetConfigForClient(nil); err == nil {
		t.Error("a server without keys went on")
	}
}

// TestTLSThroughAProxy is the path on which net/http does the handshake.
func TestTLSThroughAProxy(t *testing.T) {
	ca := newAuthority(t, "CA")
	server := serveTLS(t, transport.TLS{Keys: store(t, ca.leaf(t, "server", "api.example")), Trust: store(t, ca.trust())})
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tunnel(t, w, server.Listener.Addr().String())
	}))
	defer proxy.Close()
	client := &asker{config: transport.TLS{Keys: store(t, ca.leaf(t, "billing")), Trust: store(t, ca.trust())}}
	client.proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	for _, test := range []struct{ url, want string }{
		{"https://api.example", "billing"},
		{"https://other.example", ""},
	} {
		client.url = test.url
		if got, err := client.ask(); got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%s: got %q, %v, want %q", test.url, got, err, test.want)
		}
	}
}

// tunnel connects the client of a CONNECT request to the address.
func tunnel(t testing.TB, w http.ResponseWriter, address string) {
	upstream, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer upstream.Close()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	go io.Copy(upstream, conn)
	io.Copy(conn, upstream)
}
