package keystore

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Store is an opened keystore. It is safe for concurrent use. Its methods
// answer from memory. If the store came from a file, they check once a second
// whether the file has changed, and read it if so. The check runs on a
// goroutine that ends with it. The caller that starts it waits for a tenth of a
// second at most, and not longer than its context allows; all others go on with
// the keys there are. A file system that hangs delays nobody else.
//
// The slices it returns are shared between callers and must not be modified.
type Store struct {
	current  atomic.Pointer[view]
	file     File      // its hooks and its logger
	follower *follower // nil: the keys are fixed
	told     sync.Map  // certificates whose end was reported, by keyEnd
	opened   time.Time
	next     atomic.Int64 // when to look at clock and file again, in nanoseconds since opened
}

// A keyEnd is a key and when its certificate ends.
type keyEnd struct {
	kid string
	end time.Time
}

var (
	_ PrivateSource = (*Store)(nil)
	_ PublicSource  = (*Store)(nil)
	_ SecretSource  = (*Store)(nil)
	_ Publisher     = (*Store)(nil)
	_ Retainer      = (*Store)(nil)
)

// Open loads a keystore and follows its replacement. It is [File.Open] with
// the defaults; a nil password means none.
func Open(path string, password Password) (*Store, error) {
	return File{Path: path, Password: password}.Open()
}

// Parse reads a keystore held in memory: embedded in the program, or from a
// secret manager or a database. A nil password means none. It is [File.Parse]
// with the defaults.
func Parse(data []byte, password Password) (*Store, error) {
	return File{Password: password}.Parse(data)
}

// New returns a store of fixed private keys: tests, KMS and HSM signers.
func New(keys ...PrivateKey) *Store {
	var c contents
	c.format, c.verified = "memory", true
	for _, key := range keys {
		if key.material == nil && key.err == nil {
			key.err = errors.New("the zero PrivateKey is not a key")
		}
		c.private = append(c.private, key)
		c.entries = append(c.entries, entryOf(key))
	}
	return newStore(&c, File{}, nil)
}

func newStore(c *contents, file File, f *follower) *Store {
	s := &Store{opened: time.Now(), follower: f, file: file}
	s.current.Store(newView(c, file.overlap(), firstTurns(c.private), s.opened))
	if f != nil {
		f.current = &s.current
	}
	s.schedule(s.opened)
	s.warn(s.opened)
	return s
}

// noStore stands for a store that nobody opened: no token is to blame.
var noStore = newStore(&contents{refusal: errNoStore, lacking: errNoStore}, File{}, nil)

var errNoStore = fmt.Errorf("keystore: %w: %w: the store is nil, or was not opened", ErrUnavailable, ErrMisconfigured)

// made returns the store, or noStore in its place.
func (s *Store) made() *Store {
	if s == nil || s.opened.IsZero() {
		return noStore
	}
	return s
}

// view returns the view that holds now. Between two looks that takes no lock,
// only a reading of the monotonic clock.
func (s *Store) view(ctx context.Context) *view {
	s = s.made()
	if int64(time.Since(s.opened)) >= s.next.Load() {
		s.look(ctx, time.Now())
	}
	return s.current.Load()
}

// look brings the store up to date.
func (s *Store) look(ctx context.Context, now time.Time) {
	if s.follower != nil {
		s.follower.look(ctx, now)
	}
	for v := s.current.Load(); !v.until.IsZero() && !now.Before(v.until); v = s.current.Load() {
		s.current.CompareAndSwap(v, v.at(now)) // the first one wins, so that a reload is never overwritten
	}
	s.schedule(now)
	s.warn(now)
}

// warn reports each certificate that ends soon, once.
func (s *Store) warn(now time.Time) {
	v := s.current.Load()
	for _, t := range v.ending {
		status := t.status(v.overlap, now)
		if _, told := s.told.LoadOrStore(keyEnd{status.KeyID, status.CertificateEnd}, true); !told {
			s.file.warn(status)
		}
	}
}

// Reload reads the file now, without overlap: for a key that has leaked. Keys
// that are no longer in the file are dropped at once, and new ones sign at
// once. On an error everything stays as it was. It is an error if an entry that
// could be read before no longer can, for instance because its key has another
// password now, or if the store did not come from a file.
//
// Verifiers trust the old key until they fetch the set again. A shared cache
// before the set can double that time (measured with nginx and the defaults of
// package jwks: 9.6 minutes instead of 4.3; see Client there). Purge the cache
// after Reload.
func (s *Store) Reload(ctx context.Context) error {
	if s = s.made(); s == noStore {
		return errNoStore
	}
	if s.follower == nil {
		return errors.New("keystore: nothing to reload: the store was made from memory, not from a file or a function")
	}
	if err := s.follower.reload(ctx); err != nil {
		return err
	}
	s.schedule(time.Now())
	return nil
}

// schedule sets the next look: when something changes by itself, and within a
// second where there is a file, or where the clock on the wall, which may be
// set meanwhile, decides.
func (s *Store) schedule(now time.Time) {
	until := s.current.Load().until
	if s.follower == nil && until.IsZero() {
		s.next.Store(math.MaxInt64)
		return
	}
	wait := checkInterval
	if !until.IsZero() {
		wait = min(wait, until.Sub(now))
	}
	s.next.Store(int64(now.Sub(s.opened) + wait))
}

// Format returns what the store's content is: "JKS", "JCEKS", "PKCS12", "PEM",
// "JWK", "JWK Set", or "memory" for [New].
func (s *Store) Format() string { return s.view(context.Background()).format }

// Verified reports whether the integrity of the store was checked, with its
// password, or needs no check because the format has none (PEM, JWK).
func (s *Store) Verified() bool { return s.view(context.Background()).verified }

// Entries lists what is in the store, in its order, unreadable entries too.
func (s *Store) Entries() []Entry { return slices.Clone(s.view(context.Background()).entries) }

// PrivateKeys returns the private keys that sign now. A key that is to replace
// another is held back until it has been published for [File.PublishBefore],
// and the other one signs meanwhile. Keys whose certificate has expired or is
// not valid yet are included, and so are keys that could not be read, so that
// [Select] can name them. The error is [ErrUnverified] if the store has no
// integrity check.
func (s *Store) PrivateKeys(ctx context.Context) ([]PrivateKey, error) {
	v := s.view(ctx)
	return v.signing, v.refusal
}

// DecryptionKeys returns every private key that others may encrypt to: those
// of [Store.PublishedKeys], and those whose certificate has expired.
func (s *Store) DecryptionKeys(ctx context.Context) ([]PrivateKey, error) {
	v := s.view(ctx)
	return v.decrypting, v.refusal
}

// PublicKeys returns the keys of [Store.PublishedKeys] by kid. The keys of
// trusted certificates are never among them: see [Store.Trust].
func (s *Store) PublicKeys(ctx context.Context, kid string) ([]PublicKey, error) {
	v := s.view(ctx)
	return v.published.find(kid), v.refusal
}

// PublishedKeys returns the public keys to publish: of the keys that sign, of
// those that are about to sign, and of those that signed until recently
// ([File.PublishAfter]). A key that is in the store twice is published once.
func (s *Store) PublishedKeys(ctx context.Context) ([]PublicKey, error) {
	v := s.view(ctx)
	return v.published.all, v.refusal
}

// SecretKeys returns the symmetric keys with the kid, or all for "". There is
// no overlap when the file is replaced: keep the old key in it beside the new
// one for as long as its tokens live.
func (s *Store) SecretKeys(ctx context.Context, kid string) ([]SecretKey, error) {
	v := s.view(ctx)
	return v.secrets.find(kid), v.refusal
}

// PublishedAfter returns how long a replaced key stays published:
// [File.PublishAfter], with its default. The keys of a store made from memory
// are never replaced.
func (s *Store) PublishedAfter() time.Duration {
	if s = s.made(); s.follower == nil {
		return math.MaxInt64
	}
	return s.file.overlap().after
}

// Trust returns the keys of other people that the store holds: those of its
// trusted certificates while these are valid, under their RFC 7638 thumbprints,
// and public keys of JWK Sets and PEM files, whatever certificate stands beside
// them. They verify, and cannot be published: the source is not a [Publisher].
func (s *Store) Trust() PublicSource { return trust{s.made()} }

// CertPool returns the trusted certificates, for the RootCAs or ClientCAs of a
// [tls.Config]. The pool is a copy: it does not follow the file. It is never
// empty: the error says why there are no certificates, or what [crypto/x509] has
// against all of them.
func (s *Store) CertPool() (*x509.CertPool, error) {
	pool, err := s.view(context.Background()).pool()
	if err != nil {
		return nil, s.made().file.named(err)
	}
	return pool, nil
}

// TLSCertificate returns the key and chain of an alias for mutual TLS. With ""
// it returns the only key, or the newest valid one. It is cheap and never
// stale: call it from GetClientCertificate or GetCertificate of a [tls.Config],
// and new connections follow a rotation.
func (s *Store) TLSCertificate(alias string) (*tls.Certificate, error) {
	keys, err := s.PrivateKeys(context.Background())
	if err != nil {
		return nil, err
	}
	return tlsCertificate(s, keys, alias)
}

// Status returns the state of the store. As every look-up, it checks whether
// the file has changed.
func (s *Store) Status() Status { return newStatus(s.made(), s.view(context.Background())) }

// tlsCertificate returns the certificate of the selected key.
func tlsCertificate(s *Store, keys []PrivateKey, alias string) (*tls.Certificate, error) {
	key, err := Select(keys, Selection{Alias: alias, Newest: true, Now: time.Now(), Fits: fitsTLS, Source: s})
	if err != nil {
		return nil, err
	}
	certificate := &tls.Certificate{PrivateKey: key.CryptoKey(), Leaf: key.certificate()}
	for _, cert := range key.public.chain {
		certificate.Certificate = append(certificate.Certificate, cert.Raw)
	}
	return certificate, nil
}

// trust is the source of other people's keys that a store has.
type trust struct{ store *Store }

// PublicKeys implements [PublicSource].
func (t trust) PublicKeys(ctx context.Context, kid string) ([]PublicKey, error) {
	v := t.store.view(ctx)
	return v.trust.find(kid), v.lacking
}

// fitsTLS reports whether the key can be used in a TLS handshake.
func fitsTLS(key PrivateKey) error {
	if key.certificate() == nil {
		return errors.New("it has no certificate, and TLS needs one: put it into the file, or name it as File.Certificate")
	}
	if _, ok := key.CryptoKey().(crypto.Signer); !ok {
		return fmt.Errorf("%w: %s in TLS", ErrUnsupported, key.public.Describe())
	}
	return nil
}
