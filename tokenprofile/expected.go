package tokenprofile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"
)

// An expectedClaims is what the claims of a profile's tokens must be.
type expectedClaims struct {
	issuer    string
	anyIssuer bool     // left out, or computed from the key that signs
	audience  []string // empty: any, in the profile of a signer
	recipient string   // the claim that is compared with it, "" if none is
	sole      bool
	subject   string
	id        bool
	expiry    bool
	constants []constant
	required  []string

	lifetime, leeway time.Duration
	now              func() time.Time

	wrongIssuer, wrongAudience string // texts of refusals, made once so that a stranger's token costs little
}

// A constant is a claim, or a header parameter, with a demanded value.
type constant struct {
	name    string
	text    []byte // nil: any value
	decoded any
}

// newExpectedClaims takes a settled profile.
func newExpectedClaims(p *Profile) (expectedClaims, error) {
	constants, err := newConstants(p.Claims)
	recipient := p.recipient()
	return expectedClaims{
		issuer: p.Issuer, anyIssuer: p.Issuer == "", audience: p.Audience, recipient: recipient, sole: p.SoleAudience,
		subject: p.Subject, id: p.TokenID || p.OneUse, expiry: !p.Waive.omits("exp"),
		constants: constants, required: p.Required,
		lifetime: p.Lifetime, leeway: p.Leeway, now: p.Now,
		wrongIssuer: "iss is not the profile's " + quoteAll(p.Issuer), wrongAudience: recipient + " does not name the profile's " + quoteAll(p.Audience...),
	}, err
}

// anyValue is the value of a constant that may have any.
var anyValue any = new(struct{ _ byte })

func newConstants(values map[string]any) (constants []constant, err error) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] == anyValue {
			constants = append(constants, constant{name: name})
			continue
		}
		text, err := encode(values[name])
		if err != nil {
			return nil, err
		}
		decoded, err := decodeExact(text)
		if err != nil {
			return nil, err
		}
		constants = append(constants, constant{name, text, decoded})
	}
	return constants, nil
}

// judge reports the first claim that is not as expected, time apart.
func (want *expectedClaims) judge(c *claims) error {
	if err := want.judgeIssuer(c); err != nil {
		return err
	}
	if err := want.judgeAudience(c); err != nil {
		return err
	}
	if want.subject != "" || slices.Contains(want.required, "sub") {
		if err := judgeEmpty(c); err != nil {
			return err
		}
	}
	if want.subject != "" && string(c.subject) != want.subject {
		return refuse(ErrSubject, "sub is not the profile's "+quoteAll(want.subject))
	}
	if want.id && c.id == nil {
		return refuse(ErrClaim, "jti is missing")
	}
	return want.judgeFurther(c)
}

// judgeEmpty refuses an empty sub, where the claim has a meaning.
func judgeEmpty(c *claims) error {
	if c.subject != nil && len(c.subject) == 0 {
		return refuse(ErrSubject, "sub is empty")
	}
	return nil
}

func (want *expectedClaims) judgeIssuer(c *claims) error {
	switch {
	case want.anyIssuer, string(c.issuer) == want.issuer:
		return nil
	case c.issuer == nil:
		return refuse(ErrIssuer, "iss is missing")
	}
	return refuse(ErrIssuer, want.wrongIssuer)
}

func (want *expectedClaims) judgeAudience(c *claims) error {
	if want.recipient == "" {
		return nil
	}
	audience, err := c.recipients(want.recipient)
	if err != nil {
		return err
	}
	if len(audience) == 0 {
		return refuse(ErrAudience, want.recipient+" is missing")
	}
	if want.sole && len(audience) > 1 {
		return refuse(ErrAudience, want.recipient+" names others too, and the profile has soleAudience")
	}
	for _, name := range audience {
		if len(want.audience) == 0 || slices.Contains(want.audience, string(name)) {
			return nil
		}
	}
	return refuse(ErrAudience, want.wrongAudience)
}

// quoteAll names what a profile wants: the first few of many.
func quoteAll(texts ...string) string {
	const most = 5
	text := fmt.Sprintf("%q", texts[:min(len(texts), most)])
	text = strings.Trim(text, "[]")
	if len(texts) > most {
		text += fmt.Sprintf(" and %d more", len(texts)-most)
	}
	return text
}

func (want *expectedClaims) judgeFurther(c *claims) error {
	for i := range want.constants {
		if err := want.constants[i].judge(c); err != nil {
			return err
		}
	}
	for _, name := range want.required {
		value, err := c.find(name)
		if err != nil {
			return err
		}
		if value == nil {
			return refuse(ErrClaim, name+" is missing")
		}
	}
	return nil
}

// expiryOf returns exp; or, if it is waived, iat plus the lifetime.
func (want *expectedClaims) expiryOf(c *claims) (time.Time, error) {
	switch {
	case !c.expiry.IsZero():
		return c.expiry, nil
	case want.expiry:
		return time.Time{}, refuse(ErrClaim, "exp is missing")
	case c.issuedAt.IsZero():
		return time.Time{}, refuse(ErrClaim, "exp and iat are missing")
	}
	return c.issuedAt.Add(want.lifetime), nil
}

// judgeTime applies RFC 7519 sections 4.1.4 to 4.1.6 with the profile's leeway.
func (want *expectedClaims) judgeTime(issuedAt, notBefore, expiry time.Time) error {
	now := want.now()
	switch early := now.Add(want.leeway); {
	case !now.Before(expiry.Add(want.leeway)):
		return refuse(ErrExpired, fmt.Sprintf("exp passed %s ago by the clock here, %s", between(expiry, now), want.clock(now)))
	case notBefore.After(early):
		return refuse(ErrNotYetValid, fmt.Sprintf("nbf lies %s ahead of the clock here, %s", between(now, notBefore), want.clock(now)))
	case issuedAt.After(early):
		return refuse(ErrNotYetValid, fmt.Sprintf("iat lies %s ahead of the clock here, %s", between(now, issuedAt), want.clock(now)))
	case issuedAt.After(expiry):
		return refuse(ErrClaim, "iat is after exp")
	case issuedAt.IsZero() && expiry.Sub(now) > want.lifetime+want.leeway:
		return refuse(ErrLifetime, "no iat, and longer until exp than the profile's lifetime of "+formatDuration(want.lifetime))
	case !issuedAt.IsZero() && expiry.Sub(issuedAt) > want.lifetime:
		return refuse(ErrLifetime, "longer from iat to exp than the profile's lifetime of "+formatDuration(want.lifetime))
	}
	return nil
}

func (want *expectedClaims) clock(now time.Time) string {
	return fmt.Sprintf("%s, leeway %s", now.UTC().Format(time.RFC3339), formatDuration(want.leeway))
}

// between says how much later b is, in whole seconds.
func between(a, b time.Time) string { return formatDuration(b.Sub(a).Round(time.Second)) }

func (want *constant) judge(c *claims) error {
	value, err := c.find(want.name)
	switch {
	case err != nil:
		return err
	case value == nil:
		return refuse(ErrClaim, want.name+" is missing")
	case !want.equal(value):
		return refuse(ErrClaim, want.name+" is not the profile's "+want.shown())
	}
	return nil
}

// shown returns the demanded value, cut for a log.
func (want *constant) shown() string {
	const most = 100
	if len(want.text) <= most {
		return string(want.text)
	}
	return string(want.text[:most]) + "..."
}

// equal compares JSON values by what they mean: space, escapes and the order
// of members do not matter, and numbers compare exactly.
func (want *constant) equal(value []byte) bool {
	switch {
	case value == nil:
		return false
	case want.text == nil, bytes.Equal(value, want.text):
		return true
	}
	decoded, err := decodeExact(value)
	return err == nil && equalJSON(decoded, want.decoded)
}

func decodeExact(text []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

func equalJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && equalNumbers(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equalJSON)
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, value := range a {
			if other, ok := b[name]; !ok || !equalJSON(value, other) {
				return false
			}
		}
		return true
	}
	return a == b
}

// equalNumbers compares 1, 1.0 and 1e0 as one number. The scanner has bounded
// the exponents, and with them the size of these.
func equalNumbers(a, b json.Number) bool {
	x, okX := new(big.Rat).SetString(a.String())
	y, okY := new(big.Rat).SetString(b.String())
	return a == b || okX && okY && x.Cmp(y) == 0
}
