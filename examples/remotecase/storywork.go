package main

import (
	"context"
	"fmt"
	"strings"
)

// work has Ann work on a case, once in every way.
func (t *story) work(ctx context.Context) error {
	for i, action := range []string{"ask", "review", "approve"} {
		w := ways[i]
		t.s.producer.journal.forget()
		worked, err := t.s.work(ctx, w, "ann", "L-1042", action)
		if err != nil {
			return err
		}
		fmt.Fprintf(t.out, "\n   Ann works on %s (%s): %s. The way: %s.\n", worked.ID, worked.Title, action, w.Title)
		for _, e := range t.s.producer.journal.seen() {
			t.exchange(e)
		}
	}
	return nil
}

// exchange prints what went over the wire.
func (t *story) exchange(e exchange) {
	t.say(e.Request, "")
	t.say("  connection", "client certificate %s", e.Certificate)
	t.say("  carries", "%s", e.Carries)
	if e.Token != nil {
		t.say("  header", "%s", compact(e.Token.Header))
		t.say("  claims", "%s", compact(e.Token.Claims))
		if key, err := signingKey(t.s.current().keys()); err == nil && key.KeyID == e.Token.KeyID {
			t.say("  signed by", "alias %s of Remotecasetype_Keystore", key.Alias)
		}
	}
	t.say("  answer", "%d %s", e.Status, e.Answer)
	if len(e.Log) > 0 {
		t.say("  producer's log", "%s", strings.Join(e.Log, "\n"))
	}
}

// compact is a JSON object on fewer lines.
func compact(indented string) string {
	return strings.Join(strings.Fields(indented), " ")
}

func (t *story) refusals(ctx context.Context) error {
	for _, r := range refusals {
		t.s.producer.journal.forget()
		answer, err := r.try(ctx, t.s)
		if err != nil {
			return fmt.Errorf("%s: %w", r.Title, err)
		}
		fmt.Fprintf(t.out, "\n   %s. %s\n", r.Title, r.Why)
		t.say("  refused", "%s", answer)
		for _, e := range t.s.producer.journal.seen() {
			if len(e.Log) > 0 {
				t.say("  producer's log", "%s", strings.Join(e.Log, "\n"))
			}
		}
	}
	return nil
}
