package keystore

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Status is the state of a store at one moment, for health checks and logs.
type Status struct {
	Source   string // the path, or the name of a store that is not a file; "" for a store from memory
	Format   string // as [Store.Format]
	Verified bool   // as [Store.Verified]
	Entries  int    // as many as [Store.Entries] lists
	Trusted  int    // keys of [Store.Trust] in force

	Loaded   time.Time // when the content in force was read
	Failures int       // reloads that have failed since
	Err      error     // why the last one did, or why the own keys are not given out; nil if nothing is wrong
	Retry    time.Time // when reading is tried again; zero: nothing failed

	Keys []KeyStatus // the own keys: those that sign, wait, or are still published
	Next time.Time   // when one of them, or a trusted certificate, changes its state by itself; zero: none does
}

// A KeyState is what a store does with one of its keys.
type KeyState string

// The states of keys.
const (
	KeySigns    KeyState = "signing"  // now
	KeyWaits    KeyState = "waiting"  // published, and signs from From on
	KeyRetires  KeyState = "retired"  // no longer signs, and is published until Until
	KeyExpired  KeyState = "expired"  // its certificate has expired
	KeyUnusable KeyState = "unusable" // its entry could not be read: Err
)

// KeyStatus is the state of one private key.
type KeyStatus struct {
	Alias, KeyID   string
	Type           string // as [PublicKey.Describe]
	State          KeyState
	From           time.Time // when it begins to sign; zero: it did when the store was opened
	Until          time.Time // when it is no longer published; zero: as long as it is in the file
	CertificateEnd time.Time // zero: it has no certificate
	Err            error
}

func newStatus(s *Store, v *view) Status {
	now := time.Now()
	status := Status{
		Format: v.format, Verified: v.verified, Entries: len(v.entries), Trusted: len(v.trust.all),
		Loaded: s.opened, Err: v.refusal, Next: v.next,
	}
	if s.follower != nil {
		health := s.follower.health.Load()
		status.Source = s.follower.file.name()
		status.Loaded, status.Failures, status.Retry = health.loaded, health.failures, health.retry
		status.Err = errors.Join(v.refusal, health.err)
	}
	status.Keys = make([]KeyStatus, len(v.turns))
	for i, t := range v.turns {
		status.Keys[i] = t.status(v.overlap, now)
	}
	return status
}

// in returns the keys in a state.
func (s Status) in(state KeyState) (keys []string) {
	for _, key := range s.Keys {
		if key.State == state {
			keys = append(keys, key.String())
		}
	}
	return keys
}

// MarshalJSON writes the error as a text.
func (s Status) MarshalJSON() ([]byte, error) {
	type fields Status
	return json.Marshal(struct {
		fields
		Err string
	}{fields(s), message(s.Err)})
}

// MarshalJSON writes the error as a text.
func (k KeyStatus) MarshalJSON() ([]byte, error) {
	type fields KeyStatus
	return json.Marshal(struct {
		fields
		Err string
	}{fields(k), message(k.Err)})
}

// message returns the text of an error, of which JSON would be {}.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// LogValue lists the keys by state, and leaves out empty fields.
func (s Status) LogValue() slog.Value {
	attributes := []slog.Attr{slog.String("format", s.Format), slog.Bool("verified", s.Verified), slog.Int("entries", s.Entries), slog.Int("trusted", s.Trusted)}
	if s.Source != "" {
		attributes = append([]slog.Attr{slog.String("source", s.Source)}, attributes...)
	}
	for _, state := range []KeyState{KeySigns, KeyWaits, KeyRetires, KeyExpired, KeyUnusable} {
		if keys := s.in(state); len(keys) > 0 {
			attributes = append(attributes, slog.Any(string(state), keys))
		}
	}
	attributes = append(attributes, moment("loaded", s.Loaded)...)
	attributes = append(attributes, moment("next", s.Next)...)
	if s.Err != nil {
		attributes = append(attributes, slog.Int("failures", s.Failures), slog.String("error", s.Err.Error()))
		attributes = append(attributes, moment("retry", s.Retry)...)
	}
	return slog.GroupValue(attributes...)
}

func moment(name string, t time.Time) []slog.Attr {
	if t.IsZero() {
		return nil
	}
	return []slog.Attr{slog.Time(name, t)}
}

// String returns the key in a line, as errors and logs name it.
func (k KeyStatus) String() string {
	text := fmt.Sprintf("%q (%s", k.Alias, k.Type)
	switch {
	case k.Err != nil:
		return fmt.Sprintf("%q: %v", k.Alias, k.Err)
	case k.State == KeyWaits:
		text += ", from " + k.From.UTC().Format(time.RFC3339)
	case k.State == KeyRetires:
		text += ", published until " + k.Until.UTC().Format(time.RFC3339)
	}
	if !k.CertificateEnd.IsZero() {
		text += ", certificate until " + date(k.CertificateEnd)
	}
	return text + ")"
}
