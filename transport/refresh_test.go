package transport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

func (s *fakeSource) String() string { return "fake source" }

func TestWhyATokenWasFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reasons []string
		status := http.StatusOK
		base := roundTrip(func(req *http.Request) (*http.Response, error) { return respond(req, status), nil })
		bearer := &transport.Bearer{Source: &fakeSource{}, Base: base, OnRefresh: func(r transport.Refresh) {
			reasons = append(reasons, r.Source+" "+r.Reason)
		}}
		request := func() {
			t.Helper()
			if _, err := get(t, bearer); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		request()
		time.Sleep(58 * time.Minute) // of 60
		request()
		status = http.StatusUnauthorized
		request()
		time.Sleep(2 * time.Hour)
		status = http.StatusOK
		request()
		if want := "fake source first, fake source ahead, fake source after 401, fake source first"; strings.Join(reasons, ", ") != want {
			t.Errorf("got %q, want %s", reasons, want)
		}
	})
}

func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{}
		bearer := &transport.Bearer{Source: source, Base: &recorder{}}
		if got := bearer.Status(); got != (transport.Status{}) {
			t.Errorf("before the first request: got %+v", got)
		}
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		expiry := time.Now().Add(time.Hour)
		if got := bearer.Status(); !got.Available || !got.Expiry.Equal(expiry) || got.Last.Reason != "first" || got.Last.Err != nil || got.Claims != 0 {
			t.Errorf("with a token: got %+v", got)
		}
		source.answer = func(context.Context, int) error { return errOutOfOrder }
		time.Sleep(59 * time.Minute)
		get(t, bearer)
		synctest.Wait()
		if got := bearer.Status(); !got.Available || !errors.Is(got.Last.Err, errOutOfOrder) || !got.Last.NextRetry.After(time.Now()) {
			t.Errorf("with an old token: got %+v", got)
		}
		time.Sleep(time.Minute)
		if got := bearer.Status(); got.Available || !got.Expiry.IsZero() {
			t.Errorf("with no token: got %+v", got)
		}
	})
}

func TestStatusOfOtherBearers(t *testing.T) {
	for _, test := range []struct {
		name   string
		bearer *transport.Bearer
		want   string
	}{
		{"nil", nil, "available=false"},
		{"without a source", &transport.Bearer{}, "available=false"},
		{"tokens for one use", &transport.Bearer{Source: &fakeSource{oneUse: true}}, "available=true last.source=\"fake source\" last.reason=first"},
		{"tokens for one use, and none", &transport.Bearer{Source: &fakeSource{oneUse: true, answer: func(context.Context, int) error { return errOutOfOrder }}}, "available=false last.source=\"fake source\" last.reason=first"},
		{"tokens with claims", &transport.Bearer{Source: &fakeSource{}, Claims: func(*http.Request) (any, error) { return "user", nil }}, "available=false claims=1 last.source=\"fake source\" last.reason=first"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.bearer != nil {
				test.bearer.Base = &recorder{}
				heard := make(chan bool, 1)
				test.bearer.OnRefresh = func(transport.Refresh) { heard <- true }
				get(t, test.bearer)
				if test.bearer.Source != nil {
					<-heard
				}
			}
			if got := logged(test.bearer.Status()); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if err := (&transport.Bearer{}).Status().Last.Err; err == nil || err.Error() != "transport: Bearer has no Source" {
		t.Errorf("without a source: got %v", err)
	}
}

// logged is a value as a log has it, flat.
func logged(value any) string {
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("", "v", value)
	_, text, _ := strings.Cut(strings.TrimSpace(out.String()), "v.")
	return strings.ReplaceAll(text, " v.", " ")
}

func TestStatusInJSON(t *testing.T) {
	status := transport.Status{Claims: 2, Last: transport.Refresh{Source: "s", Duration: time.Second, Err: errors.New("down")}}
	for _, test := range []struct {
		status any
		want   string
	}{
		{status, `{"Source":"s","Reason":"","Duration":1000000000,"Expiry":"0001-01-01T00:00:00Z","NextRetry":"0001-01-01T00:00:00Z","Err":"down"}`},
		{transport.Status{}, `"Err":""}`},
	} {
		if got, err := json.Marshal(test.status); err != nil || !strings.Contains(string(got), test.want) {
			t.Errorf("got %s, %v, want %s", got, err, test.want)
		}
	}
}

func TestRefreshInALog(t *testing.T) {
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("", "refresh", transport.Refresh{
		Source: "s", Reason: "ahead", Duration: time.Second, Err: errOutOfOrder, NextRetry: time.Unix(60, 0).UTC(),
	})
	var line struct{ Refresh json.RawMessage }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if want := `{"source":"s","reason":"ahead","duration":1000000000,"error":"out of order","next_retry":"1970-01-01T00:01:00Z"}`; string(line.Refresh) != want {
		t.Errorf("got %s, want %s", line.Refresh, want)
	}
}

// bearerLog is a Bearer whose log keeps level, message and what it is about.
func bearerLog(b *transport.Bearer, level slog.Level) *bytes.Buffer {
	var out bytes.Buffer
	b.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case "time", "duration", "expiry", "next_retry", "source":
			return slog.Attr{}
		}
		return a
	}}))
	return &out
}

func TestWhatABearerLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing, status := false, http.StatusOK
		source := &fakeSource{answer: func(context.Context, int) error {
			if failing {
				return errOutOfOrder
			}
			return nil
		}}
		bearer := &transport.Bearer{Source: source, Base: roundTrip(func(req *http.Request) (*http.Response, error) { return respond(req, status), nil })}
		out := bearerLog(bearer, slog.LevelDebug)
		for _, step := range []struct {
			name    string
			sleep   time.Duration
			failing bool
			status  int
			want    string
		}{
			{"the first token", 0, false, 200, `level=DEBUG msg="token fetched" refresh.reason=first`},
			{"a token that is kept", 0, false, 200, ``},
			{"a renewal that fails", 58 * time.Minute, true, 200, `level=WARN msg="token not fetched" refresh.reason=ahead refresh.error="transport: no token: out of order"`},
			{"the renewal after it", time.Minute, false, 200, `level=INFO msg="token fetched" refresh.reason=ahead`},
			{"a server that refuses all tokens", 0, false, 401, "level=DEBUG msg=\"token fetched\" refresh.reason=\"after 401\"\nlevel=WARN msg=\"token refused\" host=api.example"},
		} {
			time.Sleep(step.sleep)
			failing, status = step.failing, step.status
			get(t, bearer)
			synctest.Wait()
			lines := slices.Sorted(strings.Lines(out.String())) // a fetch is reported after those who wait for it were answered
			if got := strings.TrimSpace(strings.Join(lines, "")); got != step.want {
				t.Errorf("%s: got\n%s\nwant\n%s", step.name, got, step.want)
			}
			out.Reset()
		}
	})
}

// Who can set off requests can fill no disk.
func TestALogOfManyFailuresIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bearer := &transport.Bearer{Base: &recorder{}, Source: &fakeSource{oneUse: true, answer: func(context.Context, int) error { return errOutOfOrder }}}
		out := bearerLog(bearer, slog.LevelInfo)
		for range 100_000 {
			get(t, bearer)
		}
		if lines := strings.Count(out.String(), "\n"); lines != 10 {
			t.Errorf("got %d lines at once, want 10", lines)
		}
		time.Sleep(10 * time.Second)
		out.Reset()
		get(t, bearer)
		get(t, bearer)
		if got := out.String(); strings.Count(got, "\n") != 2 || strings.Count(got, "dropped=99990\n") != 1 {
			t.Errorf("later: got %s", got)
		}
	})
}

func TestWhatAGrantLogs(t *testing.T) {
	c := newCanaries()
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		for name, grant := range c.grants(t, status) {
			var out bytes.Buffer
			grant.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			grant.Token(t.Context())
			c.check(t, fmt.Sprint(name, " ", status), out.String())
			want := `level=DEBUG msg="token granted" source="grant at auth.example"`
			if status != http.StatusOK {
				want = `level=WARN msg="token not granted" source="grant at auth.example"`
			}
			if got := out.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
				t.Errorf("%s %d: got %s, want %s", name, status, got, want)
			}
		}
	}
}

// skewed is a source whose clock is off.
type skewed struct {
	*fakeSource
	skew time.Duration
}

func (s skewed) Now() time.Time { return time.Now().Add(s.skew) }

func (s skewed) Token(ctx context.Context) (string, time.Time, error) {
	token, expiry, err := s.fakeSource.Token(ctx)
	return token, expiry.Add(s.skew), err
}

func TestTokensAreKeptByTheClockThatMadeThem(t *testing.T) {
	for _, skew := range []time.Duration{-20 * time.Minute, 0, 20 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			source := skewed{&fakeSource{lifetime: 10 * time.Minute}, skew}
			bearer := &transport.Bearer{Source: source, Base: &recorder{}, EarlyRefresh: -1}
			for minute := range 30 {
				if _, err := get(t, bearer); err != nil {
					t.Fatalf("%v off, minute %d: %v", skew, minute, err)
				}
				if got, want := source.count(), minute/10+1; got != want {
					t.Errorf("%v off, minute %d: got %d tokens, want %d", skew, minute, got, want)
				}
				if left := time.Until(bearer.Status().Expiry); left <= 0 || left > 10*time.Minute {
					t.Errorf("%v off, minute %d: the token is said to end in %v", skew, minute, left)
				}
				time.Sleep(time.Minute)
			}
		})
	}
}

func TestASignerWhoseProfileHasAClock(t *testing.T) {
	for _, skew := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
		keys := newStore(t)
		profile := tokenprofile.Profile{
			Algorithm: tokenprofile.ES256, Issuer: "me", Subject: "me", Audience: []string{"you"}, Lifetime: 5 * time.Minute,
			Now: func() time.Time { return time.Now().Add(skew) },
		}
		signer, err := profile.Signer(keys)
		if err != nil {
			t.Fatal(err)
		}
		api := &recorder{}
		bearer := &transport.Bearer{Source: signer, Base: api}
		for range 2 {
			if _, err := get(t, bearer); err != nil {
				t.Fatalf("%v off: %v", skew, err)
			}
		}
		if len(api.seen) != 2 || api.seen[0] != api.seen[1] {
			t.Errorf("%v off: the token was not kept", skew)
		}
	}
}

func TestALoggerCostsARequestNothing(t *testing.T) {
	perRequest := func(logger *slog.Logger) float64 {
		bearer := &transport.Bearer{Source: &fakeSource{}, Base: inMemory, Logger: logger}
		req := newRequest(t, http.MethodGet)
		return testing.AllocsPerRun(100, func() {
			if _, err := bearer.RoundTrip(req); err != nil {
				t.Fatal(err)
			}
		})
	}
	without := perRequest(nil)
	with := perRequest(slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if with != without {
		t.Errorf("got %v allocations with a logger, %v without", with, without)
	}
}
