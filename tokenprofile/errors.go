package tokenprofile

import "errors"

// ErrInvalid is behind every refusal that is the token's fault, together with
// one of the reasons below it.
var ErrInvalid = errors.New("invalid token")

// The reasons.
var (
	ErrMalformed   = errors.New("malformed")
	ErrAlgorithm   = errors.New("algorithm not accepted")
	ErrUnknownKey  = errors.New("unknown key")
	ErrSignature   = errors.New("signature does not verify")
	ErrDecryption  = errors.New("decryption failed")
	ErrType        = errors.New("type not accepted")
	ErrCritical    = errors.New("critical header not understood")
	ErrIssuer      = errors.New("issuer not accepted")
	ErrAudience    = errors.New("audience not accepted")
	ErrSubject     = errors.New("subject not accepted")
	ErrClaim       = errors.New("claim not accepted")
	ErrExpired     = errors.New("expired")
	ErrNotYetValid = errors.New("not yet valid")
	ErrLifetime    = errors.New("lifetime too long")
	ErrReplayed    = errors.New("already used")
)
