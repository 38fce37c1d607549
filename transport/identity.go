package transport

import "context"

type identityKey struct{}

// IdentityFromContext returns who the user is here, as the [GuardProfile] of
// the guard in front says, or false if it says nothing.
func IdentityFromContext(ctx context.Context) (identity string, ok bool) {
	identity, ok = ctx.Value(identityKey{}).(string)
	return identity, ok
}
