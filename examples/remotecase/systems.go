package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// What each system has been given: keystores and truststores, token profiles,
// authentication profiles. The keys protect nothing, so their password may
// stand beside them.
//
//go:embed financialoperations loanrequests cardoperations
var records embed.FS

// The addresses that the documents name. Each run has its own.
const (
	consumerAddress = "localhost:8443"
	producerAddress = "localhost:9443"
)

// systems are the two applications, and the folder their records are in.
type systems struct {
	folder   string
	producer *producer

	mu       sync.Mutex
	consumer *consumer // another one after a restart
}

// start brings both up, on free ports of this machine.
func start(folder string) (*systems, error) {
	consumerPort, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	producerPort, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addresses := strings.NewReplacer(consumerAddress, atLocalhost(consumerPort), producerAddress, atLocalhost(producerPort))
	if err := place(folder, addresses); err != nil {
		return nil, err
	}
	s := &systems{folder: folder}
	if s.producer, err = newProducer(s.path(loanRequests)); err != nil {
		return nil, err
	}
	if err := s.registerClient(); err != nil {
		return nil, err
	}
	if err := s.producer.serve(s.path(loanRequests), producerPort); err != nil {
		return nil, err
	}
	if s.consumer, err = openConsumer(s.path(financialOperations), consumerPort); err != nil {
		return nil, err
	}
	return s, nil
}

// atLocalhost is where a listener is, by the name that is in the certificates.
func atLocalhost(listener net.Listener) string {
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return net.JoinHostPort("localhost", port)
}

// place copies the records to where a keystore can be replaced, with the
// addresses of this run.
func place(folder string, addresses *strings.Replacer) error {
	return fs.WalkDir(records, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := records.ReadFile(name)
		if err != nil {
			return err
		}
		if filepath.Ext(name) == ".json" {
			data = []byte(addresses.Replace(string(data)))
		}
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o600)
	})
}

// path is that of a system's record.
func (s *systems) path(parts ...string) string {
	return filepath.Join(append([]string{s.folder}, parts...)...)
}

// registerClient is what two administrators do: the producer's hands out a
// client ID and a secret, and the consumer's stores them.
func (s *systems) registerClient() error {
	secret, err := s.producer.register(clientID)
	if err != nil {
		return err
	}
	return os.WriteFile(s.path(financialOperations, "client.secret"), []byte(secret), 0o600)
}

// current is the consumer that runs now.
func (s *systems) current() *consumer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.consumer
}

// producersTrust is the producer's truststore, to look into.
func (s *systems) producersTrust() (*keystore.Store, error) {
	return keystore.Open(s.path(loanRequests, "Remotecasetype_Truststore.jks"), keystore.FilePassword(s.path(loanRequests, "keystore.password")))
}

// fetchKeySet asks the JSON web key set URI as the producer does, which trusts
// the consumer's authority and has nothing else of the consumer's.
func (s *systems) fetchKeySet(ctx context.Context) (uri, document string, err error) {
	trust, err := s.producersTrust()
	if err != nil {
		return "", "", err
	}
	connections := transport.TLS{Trust: trust}.Transport()
	defer connections.CloseIdleConnections()
	uri = s.producer.profile.Issuers[0].KeySet
	got, err := send(ctx, &http.Client{Transport: connections}, http.MethodGet, uri, "")
	if err == nil && got.Status != http.StatusOK {
		err = fmt.Errorf("the JSON web key set URI answers %d", got.Status)
	}
	return uri, got.Body, err
}

// restartConsumer stops the consumer and starts another from what is in its
// folder. Nothing else of the old one is left.
func (s *systems) restartConsumer() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.consumer.close()
	listener, err := net.Listen("tcp", s.consumer.address)
	if err != nil {
		return err
	}
	s.consumer, err = openConsumer(s.path(financialOperations), listener)
	return err
}

func (s *systems) stop() {
	s.current().close()
	s.producer.close()
}
