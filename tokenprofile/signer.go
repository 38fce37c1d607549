package tokenprofile

import (
	"context"
	"time"
)

// A Signer writes tokens of one profile. It is safe for concurrent use.
type Signer struct{}

// Sign returns a token with the profile's claims and those given, a struct or
// a map. Claims add to the profile and never override it.
func (s *Signer) Sign(ctx context.Context, claims any) (string, error) { return "", errNotBuilt }

// Token returns a token with the profile's claims, and its expiry.
func (s *Signer) Token(ctx context.Context) (token string, expiry time.Time, err error) {
	return "", time.Time{}, errNotBuilt
}

// TokenWith is [Signer.Sign] that also returns the expiry.
func (s *Signer) TokenWith(ctx context.Context, claims any) (token string, expiry time.Time, err error) {
	return "", time.Time{}, errNotBuilt
}

// Profile returns the profile the signer was made of.
func (s *Signer) Profile() Profile { return Profile{} }

// OneUse reports whether each token is for one request: [Profile.OneUse].
func (s *Signer) OneUse() bool { return false }
