package tokenprofile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// A composer writes the header and the claims of a profile's tokens. What the
// profile fixes it has encoded once.
type composer struct {
	profile Profile        // settled
	fixed   []byte         // the constant claims, with the brace that opens the object
	want    expectedClaims // what the claims must be, whoever gave them
}

func newComposer(p Profile) (*composer, error) {
	c := &composer{profile: p}
	var o object
	o.member("iss", p.Issuer)
	if p.Subject != "" {
		o.member("sub", p.Subject)
	}
	switch {
	case len(p.Audience) == 1 && !p.AudienceArray:
		o.member("aud", p.Audience[0])
	case len(p.Audience) > 0:
		o.member("aud", p.Audience)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Claims)) {
		o.member(name, p.Claims[name])
	}
	c.fixed = o.data
	want, err := newExpectedClaims(&p)
	c.want = want
	return c, errors.Join(o.err, err)
}

// claims writes the payload into b. Claims given are a struct or a map, or
// nil; ClaimsFunc's are added to them.
func (c *composer) claims(ctx context.Context, b *buffer, given any) (expiry time.Time, err error) {
	p := &c.profile
	issuedAt := p.Now().Add(-p.Backdate).Truncate(time.Second)
	expiry = issuedAt.Add(p.Lifetime)
	if issuedAt.Unix() < 1 || expiry.Unix() > maxDate {
		return time.Time{}, fmt.Errorf("tokenprofile: the clock says %s: is it set?", p.Now().UTC().Format(time.RFC3339))
	}

	payload := append(b.payload[:0], c.fixed...)
	payload = appendDate(payload, `,"exp":`, expiry)
	payload = appendDate(payload, `,"iat":`, issuedAt)
	if p.NotBefore != nil {
		payload = appendDate(payload, `,"nbf":`, issuedAt.Add(*p.NotBefore))
	}
	if p.TokenID || p.OneUse {
		payload = append(payload, `,"jti":"`...)
		payload = appendUUID(payload, p.Now())
		payload = append(payload, '"')
	}
	bare := len(payload)
	if payload, err = c.addGiven(ctx, payload, given); err != nil {
		return time.Time{}, err
	}
	complete := len(payload) == bare && !c.incomplete()
	b.payload = append(payload, '}')
	if complete {
		return expiry, nil
	}
	return expiry, c.check(b)
}

func (c *composer) addGiven(ctx context.Context, payload []byte, given any) (_ []byte, err error) {
	if f := c.profile.ClaimsFunc; f != nil {
		claims, err := f(ctx)
		if err != nil {
			return nil, fmt.Errorf("tokenprofile: ClaimsFunc: %w", err)
		}
		if payload, err = addClaims(payload, claims); err != nil {
			return nil, fmt.Errorf("tokenprofile: claims of ClaimsFunc: %w", err)
		}
	}
	if payload, err = addClaims(payload, given); err != nil {
		return nil, fmt.Errorf("tokenprofile: claims given: %w", err)
	}
	return payload, nil
}

func addClaims(payload []byte, given any) ([]byte, error) {
	if given == nil {
		return payload, nil
	}
	start := len(payload)
	payload, err := appendMembers(append(payload, ','), given)
	if err == nil && len(payload) == start+1 {
		payload = payload[:start]
	}
	return payload, err
}

// incomplete reports whether tokens need claims that the profile does not set.
func (c *composer) incomplete() bool {
	return len(c.profile.Audience) == 0 || len(c.profile.Required) > 0
}

// check reads the claims as the verifier will. That finds a claim that is
// given although the profile sets it, and whatever would be refused at the
// other end.
func (c *composer) check(b *buffer) error {
	read := &b.claims
	err := read.read(&b.scanner, b.payload)
	if twice := new(strictjson.DuplicateError); errors.As(err, &twice) {
		return fmt.Errorf("tokenprofile: claim %q is set twice: what the profile sets cannot be given", twice.Name)
	}
	if err != nil {
		return fmt.Errorf("tokenprofile: claims given: %s", reasonOf(err))
	}
	if c.profile.NotBefore == nil && !read.notBefore.IsZero() {
		return errors.New(`tokenprofile: claim "nbf" cannot be given: set NotBefore in the profile`)
	}
	if len(read.audience) == 0 {
		return errors.New(`tokenprofile: claim "aud" is missing: neither the profile nor the claims given set it`)
	}
	if err := c.want.judge(read); err != nil {
		return fmt.Errorf("tokenprofile: claims given: %s", reasonOf(err))
	}
	return nil
}

// reasonOf is the text of a refusal without its umbrella: nothing was received.
func reasonOf(err error) string {
	if r := new(refusal); errors.As(err, &r) {
		return r.reason.Error() + ": " + r.detail
	}
	return err.Error()
}

func appendDate(dst []byte, name string, date time.Time) []byte {
	return strconv.AppendInt(append(dst, name...), date.Unix(), 10)
}

// header is the JOSE header of a token that the key signs. The zero key leaves
// out what only a key can say.
func (c *composer) header(kid string, key keystore.PublicKey) ([]byte, error) {
	var o object
	h := c.profile.Header
	if c.profile.Algorithm != "" {
		o.member("alg", c.profile.Algorithm)
	}
	o.member("typ", h.typ())
	if h.ContentType != "" {
		o.member("cty", h.ContentType)
	}
	if h.KeyID != "" {
		kid = h.KeyID
	}
	if kid != "" && !h.NoKeyID {
		o.member("kid", kid)
	}
	if err := c.certificates(&o, key); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(h.Extra)) {
		o.member(name, h.Extra[name])
	}
	if len(h.Critical) > 0 {
		o.member("crit", h.Critical)
	}
	document := append(o.data, '}')
	if err := new(header).read(new(strictjson.Scanner), document); err != nil {
		return nil, fmt.Errorf("tokenprofile: header: %s", reasonOf(err)) // a kid that is too long
	}
	return document, o.err
}

// certificates writes x5t, x5t#S256 and x5c (RFC 7515 sections 4.1.6 to 4.1.8).
func (c *composer) certificates(o *object, key keystore.PublicKey) error {
	h := c.profile.Header
	if key.CryptoKey() == nil || !h.hasCertificates() {
		return nil
	}
	chain := chainOf(key.Certificates())
	if len(chain) == 0 {
		return fmt.Errorf("tokenprofile: key %q has no certificate for x5t, x5t#S256 or x5c", key.KeyID())
	}
	if h.X5T {
		o.member("x5t", key.X5T())
	}
	if h.X5TS256 {
		o.member("x5t#S256", key.X5TS256())
	}
	if h.X5C {
		o.member("x5c", chain)
	}
	return nil
}
