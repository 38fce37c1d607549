package transport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// Two services know each other by their certificates, each from a keystore
// and a truststore.
func ExampleTLS() {
	consumer, consumerTrust, err := exampleTLSStores("billing")
	if err != nil {
		log.Fatal(err)
	}
	producer, producerTrust, err := exampleTLSStores("localhost")
	if err != nil {
		log.Fatal(err)
	}

	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello,", r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	server.TLS = transport.TLS{Keys: producer, Trust: consumerTrust}.Server()
	server.StartTLS()
	defer server.Close()

	client := &http.Client{Transport: transport.TLS{Keys: consumer, Trust: producerTrust}.Transport()}
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	resp, err := client.Get("https://localhost:" + port)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		log.Fatal(err)
	}
	// Output:
	// hello, billing
}

// exampleTLSStores makes what an operator would have in files: a keystore with
// a self-signed certificate for the name, and a truststore with that certificate.
func exampleTLSStores(name string) (keys, trust *keystore.Store, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	private, err := keystore.NewPrivateKey(key, certificate)
	if err != nil {
		return nil, nil, err
	}
	trust, err = keystore.Parse(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil)
	return keystore.New(private), trust, err
}
