package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// settling is how long after its return the clients of a store may take it to
// be down: pgxpool looks at a connection only if it was idle for a second.
const settling = time.Second

// A report is what the ledgers and the journals of a fleet say.
type report struct {
	fleet    *fleet
	admitted map[string]int  // how often, by the id of the token
	keys     map[string]bool // that have signed
	worked   [size]int       // lines in the ledger, by producer
	counts   [size]counts    // by consumer
	answered int             // requests that learnt of their admission
}

// counts are what became of the requests of a consumer.
type counts struct {
	admitted, again, noStore, noAnswer, faults int

	first attempt // of the faults
}

func newReport(f *fleet) (*report, error) {
	r := &report{fleet: f, admitted: map[string]int{}, keys: map[string]bool{}}
	var faults []error
	for i := range size {
		faults = append(faults, readLines(f.ledger(i), func(line string) error {
			id, kid, _ := strings.Cut(line, " ")
			r.admitted[id]++
			r.keys[kid] = true
			r.worked[i]++
			return nil
		}))
	}
	for i := range size { // when all ledgers have been read
		faults = append(faults, readLines(f.journal(i), func(line string) error {
			var a attempt
			if err := json.Unmarshal([]byte(line), &a); err != nil {
				return err
			}
			return r.judge(a, &r.counts[i])
		}))
	}
	return r, errors.Join(faults...)
}

// judge counts an attempt. It is a fault if a new token was refused while
// everything was up, and if what was admitted is in no ledger.
func (r *report) judge(a attempt, c *counts) error {
	f := r.fleet
	switch {
	case a.Status == http.StatusOK:
		c.admitted++
		r.answered++
		if r.admitted[a.ID] == 0 {
			return fmt.Errorf("token %s was admitted, and is in no ledger", a.ID)
		}
	case a.Status == http.StatusUnauthorized && a.Again:
		c.again++
	case a.Status == http.StatusServiceUnavailable && f.store != nil && f.store.wasDown(a, settling):
		c.noStore++
	case a.Status == noAnswer && f.producers[slices.Index(f.addresses, a.Producer)].wasDown(a, 0):
		c.noAnswer++
	default:
		if c.faults++; c.faults == 1 {
			c.first = a
		}
	}
	return nil
}

func (r *report) twice() (n int) {
	for _, times := range r.admitted {
		if times > 1 {
			n++
		}
	}
	return n
}

// verdict is nil if the fleet has kept its promises.
func (r *report) verdict() error {
	var faults []error
	if n := r.twice(); n > 0 {
		faults = append(faults, fmt.Errorf("%d tokens were admitted more than once", n))
	}
	for i, c := range r.counts {
		if c.faults > 0 {
			faults = append(faults, fmt.Errorf("consumer %d was refused %d times for no reason, first with status %d at %s", i+1, c.faults, c.first.Status, c.first.End.Format(time.TimeOnly)))
		}
		if c.admitted == 0 || c.again == 0 {
			faults = append(faults, fmt.Errorf("consumer %d was not at work", i+1))
		}
	}
	if len(r.keys) != r.fleet.rotations+1 {
		faults = append(faults, fmt.Errorf("%d keys have signed after %d rotations", len(r.keys), r.fleet.rotations))
	}
	return errors.Join(faults...)
}

func (r *report) print() {
	f := r.fleet
	w := tabwriter.NewWriter(f.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tkilled\tdown\tadmitted\trefused: used\t503: store down\tno answer: killed\trefused otherwise\t")
	line := func(p *process, figures string) {
		var down time.Duration
		for _, o := range p.outages {
			down += o.until.Sub(o.from)
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f s\t%s\t\n", p.name, len(p.outages), down.Seconds(), figures)
	}
	for i, p := range f.consumers {
		c := r.counts[i]
		line(p, fmt.Sprintf("%d\t%d\t%d\t%d\t%d", c.admitted, c.again, c.noStore, c.noAnswer, c.faults))
	}
	worked := 0
	for i, p := range f.producers {
		worked += r.worked[i]
		line(p, fmt.Sprintf("%d\t\t\t\t", r.worked[i]))
	}
	line(f.cache, "\t\t\t\t")
	if f.store != nil {
		line(f.store, "\t\t\t\t")
	}
	w.Flush()
	fmt.Fprintf(f.out, "keys that have signed: %d\nadmitted, and the answer lost: %d\n", len(r.keys), worked-r.answered)
	fmt.Fprintf(f.out, "admitted twice: %d\n", r.twice())
}
