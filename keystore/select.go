package keystore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Selection says which of several private keys is meant.
type Selection struct {
	Alias  string                 // the entry's alias, in any case; "" means the only key there is
	Newest bool                   // without an alias, among several: the valid one whose certificate became valid last
	Now    time.Time              // the time at which certificates must be valid; zero: do not look
	Fits   func(PrivateKey) error // whether a key can do the job; nil: every key can
	Source PrivateSource          // where the keys come from, for errors; nil: errors do not say
}

// Select chooses one key: the one with the alias, or the only one that fits,
// or, where the selection allows it, the newest. A key whose certificate has
// expired, or is not valid yet, is never chosen: [ErrExpired] and
// [ErrNotYetValid] name it with the date. Any other error is [ErrNoKey] or
// [ErrAmbiguous]; it lists the aliases with type and validity, and says why a
// key was passed over.
func Select(keys []PrivateKey, selection Selection) (PrivateKey, error) {
	key, err := selection.choose(keys)
	if err != nil {
		return PrivateKey{}, selection.file().named(err)
	}
	return key, nil
}

// file returns what names the source in errors.
func (s Selection) file() File {
	if store, ok := s.Source.(*Store); ok {
		return store.file
	}
	return File{}
}

// instead returns what a source without private keys has instead of them.
func (s Selection) instead() string {
	if store, ok := s.Source.(*Store); ok {
		return "no private key, but " + summary(store.Entries())
	}
	return "no private key"
}

func (s Selection) choose(keys []PrivateKey) (PrivateKey, error) {
	if s.Alias != "" {
		return s.named(keys)
	}
	fit, refusals := s.fitting(keys)
	switch {
	case len(keys) == 0:
		return PrivateKey{}, fmt.Errorf("%w: the store has %s", ErrNoKey, s.instead())
	case len(fit) == 0 && len(keys) == 1:
		return PrivateKey{}, refusals
	case len(fit) == 0:
		return PrivateKey{}, fmt.Errorf("%w: none of the store's keys can be used: %w", ErrNoKey, refusals)
	case len(fit) == 1:
		return fit[0], s.valid(fit[0])
	case s.Newest:
		return s.newest(fit)
	}
	return PrivateKey{}, fmt.Errorf("%w: set NewestKey, or name one of %s", ErrAmbiguous, describeAll(fit))
}

func (s Selection) named(keys []PrivateKey) (PrivateKey, error) {
	var refused error
	for _, key := range ByAlias(keys, s.Alias) {
		err := s.fits(key)
		if err == nil {
			err = s.valid(key)
		}
		if err == nil {
			return key, nil
		}
		refused = err
	}
	if refused != nil {
		return PrivateKey{}, refused
	}
	there := describeAll(keys)
	if len(keys) == 0 {
		there = s.instead()
	}
	return PrivateKey{}, fmt.Errorf("%w: no private key with alias %q; the store has %s", ErrNoKey, clip(s.Alias), there)
}

// fitting returns the keys that can do the job, and why the others cannot. It
// copies nothing if all can, which is usual.
func (s Selection) fitting(keys []PrivateKey) ([]PrivateKey, error) {
	fit := keys
	var refusals []error
	for i, key := range keys {
		err := s.fits(key)
		if err != nil && refusals == nil {
			fit = slices.Clone(keys[:i])
		}
		if err != nil {
			refusals = append(refusals, err)
		} else if refusals != nil {
			fit = append(fit, key)
		}
	}
	return fit, joinErrors(refusals)
}

func (s Selection) fits(key PrivateKey) error {
	err := key.err
	if err == nil && s.Fits != nil {
		err = s.Fits(key)
	}
	if err != nil {
		return fmt.Errorf("key %s: %w", label(key), err)
	}
	return nil
}

// newest returns the valid key whose certificate became valid last. A key
// without a certificate counts as the oldest. Of two of the same day the later
// one in the store wins, because stores grow at the end.
func (s Selection) newest(keys []PrivateKey) (PrivateKey, error) {
	var newest PrivateKey
	var found bool
	var refusals []error
	for _, key := range keys {
		if err := s.valid(key); err != nil {
			refusals = append(refusals, err)
			continue
		}
		if !found || !key.notBefore().Before(newest.notBefore()) {
			newest, found = key, true
		}
	}
	if !found {
		return PrivateKey{}, joinErrors(refusals)
	}
	return newest, nil
}

func (s Selection) valid(key PrivateKey) error {
	cert := key.dated()
	switch {
	case cert == nil || s.Now.IsZero():
		return nil
	case s.Now.After(cert.NotAfter):
		return fmt.Errorf("key %s: %w on %s: renew it (or set File.IgnoreCertificateDates)", label(key), ErrExpired, date(cert.NotAfter))
	case s.Now.Before(cert.NotBefore):
		return fmt.Errorf("key %s: %w, but from %s: wait, or correct this machine's clock", label(key), ErrNotYetValid, date(cert.NotBefore))
	}
	return nil
}

// label returns how errors name the key: by its alias, else by its kid.
func label(k PrivateKey) string {
	switch {
	case k.Alias() != "":
		return fmt.Sprintf("%q", k.Alias())
	case k.KeyID() != "":
		return fmt.Sprintf("%q", k.KeyID())
	}
	return "without alias"
}

func describe(k PrivateKey) string {
	if k.err != nil {
		return "unusable: " + k.err.Error()
	}
	text := k.public.Describe()
	if cert := k.certificate(); cert != nil {
		text += ", valid from " + date(cert.NotBefore) + " until " + date(cert.NotAfter)
	}
	return text
}

// describeAll lists keys as `"signing" (RSA 2048, valid until 2027-01-31)`.
func describeAll(keys []PrivateKey) string {
	const most = 20
	var list []string
	for i, key := range keys {
		if i == most {
			list = append(list, fmt.Sprintf("and %d more", len(keys)-most))
			break
		}
		list = append(list, label(key)+" ("+describe(key)+")")
	}
	return strings.Join(list, ", ")
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// joined is errors.Join on one line.
type joined []error

func joinErrors(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return joined(errs)
}

func (j joined) Unwrap() []error { return j }

func (j joined) Error() string {
	texts := make([]string, len(j))
	for i, err := range j {
		texts[i] = strings.TrimPrefix(err.Error(), "keystore: ")
	}
	return strings.Join(texts, "; ")
}

// summary counts entries, as "1 trusted certificate: it is a truststore".
func summary(entries []Entry) string {
	counts := map[Kind]int{}
	for _, e := range entries {
		counts[e.Kind]++
	}
	var parts []string
	for _, kind := range []Kind{KindPrivateKey, KindSecretKey, KindCertificate, KindPublicKey} {
		name := strings.ReplaceAll(string(kind), "-", " ")
		switch counts[kind] {
		case 0:
		case 1:
			parts = append(parts, "1 "+name)
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", counts[kind], name))
		}
	}
	text := strings.Join(parts, ", ")
	if counts[KindPrivateKey]+counts[KindSecretKey] == 0 && counts[KindCertificate] > 0 {
		text += ": it is a truststore"
	}
	return cmp.Or(text, "nothing at all")
}
