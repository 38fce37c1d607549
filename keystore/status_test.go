package keystore_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// states are the keys of a store by certificate and state.
func states(r *rotating) string {
	var list []string
	for _, key := range r.Status().Keys {
		list = append(list, fmt.Sprintf("%s:%s", key.Alias, key.State))
	}
	return strings.Join(list, " ")
}

func TestStatusThroughARotation(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begin := time.Now()
		r := openRotating(t, jwkSet("one"), keystore.File{})
		status := r.Status()
		if status.Source != r.path || status.Format != "JWK Set" || !status.Verified || status.Entries != 1 || !status.Loaded.Equal(begin) || status.Err != nil || !status.Next.IsZero() {
			t.Errorf("got %+v", status)
		}
		install(t, r.path, jwkSet("two"))
		r.expect(time.Second, "one", "one two")
		if got, want := states(r), "two:waiting one:signing"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		status = r.Status()
		change := begin.Add(time.Second + time.Hour)
		if !status.Next.Equal(change) || !status.Keys[0].From.Equal(change) || !status.Loaded.Equal(begin.Add(time.Second)) {
			t.Errorf("got next %v, from %v, loaded %v, want the change at %v", status.Next, status.Keys[0].From, status.Loaded, change)
		}
		r.expect(time.Hour, "two", "one two")
		if got, want := states(r), "two:signing one:retired"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := r.Status().Keys[1].Until, change.Add(24*time.Hour); !got.Equal(want) {
			t.Errorf("got published until %v, want %v", got, want)
		}
		r.expect(24*time.Hour, "two", "two")
		if got, want := states(r), "two:signing"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestStatusOfAFailedReload(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		good := r.Status().Loaded
		install(t, r.path, `{"keys":[`)
		r.expect(4*time.Second, "one", "one")
		status := r.Status()
		if !errors.Is(status.Err, keystore.ErrDamaged) || status.Failures != 3 || !status.Retry.After(time.Now()) || !status.Loaded.Equal(good) {
			t.Errorf("got %+v, want three failures and the time of the next attempt", status)
		}
		install(t, r.path, jwkSet("one"))
		r.expect(2*time.Second, "one", "one")
		if status := r.Status(); status.Err != nil || status.Failures != 0 || !status.Retry.IsZero() {
			t.Errorf("got %+v after a success", status)
		}
	})
}

// The end of the certificate is the next event, whoever is told of it before.
func TestStatusSaysWhenTheCertificateEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		begin, end := now.AddDate(0, 0, 1), now.AddDate(0, 0, 90)
		file := keystore.File{PublishAfter: time.Hour, OnExpiring: func(keystore.KeyStatus) {}}
		r := openRotating(t, pemEntry(t, "key", "one", begin, end), file)
		for _, step := range []struct {
			at, next time.Time
			state    string
		}{
			{now, begin, "key:waiting"},
			{begin, end.Add(1), "key:signing"},
			{end, end.Add(1), "key:signing"},
			{end.Add(time.Second), end.Add(time.Hour), "key:expired"},
			{end.Add(time.Hour), time.Time{}, "key:expired"},
		} {
			time.Sleep(time.Until(step.at))
			if got := r.Status().Next; !got.Equal(step.next) || states(r) != step.state {
				t.Errorf("at %v: got %q and next %v, want %q and %v", step.at, states(r), got, step.state, step.next)
			}
		}
	})
}

func TestStatusLogsWhatIsInForce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		r := openRotating(t, pemEntry(t, "a", "one", now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)), keystore.File{})
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("", "keys", r.Status())
		for _, want := range []string{"keys.source=" + r.path, "keys.format=PEM", `keys.signing="[\"a\" (Ed25519, certificate until 2001-01-01)]"`} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("got %s, want %s in it", out.String(), want)
			}
		}
	})
}

func TestSomebodyIsToldBeforeACertificateEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		var told []string
		file := keystore.File{
			ExpiryNotice: 10 * 24 * time.Hour,
			OnExpiring: func(key keystore.KeyStatus) {
				told = append(told, key.Alias+" "+key.CertificateEnd.Format(time.DateOnly))
			},
		}
		r := openRotating(t, pemEntry(t, "key", "one", now.AddDate(-1, 0, 0), now.AddDate(0, 0, 20)), file)
		r.expect(10*24*time.Hour-2*time.Second, "one", "one")
		if len(told) > 0 {
			t.Errorf("got %q, want nothing yet", told)
		}
		r.expect(3*time.Second, "one", "one")
		r.expect(24*time.Hour, "one", "one")
		want := "key 2000-01-21"
		if strings.Join(told, ", ") != want {
			t.Errorf("got %q, want %q once", told, want)
		}
		install(t, r.path, pemEntry(t, "key", "one", now.AddDate(-1, 0, 0), now.AddDate(0, 0, 25)))
		r.expect(5*24*time.Hour, "one", "one")
		if want += ", key 2000-01-26"; strings.Join(told, ", ") != want {
			t.Errorf("got %q, want %q, once for each certificate", told, want)
		}
	})
}

func TestNoticeOfThirtyDaysByDefault(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now, told := time.Now(), 0
		r := openRotating(t, pemEntry(t, "key", "one", now.AddDate(-1, 0, 0), now.AddDate(0, 0, 36)), keystore.File{OnExpiring: func(keystore.KeyStatus) { told++ }})
		r.expect(6*24*time.Hour-2*time.Second, "one", "one")
		if told != 0 {
			t.Error("told before")
		}
		r.expect(3*time.Second, "one", "one")
		if told != 1 {
			t.Errorf("told %d times, want once", told)
		}
	})
}

func TestNobodyIsToldWhoDoesNotWantToBe(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		file := keystore.File{ExpiryNotice: -1, OnExpiring: func(key keystore.KeyStatus) { t.Errorf("told of %q", key.Alias) }}
		r := openRotating(t, pemEntry(t, "key", "one", now.AddDate(-1, 0, 0), now.Add(time.Hour)), file)
		r.expect(2*time.Hour, "one", "one")
	})
}

// A key that has been replaced needs no new certificate.
func TestNobodyIsToldOfAKeyThatRetires(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		var told []string
		file := keystore.File{ExpiryNotice: 24 * time.Hour, OnExpiring: func(key keystore.KeyStatus) { told = append(told, key.Alias) }}
		r := openRotating(t, pemEntry(t, "old", "one", now.AddDate(-1, 0, 0), now.Add(25*time.Hour)), file)
		install(t, r.path, pemEntry(t, "new", "two", now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)))
		r.expect(3*time.Hour, "two", "one two")
		if len(told) > 0 {
			t.Errorf("got %q told, want nothing", told)
		}
	})
}

func TestKeyCanSignWhateverItsCertificateSays(t *testing.T) {
	now := time.Now()
	expired := pemEntry(t, "key", "one", now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0))
	for _, ignore := range []bool{false, true} {
		store := must(keystore.File{IgnoreCertificateDates: ignore}.Parse([]byte(expired)))
		_, err := keystore.Select(must(store.PrivateKeys(t.Context())), keystore.Selection{Alias: "key", Now: now})
		if ignore != (err == nil) || !ignore && !errors.Is(err, keystore.ErrExpired) {
			t.Errorf("dates ignored: %v: got %v", ignore, err)
		}
		want := map[bool]keystore.KeyState{false: keystore.KeyExpired, true: keystore.KeySigns}[ignore]
		if got := store.Status().Keys[0].State; got != want {
			t.Errorf("dates ignored: %v: got state %q, want %q", ignore, got, want)
		}
		if published := must(store.PublishedKeys(t.Context())); (len(published) == 1) != ignore {
			t.Errorf("dates ignored: %v: got %d keys published", ignore, len(published))
		}
	}
}

func TestLoggerGetsWhatTheHooksAreTold(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var out bytes.Buffer
		r := openRotating(t, jwkSet("one"), keystore.File{Logger: slog.New(slog.NewTextHandler(&out, nil))})
		install(t, r.path, `{"keys":[`)
		r.expect(time.Second, "one", "one")
		install(t, r.path, jwkSet("one", "two"))
		r.expect(time.Second, "one", "one two")
		log := out.String()
		if strings.Count(log, "level=WARN") != 1 || strings.Count(log, "level=INFO") != 1 || strings.Count(log, "store="+r.path) != 2 {
			t.Errorf("got %s, want a warning and a success that name the store", log)
		}
	})
}

func TestPairIsReplacedTogether(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		dir := t.TempDir()
		key, cert := dir+"/tls.key", dir+"/tls.crt"
		now := time.Now()
		halves := func(seed string) (string, string) {
			both := pemEntry(t, "x", seed, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
			at := strings.Index(both, "Bag Attributes\n    friendlyName: x\n-----BEGIN CERTIFICATE")
			return both[:at], both[at:]
		}
		firstKey, firstCert := halves("one")
		secondKey, secondCert := halves("two")
		install(t, key, firstKey)
		install(t, cert, firstCert)
		r := &rotating{t: t, path: key}
		r.Store = must(keystore.File{Path: key, Certificate: cert, OnReload: func(err error) { r.reports = append(r.reports, err) }}.Open())
		r.expect(0, "one", "one")
		install(t, key, secondKey)
		r.expect(3*time.Second, "one", "one")
		if len(r.reports) == 0 || r.reports[0] == nil || !strings.Contains(r.reports[0].Error(), key+" with "+cert+": ") {
			t.Fatalf("got reports %v, want one that names both files", r.reports)
		}
		install(t, cert, secondCert)
		r.expect(5*time.Second, "one", "one two")
		r.expect(time.Hour, "two", "one two")
		if err := os.Remove(cert); err != nil {
			t.Fatal(err)
		}
		r.expect(3*time.Second, "two", "one two")
		if last := r.reports[len(r.reports)-1]; !errors.Is(last, os.ErrNotExist) || !strings.Contains(last.Error(), "tls.crt: ") {
			t.Errorf("got %v, want %v that names tls.crt", last, os.ErrNotExist)
		}
	})
}

func TestPairThatDoesNotFitIsNotOpened(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	install(t, dir+"/tls.key", encodePEM(newEd25519("one")))
	install(t, dir+"/tls.crt", encodePEM(nil, selfSigned(t, newEd25519("two"), "CN=two", now, now.Add(time.Hour))))
	for _, file := range []keystore.File{
		{Path: dir + "/tls.key", Certificate: dir + "/tls.crt"},
		{Path: dir + "/tls.crt", Certificate: dir + "/tls.crt"},
	} {
		if _, err := file.Open(); err == nil || !strings.Contains(err.Error(), file.Path+" with ") {
			t.Errorf("got %v, want an error that names the files", err)
		}
	}
}

func newEd25519(seed string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(fmt.Appendf(nil, "%-32s", seed))
}

func TestStatusInJSON(t *testing.T) {
	status := keystore.Status{Entries: 2, Err: errors.New("gone"), Keys: []keystore.KeyStatus{{Alias: "a", Err: errors.New("locked")}, {Alias: "b"}}}
	text := string(must(json.Marshal(status)))
	for _, want := range []string{`"Entries":2,`, `"Err":"gone"}`, `"Alias":"a",`, `"Err":"locked"},{"Alias":"b",`, `"Err":""}],`} {
		if !strings.Contains(text, want) {
			t.Errorf("got %s, want %s", text, want)
		}
	}
}
