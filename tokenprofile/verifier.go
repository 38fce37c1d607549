package tokenprofile

import "context"

// A Verifier admits tokens of one profile. It is safe for concurrent use.
type Verifier struct{}

// Verify returns the token if it is right in every point. An error that wraps
// [ErrInvalid] is the token's fault; any other means that it could not be
// judged, [keystore.ErrUnavailable] that the keys could not be had.
func (v *Verifier) Verify(ctx context.Context, token string) (*Token, error) { return nil, errNotBuilt }

// Profile returns the profile the verifier was made of.
func (v *Verifier) Profile() Profile { return Profile{} }

// Issuers admits the tokens of several issuers, each by its own verifier.
type Issuers struct{}

// ByIssuer puts several verifiers behind one. The iss claim chooses, before
// any key is looked up.
func ByIssuer(verifiers ...*Verifier) (*Issuers, error) { return nil, errNotBuilt }

// Verify is [Verifier.Verify] of the verifier whose profile has the token's issuer.
func (i *Issuers) Verify(ctx context.Context, token string) (*Token, error) { return nil, errNotBuilt }
