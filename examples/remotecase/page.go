package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
)

// A desk is the consumer's page: one person works at it.
type desk struct {
	s *systems

	mu   sync.Mutex // one action at a time, so that what arrives meanwhile belongs to it
	last *outcome   // guarded by mu
	pick picked     // guarded by mu
}

// An outcome is what an action has come to.
type outcome struct {
	Title, Text string
	Failed      bool // it did not go as it should
	Exchanges   []exchange
}

// picked is what the person has chosen last.
type picked struct{ Case, User, Way string }

//go:embed page.html page.css
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page.html"))

// servePage keeps both systems up until the context ends.
func servePage(ctx context.Context, out io.Writer, s *systems, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := serve(listener, newDesk(s), nil)
	defer server.Close()
	fmt.Fprintf(out, "Loan requests, the producer:        %s\n", s.producer.url)
	fmt.Fprintf(out, "Financial operations, the consumer: %s\n", s.producer.profile.Issuers[0].KeySet)
	fmt.Fprintf(out, "Work on cases at                    http://%s\n", atLocalhost(listener))
	<-ctx.Done()
	return nil
}

// newDesk is the page with its actions. Other sites cannot set them off.
func newDesk(s *systems) http.Handler {
	d := &desk{s: s, pick: picked{Case: "L-1041", User: "ann", Way: ways[0].Name}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", d.show)
	mux.Handle("GET /page.css", http.FileServerFS(pageFiles))
	mux.Handle("POST /work", d.action(d.work))
	mux.Handle("POST /refusal", d.action(d.refusal))
	mux.Handle("POST /rotation", d.action(d.rotation))
	return http.NewCrossOriginProtection().Handler(mux)
}

// action does what a button says, and goes back to the page.
func (d *desk) action(do func(context.Context, *http.Request) (*outcome, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.s.producer.journal.forget()
		done, err := do(context.WithoutCancel(r.Context()), r) // what is begun is ended, also when the person leaves
		if err != nil {
			done = &outcome{Title: "It did not go as it should", Text: err.Error(), Failed: true}
		}
		if done.Exchanges == nil {
			done.Exchanges = d.s.producer.journal.seen()
		}
		d.last = done
		http.Redirect(w, r, "/#wire", http.StatusSeeOther)
	})
}

func (d *desk) work(ctx context.Context, r *http.Request) (*outcome, error) {
	pick := picked{Case: r.FormValue("case"), User: r.FormValue("user"), Way: r.FormValue("way")}
	i := slices.IndexFunc(ways, func(w way) bool { return w.Name == pick.Way })
	if i < 0 {
		return nil, fmt.Errorf("there is no way %q", pick.Way)
	}
	d.pick = pick
	worked, err := d.s.work(ctx, ways[i], pick.User, pick.Case, r.FormValue("action"))
	if err != nil {
		return nil, err
	}
	return &outcome{
		Title: fmt.Sprintf("%s is now %s", worked.ID, worked.Status),
		Text:  fmt.Sprintf("Loan requests says that %s has worked on it. Here that is %s.", worked.WorkedBy, pick.User),
	}, nil
}

func (d *desk) refusal(ctx context.Context, r *http.Request) (*outcome, error) {
	i := slices.IndexFunc(refusals, func(f refusal) bool { return f.Name == r.FormValue("name") })
	if i < 0 {
		return nil, fmt.Errorf("there is no refusal %q", r.FormValue("name"))
	}
	refused, err := refusals[i].try(ctx, d.s)
	if err != nil {
		return nil, err
	}
	return &outcome{Title: "Refused: " + refused, Text: refusals[i].Why}, nil
}

// rotation replaces the keystore while Ann and Ben work, and shows the last
// exchange of each way.
func (d *desk) rotation(ctx context.Context, _ *http.Request) (*outcome, error) {
	day := d.s.begin(ctx)
	turn, err := d.s.rotate(ctx)
	if err == nil {
		err = d.s.arrivesSignedBy(ctx, day, turn.After)
	}
	worked, fault := day.over()
	if err := firstOf(fault, err); err != nil {
		return nil, err
	}
	done := &outcome{
		Title: "The new key signs",
		Text: fmt.Sprintf("The keystore was replaced while cases were worked on %d times, and no attempt failed. The new key was published after %s and signed after %s.",
			worked, short(turn.Published), short(turn.Signs)),
	}
	for _, e := range d.s.producer.journal.seen() {
		if e.Token != nil && e.Token.KeyID == turn.After {
			done.Exchanges = []exchange{e}
		}
	}
	return done, nil
}

// show writes the page. Its list of cases comes from the producer, as
// everything else.
func (d *desk) show(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	view, err := d.view(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'")
	w.Header().Set("Cache-Control", "no-store")
	pageTemplate.Execute(w, view)
}

func (d *desk) list(ctx context.Context) (list []loanCase, err error) {
	got, err := d.s.call(ctx, ways[0], "ann", http.MethodGet, "")
	if err != nil {
		return nil, err
	}
	if got.Status != http.StatusOK {
		return nil, fmt.Errorf("the producer answered %d", got.Status)
	}
	return list, json.Unmarshal([]byte(got.Body), &list)
}
