package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// A pageView is what page.html shows.
type pageView struct {
	Cases    []loanCase
	Users    []userView
	Ways     []way
	Actions  []actionView
	Refusals []refusal
	Pick     picked
	Outcome  outcome
	Wire     []exchangeView
	Keys     []keyView
	KeySet   string // its URI
	Document string // what is published there
}

// A userView is a user of the consumer's, and who that is at the producer.
type userView struct{ Name, Operator string }

type actionView struct{ Name, Label string }

// An exchangeView is an exchange, with whose key it was that signed.
type exchangeView struct {
	exchange
	Signer string
	Good   bool
}

// A keyView is a key of Remotecasetype_Keystore.
type keyView struct{ Alias, KeyID, State, Type, Until, CertificateEnd string }

func (d *desk) view(ctx context.Context) (*pageView, error) {
	if d.last == nil {
		d.s.producer.journal.forget()
	}
	list, err := d.list(ctx)
	if err != nil {
		return nil, err
	}
	shown := d.last
	if shown == nil {
		shown = &outcome{
			Title: "The list of cases has come over the wire", Text: "Pick one, and work on it.",
			Exchanges: d.s.producer.journal.seen(),
		}
	}
	view := &pageView{
		Cases: list, Ways: ways, Refusals: refusals, Pick: d.pick, Outcome: *shown,
		Actions: []actionView{{"review", "Review"}, {"ask", "Ask for documents"}, {"approve", "Approve"}, {"decline", "Decline"}},
	}
	identities := d.s.producer.profile.Issuers[0].Identities
	for _, user := range slices.Sorted(maps.Keys(identities)) {
		view.Users = append(view.Users, userView{user, identities[user]})
	}
	for _, key := range published(d.s.current().keys()) {
		view.Keys = append(view.Keys, viewKey(key))
	}
	for _, e := range shown.Exchanges {
		view.Wire = append(view.Wire, exchangeView{exchange: e, Signer: d.signerOf(e, view.Keys), Good: e.Status < 400})
	}
	uri, document, err := d.s.fetchKeySet(ctx)
	view.KeySet, view.Document = uri, indented([]byte(document))
	return view, err
}

func viewKey(key keystore.KeyStatus) keyView {
	view := keyView{Alias: key.Alias, KeyID: key.KeyID, State: string(key.State), Type: key.Type, CertificateEnd: key.CertificateEnd.Format(time.DateOnly)}
	if key.State == keystore.KeyRetires {
		view.Until = key.Until.UTC().Format("2006-01-02 15:04 MST")
	}
	return view
}

// signerOf says in words whose key has signed, by the kid.
func (d *desk) signerOf(e exchange, keys []keyView) string {
	if e.Token == nil {
		return ""
	}
	for _, key := range keys {
		if key.KeyID == e.Token.KeyID {
			return "alias " + key.Alias + " of Remotecasetype_Keystore, Financial operations"
		}
	}
	if own, err := signingKey(d.s.producer.keys); err == nil && own.KeyID == e.Token.KeyID {
		return "alias " + own.Alias + " of Remotecasetype_Keystore, Loan requests"
	}
	return "a key that is in neither Remotecasetype_Keystore"
}
