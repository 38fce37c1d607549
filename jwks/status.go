package jwks

import (
	"encoding/json"
	"log/slog"
	"time"
)

// Status is the state of a [Client], for a health check.
type Status struct {
	Available bool      // look-ups of known kids are answered from memory
	Keys      int       // in force
	Skipped   int       // keys of the set that cannot be used, or have no trusted certificate
	SkipErr   error     // why, for ten of them at most; nil if none was skipped
	Fetched   time.Time // the last good answer; zero: none yet
	Expires   time.Time // until then the keys serve if every fetch fails; zero: there are none
	Failures  int       // fetches that have failed since the last good answer
	Err       error     // why the last one did; nil if there was none
}

// MarshalJSON writes errors as texts.
func (s Status) MarshalJSON() ([]byte, error) {
	type fields Status
	return json.Marshal(struct {
		fields
		SkipErr, Err string
	}{fields(s), message(s.SkipErr), message(s.Err)})
}

// message returns the text of an error, of which JSON would be {}.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// LogValue writes errors as texts, and leaves out what there is not.
func (s Status) LogValue() slog.Value {
	attributes := []slog.Attr{slog.Bool("available", s.Available), slog.Int("keys", s.Keys)}
	attributes = append(attributes, skipped(s.Skipped, s.SkipErr)...)
	attributes = append(attributes, at("fetched", s.Fetched)...)
	attributes = append(attributes, at("expires", s.Expires)...)
	if s.Failures > 0 {
		attributes = append(attributes, slog.Int("failures", s.Failures))
	}
	return slog.GroupValue(append(attributes, fault(s.Err)...)...)
}

func skipped(n int, reason error) []slog.Attr {
	if n == 0 {
		return nil
	}
	attributes := []slog.Attr{slog.Int("skipped", n)}
	if reason != nil {
		attributes = append(attributes, slog.String("skip_error", reason.Error()))
	}
	return attributes
}

func fault(err error) []slog.Attr {
	if err == nil {
		return nil
	}
	return []slog.Attr{slog.String("error", err.Error())} // in JSON an error would be {}
}

func at(name string, t time.Time) []slog.Attr {
	if t.IsZero() {
		return nil
	}
	return []slog.Attr{slog.Time(name, t)}
}
