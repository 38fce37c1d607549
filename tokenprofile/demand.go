package tokenprofile

import (
	"bytes"
	"encoding/json"
	"math/big"
	"slices"
)

// A demand is what claims must be under a profile, time apart.
type demand struct {
	issuer    string
	audience  []string // empty: any, which only a signer may say
	subject   string
	id        bool
	constants []constant
	required  []string
}

// A constant is a claim, or a header parameter, with a demanded value.
type constant struct {
	name    string
	text    []byte
	decoded any
}

func newDemand(p Profile) (demand, error) {
	constants, err := newConstants(p.Claims)
	return demand{
		issuer: p.Issuer, audience: p.Audience, subject: p.Subject, id: p.TokenID || p.OneUse,
		constants: constants, required: p.Required,
	}, err
}

func newConstants(values map[string]any) (constants []constant, err error) {
	for name, value := range values {
		text, err := encode(value)
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

// judge reports the first claim that is not as demanded.
func (d *demand) judge(c *claims) error {
	if err := d.judgeIssuer(c); err != nil {
		return err
	}
	if err := d.judgeAudience(c); err != nil {
		return err
	}
	if d.subject != "" && string(c.subject) != d.subject {
		return refuse(ErrSubject, "")
	}
	if d.id && c.id == nil {
		return refuse(ErrClaim, "jti is missing")
	}
	return d.judgeFurther(c)
}

func (d *demand) judgeIssuer(c *claims) error {
	switch string(c.issuer) {
	case d.issuer:
		return nil
	case "":
		return refuse(ErrIssuer, "iss is missing")
	}
	return refuse(ErrIssuer, "")
}

func (d *demand) judgeAudience(c *claims) error {
	if len(c.audience) == 0 {
		return refuse(ErrAudience, "aud is missing")
	}
	for _, audience := range c.audience {
		if len(d.audience) == 0 || slices.Contains(d.audience, string(audience)) {
			return nil
		}
	}
	return refuse(ErrAudience, "")
}

func (d *demand) judgeFurther(c *claims) error {
	for i := range d.constants {
		if err := d.constants[i].judge(c); err != nil {
			return err
		}
	}
	for _, name := range d.required {
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

func (want *constant) judge(c *claims) error {
	value, err := c.find(want.name)
	switch {
	case err != nil:
		return err
	case value == nil:
		return refuse(ErrClaim, want.name+" is missing")
	case !want.equal(value):
		return refuse(ErrClaim, want.name+" is not the profile's")
	}
	return nil
}

// equal compares JSON values by what they mean: space, escapes and the order
// of members do not matter, and numbers compare exactly.
func (want *constant) equal(value []byte) bool {
	if bytes.Equal(value, want.text) {
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
