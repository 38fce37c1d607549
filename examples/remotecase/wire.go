package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// maxBody is how much of a request or an answer is read, in bytes.
const maxBody = 64 << 10

// keptExchanges is how many a journal remembers.
const keptExchanges = 20

// An exchange is a request as it arrived at the producer, and the answer.
type exchange struct {
	Request     string // method and path
	Certificate string // whose the client certificate is
	Carries     string // what shows who asks, without its value
	Token       *said  // the token, if it is one that can be read
	Status      int
	Answer      string
	Log         []string // what the producer wrote meanwhile
}

// said is what a token says. Its signature is not kept.
type said struct{ Header, Claims, KeyID string }

// A journal remembers the last exchanges. It is the producer's log, too: a line
// belongs to the exchange whose context it was written with.
type journal struct {
	mu        sync.Mutex
	exchanges []*exchange // guarded by mu, as what they point to
}

// record passes requests on, and keeps what is said.
func (j *journal) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := arrived(r)
		answer := &tee{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e)))
		j.mu.Lock()
		defer j.mu.Unlock()
		e.Status, e.Answer = answer.status, hideTokens(answer.body.Bytes())
		j.exchanges = append(j.exchanges, e)
		j.exchanges = j.exchanges[max(0, len(j.exchanges)-keptExchanges):]
	})
}

type exchangeKey struct{}

// forget begins anew, so that what is there next belongs to one action.
func (j *journal) forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.exchanges = nil
}

// seen are copies of the exchanges, the oldest first.
func (j *journal) seen() []exchange {
	j.mu.Lock()
	defer j.mu.Unlock()
	var copies []exchange
	for _, e := range j.exchanges {
		copies = append(copies, *e)
	}
	return copies
}

// arrived reads what a request carries: a header, the assertion of a grant, or
// the token of a login.
func arrived(r *http.Request) *exchange {
	e := &exchange{Request: r.Method + " " + r.URL.Path}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		e.Certificate = r.TLS.PeerCertificates[0].Subject.String()
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		e.Carries, e.Token = "Authorization: Bearer", saidBy(token)
	} else if r.Header.Get(ticketHeader) != "" {
		e.Carries = ticketHeader
	}
	if r.Method != http.MethodPost || r.ContentLength <= 0 {
		return e
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return e
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var login loginRequest
	if form, err := url.ParseQuery(string(body)); err == nil && form.Has("assertion") {
		e.Carries, e.Token = "assertion, with grant_type "+form.Get("grant_type"), saidBy(form.Get("assertion"))
		if id, _, ok := r.BasicAuth(); ok {
			e.Carries += "; Authorization: Basic, of " + id
		}
	} else if json.Unmarshal(body, &login) == nil {
		e.Carries, e.Token = `"jwt" in a JSON body`, saidBy(login.JWT)
	}
	return e
}

// saidBy is what a token says, whoever made it.
func saidBy(token string) *said {
	header, claims, err := tokenprofile.Peek(token)
	if err != nil {
		return nil
	}
	var names struct {
		KeyID string `json:"kid"`
	}
	json.Unmarshal(header, &names)
	return &said{Header: indented(header), Claims: indented(claims), KeyID: names.KeyID}
}

func indented(data []byte) string {
	var readable bytes.Buffer
	if json.Indent(&readable, data, "", "  ") != nil {
		return string(data)
	}
	return readable.String()
}

// hideTokens is an answer without the tokens that it hands out.
func hideTokens(body []byte) string {
	var object map[string]any
	if json.Unmarshal(body, &object) != nil {
		return strings.TrimSpace(string(body))
	}
	for _, name := range []string{"access_token", "ticket"} {
		if _, ok := object[name]; ok {
			object[name] = "(not shown)"
		}
	}
	shown, _ := json.Marshal(object)
	return string(shown)
}

// A tee keeps what is answered.
type tee struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (t *tee) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *tee) Write(data []byte) (int, error) {
	t.body.Write(data[:min(len(data), maxBody-t.body.Len())])
	return t.ResponseWriter.Write(data)
}

// Enabled, Handle, WithAttrs and WithGroup make the journal a [slog.Handler].
func (j *journal) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (j *journal) Handle(ctx context.Context, record slog.Record) error {
	e, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil // of a start, or of a fetch that no request waits for
	}
	var line bytes.Buffer
	untimed := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	if err := slog.NewTextHandler(&line, untimed).Handle(ctx, record); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Log = append(e.Log, strings.TrimSpace(line.String()))
	return nil
}

func (j *journal) WithAttrs([]slog.Attr) slog.Handler { return j }
func (j *journal) WithGroup(string) slog.Handler      { return j }
