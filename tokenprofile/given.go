package tokenprofile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// An expectedGiven is what the claims that are given for a token must be, so
// that with the profile's own they are as a verifier expects them.
type expectedGiven struct {
	own      [][]byte       // the names of the profile's own claims
	members  int            // how many JSON members those are, with their inner ones
	omitted  []string       // the profile leaves them out
	required []string       // the profile demands them, and does not set them
	lacking  expectedClaims // what else it demands, and does not set
}

// newExpectedGiven takes a settled profile, and its own claims as any token of
// it has them.
func newExpectedGiven(p *Profile, own []byte) expectedGiven {
	want := expectedGiven{omitted: p.Waive.Omit}
	var s strictjson.Scanner
	s.Reset(own)
	for s.Next() {
		want.own = append(want.own, bytes.Clone(s.Name()))
	}
	want.members = s.Members()
	want.lacking = expectedClaims{anyIssuer: true, sole: p.SoleAudience}
	if len(p.Audience) == 0 {
		want.lacking.recipient = p.recipient()
	}
	isOwn := func(name string) bool { return bytes.Equal(want.namesake([]byte(name)), []byte(name)) }
	want.required = slices.DeleteFunc(slices.Clone(p.Required), isOwn)
	return want
}

// namesake returns the one of the profile's own claims that has the name, in
// any case, or nil.
func (want *expectedGiven) namesake(name []byte) []byte {
	for _, own := range want.own {
		if bytes.EqualFold(own, name) {
			return own
		}
	}
	return nil
}

// judge reads the claims given as the verifier will, and reports what it would
// refuse. The profile's own are not read again with every token.
func (want *expectedGiven) judge(b *buffer) error {
	if len(b.given) == len("{}") && want.lacking.recipient == "" && len(want.required) == 0 {
		return nil
	}
	c := &b.claims
	err := c.read(&b.scanner, b.given)
	if err == nil && want.members+b.scanner.Members() > strictjson.MaxMembers {
		err = strictjson.ErrMembers
	}
	err = cmp.Or(err, judgeEmpty(c))
	for _, m := range c.members {
		switch own := want.namesake(m.name); {
		case own == nil:
		case bytes.Equal(own, m.name): // whatever is wrong with it
			return setTwice(string(own))
		default:
			err = cmp.Or(err, caseOnly(string(own)))
		}
	}
	if err != nil {
		return notAsGiven(err)
	}
	if !c.notBefore.IsZero() {
		return errors.New(`tokenprofile: claim "nbf" cannot be given: set NotBefore in the profile`)
	}
	for _, name := range want.omitted {
		if value, err := c.find(name); err != nil || value != nil {
			return fmt.Errorf("tokenprofile: claim %q cannot be given: the profile leaves it out", name)
		}
	}
	return want.judgeDemanded(c)
}

// judgeDemanded reports a claim that has to be given, and is not.
func (want *expectedGiven) judgeDemanded(c *claims) error {
	recipient := want.lacking.recipient
	if value, err := c.find(recipient); err == nil && value == nil && recipient != "" {
		return setNowhere(recipient)
	}
	for _, name := range want.required {
		value, err := c.find(name)
		if err != nil {
			return notAsGiven(err)
		}
		if value == nil {
			return setNowhere(name)
		}
	}
	if err := want.lacking.judge(c); err != nil {
		return notAsGiven(err)
	}
	return nil
}

func setNowhere(name string) error {
	return fmt.Errorf("tokenprofile: claim %q is missing: neither the profile nor the claims given set it", name)
}

func setTwice(name string) error {
	return fmt.Errorf("tokenprofile: claim %q is set twice: what the profile sets cannot be given", name)
}

// notAsGiven says why the claims given are refused.
func notAsGiven(err error) error {
	if twice := new(strictjson.DuplicateError); errors.As(err, &twice) {
		return setTwice(twice.Name)
	}
	return fmt.Errorf("tokenprofile: claims given: %s", reasonOf(err))
}

// reasonOf returns the text of a refusal without its umbrella: nothing was
// received.
func reasonOf(err error) string {
	if r := new(refusal); errors.As(err, &r) {
		return r.reason.Error() + ": " + r.detail
	}
	return err.Error()
}
