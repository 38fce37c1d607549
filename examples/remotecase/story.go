package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A story prints what happens, in the order in which an administrator sets it
// up. It prints what the systems say, and fails where that is not so.
type story struct {
	out io.Writer
	s   *systems
}

// tell tells all of it.
func tell(ctx context.Context, out io.Writer, s *systems) error {
	t := &story{out, s}
	for i, step := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"Truststore: Remotecasetype_Truststore", t.truststores},
		{"Keystore: Remotecasetype_Keystore", t.keystores},
		{"Token profile: Remotecasetype_Consumer", t.tokenProfile},
		{"JSON web key set URI", t.keySet},
		{"OAuth 2.0 client registration: " + clientID, t.registration},
		{"Identity mapping", t.identityMapping},
		{"Authentication profiles", t.authenticationProfiles},
		{"Work on remote cases", t.work},
		{"Refused", t.refusals},
		{"A new keystore, a late clock and a restart, while cases are worked on", t.changes},
	} {
		fmt.Fprintf(out, "\n%d  %s\n", i+1, step.title)
		if err := step.tell(ctx); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, step.title, err)
		}
	}
	return nil
}

// say prints one thing and what is to be said of it.
func (t *story) say(name, format string, values ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, values...), "\n", "\n"+strings.Repeat(" ", 21))
	fmt.Fprintf(t.out, "   %-17s %s\n", name, text)
}

func (t *story) truststores(context.Context) error {
	t.say("consumer", "Financial operations trusts")
	for _, entry := range t.s.current().clients["bearer"].Trust.Entries() {
		t.entry(entry)
	}
	t.say("producer", "Loan requests trusts")
	trust, err := t.s.producersTrust()
	if err != nil {
		return err
	}
	for _, entry := range trust.Entries() {
		t.entry(entry)
	}
	return nil
}

func (t *story) keystores(context.Context) error {
	t.say("consumer", "Financial operations signs, and shows who it is, with")
	for _, entry := range t.s.current().keys().Entries() {
		t.entry(entry)
	}
	t.say("producer", "Loan requests shows who it is with")
	for _, entry := range t.s.producer.keys.Entries() {
		t.entry(entry)
	}
	return nil
}

func (t *story) entry(e keystore.Entry) {
	t.say("  alias "+e.Alias, "%s, %s %d, %s, expires %s", e.Kind, e.Algorithm, e.Bits, e.Chain[0].Subject, e.Chain[0].NotAfter.Format(time.DateOnly))
}

func (t *story) tokenProfile(context.Context) error {
	document, err := transport.LoadClient(t.s.path(financialOperations, ways[0].Document), uses)
	if err != nil {
		return err
	}
	profile, err := tokenprofile.Load(t.s.path(financialOperations, document.Token.Path))
	if err != nil {
		return err
	}
	keys := t.s.current().keys()
	if profile.Encryption != nil || profile.Algorithm.UsesSecret() || profile.KeyAlias != "" || len(keys.Entries()) != 1 {
		return errors.New("the profile is not the one that this story is about")
	}
	key, err := signingKey(keys)
	if err != nil {
		return err
	}
	t.say("security", "signature")
	t.say("signature type", "asymmetric")
	t.say("algorithm", "%s", profile.Algorithm)
	t.say("keystore", "%s", document.Keystore.Path)
	t.say("alias", "%s (filled in: the keystore has no other key)", key.Alias)
	t.say("password", "in the file %s", document.Keystore.Password.File)
	t.say("issuer", "%s", profile.Issuer)
	t.say("audience", "%s", strings.Join(profile.Audience, ", "))
	t.say("valid for", "%s, and for one use: %t", profile.Lifetime, profile.OneUse)
	return nil
}

func (t *story) keySet(ctx context.Context) error {
	uri, document, err := t.s.fetchKeySet(ctx)
	if err != nil {
		return err
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(document), &set); err != nil {
		return err
	}
	key, err := signingKey(t.s.current().keys())
	if err != nil {
		return err
	}
	if len(set.Keys) != 1 || set.Keys[0]["kid"] != key.KeyID {
		return fmt.Errorf("%d keys are published, and not just the one that signs", len(set.Keys))
	}
	t.say("GET", "%s", uri)
	for _, name := range []string{"kty", "use", "alg", "kid"} {
		t.say("  "+name, "%v", set.Keys[0][name])
	}
	t.say("  all members", "%s", strings.Join(slices.Sorted(maps.Keys(set.Keys[0])), ", "))
	return nil
}

func (t *story) registration(context.Context) error {
	registration, ok := t.s.producer.clients[clientID]
	if !ok {
		return errors.New("the client is not registered")
	}
	t.say("client ID", "%s", clientID)
	t.say("client secret", "in the consumer's file client.secret; the producer keeps its hash alone (%d characters)", len(registration.SecretHash))
	return nil
}

func (t *story) identityMapping(context.Context) error {
	issuer := t.s.producer.profile.Issuers[0]
	for _, user := range slices.Sorted(maps.Keys(issuer.Identities)) {
		t.say("sub "+user, "is %s of Loan requests", issuer.Identities[user])
	}
	t.say("anybody else", "has no operator there")
	return nil
}

func (t *story) authenticationProfiles(context.Context) error {
	for _, w := range ways {
		profile, err := transport.LoadClient(t.s.path(financialOperations, w.Document), uses)
		if err != nil {
			return err
		}
		t.say(profile.Use, "%s (%s)", w.Title, w.Document)
	}
	t.say("guard", "FinancialOperations.json, of Loan requests")
	return nil
}
