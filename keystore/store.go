package keystore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// Store is an opened keystore. It is safe for concurrent use.
type Store struct{}

var errNotBuilt = errors.New("keystore: not built")

// Open loads a keystore and follows its replacement. It is [File.Open] with
// the defaults; a nil password means none.
func Open(path string, password Password) (*Store, error) {
	return File{Path: path, Password: password}.Open()
}

// Parse reads a keystore held in memory.
func Parse(data []byte, password Password) (*Store, error) { return nil, errNotBuilt }

// New returns a store of fixed private keys: tests, KMS and HSM signers.
func New(keys ...PrivateKey) *Store { return &Store{} }

// PrivateKeys returns the private keys whose turn has come. Keys whose certificate has expired are among them,
// so that the one who selects can name them; see [Select].
func (s *Store) PrivateKeys(ctx context.Context) ([]PrivateKey, error) { return nil, errNotBuilt }

// PublicKeys returns own and retired keys, never trusted ones.
func (s *Store) PublicKeys(ctx context.Context, kid string) ([]PublicKey, error) {
	return nil, errNotBuilt
}

// SecretKeys returns HMAC and direct-encryption keys.
func (s *Store) SecretKeys(ctx context.Context, kid string) ([]SecretKey, error) {
	return nil, errNotBuilt
}

// PublishedKeys returns active, next and retired keys.
func (s *Store) PublishedKeys(ctx context.Context) ([]PublicKey, error) { return nil, errNotBuilt }

// Trust returns the keys of the trusted certificates.
func (s *Store) Trust() PublicSource { return nil }

// CertPool returns the trusted certificates, for TLS.
func (s *Store) CertPool() *x509.CertPool { return nil }

// TLSCertificate returns the key and chain of an alias for mutual TLS.
func (s *Store) TLSCertificate(alias string) (*tls.Certificate, error) { return nil, errNotBuilt }

// Reload re-reads the file now, without overlap: for a leaked key.
func (s *Store) Reload(ctx context.Context) error { return errNotBuilt }

// File is what [Open] does by default, adjustable.
type File struct {
	Path                  string
	Password, KeyPassword Password
	KeyPasswords          map[string]Password
	PublishBefore         time.Duration
	PublishAfter          time.Duration
	KeyID                 func(alias string, key PublicKey) string
	AllowUnverified       bool
	OnReload              func(error)
}

// Open loads the file.
func (f File) Open() (*Store, error) { return nil, errNotBuilt }

// Selection says which of several private keys is meant.
type Selection struct {
	Alias  string                 // the entry's alias, without case; "" means the only key there is
	Newest bool                   // without an alias, among several: the valid one whose certificate became valid last
	Now    time.Time              // the time at which certificates must be valid
	Fits   func(PrivateKey) error // nil: every key fits
}

// Select chooses one key. The error lists what there is.
func Select(keys []PrivateKey, selection Selection) (PrivateKey, error) {
	return PrivateKey{}, errNotBuilt
}
