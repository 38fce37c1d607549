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
// answer from memory; those of a store that came from a file look once a
// second whether the file has changed, and read it if so. The look has a
// goroutine that ends with it. The caller that begins it waits for a tenth of
// a second at most, and not longer than its context allows; all others go on
// with the keys there are. A file system that hangs holds up nobody.
//
// The slices it returns are shared between callers and must not be modified.
type Store struct {
	current  atomic.Pointer[view]
	file     File      // whom to tell of what
	follower *follower // nil: the keys are fixed
	told     sync.Map  // of which certificates somebody knows that they end, by keyEnd
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
			key.err = errors.New("the zero PrivateKey is no key")
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

// view is what the store has to say now. Between two looks that takes no lock
// and no more than the monotonic clock.
func (s *Store) view(ctx context.Context) *view {
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
		s.current.CompareAndSwap(v, v.at(now)) // whoever is first; a reload is never overwritten
	}
	s.schedule(now)
	s.warn(now)
}

// warn tells of each certificate that ends soon, once.
func (s *Store) warn(now time.Time) {
	v := s.current.Load()
	for _, t := range v.ending {
		status := t.status(v.overlap, now)
		if _, told := s.told.LoadOrStore(keyEnd{status.KeyID, status.CertificateEnd}, true); !told {
			s.file.warn(status)
		}
	}
}

// Reload reads the file now. What is not in it any more is dropped at once,
// also if it would have stayed published for a while, and what is new signs
// at once: for a key that has leaked. On an error everything stays as it was;
// it is one if an entry that could be read before no longer can, for instance
// because its key has another password now, and if the store came from no
// file: there is nothing to read.
func (s *Store) Reload(ctx context.Context) error {
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

// Format is what the store's content is: "JKS", "JCEKS", "PKCS12", "PEM",
// "JWK", "JWK Set", or "memory" for [New].
func (s *Store) Format() string { return s.view(context.Background()).format }

// Verified reports whether the integrity of the store was checked, with its
// password, or needs no check because the format has none (PEM, JWK).
func (s *Store) Verified() bool { return s.view(context.Background()).verified }

// Entries lists what is in the store, in its order, unreadable entries too.
func (s *Store) Entries() []Entry { return slices.Clone(s.view(context.Background()).entries) }

// PrivateKeys returns the private keys whose turn has come: a key that is to
// replace another is held back until it has been published for
// [File.PublishBefore], and the other one signs meanwhile. Keys whose
// certificate has expired or is not valid yet are among them, and keys that
// could not be read, so that [Select] can name them. The error is
// [ErrUnverified] if the store has no integrity check.
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

// PublicKeys returns the public halves of the store's own keys, as
// [Store.PublishedKeys] does, by kid: never those of trusted certificates,
// which [Store.Trust] has.
func (s *Store) PublicKeys(ctx context.Context, kid string) ([]PublicKey, error) {
	v := s.view(ctx)
	return v.published.find(kid), v.refusal
}

// PublishedKeys returns the public keys to publish: those that sign, those
// that are about to, and those that did until lately ([File.PublishAfter]). A
// key that stands in the store twice is published once.
func (s *Store) PublishedKeys(ctx context.Context) ([]PublicKey, error) {
	v := s.view(ctx)
	return v.published.all, v.refusal
}

// SecretKeys returns the symmetric keys, by kid, or all for "". There is no
// overlap when the file is replaced: keep the old key in it beside the new one
// for as long as its tokens live.
func (s *Store) SecretKeys(ctx context.Context, kid string) ([]SecretKey, error) {
	v := s.view(ctx)
	return v.secrets.find(kid), v.refusal
}

// PublishedAfter is [File.PublishAfter], with its default: how long a replaced
// key stays published. The keys of a store that is made from memory are never
// replaced, and stay as long as the store.
func (s *Store) PublishedAfter() time.Duration {
	if s.follower == nil {
		return math.MaxInt64
	}
	return s.file.overlap().after
}

// Trust returns the keys of other people that the store holds: those of its
// trusted certificates while these are valid, under their RFC 7638
// thumbprints, and public keys of JWK Sets and PEM files, whatever certificate
// stands beside them. They verify, and cannot be published: the source is no
// [Publisher].
func (s *Store) Trust() PublicSource { return trust{s} }

// CertPool returns the trusted certificates, for the RootCAs or ClientCAs of a
// [tls.Config]. The pool is the caller's own, and as old as the call.
func (s *Store) CertPool() *x509.CertPool { return s.view(context.Background()).pool() }

// TLSCertificate returns the key and chain of an alias for mutual TLS, "" as
// for signing: the only key, or the newest valid one. It is cheap, and new at
// every call, so that a [tls.Config] whose GetClientCertificate or
// GetCertificate calls it follows a rotation.
func (s *Store) TLSCertificate(alias string) (*tls.Certificate, error) {
	keys, err := s.PrivateKeys(context.Background())
	if err != nil {
		return nil, err
	}
	return tlsCertificate(s, keys, alias)
}

// Status is the state of the store. It looks after the file as every look-up
// does, and reads nothing by itself.
func (s *Store) Status() Status { return newStatus(s, s.view(context.Background())) }

// tlsCertificate is that of the key that is meant.
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
	return t.store.view(ctx).trust.find(kid), nil
}

// fitsTLS reports whether the key can be used in a TLS handshake.
func fitsTLS(key PrivateKey) error {
	if key.certificate() == nil {
		return errors.New("it has no certificate")
	}
	if _, ok := key.CryptoKey().(crypto.Signer); !ok {
		return fmt.Errorf("%w: %s in TLS", ErrUnsupported, key.public.Describe())
	}
	return nil
}
