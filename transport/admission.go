package transport

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A DeclaredMemory is the fields of [tokenprofile.MemoryReplayGuard].
type DeclaredMemory struct {
	Max          int `json:"max,omitempty"`
	MaxPerIssuer int `json:"maxPerIssuer,omitempty"`

	// SinceStart refuses tokens that may have been used before the guard was
	// built, until the last of them has expired.
	SinceStart bool `json:"sinceStart,omitempty"`
}

// An admission is a [GuardProfile] whose stores are open.
type admission struct {
	profile     *GuardProfile // loaded
	keys, trust *keystore.Store
}

func (a *admission) open() (err error) {
	p := a.profile
	a.keys, a.trust, err = openStores(p.Keystore, p.Truststore, p.Dir, p.Logger)
	return err
}

// guard returns the guard that the profile declares.
func (a *admission) guard() (*Guard, error) {
	verifier, err := a.verifier()
	if err != nil {
		return nil, err
	}
	p := a.profile
	guard := &Guard{
		Verifier: verifier, Logger: p.Logger,
		Header: p.Header, Realm: p.Realm, Scope: strings.Join(p.Scopes, " "),
		BaseURL: p.BaseURL, MutualTLS: p.MutualTLS, AllowUnbound: p.AllowUnbound,
	}
	if p.DPoP {
		guard.DPoP = &tokenprofile.ProofVerifier{Now: p.Now, Replay: p.Replay}
	}
	if p.identifies() {
		guard.Authorize = a.authorize
	}
	if p.Resource != "" {
		guard.ResourceMetadata = &ResourceMetadata{Resource: p.Resource, AuthorizationServers: p.AuthorizationServers, Scopes: p.Scopes, Name: p.Name}
	}
	return guard, nil
}

// verifier judges the tokens of all issuers.
func (a *admission) verifier() (TokenVerifier, error) {
	profile := a.profile.Token.Profile
	memory := a.memory()
	if profile.OneUse && profile.Replay == nil {
		profile.Replay = memory // one for all issuers
		if a.profile.Replay != nil {
			profile.Replay = a.profile.Replay
		}
	}
	var verifiers []*tokenprofile.Verifier
	for i, issuer := range a.profile.Issuers {
		source, err := a.source(issuer)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", indexed("issuers", i), err)
		}
		verifier, err := verifierOf(issuer.admitted(profile), source, a.keys)
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, verifier)
	}
	if m := a.profile.Memory; m != nil && m.SinceStart {
		settled := verifiers[0].Profile()
		memory.UnknownUntil = settled.Now().Add(settled.Lifetime + settled.Leeway)
	}
	if len(verifiers) == 1 {
		return verifiers[0], nil
	}
	return tokenprofile.ByIssuer(verifiers...)
}

// memory remembers tokens in this process.
func (a *admission) memory() *tokenprofile.MemoryReplayGuard {
	guard := &tokenprofile.MemoryReplayGuard{Now: a.profile.Now}
	if m := a.profile.Memory; m != nil {
		guard.Max, guard.MaxPerIssuer = m.Max, m.MaxPerIssuer
	}
	return guard
}

// source returns the source of an issuer's public keys.
func (a *admission) source(issuer DeclaredIssuer) (keystore.PublicSource, error) {
	switch {
	case issuer.KeySet != "":
		return keySet(issuer.KeySet, a.profile.PlainHTTP, a.trust, a.profile.Logger), nil
	case a.trust == nil: // HMACs
		return nil, nil
	case issuer.Alias == "":
		return a.trust.Trust(), nil
	}
	entries := a.trust.Entries()
	if !slices.ContainsFunc(entries, func(e keystore.Entry) bool { return strings.EqualFold(e.Alias, issuer.Alias) }) {
		return nil, fmt.Errorf("alias: the truststore has no entry %q", issuer.Alias)
	}
	return aliased{a.trust.Trust(), issuer.Alias}, nil
}

// aliased is a source limited to one alias.
type aliased struct {
	keystore.PublicSource
	alias string
}

// PublicKeys implements [keystore.PublicSource].
func (a aliased) PublicKeys(ctx context.Context, kid string) ([]keystore.PublicKey, error) {
	keys, err := a.PublicSource.PublicKeys(ctx, kid)
	return keystore.ByAlias(keys, a.alias), err
}

// verifierOf returns the verifier of a profile, with the public keys, or for
// HMACs and what is encrypted the server's own.
func verifierOf(profile tokenprofile.Profile, public keystore.PublicSource, own *keystore.Store) (*tokenprofile.Verifier, error) {
	var decrypt []tokenprofile.DecryptionKeys
	switch e := profile.Encryption; {
	case e == nil:
	case e.KeyAlgorithm.UsesSecret():
		decrypt = append(decrypt, tokenprofile.DecryptWithSecret(own))
	default:
		decrypt = append(decrypt, tokenprofile.DecryptWith(own))
	}
	if profile.Algorithm.UsesSecret() {
		return profile.SecretVerifier(own, decrypt...)
	}
	return profile.Verifier(public, decrypt...)
}

func (a *admission) authorize(r *http.Request, token *tokenprofile.Token) (context.Context, error) {
	identity, err := a.profile.Identity(r.Context(), token)
	if err != nil {
		return nil, err
	}
	return context.WithValue(r.Context(), identityKey{}, identity), nil
}
