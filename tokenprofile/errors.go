package tokenprofile

import "errors"

// ErrInvalid is behind every refusal that is the token's fault, together with
// its reason, such as [ErrExpired]: [errors.Is] answers for both.
var ErrInvalid = errors.New("invalid token")

// The reasons of a refusal.
var (
	// ErrMalformed: not a token, not canonical, not strict JSON, beyond a limit,
	// or with a header parameter that is never accepted.
	ErrMalformed = errors.New("malformed")
	// ErrAlgorithm: alg or enc is not the profile's.
	ErrAlgorithm = errors.New("algorithm not accepted")
	// ErrUnknownKey: the source has no key with this kid that fits.
	ErrUnknownKey = errors.New("unknown key")
	// ErrSignature: the signature is not the key's.
	ErrSignature = errors.New("signature does not verify")
	// ErrDecryption: every fault of an encrypted token that its header does not
	// show to everyone. They all look the same, so that nobody learns from the
	// difference.
	ErrDecryption = errors.New("decryption failed")
	// ErrType: typ or cty is not the profile's.
	ErrType = errors.New("type not accepted")
	// ErrCritical: the header demands what the profile does not declare.
	ErrCritical = errors.New("critical header not understood")
	// ErrHeader: a header parameter is missing, or does not have the value
	// demanded.
	ErrHeader = errors.New("header not accepted")
	// ErrIssuer: iss is missing or not the profile's.
	ErrIssuer = errors.New("issuer not accepted")
	// ErrAudience: aud, or the claim in its place, is missing or does not name the profile's audience, or names others too where it may not.
	ErrAudience = errors.New("audience not accepted")
	// ErrSubject: sub is not the profile's, or not a string.
	ErrSubject = errors.New("subject not accepted")
	// ErrClaim: another claim is missing, has the wrong type, or does not have the
	// value demanded.
	ErrClaim = errors.New("claim not accepted")
	// ErrExpired: exp has passed, leeway included.
	ErrExpired = errors.New("expired")
	// ErrNotYetValid: nbf or iat lies in the future, leeway included.
	ErrNotYetValid = errors.New("not yet valid")
	// ErrLifetime: the token lives longer than the profile allows.
	ErrLifetime = errors.New("lifetime too long")
	// ErrReplayed: the token is for one use and was used before.
	ErrReplayed = errors.New("already used")
)

// A refusal is an error that is the token's fault. Its text says what was
// wrong with which part, never what the part contained: it ends up in logs.
type refusal struct {
	reason error
	detail string
}

func refuse(reason error, detail string) error { return &refusal{reason, detail} }

func (r *refusal) Error() string {
	text := "tokenprofile: " + ErrInvalid.Error() + ": " + r.reason.Error()
	if r.detail == "" {
		return text
	}
	return text + ": " + r.detail
}

func (r *refusal) Unwrap() []error { return []error{ErrInvalid, r.reason} }

// A veiled error keeps its cause for [errors.Is] and [errors.As] alone: the
// text of the cause may quote a value.
type veiled struct {
	text  string
	cause error
}

func (e *veiled) Error() string { return e.text }

func (e *veiled) Unwrap() error { return e.cause }
