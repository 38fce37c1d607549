package tokenprofile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Waive leaves out checks of a profile, by name, for systems that you cannot
// change. The zero value waives nothing. What a signer waives is lost to its
// receivers; what a verifier waives is lost to whoever runs it.
type Waive struct {
	// Omit leaves out claims and header parameters by name: "aud", "iss",
	// "exp", "iat" and "typ". They are neither written nor demanded.
	//
	// Lost without aud: whoever has the token can use it at everyone who trusts
	// the key. A verifier is refused, unless [Header.Demanded] still says whom
	// the token is for. Without iss: every key of the source speaks for every
	// issuer it has. Without exp: the token lives as long as its receiver
	// likes; a verifier here wants iat and takes [Profile.Lifetime] from there.
	// Without iat: nobody sees how old it is. Without typ: a token of another
	// kind under the same key passes for this one.
	Omit []string `json:"omit,omitempty"`

	// Recipient is the claim that says whom a token is for, in place of aud:
	// "client_id" or "azp". [Profile.Audience] is written there, and demanded
	// there; aud may be missing, and is not looked at. Lost: such claims name
	// who asked for the token, so that it is good at every receiver of that
	// client's tokens.
	Recipient string `json:"recipient,omitempty"`

	// AnyKeyID lets a verifier accept a kid that its source does not know: up to
	// four keys that fit are tried. Lost: a kid that was withdrawn no longer
	// keeps its tokens out, and a forged token costs four verifications.
	AnyKeyID bool `json:"anyKeyID,omitempty"`

	// Padding writes and demands the segments with the "=" that RFC 7515 section
	// 2 leaves out. Lost: other software refuses such a token, or reads it as
	// another text than was signed.
	Padding bool `json:"padding,omitempty"`
}

// Names lists what is waived, each as its JSON form says it: "omit aud",
// "recipient client_id", "anyKeyID", "padding". It is for a linter, and for the
// log at start-up.
func (w Waive) Names() []string {
	var names []string
	for _, name := range w.Omit {
		names = append(names, "omit "+name)
	}
	if w.Recipient != "" {
		names = append(names, "recipient "+w.Recipient)
	}
	if w.AnyKeyID {
		names = append(names, "anyKeyID")
	}
	if w.Padding {
		names = append(names, "padding")
	}
	return names
}

func (w *Waive) omits(name string) bool { return slices.Contains(w.Omit, name) }

// omissible are the names that [Waive.Omit] may have.
var omissible = []string{"aud", "iss", "exp", "iat", "typ"}

func (w *Waive) check(f *faults, p *Profile) {
	for i, name := range w.Omit {
		path := fmt.Sprintf("waive.omit[%d]", i)
		switch {
		case !slices.Contains(omissible, name):
			f.add(path, "%q is not one of %s", name, strings.Join(omissible, ", "))
		case slices.Contains(w.Omit[:i], name):
			f.add(path, "%q occurs twice", name)
		case slices.Contains(p.Required, name):
			f.add(path, "%q is required", name)
		}
	}
	for _, field := range []struct {
		name, path string
		set        bool
	}{
		{"iss", "issuer", p.Issuer != ""},
		{"aud", "audience", len(p.Audience) > 0},
		{"aud", "soleAudience", p.SoleAudience},
		{"aud", "waive.recipient", w.Recipient != ""},
		{"typ", "header.typ", p.Header.Type != ""},
	} {
		if field.set && w.omits(field.name) {
			f.add(field.path, "contradicts waive.omit, which leaves %s out", field.name)
		}
	}
	if w.omits("exp") && w.omits("iat") {
		f.add("waive.omit", "exp and iat: nothing would say how long the token lives")
	}
	if w.Padding && p.Encryption != nil {
		f.add("waive.padding", "is for tokens that are signed only")
	}
	w.checkRecipient(f, p)
}

func (w *Waive) checkRecipient(f *faults, p *Profile) {
	name := w.Recipient
	if name == "" {
		return
	}
	f.checkText("waive.recipient", name)
	if i := slices.IndexFunc(claimFields, func(other string) bool { return strings.EqualFold(name, other) }); i >= 0 {
		f.add("waive.recipient", "%s has a meaning of its own", claimFields[i])
	}
	for _, other := range slices.Sorted(maps.Keys(p.Claims)) {
		if strings.EqualFold(name, other) {
			f.add("waive.recipient", "%q is one of claims", name)
		}
	}
}
