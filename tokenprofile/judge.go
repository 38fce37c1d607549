package tokenprofile

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// judge is about the claims, and about the replay guard last: a token that is
// refused for another reason is not used.
func (v *Verifier) judge(ctx context.Context, r *received, kid string) (*Token, error) {
	c := &r.claims
	if err := v.demand.judge(c); err != nil {
		return nil, err
	}
	if c.expiry.IsZero() {
		return nil, refuse(ErrClaim, "exp is missing")
	}
	if err := v.judgeTime(c.issuedAt, c.notBefore, c.expiry); err != nil {
		return nil, err
	}
	if err := v.judgeUse(ctx, c); err != nil {
		return nil, err
	}
	return newToken(r, &v.demand, kid), nil
}

func (v *Verifier) judgeUse(ctx context.Context, c *claims) error {
	if v.replay == nil {
		return nil
	}
	first, err := v.replay.First(ctx, string(c.issuer), string(c.id), c.expiry.Add(v.profile.Leeway))
	switch {
	case err != nil:
		return fmt.Errorf("tokenprofile: replay guard: %w", err)
	case !first:
		return refuse(ErrReplayed, "")
	}
	return nil
}

// judgeTime is RFC 7519 sections 4.1.4 to 4.1.6 with the profile's leeway.
func (v *Verifier) judgeTime(issuedAt, notBefore, expiry time.Time) error {
	now, leeway, lifetime := v.profile.Now(), v.profile.Leeway, v.profile.Lifetime
	switch {
	case !now.Before(expiry.Add(leeway)):
		return refuse(ErrExpired, "")
	case notBefore.After(now.Add(leeway)):
		return refuse(ErrNotYetValid, "nbf lies in the future")
	case issuedAt.After(now.Add(leeway)):
		return refuse(ErrNotYetValid, "iat lies in the future")
	case issuedAt.After(expiry):
		return refuse(ErrClaim, "iat is after exp")
	case issuedAt.IsZero() && expiry.Sub(now) > lifetime+leeway:
		return refuse(ErrLifetime, "")
	case !issuedAt.IsZero() && expiry.Sub(issuedAt) > lifetime:
		return refuse(ErrLifetime, "")
	}
	return nil
}

// judgeHeader is RFC 7515 section 5.2 and RFC 8725 sections 3.1 and 3.11.
func (v *Verifier) judgeHeader(h *header) error {
	want := &v.profile.Header
	switch {
	case h.algorithm == nil:
		return refuse(ErrAlgorithm, "alg is missing")
	case string(h.algorithm) != string(v.profile.Algorithm):
		return refuse(ErrAlgorithm, "")
	case want.KeyID != "" && string(h.keyID) != want.KeyID:
		return refuse(ErrUnknownKey, "kid is not the profile's")
	}
	if err := v.judgeType(h); err != nil {
		return err
	}
	return v.judgeCritical(h)
}

func (v *Verifier) judgeType(h *header) error {
	want := v.profile.Header.ContentType
	switch {
	case !v.acceptsType(h.typ):
		return refuse(ErrType, "typ")
	case want == "" && h.contentType != nil, want != "" && !sameType(h.contentType, want):
		return refuse(ErrType, "cty")
	}
	return nil
}

func (v *Verifier) acceptsType(typ []byte) bool {
	want := v.profile.Header.typ()
	if typ == nil {
		return strings.EqualFold(want, defaultType)
	}
	return string(typ) == want || sameType(typ, want)
}

// judgeCritical demands exactly the critical parameters the profile declares
// (RFC 7515 section 4.1.11).
func (v *Verifier) judgeCritical(h *header) error {
	if h.critical == nil && len(v.critical) == 0 {
		return nil
	}
	listed := 0
	for range h.critical.Elements() {
		listed++
	}
	if listed == 0 || listed != len(v.critical) {
		return refuse(ErrCritical, "")
	}
	for i := range v.critical {
		if !v.critical[i].listed(h) {
			return refuse(ErrCritical, "")
		}
	}
	return nil
}

// listed reports whether crit lists the parameter and the header has it with
// its value.
func (want *constant) listed(h *header) bool {
	for name := range h.critical.Elements() {
		if text, _ := name.Text(); string(text) == want.name {
			return want.equal(h.find(want.name))
		}
	}
	return false
}

func (v *Verifier) keyID(h *header) keyID {
	return keyID{text: string(h.keyID), given: h.hasKeyID, fixed: v.profile.Header.KeyID != ""}
}
