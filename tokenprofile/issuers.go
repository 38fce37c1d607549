package tokenprofile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Issuers admits the tokens of several issuers, each by its own verifier: see
// [ByIssuer] and [ByTenant]. It is safe for concurrent use.
type Issuers struct {
	verifiers map[string]*Verifier
	tenants   *tenants // nil: the verifiers are all there are
	cache     *cache   // of the tokens of all; nil: none
	maxSize   int
}

// ByIssuer puts several verifiers behind one. The iss claim chooses the
// verifier before any key is looked up, so that a token of a stranger costs no
// fetch; the chosen verifier then makes every check. It is an error if two
// verifiers have the same issuer, or if a profile encrypts or leaves iss out,
// because then iss cannot be seen.
func ByIssuer(verifiers ...*Verifier) (*Issuers, error) {
	i := &Issuers{verifiers: map[string]*Verifier{}}
	var faults []error
	remembered := 0
	for n, v := range verifiers {
		switch {
		case v == nil || v.claims.now == nil:
			faults = append(faults, fmt.Errorf("tokenprofile: verifier %d is nil, or was not made by Profile.Verifier", n))
			continue
		case v.profile.Encryption != nil:
			faults = append(faults, fmt.Errorf("tokenprofile: issuer %q: its tokens are encrypted, so that iss cannot be seen", v.profile.Issuer))
		case v.profile.Issuer == "":
			faults = append(faults, fmt.Errorf("tokenprofile: verifier %d: its profile leaves iss out", n))
		case i.verifiers[v.profile.Issuer] != nil:
			faults = append(faults, fmt.Errorf("tokenprofile: issuer %q has two verifiers", v.profile.Issuer))
		}
		i.verifiers[v.profile.Issuer] = v
		i.maxSize = max(i.maxSize, v.profile.MaxSize)
		if v.cache != nil {
			remembered += v.profile.CacheSize
		}
	}
	if len(verifiers) == 0 {
		faults = append(faults, errors.New("tokenprofile: no verifier"))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if remembered > 0 {
		i.cache = newCache(min(remembered, maxCacheSize))
	}
	return i, nil
}

// ByTenant admits the tokens of a family of issuers: one profile, an issuer for
// each tenant, as Entra ID and Auth0 have them. The profile has no Issuer: for
// the iss of a token keys says whose keys verify it, the same for all tenants
// or others for each, and nil for an issuer that does not belong to the family.
// Each token is then checked as if the profile named that issuer.
//
// Anybody can write an iss, so keys compares it with the tenants there are, or
// exactly with a pattern; a pattern goes with keys that all share, or a stranger
// could make it fetch from anywhere. At most 1,024 tenants are kept between
// tokens, those used last; of issuers without a good token yet, 64.
func ByTenant(profile Profile, keys func(issuer string) keystore.PublicSource) (*Issuers, error) {
	if err := wantsTenants(profile, keys == nil); err != nil {
		return nil, err
	}
	p := profile.settled()
	i := &Issuers{tenants: &tenants{
		profile: p, keys: keys,
		known: newRecent[string, *Verifier](maxTenants), fresh: newRecent[string, *Verifier](maxFreshTenants),
	}, maxSize: p.MaxSize}
	switch {
	case p.OneUse && p.Replay == nil:
		i.tenants.profile.Replay = &MemoryReplayGuard{Now: p.Now}
	case !p.OneUse && p.CacheSize > 0:
		i.cache = newCache(p.CacheSize)
	}
	i.tenants.profile.CacheSize = -1 // one for all
	return i, nil
}

// wantsTenants reports a faulty profile, or one that no family can share.
func wantsTenants(p Profile, missing bool) error {
	var f faults
	if p.Issuer != "" {
		f.add("issuer", "is set, and a family has one for each tenant")
	}
	if p.IssuerFunc != nil {
		f.add("issuer", "is computed by IssuerFunc, which is for signers")
	}
	if p.Encryption != nil {
		f.add("encryption", "the tokens are encrypted, so that iss cannot be seen")
	}
	p.Issuer, p.IssuerFunc = "sample", nil
	if p.Waive.omits("iss") {
		f.add("waive.omit", "iss says which tenant's a token is")
		p.Issuer = ""
	}
	f = append(f, faultsOf(&p)...)
	if err := f.in(profiles); err != nil {
		return err
	}
	return errors.Join(p.wantsKeys(missing, false), p.wantsRecipient())
}

// Profiles returns those of the verifiers, in the order of their issuers; of
// tenants the one that all share, which names no issuer.
func (i *Issuers) Profiles() (profiles []Profile) {
	if i == nil {
		return nil
	}
	for _, issuer := range slices.Sorted(maps.Keys(i.verifiers)) {
		profiles = append(profiles, i.verifiers[issuer].Profile())
	}
	if i.tenants != nil {
		profiles = append(profiles, i.tenants.profile.settled())
	}
	return profiles
}

// Verify verifies the token with the verifier whose profile has its issuer. The
// reason for a token of any other issuer is [ErrIssuer].
func (i *Issuers) Verify(ctx context.Context, token string) (*Token, error) {
	if i == nil || i.verifiers == nil && i.tenants == nil {
		return nil, errors.New("tokenprofile: the verifier was not made by ByIssuer or ByTenant")
	}
	r, err := receive(token, i.maxSize, signedDots)
	if err != nil {
		return nil, err
	}
	defer r.release()
	if known := i.cache.get(r.text); known != nil {
		return known.by.again(ctx, known)
	}
	if err := r.readClaims(); err != nil {
		return nil, err
	}
	v, err := i.verifier(string(r.claims.issuer))
	switch {
	case err != nil:
		return nil, err
	case len(token) > v.profile.MaxSize:
		return nil, tooLong(v.profile.MaxSize)
	}
	verified, err := v.open(ctx, r)
	if err != nil {
		return nil, err
	}
	i.tenants.keep(v)
	if v.cache != nil || i.tenants != nil { // each profile says whether its tokens are remembered
		i.cache.put(r.text, verified)
	}
	return verified.token, nil
}

func (i *Issuers) verifier(issuer string) (*Verifier, error) {
	if i.tenants != nil {
		return i.tenants.verifier(issuer)
	}
	if v := i.verifiers[issuer]; v != nil {
		return v, nil
	}
	return nil, refuse(ErrIssuer, "iss is none of the verifiers' issuers")
}

// How many tenants are kept, and how many issuers of which no good token has
// come yet. They are kept apart, so that made-up issuers displace no tenant.
const (
	maxTenants      = 1024
	maxFreshTenants = 64
)

// tenants makes a verifier for each issuer of a family.
type tenants struct {
	profile Profile // settled, without an issuer
	keys    func(issuer string) keystore.PublicSource

	known, fresh *recent[string, *Verifier]
}

func (t *tenants) verifier(issuer string) (*Verifier, error) {
	if v, ok := t.known.get(issuer); ok {
		return v, nil
	}
	if v, ok := t.fresh.get(issuer); ok {
		return v, nil
	}
	if issuer == "" {
		return nil, refuse(ErrIssuer, "iss is missing")
	}
	keys := t.keys(issuer)
	if keys == nil {
		return nil, refuse(ErrIssuer, "iss is none of the tenants' issuers")
	}
	p := t.profile
	p.Issuer = issuer
	v, err := newVerifier(p, newPublicRing(p.Algorithm, keys), nil)
	if err != nil {
		return nil, err
	}
	t.fresh.put(issuer, v, time.Time{}, time.Time{})
	return v, nil
}

// keep remembers that a good token came from the issuer.
func (t *tenants) keep(v *Verifier) {
	if t == nil {
		return
	}
	if _, ok := t.known.get(v.profile.Issuer); !ok {
		t.known.put(v.profile.Issuer, v, time.Time{}, time.Time{})
	}
}
