package keystore

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"strings"
	"time"
)

// The overlap of [File], and the notice it gives, where it sets none.
const (
	DefaultPublishBefore = time.Hour
	DefaultPublishAfter  = 24 * time.Hour
	DefaultExpiryNotice  = 14 * 24 * time.Hour
)

const defaultInterval = time.Minute

// File opens a keystore as [Open] does, with settings.
//
// A replacement of the file is noticed when the store is used, within a second
// or so: by rename, by a change of a symbolic link on the way to it (as
// Kubernetes does with secrets), or in place, once it has lain still for a
// second. It is read whole or not at all: as long as the new content does not
// open, or has lost a key that the old one had, the old keys stay in force,
// OnReload is told, and reading is tried again after 1 s, 2 s, 4 s and so on
// up to a minute.
//
// A key that is new in the file is published at once, and signs only after
// PublishBefore; until then the key it replaces signs on, even though it has
// left the file. After that the replaced key stays published for PublishAfter.
// "Replaces" is told by alias; where no key had the alias, the new key waits
// as long, and a key that left the file signs until it is there. Nothing waits
// for a certificate that has expired. A key whose certificate is valid from a
// later day on is published now and signs from that day, so that a fleet whose
// machines get the file at different times changes over at one moment. One that
// only has a new certificate signs under its old one until the new one is valid.
//
// What was in the file when it was opened is taken to be known to everyone: a
// program that starts with a new file signs with its key at once, and knows
// nothing of the one before. To change over by a restart, keep the old key in
// the file for as long as its tokens live, beside the new one with a
// certificate that begins later.
//
// What is said of the file holds for a pair of files, and for a function.
type File struct {
	// Path is where the store is. With Read it is only the name that errors
	// and logs give the store.
	Path string

	// Certificate is the path of the certificates of the key in Path, where
	// they are two files, PEM or DER: tls.crt beside tls.key, as Kubernetes,
	// cert-manager and certbot have them. Both are read together. While one
	// has been replaced and the other has not, they do not fit, and the old
	// pair stays in force.
	Certificate string

	// Read yields the store's content where it is in no file: in a secret
	// manager, a database, the Kubernetes API. It is asked every Interval,
	// by whoever uses the store then, on a goroutine of its own, and has 30
	// seconds for the answer. The context carries the values of the caller's,
	// not its end, except in [Store.Reload].
	Read func(ctx context.Context) ([]byte, error)

	// Interval is how often Read is asked, and how often a file is read whose
	// number, size and time say that nothing has changed. Zero means a minute.
	Interval time.Duration

	// Password opens the store; nil means none. KeyPassword opens its private
	// and secret keys, KeyPasswords those of single aliases, written in any
	// case. Where they are missing or wrong the store's password is tried,
	// and then the empty one. Each that is needed is called once at every load.
	Password, KeyPassword Password
	KeyPasswords          map[string]Password

	// PublishBefore is how long a new key is published before it signs. It
	// has to be at least as long as verifiers keep a key set in their cache:
	// the max-age it is published with, or what they have fixed themselves.
	// Zero means [DefaultPublishBefore]: caches of minutes up to an hour are
	// usual. Negative means that it signs at once.
	PublishBefore time.Duration

	// PublishAfter is how long a replaced key stays published. It has to be
	// at least the lifetime of a token and the verifiers' leeway (15 minutes
	// and 30 seconds by default). Zero means [DefaultPublishAfter], enough
	// for tokens that live a day. Negative means not at all.
	PublishAfter time.Duration

	// KeyID chooses the kid of a private key; nil means the kid its file
	// gives it, else the RFC 7638 thumbprint. It has to give different keys
	// different kids: a file whose new key has the kid of another is not
	// loaded, for nobody could tell their tokens apart.
	KeyID func(alias string, key PublicKey) string

	// Algorithm binds a private key to an algorithm, as a JWK's alg does: the
	// key set then says it, and the key signs with no other. Nil, or "" for a
	// key: what the file says, which only a JWK does. A name that is no
	// algorithm, or does not fit the key, is an error.
	Algorithm func(alias string, key PublicKey) Algorithm

	// AllowUnverified gives out keys from a store without integrity check,
	// as some tools write PKCS #12. Without it they are only listed. Trusted
	// certificates are given out either way: in PEM they have no check either.
	AllowUnverified bool

	// IgnoreCertificateDates lets a key sign whatever the dates of its
	// certificate say, where that is only the container a keystore demands:
	// verifiers know the key by its kid. It gives up that a key which
	// everybody has forgotten stops signing. The dates of trusted certificates
	// count in any case.
	IgnoreCertificateDates bool

	// OnExpiring is told of each of the store's own keys whose certificate
	// ends within ExpiryNotice, once, and again when it has a new certificate
	// that does. Zero means [DefaultExpiryNotice], negative means that nobody
	// is told. It is called by whoever uses the store.
	OnExpiring   func(KeyStatus)
	ExpiryNotice time.Duration

	// Logger gets what OnReload and OnExpiring are told; nil means silence.
	Logger *slog.Logger

	// OnReload is told the outcome of every reload that the store begins by
	// itself, nil for success, for logs and metrics: one after the other. It
	// may use the store, but not its Reload.
	OnReload func(error)
}

// Open loads the file, and returns a store that follows it.
func (f File) Open() (*Store, error) {
	f.KeyPasswords = maps.Clone(f.KeyPasswords)
	follower, c, err := newFollower(f)
	if err != nil {
		return nil, f.named(err)
	}
	return newStore(c, f, follower), nil
}

// Parse reads a keystore held in memory as Open would read it from the file,
// once: Path is its name, and what says how it is followed says nothing.
func (f File) Parse(data []byte) (*Store, error) {
	data = bytes.Clone(data) // what holds secrets in plain is wiped after reading
	defer clear(data)
	c, err := parse(f, data)
	if err != nil {
		return nil, f.named(err)
	}
	return newStore(c, f, nil), nil
}

func (f File) overlap() overlap {
	o := overlap{before: orDefault(f.PublishBefore, DefaultPublishBefore), after: orDefault(f.PublishAfter, DefaultPublishAfter)}
	if f.OnExpiring != nil || f.Logger != nil {
		o.notice = orDefault(f.ExpiryNotice, DefaultExpiryNotice)
	}
	return o
}

func (f File) interval() time.Duration {
	return max(orDefault(f.Interval, defaultInterval), checkInterval)
}

func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return max(d, 0)
}

// report tells who wants to know how a reload went.
func (f File) report(err error) {
	if f.Logger != nil && err != nil {
		f.Logger.Warn("keystore not reloaded", "store", f.name(), "error", err.Error())
	} else if f.Logger != nil {
		f.Logger.Info("keystore reloaded", "store", f.name())
	}
	if f.OnReload != nil {
		f.OnReload(err)
	}
}

// warn tells who wants to know that a certificate ends soon.
func (f File) warn(key KeyStatus) {
	if f.Logger != nil {
		f.Logger.Warn("certificate of a signing key ends", "store", f.name(), "alias", key.Alias, "kid", key.KeyID, "end", key.CertificateEnd)
	}
	if f.OnExpiring != nil {
		f.OnExpiring(key)
	}
}

// name returns how errors and logs call the store.
func (f File) name() string {
	if f.Certificate != "" {
		return f.Path + " with " + f.Certificate
	}
	return f.Path
}

// named puts the package and the file before an error.
func (f File) named(err error) error {
	text := strings.TrimPrefix(err.Error(), "keystore: ")
	if name := f.name(); name != "" {
		text = name + ": " + text
	}
	return &fileError{text: "keystore: " + text, err: err}
}

// fileError says its cause once, though the cause says "keystore: " too.
type fileError struct {
	text string
	err  error
}

func (e *fileError) Error() string { return e.text }
func (e *fileError) Unwrap() error { return e.err }
