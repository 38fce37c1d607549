package transport

import "context"

type identityKey struct{}

// IdentityFromContext is who the user is here, as the [GuardProfile] of the
// guard in front says. It is false where that says nothing.
func IdentityFromContext(ctx context.Context) (identity string, ok bool) {
	identity, ok = ctx.Value(identityKey{}).(string)
	return identity, ok
}
