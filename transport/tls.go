package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// connectTimeout is for a connection and its handshake.
const connectTimeout = 15 * time.Second

// TLS is mutual TLS from keystores: which certificate is presented, and which
// are trusted. Both stores are asked at every handshake, so that new
// connections follow their rotation; open connections stay as they are.
type TLS struct {
	// Keys holds the certificate and key to present. Nil means none, which
	// only a client can do.
	Keys *keystore.Store

	// Alias is the entry of Keys to present. Empty means the only one there is.
	Alias string

	// Trust holds the certificates to trust. For a client, nil means the
	// system's roots; for a server, that it asks for no certificate.
	Trust *keystore.Store
}

// Transport returns a transport for https, otherwise like
// [http.DefaultTransport], that can be the Base of a [Bearer] or belong to the
// HTTPClient of a [Grant].
func (t TLS) Transport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = true
	transport.TLSClientConfig = t.Client("") // for proxies, where DialTLSContext is not used
	transport.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		return (&tls.Dialer{Config: t.Client(host)}).DialContext(ctx, network, addr)
	}
	return transport
}

// Client returns the configuration of a client of one server, whose certificate
// must be for the name: a host name or an IP address. With an empty name the
// certificate must have the name that the client sends in its handshake. It
// sends none for an IP address, so that such a connection fails.
func (t TLS) Client(serverName string) *tls.Config {
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: serverName,
		NextProtos: []string{"h2", "http/1.1"},
		// RootCAs would be fixed for the life of the configuration. The
		// verification it would be used in is left out here, and carried out
		// by VerifyConnection with the roots of the moment.
		InsecureSkipVerify: true,
		VerifyConnection:   func(state tls.ConnectionState) error { return t.verifyServer(state, serverName) },
	}
	if t.Keys != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return t.Keys.TLSCertificate(t.Alias)
		}
	}
	return config
}

// Server returns the configuration of a server that presents the certificate of
// Keys and, with Trust, demands a client certificate issued by one of its.
// Sessions are not resumed, so that a client whom Trust no longer has cannot
// come back.
func (t TLS) Server() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return t.serverNow() },
	}
}

// serverNow returns the configuration of one handshake.
func (t TLS) serverNow() (*tls.Config, error) {
	if t.Keys == nil {
		return nil, errors.New("transport: TLS: a server needs Keys")
	}
	certificate, err := t.Keys.TLSCertificate(t.Alias)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion:             tls.VersionTLS12,
		NextProtos:             []string{"h2", "http/1.1"},
		SessionTicketsDisabled: true,
		Certificates:           []tls.Certificate{*certificate},
	}
	if t.Trust != nil {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		if config.ClientCAs, err = t.Trust.CertPool(); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// verifyServer verifies as crypto/tls does by default.
func (t TLS) verifyServer(state tls.ConnectionState, serverName string) error {
	if serverName == "" {
		serverName = state.ServerName
	}
	if serverName == "" {
		// x509 does not compare an empty name.
		return errors.New("transport: TLS: no server name to verify the certificate for")
	}
	options := x509.VerifyOptions{DNSName: serverName, Intermediates: x509.NewCertPool()}
	for _, certificate := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(certificate)
	}
	var err error
	if t.Trust != nil {
		options.Roots, err = t.Trust.CertPool()
	}
	if err == nil {
		_, err = state.PeerCertificates[0].Verify(options)
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
	}
	return nil
}
