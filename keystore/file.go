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
	DefaultExpiryNotice  = 30 * 24 * time.Hour
)

const defaultInterval = time.Minute

// File opens a keystore as [Open] does, with settings.
//
// A replacement of the file is noticed within about a second while the store is
// used: a rename, a change of a symbolic link on the way to it (as Kubernetes
// does with secrets), or a write in place, once the file has not changed for a
// second. It is read whole or not at all. The old keys stay in force if the new
// content does not open, has no private key or no trusted certificate at all
// where there was one before, or has an entry that could be read before and no
// longer can. OnReload is told then, and reading is tried again after 1 s, 2 s,
// 4 s and so on up to a minute.
//
// A key that is new in the file is published at once, and signs only after
// PublishBefore. Until then the key it replaces goes on signing, even though it
// has left the file; after that the replaced key stays published for
// PublishAfter. A key replaces the one that had its alias. If no key had it,
// the new key waits just as long, and keys that left the file sign until then.
// A new key signs at once if the certificate of the one it replaces has
// expired. A key whose certificate is valid from a later day on is published
// now and signs from that day, so that a fleet whose machines get the file at
// different times changes over at one moment. A key that only has a new
// certificate signs under the old one until the new one is valid.
//
// The keys that are in the file when it is opened sign at once: a program that
// starts with a new file knows nothing of the file before. To change over by a
// restart, keep the old key in the file for as long as its tokens live, beside
// the new one with a certificate that begins later.
//
// All this holds for a pair of files, and for a function, too.
type File struct {
	// Path is where the store is. With Read it is only the store's name in errors
	// and logs.
	Path string

	// Certificate is the path of the certificates of the key in Path, where
	// they are two files, PEM or DER: tls.crt beside tls.key, as Kubernetes,
	// cert-manager and certbot have them. Both are read together. While one
	// has been replaced and the other has not, they do not fit, and the old
	// pair stays in force.
	Certificate string

	// Read yields the store's content if it is not in a file: from a secret
	// manager, a database, the Kubernetes API. It is called every Interval while
	// the store is used, on a goroutine of its own, and has 30 seconds. Its
	// context has the values of the caller's, but not its deadline, except in
	// [Store.Reload].
	Read func(ctx context.Context) ([]byte, error)

	// Interval is how often Read is called, and how often a file is read although
	// its inode, size and time are unchanged. Zero means a minute.
	Interval time.Duration

	// Password opens the store; nil means none. KeyPassword opens its private and
	// secret keys, KeyPasswords those of single aliases, written in any case. If
	// they are missing or wrong, the store's password is tried, and then the empty
	// one. Each one that is needed is called once at every load.
	Password, KeyPassword Password
	KeyPasswords          map[string]Password

	// PublishBefore is how long a new key is published before it signs. It has to
	// be at least as long as verifiers cache a key set: the max-age it is
	// published with, or a time of their own. Zero means [DefaultPublishBefore]:
	// caches of minutes up to an hour are usual. Negative means that it signs at
	// once.
	PublishBefore time.Duration

	// PublishAfter is how long a replaced key stays published. It has to be
	// at least the lifetime of a token and the verifiers' leeway (15 minutes
	// and 30 seconds by default). Zero means [DefaultPublishAfter], enough
	// for tokens that live a day. Negative means not at all.
	PublishAfter time.Duration

	// KeyID chooses the kid of a private key. Nil means the kid that its file
	// names, else the RFC 7638 thumbprint. Different keys need different kids: a
	// file with two keys of one kid is not loaded, because verifiers could not
	// tell their tokens apart.
	KeyID func(alias string, key PublicKey) string

	// Algorithm binds a private key to an algorithm, as a JWK's alg does: the key
	// set then says it, and the key signs with no other. Nil, or "" for a key,
	// means the algorithm in the file, which only a JWK has. A name that is no
	// algorithm, or does not fit the key, is an error.
	Algorithm func(alias string, key PublicKey) Algorithm

	// AllowUnverified gives out keys from a store without integrity check,
	// as some tools write PKCS #12. Without it they are only listed. Trusted
	// certificates are given out either way: in PEM they have no check either.
	AllowUnverified bool

	// IgnoreCertificateDates lets a key sign although its certificate has expired
	// or is not valid yet, where the certificate is only a container that the
	// keystore needs, and verifiers know the key by its kid. Given up: a forgotten
	// key no longer stops signing by itself. The dates of trusted certificates
	// always count.
	IgnoreCertificateDates bool

	// OnExpiring is called once for each of the store's own keys whose certificate
	// ends within ExpiryNotice, and again for a new certificate of the key. Zero
	// means [DefaultExpiryNotice]; negative means that it is never called. It runs
	// on the goroutine of whoever uses the store.
	OnExpiring   func(KeyStatus)
	ExpiryNotice time.Duration

	// Logger is told what OnReload and OnExpiring are told. Nil means that nothing
	// is logged.
	Logger *slog.Logger

	// OnReload is called after every reload that the store begins by itself, with
	// nil for success: for logs and metrics. Its calls do not overlap. It may use
	// the store, but must not call Reload.
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

// Parse reads a keystore held in memory, once, as Open would read it from the
// file. Path is its name; the fields that say how a file is followed have no
// effect.
func (f File) Parse(data []byte) (*Store, error) {
	data = bytes.Clone(data) // wiped after reading, for it may hold plain secrets
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

// report tells the logger and OnReload how a reload went.
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

// warn tells the logger and OnExpiring that a certificate ends soon.
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

// fileError leaves out a second "keystore: " that its cause begins with.
type fileError struct {
	text string
	err  error
}

func (e *fileError) Error() string { return e.text }
func (e *fileError) Unwrap() error { return e.err }
